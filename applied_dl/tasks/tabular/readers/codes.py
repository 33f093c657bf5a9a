"""Whole numbers that are codes, such as postal codes or shop numbers: neighbours have nothing in common, equal values have."""

from __future__ import annotations

import numpy as np

LEVELS = 8, 1000  # fewest and most different codes
ROWS_PER_LEVEL = 4.0  # mean number of rows of a code
MOST_ROWS = 20_000
GAIN = 0.02  # share of the variance that the codes explain beyond their order
SHARE = 0.3  # of what the codes explain, that their order does not
DEVIATIONS = 5.0  # by which that has to exceed 0
FOLDS = 5


def act_as_categories(values: np.ndarray, y: np.ndarray) -> bool:
    """Whether the target depends on the identity of whole numbers and not on their order.

    Two predictions of held-out rows are compared: the mean target of rows with the same value, and the mean target of the rows with the
    neighbouring values. Where the order matters, neighbours predict nearly as well; where the values are codes, they do not.

    Args:
        values: (N,) whole numbers without NaN.
        y: (N, K) targets.
    """
    if len(values) > MOST_ROWS:
        rows = np.random.default_rng(0).permutation(len(values))[:MOST_ROWS]
        values, y = values[rows], y[rows]
    levels, code = np.unique(values, return_inverse=True)
    if not LEVELS[0] <= len(levels) <= LEVELS[1] or len(values) < ROWS_PER_LEVEL * len(levels):
        return False
    total = ((y - y.mean(0)) ** 2).sum()
    if total <= 0:
        return False
    fold = np.random.default_rng(0).integers(0, FOLDS, len(values))
    gain, missed = np.empty(len(values)), np.empty(len(values))
    for i in range(FOLDS):
        train, held = fold != i, fold == i
        own, near = _level_means(code[train], y[train], len(levels))
        missed[held] = ((y[held] - own[code[held]]) ** 2).sum(1)
        gain[held] = ((y[held] - near[code[held]]) ** 2).sum(1) - missed[held]
    beyond_order, explained = gain.sum() / total, 1 - missed.sum() / total
    error = gain.std() * np.sqrt(len(gain)) / total
    return bool(beyond_order > max(GAIN, DEVIATIONS * error, SHARE * explained))


def _level_means(code: np.ndarray, y: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean targets (levels, K) of each value, shrunk to the mean of all, and of the values around it, without itself."""
    count = np.bincount(code, minlength=levels).astype(float)[:, None]
    total = np.stack([np.bincount(code, column, minlength=levels) for column in y.T], axis=1)
    mean = y.mean(0)
    own = (total + mean) / (count + 1)
    reach = np.arange(1, 4)  # the three neighbours on each side, nearer ones weigh more
    weight, weighted = np.zeros_like(count), np.zeros_like(total)
    for step in reach:
        for shifted in (slice(step, None), slice(None, -step)):
            other = slice(None, -step) if shifted.start else slice(step, None)
            weight[shifted] += count[other] / step
            weighted[shifted] += total[other] / step
    near = (weighted + mean) / (weight + 1)
    return own, near
