"""Texts in, vectors out: the part of the sentence task that needs no TensorFlow. And a small exact index of vectors."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, load, strangeness
from applied_dl.text.inputs import as_texts, check_nearest, expand_inputs, input_batches, raw_inputs, text_of
from applied_dl.text.markup import tidy
from applied_dl.text.nearest import nearest_rows
from applied_dl.text.string_arrays import vocabulary_arrays, vocabulary_words
from applied_dl.text.word_tokens import in_word

load_encoder = load
AT_ONCE = None
INPUT = "text"
DIGITS = 6
THRESHOLD = 0.5  # of the probability, from which on one of several labels is given
MARGIN, LEAST = 1.25, 0.1  # beyond the usual strangeness of the training texts, from which a text is reported as unlike them
ROUND = 16  # widths are multiples of it, so that the interpreter rarely has to be resized


EXAMPLES = (
    "A man is playing a guitar.",
    "Ünusual wörds, 🙂 it’s 42% e\u0301te\u0301 — R&amp;D was <b>great</b>!",
    "日本語の文 и русский текст",
    "word " * 400,
)


def examples(encoder: SubwordEncoder) -> list[str]:
    """A sentence, one of odd characters and markup, one of other scripts, and a long one."""
    return list(EXAMPLES)


def encode(encoder: SubwordEncoder, inputs: list) -> Encoded:
    """Texts → `ids` or `bytes` int32 (N, T); a text without a single readable character gets an error sentence."""
    texts, kept, errors = [], [], {}
    for place, item in enumerate(as_texts(inputs)):
        text, wrong = text_of(item, place, "a text")
        if wrong:
            errors[place] = wrong
            continue
        text = text.encode("utf-8", errors="replace").decode("utf-8")  # lone surrogates
        text = tidy(text, True) if encoder.html else text
        if not "".join(c for c in text if c.isprintable()).strip():
            errors[place] = f"input {place + 1} is empty; give a text with at least one character."
            continue
        texts.append(text)
        kept.append(place)
    ids = encode_texts(encoder, texts, None if encoder.tokenizer else encoder.length)
    used = (ids != encoder.padding).sum(1)
    if not encoder.tokenizer:
        worded = [any(map(in_word, bytes(row.astype(np.uint8)).decode("utf-8", "ignore"))) for row in ids]
        used = used * np.array(worded, bool)
    for row in np.flatnonzero(used == 0)[::-1]:
        errors[kept.pop(row)] = f"{texts.pop(row)[:40]!r} holds nothing that the model reads; give a text with letters or digits."
    ids, used = ids[used > 0], used[used > 0]
    cut = int((used >= encoder.length).sum())
    warnings = [f"{cut} of {len(texts)} texts reach the model's {encoder.length} tokens; the rest is not read"] if cut else []
    warnings += _unlike(encoder, texts, ids)
    if encoder.tokenizer:
        wide = -(-ids.shape[1] // ROUND) * ROUND
        ids = np.pad(ids, ((0, 0), (0, min(wide, max(encoder.length, ids.shape[1])) - ids.shape[1])), constant_values=encoder.padding)
    return Encoded(inputs={encoder.input: ids}, kept=kept, errors=errors, warnings=warnings)


def postprocess(
    encoder: SubwordEncoder, outputs: dict, encoded: Encoded, *, nearest: int | None = None, top: int = 5, vector: bool | None = None
) -> list[dict]:
    """Answers, one per text.

    Args:
        nearest: how many of the bundle's training texts that are most similar to name, as `"nearest"`.
        top: how many labels to name.
        vector: whether to give `"vector"`; by default only models without a classifier do.

    Returns:
        `{"label", "probability", "top"}`, or `{"labels", "top"}` where a text may have several labels, or `{"vector"}`.
    """
    check_nearest(nearest)
    if top < 1:
        raise UsageError(f"top must be at least 1, received {top}.")
    classes = outputs.get("probabilities")
    near = _nearest(encoder, outputs["vector"], nearest) if nearest is not None else None
    answers = []
    for i, own in enumerate(outputs["vector"]):
        answer: dict = {} if classes is None else _named(encoder, classes[i], top)
        if near is not None:
            answer["nearest"] = near[i]
        if vector or (vector is None and classes is None):
            answer["vector"] = [round(float(v), DIGITS) for v in own]
        answers.append(answer)
    return answers


def _named(encoder: SubwordEncoder, probabilities: np.ndarray, top: int) -> dict:
    """The label of a text, or its labels, and the most probable ones."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = [{"label": encoder.labels[k], "probability": float(probabilities[k])} for k in order[:top]]
    if encoder.multi_label:
        return {"labels": [encoder.labels[k] for k in order if probabilities[k] >= THRESHOLD], "top": ranked}
    return {**ranked[0], "top": ranked}


