"""Embedding initialisation of a sub-word table: norms by rarity, as in TF-IDF, and directions from factorised neighbour counts.

A mean of random vectors compares texts by the words they share, as TF-IDF does; a mean of factorised counts also knows words with similar
neighbours (Levy and Goldberg, 2014), minus the directions that all texts share (Arora et al., 2017; Mu and Viswanath, 2018). The initial
table mixes both, so that fewer epochs are enough and words that occur in few pairs get a useful vector too. The share of each and the
window were chosen on the validation rows of the default corpus and on STS-B dev.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.encoder import SubwordEncoder, vocabulary_of
from applied_dl.text.counts import cooccurrences, factorised, positive_pmi
from applied_dl.text.encoded_text import Text
from applied_dl.text.subwords import english
from applied_dl.text.vector_files import read_vectors

WINDOW = 20  # sub-words either way that count as neighbours
COLUMNS = 8  # tokens per column of the factorisation: with as many columns as tokens, every token would be orthogonal to the others
COMMON, EACH = 8, 16  # directions shared by all texts that are removed, at most one per so many columns
SAMPLE = 30_000  # texts that they are estimated on
COUNTS = 0.7  # share of the factorised counts in the initial vectors; the random rest keeps every sub-word distinct


def initialize_embedding(model: keras.Model, ids: np.ndarray, padding: int, how: str, seed: int) -> None:
    """Initialise the layer "table" for the texts `ids` (N, T): norms by `rarity`, directions random ("random") or from counts ("svd")."""
    layer = model.get_layer("table")
    table = layer.embeddings.numpy()
    if how == "random":
        layer.embeddings.assign(table * rarity(ids, len(table), padding)[:, None])
        return
    with console.timed("counts", "neighbours counted and factorised"):
        layer.embeddings.assign(svd_embedding(table, ids, padding, seed))


def initialize_english(model: keras.Model) -> None:
    """Initialise the layer "table" by the sub-word vectors of the package, which already weigh rare sub-words more."""
    model.get_layer("table").embeddings.assign(english().vectors)


def initialize_from_file(model: keras.Model, ids: np.ndarray, encoder: SubwordEncoder, path: str) -> None:
    """Initialise the layer "table" by a file of word vectors where a token is a word of it; norms by `rarity`, the mean norm stays.

    Raises:
        DataError: where no token is a word of the file.
    """
    layer = model.get_layer("table")
    table, (words, vectors) = layer.embeddings.numpy(), read_vectors(path)
    place = {word.lower(): row for row, word in reversed(list(enumerate(words)))}
    place |= {word: row for row, word in reversed(list(enumerate(words)))}  # as it is written where both are there
    rows = np.array([place.get(token, -1) for token in vocabulary_of(encoder)])
    known = rows >= 0
    if not known.any():
        raise DataError(f"{path!r} holds none of the {len(rows):,} sub-words of the texts; is it of another language or case?")
    norm = np.linalg.norm(table, axis=1).mean()
    table[known] = _unit(vectors[rows[known]]) * norm
    layer.embeddings.assign(table * rarity(ids, len(table), encoder.padding)[:, None])
    console.say("vectors", f"{known.sum():,} of {len(rows):,} sub-words start from {Path(path).name}")


def rarity(ids: np.ndarray, size: int, padding: int) -> np.ndarray:
    """(size,) inverse document frequency of each token over the texts (N, T), at least 0.1; scaled to mean 1 over those that occur."""
    ordered = np.sort(ids, axis=1)
    once = np.where(np.diff(ordered, axis=1, prepend=-1) != 0, ordered, padding)  # each token of a text once
    held = np.bincount(once.ravel(), minlength=size).astype(np.float64)
    weight = np.log(len(ids) / (1 + held)).clip(0.1)
    return (weight / weight[held > 0].mean()).astype(np.float32)


def svd_embedding(table: np.ndarray, ids: np.ndarray, padding: int, seed: int) -> np.ndarray:
    """A random `table` (V, D) mixed with the factorised counts of the texts `ids` (N, T), scaled by `rarity`; the mean norm stays."""
    weight = rarity(ids, len(table), padding)[:, None]
    columns = min(table.shape[1], max(1, len(table) // COLUMNS))
    counts = positive_pmi(cooccurrences(text_of(ids, padding, len(table)), WINDOW))
    known = _unit(factorised(counts, columns, seed, power=0.0, passes=1))
    some = np.random.default_rng(seed).permutation(len(ids))[:SAMPLE]
    known = _unit(without_common(known, _pooled(known * weight, ids[some], padding)))
    known = np.pad(known, ((0, 0), (0, table.shape[1] - columns)))
    mixed = (COUNTS * known + (1 - COUNTS) * _unit(table)) * weight
    used = np.unique(ids[ids != padding])
    return mixed * np.float32(np.linalg.norm(table[used], axis=1).mean() / np.linalg.norm(mixed[used], axis=1).mean())


def text_of(ids: np.ndarray, padding: int, size: int) -> Text:
    """Texts (N, T), padded, as one stream of tokens."""
    real = ids != padding
    flat, lengths = ids[real].astype(np.int32), real.sum(1)
    return Text(flat, np.cumsum(lengths[lengths > 0]), np.bincount(flat, minlength=size))


def without_common(table: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """`table` (V, D) without the leading directions of the `vectors` (N, D); a mean is linear, so texts lose them too."""
    x = _unit(vectors)
    x = x - x.mean(0)
    spread, directions = np.linalg.eigh(x.T @ x)
    top = directions[:, np.argsort(spread)[::-1][: min(COMMON, len(spread) // EACH)]].astype(np.float32)
    return table - (table @ top) @ top.T


def _pooled(table: np.ndarray, ids: np.ndarray, padding: int) -> np.ndarray:
    """Sums of rows (N, D) of the texts."""
    import scipy.sparse as sp

    real = ids != padding
    ends = np.r_[0, np.cumsum(real.sum(1))]
    return sp.csr_matrix((np.ones(ends[-1], np.float32), ids[real], ends), shape=(len(ids), len(table))) @ table


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
