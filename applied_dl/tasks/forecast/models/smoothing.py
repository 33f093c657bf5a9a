"""The family of exponential smoothing as matrices: Holt-Winters, Theta and seasonal naive are weighted sums of the window they read.

A state that is smoothed over a window of W steps, from a start computed from the same window, is a weighted sum of the window: a
forecaster of the family is a matrix (W, H). On logarithms the same matrices multiply seasons and trends instead of adding them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

ALPHAS, BETAS, GAMMAS = (0.02, 0.1, 0.3, 0.6, 0.9), (0.02, 0.15), (0.02, 0.15, 0.5)
FAST = 0.3  # smoothing constant of the level from which a change of it is followed within a few steps
TRENDS = (("level", (0.0,), (1.0,)), ("trend", BETAS, (1.0,)), ("damped trend", BETAS, (0.9, 0.97)))


class Kind(NamedTuple):
    """Forecasters of one kind: matrices (C, L, H) that act on the distance to the last value; grows: whether their trend never ends; fast:
    which of them follow a change of level within a few steps."""

    names: list[str]
    kernels: np.ndarray
    grows: bool = False
    fast: tuple[bool, ...] = ()


class Seasons(NamedTuple):
    """Matrices of the multiplicative decomposition of a window (L,): its line (L, L), indices from ratios (L, m), and where they apply."""

    line: np.ndarray
    index: np.ndarray
    within: np.ndarray
    ahead: np.ndarray


@lru_cache(256)
def seasons(length: int, horizon: int, season: int) -> Seasons:
    """The multiplicative decomposition of windows of a length; without a season where the window is no longer than one."""
    season = season if 1 < season < length else 1
    level, slope = _line(length, season)
    t = np.arange(length)
    phase = np.eye(season)[t % season]  # (L, m)
    found = (
        (level[None] + t[:, None] * slope).T,
        phase / phase.sum(axis=0),
        phase.T,
        np.eye(season)[(length + np.arange(horizon)) % season].T,
    )
    return Seasons(*(part.astype(np.float32) for part in found))


@lru_cache(256)
def candidates(length: int, horizon: int, season: int) -> list[Kind]:
    """The family for windows of a length. Kinds and their members are the same for every length."""
    seasonal = season > 1
    season = season if 1 < season < length else 1
    identity, steps = np.eye(length), np.arange(horizon)
    naive = identity[:, length - season + steps % season]
    kernels, names = [naive], ["seasonal naive"]
    for width in (max(1, season // 4), season) if seasonal else ():
        enough = length >= season + width
        before = identity[:, length - season - width : length - season] if enough else identity[:, -width:]
        move = (identity[:, -width:] - before).mean(axis=1)
        for share in (0.5, 1.0):
            kernels.append(naive + share * move[:, None])
            names.append(f"seasonal naive with {share:g} of the change of level over {width} steps")
    found = [Kind(names, np.stack(kernels), fast=(True,) * len(kernels))]
    for trend, betas, dampings in TRENDS if seasonal else ():
        grid = [(a, b, g, d) for a in ALPHAS for b in betas for g in GAMMAS for d in dampings]
        names = [f"Holt-Winters with {trend} (alpha {a:g}, beta {b:g}, gamma {g:g}, damping {d:g})" for a, b, g, d in grid]
        found.append(Kind(names, _smoothed(np.array(grid), length, horizon, season, trend != "level"), trend == "trend", _fast(grid)))
    level, slope = _line(length, season)
    t, phase = np.arange(length), np.eye(season)[np.arange(length) % season]
    rest = (phase / phase.sum(axis=0)).T @ (identity - level[None] - t[:, None] * slope)  # (m, L): additive season of the window
    rest = rest - rest.mean(axis=0)
    for trend, betas, dampings in TRENDS:
        grid = [(a, b, 0.0, d) for a in ALPHAS for b in betas for d in dampings]
        names = [f"exponential smoothing with {trend} (alpha {a:g}, beta {b:g}, damping {d:g})" for a, b, _, d in grid]
        smoothed = _smoothed(np.array(grid), length, horizon, 1, trend != "level")
        found.append(Kind(names, _with_season(smoothed, rest, season), trend == "trend", _fast(grid)))
    thetas = np.stack([_theta(alpha, length, horizon) for alpha in ALPHAS])
    found.append(Kind([f"Theta (alpha {a:g})" for a in ALPHAS], _with_season(thetas, rest, season), fast=_fast([(a,) for a in ALPHAS])))
    return [one._replace(kernels=_on_last(one.kernels)) for one in found]


def _fast(grid: list[tuple]) -> tuple[bool, ...]:
    return tuple(row[0] >= FAST for row in grid)


def _with_season(kernels: np.ndarray, rest: np.ndarray, season: int) -> np.ndarray:
    """Forecasters without a season (C, L, H), with the additive season of the window `rest` (m, L)."""
    length, horizon = kernels.shape[1:]
    within, ahead = rest[np.arange(length) % season], rest[(length + np.arange(horizon)) % season]  # (L, L), (H, L)
    return np.einsum("ij,cjh->cih", (np.eye(length) - within).T, kernels) + ahead.T


def _on_last(kernels: np.ndarray) -> np.ndarray:
    """Their columns sum to one, so they act on the distance to the last value, whose own distance is zero."""
    return np.concatenate([kernels[:, :-1], np.zeros_like(kernels[:, -1:])], axis=1)


def _line(length: int, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Level at step 0 and slope of a window's line, as weights (L,): by least squares through the means of whole seasons."""
    identity = np.eye(length)
    if season == 1:
        slope, level = np.polyfit(np.arange(length), identity, 1) if length > 2 else (identity[-1] * 0, identity.mean(axis=0))
        return level, slope
    if length < 2 * season:  # what the second season has so far, beside the same steps of the first
        slope = (identity[season:].mean(axis=0) - identity[: length - season].mean(axis=0)) / season
        return identity[-season:].mean(axis=0) - slope * (length - 1 - (season - 1) / 2), slope
    count = length // season
    begin = length - count * season + season * np.arange(count)
    means = np.stack([identity[b : b + season].mean(axis=0) for b in begin])
    slope, level = np.polyfit(begin + (season - 1) / 2, means, 1)
    return level, slope


