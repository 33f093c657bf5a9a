"""95 % intervals of a score: percentile bootstrap over rows, and Wilson's for a share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LEVEL = (2.5, 97.5)


def bootstrap(metric: Callable[..., float], *arrays: np.ndarray, seed: int = 0, repeats: int = 500) -> tuple[float, float]:
    """Percentile interval of `metric(*arrays)` over resampled rows (Efron, 1979)."""
    random, rows = np.random.default_rng(seed), len(arrays[0])
    values = []
    for _ in range(repeats):
        index = random.integers(0, rows, rows)
        values.append(metric(*(array[index] for array in arrays)))
    low, high = np.nanpercentile(values, LEVEL)
    return float(low), float(high)


def bootstrap_mean(values: np.ndarray, seed: int = 0, repeats: int = 500, transform: Callable = lambda x: x) -> tuple[float, float]:
    """Interval of `transform(mean)` of per-row values (N,): the fast form for losses that are means over rows."""
    random, rows = np.random.default_rng(seed), len(values)
    means = np.array([values[random.integers(0, rows, rows)].mean() for _ in range(repeats)])
    low, high = np.percentile(transform(means), LEVEL)
    return float(low), float(high)


def wilson(successes: int, rows: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share (1927): honest near 0 and 1, where the normal one is not."""
    if rows == 0:
        return 0.0, 1.0
    share, square = successes / rows, z * z / rows
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * np.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
