"""A text as its words: an absent word is taken out of the text."""

from __future__ import annotations

import numpy as np

from applied_dl.runtime.interpreter import Encoded
from applied_dl.runtime.shapley import Parts
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts
from applied_dl.text.inputs import as_texts
from applied_dl.text.markup import tidy

MOST_PARTS = 48  # longer texts are cut into so many runs of words


def parts(encoder: SubwordEncoder, inputs, encoded: Encoded, row: int, golden: dict[str, np.ndarray]) -> list[tuple[str, Parts]]:
    """One entry, for the text; the arguments are those of the other tasks (`tasks.tabular.explain.parts`)."""
    text = str(as_texts(inputs)[encoded.kept[row]])
    words = (tidy(text, True) if encoder.html else text).split()
    runs = [" ".join(run) for run in np.array_split(np.array(words, object), min(len(words), MOST_PARTS))]

    def mixed(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        texts = [" ".join(run for run, here in zip(runs, mask) if here) for mask in present]
        return {encoder.input: encode_texts(encoder, texts, None if encoder.tokenizer else encoder.length)}

    return [("", Parts(kind="word", names=runs, values=runs, absent="nothing: the word is taken out", mixed=mixed))]
