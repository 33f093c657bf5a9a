"""A text as word ids, and the sampling tables that follow from its counts: subsampling and noise words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOISE_ROWS = 2**20  # of the table that noise words are drawn from
SMOOTHING = 0.75  # exponent of the counts that noise words are drawn by


class Text(NamedTuple):
    """ids (N,) int32 one piece after another, ends (P,) int64 of the pieces, counts (V,)."""

    ids: np.ndarray
    ends: np.ndarray
    counts: np.ndarray


def keep_shares(counts: np.ndarray, sample: float) -> np.ndarray:
    """(V,) float32: the probability that a word is kept, as in word2vec: √(sample / f) + sample / f; 1 where `sample` is 0."""
    if not sample:
        return np.ones(len(counts), np.float32)
    share = counts / counts.sum()
    return np.minimum(1.0, np.sqrt(sample / share) + sample / share).astype(np.float32)


def noise_table(counts: np.ndarray) -> np.ndarray:
    """Words in the proportions of counts^0.75 (NOISE_ROWS or more,) int32."""
    weight = counts.astype(np.float64) ** SMOOTHING
    places = np.maximum(1, np.round(weight / weight.sum() * NOISE_ROWS)).astype(np.int64)
    return np.repeat(np.arange(len(counts), dtype=np.int32), places)


def stretches(ends: np.ndarray, first: int, last: int, words: int) -> list[tuple[int, int]]:
    """Whole pieces of `first` to before `last`, about `words` words at a time: the first piece of each and the one after its last."""
    starts, found = np.r_[0, ends[:-1]], []
    while first < last:
        stop = min(last, max(first + 1, int(np.searchsorted(starts, starts[first] + words, "right"))))
        found.append((first, stop))
        first = stop
    return found
