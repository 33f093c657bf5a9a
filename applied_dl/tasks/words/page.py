"""The page of words: their neighbours, and the similarity of two texts."""

from __future__ import annotations

from applied_dl.core.page_parts import PageParts, json_block
from applied_dl.tasks.words.encoder import WordEncoder
from applied_dl.tasks.words.predict import examples
from applied_dl.text.page_blocks import MOST_VECTORS, WIDEST, vectors_block


def page_parts(encoder: WordEncoder) -> PageParts:
    """What its page consists of."""
    vectors = encoder.arrays["vectors"][:MOST_VECTORS]
    few = f"the {MOST_VECTORS:,} most frequent words, with vectors " if len(vectors) < len(encoder.words) else "vectors "
    state = {"words": encoder.words, "lowercase": encoder.lowercase, "ngrams": encoder.ngrams, "buckets": encoder.buckets}
    return PageParts(
        modules=("text", "words", "subwords", "answers", "view_text"),
        encoder={},
        rules="text",
        form={"vectors": vectors.shape, "padding": encoder.padding, "similarity": True, "text": encoder.words[0]},
        examples=tuple(examples(encoder)),
        limits=(f"Neighbours are searched among {few}of half precision.", f"Of a text, {WIDEST} words and sub-words are read."),
        blocks={"state": json_block(state), "vectors": vectors_block(vectors)},
        length=WIDEST,
        padding=encoder.padding,
    )
