"""What an epoch of word vectors reads: frequent words thinned out, random windows, noise words; a portion at a time, all in numpy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PORTION = 2**20  # words of the text that are prepared at a time
NOISE_ROWS = 2**20  # of the table that noise words are drawn from
SMOOTHING = 0.75  # exponent of the counts that noise words are drawn by


class Text(NamedTuple):
    """ids (N,) int32 one piece after another, ends (P,) of the pieces, counts (V,)."""

    ids: np.ndarray
    ends: np.ndarray
    counts: np.ndarray


class Portion(NamedTuple):
    """ids (B·n + 2w,) int32 with w of padding on each side, reach to the left and right (B·n,), noise (C·n, K) words."""

    ids: np.ndarray
    left: np.ndarray
    right: np.ndarray
    noise: np.ndarray
    steps: int


def keep_shares(counts: np.ndarray, sample: float) -> np.ndarray | None:
    """The chance of each word to be read (V,) float32 as word2vec has it: √(sample / f) + sample / f; None where all are."""
    if not sample:
        return None
    share = counts / counts.sum()
    return np.minimum(1.0, np.sqrt(sample / share) + sample / share).astype(np.float32)


def noise_table(counts: np.ndarray) -> np.ndarray:
    """Words in the proportions of counts^0.75 (NOISE_ROWS or more,) int32."""
    weight = counts.astype(np.float64) ** SMOOTHING
    places = np.maximum(1, np.round(weight / weight.sum() * NOISE_ROWS)).astype(np.int64)
    return np.repeat(np.arange(len(counts), dtype=np.int32), places)


def stretches(text: Text) -> list[tuple[int, int]]:
    """Whole pieces, about `PORTION` words at a time: first and last-plus-one piece of each."""
    starts = np.r_[0, text.ends[:-1]]
    found, first = [], 0
    while first < len(text.ends):
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + PORTION, "right")))
        found.append((first, min(last, len(text.ends))))
        first = found[-1][1]
    return found


def portion(text: Text, stretch: tuple[int, int], keep, table: np.ndarray, shape, seed: tuple[int, ...]) -> Portion:
    """A stretch of the text made ready; the same for the same seed (numbers of the run, the epoch and the stretch)."""
    rng = np.random.default_rng(seed)
    first, last = stretch
    start = text.ends[first - 1] if first else 0
    ids = np.array(text.ids[start : text.ends[last - 1]])
    piece = np.repeat(np.arange(last - first, dtype=np.int32), np.diff(np.r_[start, text.ends[first:last]]))
    if keep is not None:
        chosen = rng.random(len(ids), dtype=np.float32) < keep[ids]
        ids, piece = ids[chosen], piece[chosen]
    n, at = len(ids), np.arange(len(ids), dtype=np.int32)
    opens = np.r_[True, piece[1:] != piece[:-1]][:n]
    closes = np.r_[opens[1:], True][:n]
    begin = np.maximum.accumulate(np.where(opens, at, 0))
    end = np.minimum.accumulate(np.where(closes, at, n)[::-1])[::-1]
    reach = rng.integers(1, shape.window + 1, n, dtype=np.int32)
    left, right = np.minimum(reach, at - begin), np.minimum(reach, end - at)
    steps = -(-n // shape.words)
    rest = steps * shape.words - n
    noise = table[rng.integers(0, len(table), (steps * shape.chunks, shape.noise), dtype=np.int32)]
    padded = [np.pad(a.astype(np.int32), (0, rest)) for a in (left, right)]
    return Portion(np.pad(ids, (shape.window, shape.window + rest)), *padded, noise, steps)