def _unlike(encoder: SubwordEncoder, texts: list[str], ids: np.ndarray) -> list[str]:
    """A warning where texts split into far smaller or more unknown pieces than the training texts: another language, or no text."""
    if not texts:
        return []
    odd = (strangeness(encoder, texts, ids) > np.array(encoder.usual) * MARGIN + LEAST).any(1)
    if not odd.any():
        return []
    example = texts[int(odd.argmax())][:40]
    return [f"{int(odd.sum())} of {len(texts)} texts are unlike the training texts: the tokenizer does not know their words ({example!r})"]


class SentenceIndex:
    """Texts and their unit vectors (M, D) float32; nearest ones by exact search in blocks (a million need no cleverer index)."""

    def __init__(self, texts: list[str], vectors: np.ndarray):
        vectors = np.asarray(vectors)
        if vectors.ndim != 2 or len(texts) != len(vectors):
            raise UsageError(f"An index needs one vector a text, received {len(texts)} texts and an array of shape {vectors.shape}.")
        self.texts, self.vectors = list(texts), np.ascontiguousarray(vectors, np.float32)

    @classmethod
    def build(cls, predictor, texts: list[str]) -> SentenceIndex:
        """Encode texts with a predictor; those that cannot be read are dropped. Raises `DataError` where none can be read."""
        texts = list(texts)
        encoded = predictor.encode(texts)
        if not encoded.kept:
            why = f": {next(iter(encoded.errors.values()))}" if encoded.errors else "."
            raise DataError(f"Of {len(texts)} texts none can be read, so there is nothing to search{why}")
        return cls([texts[i] for i in encoded.kept], predictor.run(encoded.inputs)["vector"])

    def nearest(self, vectors: np.ndarray, count: int = 5) -> list[list[tuple[str, float]]]:
        """For each query (N, D), the `count` most similar texts with their cosine, best first.

        Raises `UsageError` for vectors of another shape or not finite, and a count below 1.
        """
        return [[(self.texts[p], float(s)) for p, s in zip(*row)] for row in nearest_rows(vectors, self.vectors, count)]

    def save(self, path: str | Path) -> None:
        """Write one `.npz`: texts as UTF-8 bytes with their ends, vectors as float32."""
        np.savez(path, **vocabulary_arrays(self.texts), vectors=self.vectors)

    @classmethod
    def load(cls, path: str | Path) -> SentenceIndex:
        """Read what `save` wrote. Raises `DataError` where it is no index."""
        try:
            with np.load(path, allow_pickle=False) as file:
                texts, vectors, ends = vocabulary_words(file), file["vectors"], file["ends"]
                size = len(file["words"])
            if vectors.ndim != 2 or len(vectors) != len(texts) or (np.diff(ends, prepend=0, append=size) < 0).any():
                raise ValueError(f"{len(texts)} texts in {size} bytes do not fit vectors of shape {vectors.shape}")
            return cls(texts, vectors)
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
            raise DataError(f"{str(path)!r} is no sentence index: {error}.") from error


def _nearest(encoder: SubwordEncoder, vectors: np.ndarray, count: int) -> list[list[dict]]:
    if not encoder.index:
        raise UsageError("This bundle keeps no texts to compare with (predict.index was 0); build a SentenceIndex of your own.")
    index = SentenceIndex(encoder.index["texts"], encoder.index["vectors"])
    return [[{"text": text, "similarity": round(s, DIGITS)} for text, s in row] for row in index.nearest(vectors, count)]


__all__ = ["INPUT", "AT_ONCE", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs"]
