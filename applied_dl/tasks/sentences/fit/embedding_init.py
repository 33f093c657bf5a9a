"""Where a table of sub-words starts: as long as TF-IDF has them, and pointing where the counts of their neighbours say.

A mean of vectors that know nothing compares texts by the words they share, as TF-IDF does; one of factorised counts knows words of like
company too (Levy and Goldberg, 2014), less what all texts have in common (Arora et al., 2017; Mu and Viswanath, 2018). A start holds
some of each, so that fewer passes over the pairs are enough, and words that few pairs show are placed at all. How much, and over how many
neighbours, was chosen on the validation rows of the default corpus and on STS-B dev.
"""

from __future__ import annotations

import keras
import numpy as np

from applied_dl.core import console
from applied_dl.text.counts import cooccurrences, factorised, positive_pmi
from applied_dl.text.encoded_text import Text

WINDOW = 20  # sub-words either way that count as neighbours
COLUMNS = 8  # tokens for each column of the counts: with as many columns as tokens, all would be unlike each other
COMMON, EACH = 8, 16  # directions that all texts share, taken out; one for so many columns at most
LOOKED_AT = 30_000  # texts that show them
KNOWN = 0.7  # share of the counts in a start; the rest tells every sub-word from every other


def start_table(model: keras.Model, ids: np.ndarray, padding: int, how: str, seed: int) -> None:
    """First vectors of the layer "table" for the texts `ids` (N, T): by `rarity`, "random" or by the counts of neighbours ("svd")."""
    layer = model.get_layer("table")
    table = layer.embeddings.numpy()
    if how == "random":
        layer.embeddings.assign(table * rarity(ids, len(table), padding)[:, None])
        return
    with console.timed("counts", "neighbours counted and factorised"):
        layer.embeddings.assign(counted_start(table, ids, padding, seed))


def rarity(ids: np.ndarray, size: int, padding: int) -> np.ndarray:
    """(size,) the logarithm of how few of the texts (N, T) hold each token, at least 0.1; 1 on average for those that occur."""
    ordered = np.sort(ids, axis=1)
    once = np.where(np.diff(ordered, axis=1, prepend=-1) != 0, ordered, padding)  # each token of a text once
    held = np.bincount(once.ravel(), minlength=size).astype(np.float64)
    weight = np.log(len(ids) / (1 + held)).clip(0.1)
    return (weight / weight[held > 0].mean()).astype(np.float32)


def counted_start(table: np.ndarray, ids: np.ndarray, padding: int, seed: int) -> np.ndarray:
    """A random `table` (V, D) with most of each row from the counts of the texts `ids` (N, T), by `rarity`; the mean length stays."""
    weight = rarity(ids, len(table), padding)[:, None]
    columns = min(table.shape[1], max(1, len(table) // COLUMNS))
    counts = positive_pmi(cooccurrences(text_of(ids, padding, len(table)), WINDOW))
    known = _unit(factorised(counts, columns, seed, power=0.0, passes=1))
    some = np.random.default_rng(seed).permutation(len(ids))[:LOOKED_AT]
    known = _unit(without_common(known, _pooled(known * weight, ids[some], padding)))
    known = np.pad(known, ((0, 0), (0, table.shape[1] - columns)))
    start = (KNOWN * known + (1 - KNOWN) * _unit(table)) * weight
    used = np.unique(ids[ids != padding])
    return start * np.float32(np.linalg.norm(table[used], axis=1).mean() / np.linalg.norm(start[used], axis=1).mean())


def text_of(ids: np.ndarray, padding: int, size: int) -> Text:
    """Texts (N, T), padded, as one stream of tokens."""
    real = ids != padding
    flat, lengths = ids[real].astype(np.int32), real.sum(1)
    return Text(flat, np.cumsum(lengths[lengths > 0]), np.bincount(flat, minlength=size))


def without_common(table: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """`table` (V, D) without the leading directions of the `vectors` (N, D): the mean of texts is linear, so it is gone from them too."""
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
