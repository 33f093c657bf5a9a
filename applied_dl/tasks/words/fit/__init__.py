"""How word vectors are trained."""
