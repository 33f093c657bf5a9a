"""95% intervals of a metric: percentile bootstrap over rows, and Wilson's interval of a share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LEVEL = (2.5, 97.5)
BLOCKS = 40  # of neighbouring rows; half of them make a half-sample


def half_samples(rows: int, unit: int = 1, repeats: int = 100, seed: int = 0) -> list[np.ndarray]:
    """Row numbers of random half-samples; the spread of a metric over them is its standard error (Shao and Wu, 1989).

    No row is drawn twice, unlike in a bootstrap, where a retrieval would find its own copy. Consecutive rows stay together, in `BLOCKS`
    blocks of whole units, because the windows of a series overlap.

    Args:
        rows: how many rows there are.
        unit: consecutive rows that belong together (2 for pairs of texts).
        repeats: how many half-samples to draw.
        seed: of the random generator.
    """
    units = rows // unit
    blocks = np.array_split(np.arange(units * unit).reshape(units, unit), min(BLOCKS, units))
    random = np.random.default_rng(seed)
    half = max(1, len(blocks) // 2)
    return [np.concatenate([blocks[i] for i in np.sort(random.permutation(len(blocks))[:half])]).ravel() for _ in range(repeats)]


def paired_interval(change: Callable[[np.ndarray], np.ndarray], whole: np.ndarray, rows: int, unit: int = 1) -> list[tuple[float, float]]:
    """95% intervals of differences (K,) between two models on the same rows: what is common to both cancels out.

    Args:
        change: the differences on some row numbers.
        whole: the differences on all rows.
        rows: how many rows there are.
        unit: consecutive rows that belong together.
    """
    halves = np.array([change(half) for half in half_samples(rows, unit)])
    low, high = np.nanpercentile(halves - np.nanmean(halves, axis=0), LEVEL, axis=0)
    return [(float(w + l), float(w + h)) for w, l, h in zip(whole, low, high)]


def bootstrap(metric: Callable[..., float], *arrays: np.ndarray, seed: int = 0, repeats: int = 500) -> tuple[float, float]:
    """Percentile interval of `metric(*arrays)` over resampled rows (Efron, 1979)."""
    random, rows = np.random.default_rng(seed), len(arrays[0])
    values = []
    for _ in range(repeats):
        index = random.integers(0, rows, rows)
        values.append(metric(*(array[index] for array in arrays)))
    low, high = np.nanpercentile(values, LEVEL)
    return float(low), float(high)


def bootstrap_mean(
    values: np.ndarray, seed: int = 0, repeats: int = 500, transform: Callable[[np.ndarray], np.ndarray] = lambda x: x
) -> tuple[float, float]:
    """Interval of `transform(mean)` of values (N,): the fast form for metrics that are means over rows."""
    random, rows = np.random.default_rng(seed), len(values)
    means = np.array([values[random.integers(0, rows, rows)].mean() for _ in range(repeats)])
    low, high = np.percentile(transform(means), LEVEL)
    return float(low), float(high)


def wilson(successes: float, rows: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share (1927); it keeps its coverage near 0 and 1, where the normal interval does not."""
    if rows == 0:
        return 0.0, 1.0
    share, square = successes / rows, z * z / rows
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * np.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
