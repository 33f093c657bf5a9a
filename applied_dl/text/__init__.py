"""What words and sentences share: corpora, tokens, co-occurrence counts and text models."""
