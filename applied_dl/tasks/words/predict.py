"""Words in, vectors and neighbours out: the part of the word task that needs no TensorFlow."""

from __future__ import annotations

import numpy as np

from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.words.encoder import MOST_WORDS, WordEncoder, joined, load, rows_of
from applied_dl.tasks.words.vectors import WordVectors
from applied_dl.text.inputs import as_texts, check_nearest, expand_inputs, input_batches, raw_inputs, text_of
from applied_dl.text.vector_files import is_vector_file
from applied_dl.text.word_tokens import tokens

load_encoder = load
AT_ONCE = None
INPUT = "text"
DIGITS = 6
SOME_WORDS, CHECKED = 4, 10_000  # words, and characters that are checked, of a text that may be unlike the training text
LONGEST_TEXT = 2**18  # characters of a text that are read


class Lookup:
    """The mean of rows (N, D) of a table in memory, called as the graph of a bundle is."""

    def __init__(self, vectors: np.ndarray):
        self.table = np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors])

    def run(self, inputs: dict[str, np.ndarray], batch: int = 256) -> dict[str, np.ndarray]:
        """{"ids": (N, T)} → {"vector": (N, D)}."""
        ids = inputs["ids"]
        return {"vector": self.table[ids].sum(1) / np.maximum((ids > 0).sum(1, keepdims=True), 1)}


def open_vectors(path) -> tuple[WordEncoder, Lookup]:
    """The encoder and the lookup of a file of word vectors. Raises `DataError` where it is none."""
    table = WordVectors.load(path)
    cased = any(word != word.lower() for word in table.words[:CHECKED])
    encoder = WordEncoder(words=table.words, lowercase=not cased, arrays={"vectors": table.vectors})
    return encoder, Lookup(table.vectors)


def examples(encoder: WordEncoder) -> list[str]:
    """Words of the vocabulary, alone and in a line with others, and one that is written otherwise."""
    known = encoder.words[: 2 * SOME_WORDS]
    return [*known[:2], f"{' '.join(known)}, ünusual Wörds 🙂 it’s 42!", f" {known[-1].upper()} e\u0301te\u0301 "]


def encode(encoder: WordEncoder, inputs: list) -> Encoded:
    """Words, phrases or lines → rows of the table `ids` (N, T) int32, 0 where there is none; an error sentence for what has no vector."""
    found, kept, errors, texts, cut = [], [], {}, [], 0
    for place, item in enumerate(as_texts(inputs)):
        text, wrong = text_of(item, place, "a word or a text")
        rows = rows_of(encoder, text[:LONGEST_TEXT])
        if wrong or not rows:
            errors[place] = wrong or _unknown(encoder, text)
            continue
        cut += len(text) > LONGEST_TEXT or len(text) > MOST_WORDS and len(tokens(text, encoder.lowercase)) > MOST_WORDS
        found.append(rows)
        kept.append(place)
        texts.append(text)
    ids = np.zeros((len(found), max(map(len, found), default=1)), np.int32)
    for i, rows in enumerate(found):
        ids[i, : len(rows)] = rows
    warnings = [f"{cut} of {len(texts)} texts are longer than {MOST_WORDS:,} words; the rest is not read"] if cut else []
    return Encoded(inputs={"ids": ids}, kept=kept, errors=errors, warnings=warnings + _unlike(encoder, texts))


def _unlike(encoder: WordEncoder, texts: list[str]) -> list[str]:
    """A warning where most words of a text are unknown: its vector comes from the others, or from sub-words."""
    odd = []
    for text in texts:
        words = joined(encoder, tokens(text[:CHECKED], encoder.lowercase))
        if len(words) >= SOME_WORDS and 2 * sum(word in encoder.places for word in words) < len(words):
            odd.append(text)
    return (
        [f"{len(odd)} of {len(texts)} texts are unlike the training text: most of their words are unknown ({odd[0][:40]!r})"] if odd else []
    )


def postprocess(encoder: WordEncoder, outputs: dict, encoded: Encoded, *, nearest: int | None = None) -> list[dict]:
    """`{"vector": [...]}` each; with `nearest`, the words that are most alike, by cosine."""
    vectors = outputs["vector"]
    near = [None] * len(vectors)
    check_nearest(nearest)
    if nearest is not None:
        table = WordVectors(encoder.words, encoder.arrays["vectors"])
        own = [[row - 1 for row in ids if 0 < row <= len(encoder.words)] for ids in encoded.inputs["ids"].tolist()]
        near = table.nearest(vectors, nearest, own)
    answers = []
    for vector, words in zip(vectors, near):
        found = {} if words is None else {"nearest": [{"word": word, "similarity": round(s, DIGITS)} for word, s in words]}
        answers.append({**found, "vector": [round(float(v), DIGITS) for v in vector]})
    return answers


def _unknown(encoder: WordEncoder, text: str) -> str:
    shown = text.strip()[:40]
    if not shown:
        return "the input is empty; give a word."
    import difflib

    close = difflib.get_close_matches(shown.lower(), encoder.words[:20_000], n=1, cutoff=0.75)
    hint = f" Did you mean {close[0]!r}?" if close else " Give a word of the vocabulary, or train with preprocess.ngrams."
    return f"{shown!r} holds no word of the {len(encoder.words):,} with a vector.{hint}"


__all__ = [
    "INPUT", "AT_ONCE", "encode", "examples", "expand_inputs", "input_batches", "is_vector_file", "load_encoder", "open_vectors",
    "postprocess", "raw_inputs",
]  # fmt: skip
