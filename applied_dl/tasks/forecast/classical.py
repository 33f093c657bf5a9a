"""The classical forecasters, in numpy: seasonal naive, drift, Theta and Holt-Winters, from every origin of a series in one pass.

Each takes a series (T,), the origins (steps known) and gives (O, H). Parameters are fitted on the first `known` steps alone, so an
origin never profits from what came after it. Many series are a loop; one series with thousands of origins is one recursion.
"""

from __future__ import annotations

import numpy as np

GRID = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
SEASONAL_TEST = 1.645  # 90% limit of the autocorrelation at the season, as in M4's Naive 2


def seasonal_naive(series: np.ndarray, origins: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The last season again and again."""
    lag = season if int(np.min(origins)) >= season else 1
    return series[np.asarray(origins)[:, None] - lag + np.arange(horizon) % lag]


def drift(series: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    """The line through the first and the last value."""
    at = np.asarray(origins)
    last = series[at - 1][:, None]
    slope = (series[at - 1] - series[0]) / np.maximum(at - 1, 1)
    return last + slope[:, None] * np.arange(1, horizon + 1)


def seasonal_indices(series: np.ndarray, season: int) -> tuple[np.ndarray, bool] | None:
    """Classical decomposition as in M4: (season,) indices and whether they multiply; None where the season fails its test."""
    if season < 2 or len(series) < 3 * season:
        return None
    x = series - series.mean()
    power = float(x @ x) or 1.0
    acf = np.array([float(x[k:] @ x[:-k]) / power for k in range(1, season + 1)])
    if abs(acf[-1]) <= SEASONAL_TEST * np.sqrt((1 + 2 * np.sum(acf[:-1] ** 2)) / len(series)):
        return None
    weights = np.full(season, 1 / season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]]) / season
    level = np.convolve(series, weights, mode="valid")
    start = len(weights) // 2
    middle, times = series[start : start + len(level)], bool(series.min() > 0 and level.min() > 0)
    part = middle / level if times else middle - level
    phase = (np.arange(len(level)) + start) % season
    index = np.array([part[phase == k].mean() for k in range(season)])
    return (index / index.mean() if times else index - index.mean()), times


def deseasonalized(series: np.ndarray, known: int, season: int):
    """The series without its season, and the function that gives a forecast (O, H) at the origins its season back."""
    found = seasonal_indices(series[:known], season)
    if found is None:
        return series, lambda forecast, origins: forecast
    index, times = found
    whole = index[np.arange(len(series)) % season]

    def back(forecast, origins):
        ahead = index[(np.asarray(origins)[:, None] + np.arange(forecast.shape[1])) % season]
        return forecast * ahead if times else forecast + ahead

    return (series / whole if times else series - whole), back


def naive2(series: np.ndarray, origins: np.ndarray, horizon: int, season: int, known: int) -> np.ndarray:
    """M4's reference: the last value of the deseasonalised series, with its season back."""
    plain, back = deseasonalized(series, known, season)
    return back(np.repeat(plain[np.asarray(origins) - 1][:, None], horizon, axis=1), origins)


def theta(series: np.ndarray, origins: np.ndarray, horizon: int, season: int, known: int) -> np.ndarray:
    """The standard Theta method (Assimakopoulos & Nikolopoulos, 2000; as SES with half the trend: Hyndman & Billah, 2003)."""
    plain, back = deseasonalized(series, known, season)
    levels, errors = _smooth(plain, GRID)
    alpha_at = int(np.argmin(np.nansum(errors[:, 1:known] ** 2, axis=1)))
    alpha, level = GRID[alpha_at], levels[alpha_at]
    at = np.asarray(origins)
    t = np.arange(len(plain))
    n = at.astype(np.float64)
    sums, products = np.cumsum(plain), np.cumsum(plain * t)
    mean_t = (n - 1) / 2
    slope = (products[at - 1] - mean_t * sums[at - 1]) / np.maximum(n * (n * n - 1) / 12, 1e-12)
    h = np.arange(1, horizon + 1)
    growth = (h - 1)[None] + ((1 - (1 - alpha) ** n) / alpha)[:, None]
    return back(level[at - 1][:, None] + 0.5 * slope[:, None] * growth, at)


def _smooth(series: np.ndarray, alphas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Simple exponential smoothing for every alpha at once: levels and one-step errors (A, T)."""
    levels, errors = np.empty((len(alphas), len(series))), np.empty((len(alphas), len(series)))
    level = np.full(len(alphas), series[0])
    for t, value in enumerate(series):
        errors[:, t] = value - level
        level = level + alphas * errors[:, t]
        levels[:, t] = level
    return levels, errors


def holt_winters(series: np.ndarray, origins: np.ndarray, horizon: int, season: int, known: int) -> np.ndarray:
    """Additive Holt-Winters with a damped trend; its four parameters by the one-step error over the known steps, from a small grid.

    A series that knows less than a season is smoothed without one.
    """
    season = season if known >= season else 1
    grid = np.array(
        [
            (a, b, g, d)
            for a in (0.05, 0.2, 0.5, 0.8)
            for b in (0.01, 0.1)
            for g in ((0.05, 0.2, 0.5) if season > 1 else (0.0,))
            for d in (0.9, 0.98, 1.0)
        ]
    )
    states, errors = winters_states(series, season, grid, known)
    best = int(np.argmin(np.mean(errors[:, min(2 * season, known // 2) : known] ** 2, axis=1)))
    level, trend, cycle = (state[best] for state in states)
    at, h = np.asarray(origins), np.arange(1, horizon + 1)
    damping = grid[best, 3]
    sums = h if damping == 1.0 else damping * (1 - damping**h) / (1 - damping)
    ahead = cycle[at - 1][np.arange(len(at))[:, None], (at[:, None] + h - 1) % season]
    return level[at - 1][:, None] + sums[None] * trend[at - 1][:, None] + ahead


def winters_states(series: np.ndarray, season: int, grid: np.ndarray, known: int):
    """Level (P, T), trend (P, T), season (P, T, m) after each step, and one-step errors (P, T), for parameter rows (P, 4)."""
    count, steps = len(grid), len(series)
    alpha, beta, gamma, damping = grid.T
    first = series[:season].mean()
    level = np.full(count, first)
    slope = (
        (series[season : 2 * season].mean() - first) / season
        if known >= 2 * season and season > 1
        else (series[1] - series[0] if known > 1 else 0.0)
    )
    trend = np.full(count, slope)
    cycle = np.repeat((series[:season] - first)[None] if season > 1 else np.zeros((1, 1)), count, axis=0)
    levels, trends, errors = np.empty((count, steps)), np.empty((count, steps)), np.empty((count, steps))
    cycles = np.empty((count, steps, season), np.float32)
    for t, value in enumerate(series):
        k = t % season
        expected = level + damping * trend
        errors[:, t] = error = value - expected - cycle[:, k]
        new = expected + alpha * error
        trend = damping * trend + alpha * beta * error
        cycle[:, k] = cycle[:, k] + gamma * (1 - alpha) * error
        level = new
        levels[:, t], trends[:, t], cycles[:, t] = level, trend, cycle
    return (levels, trends, cycles), errors
