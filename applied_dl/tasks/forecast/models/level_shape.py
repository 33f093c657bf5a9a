"""Level and shape: the window folded into periods, a few numbers forecast by ridge, and a profile that is only averaged.

The idea of factoring is FLAIR's (Honda, 2026): whole periods have less noise than steps, and a horizon of H steps is only ⌈H / m⌉ periods
ahead. Here both factors are additive, on the values or on their logarithms; the profile of the last periods is shrunk by as much of it as
noise explains; the changes of the level are regressed on a drift and on the distance to the mean. Those two features are orthogonal, so
every ridge of the grid and its leave-one-out errors have a closed form without a matrix to solve, and all of it is in the exported file.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from applied_dl.tasks.forecast.models.safe import nonzero

SHARES = (0.0, 0.1, 0.3, 0.6, 1.0)  # of the least-squares drift and of the pull to the mean that a ridge of the grid leaves
FADING = 0.7  # weight of a period's profile relative to that of the period after it
FEWEST = 5  # periods below which the level stays where it is
LEAST_ERROR = 1e-6  # of the mean error, for a ridge that fits exactly


def level_shape(x, horizon: int, season: int):
    """Forecast of windows.

    Args:
        x: (N, L) windows, oldest step first; values, or their logarithms for factors that multiply.
        horizon: H, steps ahead.
        season: Steps of a period; 1, or a season of which the window holds less than two, leaves the level alone.

    Returns:
        (N, H).

    Example:
        >>> level_shape(np.tile([1.0, 3.0], (1, 6)), 3, 2)        # [[1., 3., 1.]]
    """
    length = x.shape[1]
    season = season if 1 < season <= length // 2 else 1
    count = length // season
    folded = ops.reshape(x[:, length - count * season :], (-1, count, season))  # (N, n, m)
    level = ops.mean(folded, axis=2)  # (N, n)
    ahead = np.arange(horizon)
    periods = -(-horizon // season)
    found = ops.matmul(_levels(level, periods), _pick(ahead // season, periods))
    if season == 1:
        return found
    return found + ops.matmul(_profile(folded - ops.expand_dims(level, -1)), _pick(ahead % season, season))


def _profile(apart):
    """Distances to their period's level (N, n, m) → the profile (N, m), shrunk towards a flat one as James and Stein do."""
    count, season = apart.shape[1:]
    weights = FADING ** np.arange(count)[::-1]
    weights = (weights / weights.sum()).astype(np.float32)
    mean = ops.sum(apart * weights[:, None], axis=1)  # (N, m)
    residual = ops.sum(ops.square(apart - ops.expand_dims(mean, 1)) * weights[:, None], axis=1)
    noise = ops.mean(residual, axis=1, keepdims=True) * float(np.sum(weights**2) / max(1 - np.sum(weights**2), 1e-6))
    signal = ops.mean(ops.square(mean), axis=1, keepdims=True)
    return mean * ops.maximum(1.0 - noise / nonzero(signal), 0.0)


def _levels(level, steps: int):
    """Levels (N, n) → the next ones (N, steps): ridges of the grid, averaged by their leave-one-out errors."""
    count = level.shape[1]
    last = level[:, -1:]
    if count < FEWEST:
        return last + np.zeros((1, steps), np.float32)
    change, before = level[:, 1:] - level[:, :-1], level[:, :-1]
    rows = count - 1
    center = ops.mean(before, axis=1, keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(before - center), axis=1, keepdims=True))
    away = (center - before) / nonzero(deviation)  # (N, n - 1), of mean 0 and mean square 1, so orthogonal to the constant
    drift, pull = ops.mean(change, axis=1, keepdims=True), ops.mean(change * away, axis=1, keepdims=True)
    drift_share, pull_share = (np.array(column, np.float32)[:, None] for column in zip(*((a, b) for a in SHARES for b in SHARES)))  # (G, 1)
    leverage = (drift_share + pull_share * ops.square(ops.expand_dims(away, 1))) / rows  # (N, G, n - 1)
    fitted = drift_share * ops.expand_dims(drift, 1) + pull_share * ops.expand_dims(pull * away, 1)
    errors = ops.mean(ops.square((ops.expand_dims(change, 1) - fitted) / ops.maximum(1.0 - leverage, 0.05)), axis=2)  # (N, G)
    weights = ops.softmax(-0.5 * rows * ops.log(errors / nonzero(ops.mean(errors, axis=1, keepdims=True)) + LEAST_ERROR), axis=1)
    drift = drift * ops.matmul(weights, drift_share)
    rate = ops.clip(1.0 - pull * ops.matmul(weights, pull_share) / nonzero(deviation), 1e-3, 1.0)  # of the distance to the mean, kept
    powers = ops.exp(ops.log(rate) * np.arange(1, steps + 1, dtype=np.float32))  # (N, steps)
    sums = ops.matmul(ops.concatenate([ops.ones_like(rate), powers[:, :-1]], axis=1), np.triu(np.ones((steps, steps), np.float32)))
    return center + powers * (last - center) + sums * drift


def _pick(places: np.ndarray, count: int) -> np.ndarray:
    """(count, H): a product with it takes the columns `places`."""
    return np.eye(count, dtype=np.float32)[places].T
