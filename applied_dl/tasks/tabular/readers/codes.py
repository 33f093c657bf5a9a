"""Whole numbers that are codes, such as postal codes or shop numbers: rows of one value are alike, neighbouring values are not."""

from __future__ import annotations

import numpy as np

LEVELS = 12, 1000  # fewest and most different codes; the bins of a number hold fewer values one by one
ROWS_PER_LEVEL = 4.0  # mean number of rows of a value
LEAST_ROWS = 3  # of a value that is compared
COMMONEST = 0.25  # most rows of one value, which zeros have and codes have not
GAIN = 0.02  # least share of the variance between the values
DEVIATIONS = 5.0  # of the F statistic above its mean
DISORDER = 0.6  # least ratio of von Neumann: 1 where neighbours are as different as any two values, near 0 where the order matters


def act_as_categories(values: np.ndarray, y: np.ndarray) -> bool:
    """Whether the target depends on the identity of whole numbers and not on their order.

    The means of the target by value must differ (analysis of variance), and the mean square difference of neighbouring means must be
    nearly that of any two means (von Neumann's ratio, 1941). Both are corrected for the noise of the means.

    Args:
        values: (N,) whole numbers without NaN.
        y: (N, K) targets, standardised or one-hot.
    """
    levels, code, count = np.unique(values, return_inverse=True, return_counts=True)
    n = len(values)
    if not LEVELS[0] <= len(levels) <= LEVELS[1] or n < ROWS_PER_LEVEL * len(levels) or count.max() > COMMONEST * n:
        return False
    mean = np.stack([np.bincount(code, column) for column in y.T], axis=1) / count[:, None]
    total, within = float(((y - y.mean(0)) ** 2).sum()), float(((y - mean[code]) ** 2).sum())
    free = len(levels) - 1, n - len(levels)
    if total <= 0 or free[1] < 1:
        return False
    noise = within / free[1]  # of one row
    explained = (total - within - free[0] * noise) / total
    f = (total - within) / free[0] / max(noise, 1e-12)
    if explained < GAIN or f < 1 + DEVIATIONS * np.sqrt(2 / free[0] + 2 / free[1]):
        return False
    kept = count >= LEAST_ROWS
    if kept.sum() < LEVELS[0]:
        return False
    means, error = mean[kept], float(np.mean(noise / count[kept]))
    between = float(means.var(0, ddof=1).sum()) - error
    neighbours = float(np.mean((np.diff(means, axis=0) ** 2).sum(1))) / 2 - error
    return between > 0 and neighbours > DISORDER * between
