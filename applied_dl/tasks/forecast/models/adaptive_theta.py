"""Theta whose smoothing follows each window: every constant of a grid is tried on the window's own steps, and its errors weigh it.

One smoothing constant for all series is a compromise: a calm series wants a slow one, a nervous series a fast one. The levels of all
constants are one convolution, so the choice is part of the exported file. The season is taken out first, shrunk by as much of it as noise
explains: most of the season that a decomposition finds in a series without one is noise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from applied_dl.tasks.forecast.models.safe import nonzero

ALPHAS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)
LONGEST = 100  # steps of a level: older ones have less than a hundredth of its weight together
FEWEST_SEASONS = 3  # of a window, below which noise and season cannot be separated
NOISE = 2.0  # times the expected noise that a season must exceed
LEAST_INDEX, LEAST_LEVEL = 0.05, 0.1  # of a multiplicative season; of the level it is divided by, as a share of the mean
FLOOR, GROWTH = 1e-3, 3.0  # logarithms: the least value as a share of the window's mean, and e^3 times the largest at most
TINY = 2.0**-24  # the smallest number of half precision
THETAS = {  # name of a forecaster: how its season acts, and the share of the line's slope by which it grows
    "theta": ("additive", 0.5), "theta_ratio": ("ratio", 0.5), "theta_log": ("log", 0.5),
    "drift": ("additive", 1.0), "drift_ratio": ("ratio", 1.0), "drift_log": ("log", 1.0),
}  # fmt: skip


class Decomposition(NamedTuple):
    """Matrices of a classical decomposition: centred moving average (n, L), indices (m, L) and what neither explains (n, L); steps (L,) and
    inner steps (n,) by their place in the season; the variance of an index in units of that of a step."""

    level: np.ndarray
    index: np.ndarray
    rest: np.ndarray
    within: np.ndarray
    inner: np.ndarray
    shrinkage: float


@lru_cache(32)
def decomposition(length: int, season: int) -> Decomposition | None:
    """Of windows of a length; None where they hold too few seasons."""
    if season < 2 or length < FEWEST_SEASONS * season:
        return None
    taps = np.full(season, 1 / season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]]) / season
    count, start = length - len(taps) + 1, len(taps) // 2
    level = np.stack([np.concatenate([np.zeros(i), taps, np.zeros(count - 1 - i)]) for i in range(count)])
    within = np.arange(length) % season
    inner = within[start : start + count]
    phase = np.eye(season)[inner]  # (n, m)
    apart = np.eye(length)[start : start + count] - level
    index = (phase / phase.sum(axis=0)).T @ apart
    index = index - index.mean(axis=0)
    noise = NOISE * float(np.mean(1 / phase.sum(axis=0))) * count / (count - season)
    return Decomposition(
        level.astype(np.float32), index.astype(np.float32), (apart - phase @ index).astype(np.float32), within, inner, noise
    )


def shrunk(season, rest, shrinkage: float):
    """Seasons (N, m) shrunk towards none as James and Stein do, by what is left of the steps (N, n)."""
    signal = ops.mean(ops.square(season), axis=1, keepdims=True)
    noise = shrinkage * ops.mean(ops.square(rest), axis=1, keepdims=True)
    return season * ops.maximum(1.0 - noise / nonzero(signal), 0.0)


def logarithms(x) -> tuple:
    """Logarithms of windows (N, L), those of values near zero or below cut, and the largest (N, 1) that a forecast of them may be."""
    least = FLOOR * ops.mean(ops.abs(x), axis=1, keepdims=True)
    least = ops.where(least > 0.0, least, TINY)
    found = ops.log(ops.maximum(x, least))
    return found, ops.max(found, axis=1, keepdims=True) + GROWTH


def without_season(x, season: int, how: str) -> tuple:
    """Windows (N, L) without their season, and the function that gives forecasts (N, H) it back."""
    length = x.shape[1]
    found = decomposition(length, season)
    back = lambda y: y  # noqa: E731
    if how == "log":
        x, limit = logarithms(x)
        back = lambda y: ops.exp(ops.minimum(y, limit))  # noqa: E731
    if found is None:
        return x, back
    place = lambda steps: np.eye(season, dtype=np.float32)[steps].T  # noqa: E731  (m, steps)
    ahead = lambda y: place((length + np.arange(y.shape[1])) % season)  # noqa: E731
    if how == "ratio":
        first = (length - len(found.inner)) // 2
        least = LEAST_LEVEL * ops.mean(ops.abs(x), axis=1, keepdims=True)
        level = nonzero(ops.maximum(ops.matmul(x, found.level.T), least))
        gaps = x[:, first : first + len(found.inner)] / level - 1.0  # (N, n)
        phase = np.eye(season, dtype=np.float32)[found.inner]
        index = ops.matmul(gaps, phase / phase.sum(axis=0))
        index = index - ops.mean(index, axis=1, keepdims=True)
        index = ops.maximum(1.0 + shrunk(index, gaps - ops.matmul(index, phase.T), found.shrinkage), LEAST_INDEX)
        return x / ops.matmul(index, place(found.within)), lambda y: y * ops.matmul(index, ahead(y))
    index = shrunk(ops.matmul(x, found.index.T), ops.matmul(x, found.rest.T), found.shrinkage)
    return x - ops.matmul(index, place(found.within)), lambda y: back(y + ops.matmul(index, ahead(y)))


def thetas(x, names: list[str], horizon: int, season: int) -> dict[str, Any]:
    """Forecasts of windows by several forecasters; those whose season acts alike share all but the drift.

    Args:
        x: (N, L) windows, oldest step first.
        names: of `THETAS`. A drift of 0.5 of the line's slope is Theta's (Hyndman & Billah, 2003).
        horizon: H, steps ahead.
        season: Steps of a season; 1 for none.

    Returns:
        (N, H) by name.

    Example:
        >>> thetas(np.array([[1.0, 2.0, 3.0, 4.0]]), ["theta", "drift"], 2, 1)
    """
    ways = {how: _level_and_growth(x, horizon, season, how) for how in dict.fromkeys(THETAS[name][0] for name in names)}
    found = {}
    for name in names:
        how, drift = THETAS[name]
        level, growth, back = ways[how]
        found[name] = back(level + drift * growth)
    return found


def _level_and_growth(x, horizon: int, season: int, how: str) -> tuple:
    """The level (N, 1), its growth (N, H) along the whole slope of the line, and the way back to the user's units."""
    length = x.shape[1]
    z, back = without_season(x, season, how)
    taps = min(length, LONGEST)
    kernel = np.stack([a * (1 - a) ** np.arange(taps) for a in ALPHAS], axis=1)  # (K, A), newest step first
    kernel[-1] += 1 - kernel.sum(axis=0)
    padded = ops.concatenate([ops.repeat(z[:, :1], taps - 1, axis=1), z], axis=1) if taps > 1 else z
    levels = ops.conv(ops.expand_dims(padded - z[:, :1], -1), kernel[::-1, None].astype(np.float32), padding="valid") + z[:, :1, None]
    first = min(max(2, length // 8), length - 1)
    before = ops.concatenate(
        [ops.zeros_like(levels[:, :1]) + z[:, :1, None], levels[:, :-1]], axis=1
    )  # (N, L, A): what a step was expected as
    errors = ops.mean(ops.square(ops.expand_dims(z[:, first:], -1) - before[:, first:]), axis=1)  # (N, A)
    errors = nonzero(errors + 1e-6 * ops.mean(ops.square(z - z[:, :1]), axis=1, keepdims=True))
    weights = ops.softmax(-0.5 * length * ops.log(errors), axis=1)
    t = np.arange(length) - (length - 1) / 2
    slope = ops.matmul(z, (t / max(float(t @ t), 1.0)).astype(np.float32)[:, None])  # (N, 1)
    steps = np.arange(horizon)[None] + np.array([[(1 - (1 - a) ** length) / a] for a in ALPHAS])  # (A, H)
    level = ops.sum(weights * levels[:, -1], axis=1, keepdims=True)
    return level, slope * ops.matmul(weights, steps.astype(np.float32)), back