def _smoothed(grid: np.ndarray, length: int, horizon: int, season: int, trend: bool) -> np.ndarray:
    """(P, L, H) of additive Holt-Winters with parameters (P, 4): alpha, beta, gamma, damping, in error-correction form.

    The start is the window's own line and season.
    """
    alpha, beta, gamma, damping = (column[:, None] for column in grid.T)
    first, slope = _line(length, season)
    t, phase = np.arange(length), np.eye(season)[np.arange(length) % season]
    cycle = (phase / phase.sum(axis=0)).T @ (np.eye(length) - first[None] - t[:, None] * slope)
    level, slope = (first - slope, slope) if trend else (first + slope * (length - 1) / 2, slope * 0.0)
    level, slope = (np.repeat(a[None], len(grid), axis=0) for a in (level, slope))
    cycle = np.repeat((cycle if season > 1 else cycle * 0.0)[None], len(grid), axis=0)  # (P, m, L)
    for t in range(length):
        k = t % season
        expected = level + damping * slope
        error = -expected - cycle[:, k]
        error[:, t] += 1.0
        level = expected + alpha * error
        slope = damping * slope + (alpha * beta * error if trend else 0.0)
        if season > 1:
            cycle[:, k] += gamma * (1 - alpha) * error
    ahead = np.cumsum(damping ** np.arange(1, horizon + 1), axis=1)  # (P, H)
    seasonal = cycle[:, (length + np.arange(horizon)) % season]  # (P, H, L)
    return (level[:, None] + ahead[..., None] * slope[:, None] + seasonal).transpose(0, 2, 1)


def _theta(alpha: float, length: int, horizon: int) -> np.ndarray:
    """(L, H) of the Theta method: simple exponential smoothing with half the slope of the line through the window."""
    identity = np.eye(length)
    level = identity[0]
    for row in identity[1:]:
        level = level + alpha * (row - level)
    growth = np.arange(horizon) + (1 - (1 - alpha) ** length) / alpha
    return (level + 0.5 * growth[:, None] * _line(length, 1)[1]).T
