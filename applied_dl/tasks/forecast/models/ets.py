"""Exponential smoothing in closed form: Holt-Winters, Theta and seasonal naive as matrices, chosen by their errors from many origins.

A state that is smoothed over a window of W steps, from a start computed from the same window, is a weighted sum of the window: a
forecaster of the family is a matrix (W, H), an average of several is one too, and the exported file needs one product. Multiplicative
seasons are divided out and multiplied back in the graph; the rest is such a matrix again. Only the smoothing parameters are chosen, from
a grid, so a few dozen known steps are enough.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from applied_dl.tasks.forecast.models.shell import Spec, flat, forecaster, swap
from applied_dl.tasks.forecast.readers.windows import SEASONS_READ, STEPS_READ

ALPHAS, BETAS, GAMMAS = (0.02, 0.1, 0.3, 0.6, 0.9), (0.02, 0.15), (0.02, 0.15, 0.5)
TRENDS = (("level", (0.0,), (1.0,)), ("trend", BETAS, (1.0,)), ("damped trend", BETAS, (0.9, 0.97)))
USUAL = (
    "exponential smoothing with damped trend (alpha 0.3, beta 0.02, damping 0.97)",
    "exponential smoothing with trend (alpha 0.1, beta 0.02, damping 1)",
)
NEAR_BEST = 1.1  # times the least error: forecasters up to there are averaged
MOST_AVERAGED = 3
FEWEST_ERRORS = 20  # known values forecast from the origins, under which nothing is chosen
MOST_WINDOWS = 2000  # of all series
LEAST_INDEX, LEAST_LEVEL = 0.05, 0.1  # of a multiplicative season, and of the level it is divided by as a share of the mean


class Smoothing(NamedTuple):
    """What was chosen.

    kernel, ratio_kernel: (W, H) averages of the forecasters on values, and on values without their multiplicative season; ratio_share:
    the weight of the latter. error: mean absolute error in units of the seasonal naive's. names: of the chosen forecasters.
    """

    kernel: np.ndarray
    ratio_kernel: np.ndarray
    ratio_share: float
    error: float
    names: tuple[str, ...]


class Kind(NamedTuple):
    """Forecasters of one kind: matrices (C, W, H) that act on the distance to the last value; `ratio`: of the deseasonalised window."""

    names: list[str]
    kernels: np.ndarray
    ratio: bool


class Seasons(NamedTuple):
    """Matrices of the multiplicative decomposition of a window (W,): its line (W, W), indices from ratios (W, m), and where they apply."""

    line: np.ndarray
    index: np.ndarray
    within: np.ndarray
    ahead: np.ndarray


@keras.saving.register_keras_serializable(package="applied_dl")
class SeasonalRatio(layers.Layer):
    """Forecast (B, D, H) of positive windows (B, D, W): divide the season out, apply a matrix to the rest, multiply the season back in."""

    def __init__(self, horizon: int, season: int, **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        self.horizon, self.season = horizon, season

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.horizon), initializer="zeros", trainable=False, name="kernel")
        self.parts = [np.asarray(part, np.float32) for part in seasons(shape[-1], self.horizon, self.season)]

    def call(self, x):
        line, index, within, ahead = (ops.convert_to_tensor(part) for part in self.parts)
        least = LEAST_LEVEL * ops.mean(ops.abs(x), axis=-1, keepdims=True) + 1e-12
        found = ops.maximum(ops.matmul(x / ops.maximum(ops.matmul(x, line), least), index), LEAST_INDEX)  # (B, D, m)
        found = found / ops.mean(found, axis=-1, keepdims=True)
        plain = x / ops.matmul(found, within)
        last = plain[..., -1:]
        return (ops.matmul(plain - last, ops.convert_to_tensor(self.kernel)) + last) * ops.matmul(found, ahead)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.horizon)

    def get_config(self):
        return {**super().get_config(), "horizon": self.horizon, "season": self.season}


def ets(
    spec: Spec,
    kernel: np.ndarray | None = None,
    ratio_kernel: np.ndarray | None = None,
    ratio_share: float = 0.0,
    window: int | None = None,
) -> keras.Model:
    """Exponential smoothing in closed form (Hyndman et al., 2008; Theta as in Hyndman & Billah, 2003).

    Args:
        spec: Sizes of the windows.
        kernel: (W, H) acting on the distance to the last value, from `fit_ets`; zeros by default, which is the naive forecast.
        ratio_kernel: (W, H) for values without their multiplicative season.
        ratio_share: Weight of the multiplicative part, 0 to 1.
        window: W, the newest steps that are read; all by default.

    Returns:
        A model from raw windows by name to the standardised forecast (B, H, D).

    Example:
        >>> ets(Spec(lookback=24, horizon=12, season=12)).output_shape
        (None, 12, 1)
    """
    window = window or spec.lookback
    linear = layers.Dense(spec.horizon, use_bias=False, kernel_initializer="zeros", name="smoothing")
    ratio = SeasonalRatio(spec.horizon, spec.season, name="seasonal_ratio")

    def core(x, inputs):
        y = flat(linear, x) if ratio_share < 1 else 0.0
        if not ratio_share:
            return y
        raw = swap(inputs["history"][:, -window:])  # (B, D, W)
        gain = ratio(raw) - raw[..., -1:]
        if spec.scale is not None:
            gain = gain / ops.reshape(ops.array(spec.scale, dtype="float32"), (1, spec.channels, 1))
        return (1 - ratio_share) * y + ratio_share * gain

    model = forecaster(spec, core, "last", "ets", window)
    for layer, values in ((linear, kernel), (ratio, ratio_kernel)):
        if values is not None and layer.built:
            layer.set_weights([np.asarray(values, np.float32)])
    return model


def window_of(lookback: int, season: int) -> int:
    """The newest steps that a forecaster of the family reads: five seasons, so that what came before a change of level is forgotten."""
    return min(lookback, SEASONS_READ * season if season > 1 else STEPS_READ)


def fit_ets(series: list[np.ndarray], horizon: int, season: int, window: int, positive: bool) -> Smoothing:
    """Choose among the forecasters of the family by their errors from many origins of the known steps.

    Args:
        series: Known steps (T, D) of each series, without NaN.
        horizon: Steps ahead.
        season: Steps of the season; 1 for none.
        window: The newest steps that a forecast reads; origins with fewer known steps read what there is.
        positive: Whether seasons may be multiplicative.

    Returns:
        The average of the few best of different kinds, where that is better than the best alone.
    """
    total: dict[tuple[int, int], float] = {}
    known = 0
    for history, target, unit in _origins(series, horizon, season, window):
        known += int(np.isfinite(target).sum())
        for key, found in _forecasts(history, horizon, season, positive):
            total[key] = total.get(key, 0.0) + float(np.nansum(np.abs(target - found) / unit))
    if known < FEWEST_ERRORS:
        total = dict.fromkeys(_usual(candidates(window, horizon, season), positive), 0.0)
    best: dict[int, tuple[int, int]] = {}
    for key in sorted(total, key=lambda key: total[key]):
        best.setdefault(key[0], key)
    near = [key for key in best.values() if total[key] <= NEAR_BEST * min(total.values())][:MOST_AVERAGED]
    averages = np.zeros(len(near))
    averages[-1] -= not known  # nothing to choose by: all of the usual ones
    for history, target, unit in _origins(series, horizon, season, window):
        found = dict(_forecasts(history, horizon, season, positive, set(near)))
        for size in range(1, len(near) + 1):
            averages[size - 1] += np.nansum(np.abs(target - np.mean([found[key] for key in near[:size]], axis=0)) / unit)
    size = int(averages.argmin()) + 1
    chosen, family = tuple(near[:size]), candidates(window, horizon, season)
    kernels = {ratio: [family[k].kernels[i] for k, i in chosen if family[k].ratio == ratio] for ratio in (False, True)}
    means = [np.mean(some or [np.zeros((window, horizon))], axis=0).astype(np.float32) for some in kernels.values()]
    names = tuple(family[kind].names[i] for kind, i in chosen)
    return Smoothing(*means, len(kernels[True]) / size, float(averages[size - 1]) / max(1, known), names)


def _usual(family: list[Kind], positive: bool) -> list[tuple[int, int]]:
    """What is used where too few steps are known to choose: a trend, damped and not, with a season that multiplies where values allow."""
    last = ", multiplicative season" if positive else ", additive season"
    wanted = {name + end for name in USUAL for end in ("", last)}
    return [(kind, i) for kind, one in enumerate(family) for i, name in enumerate(one.names) if name in wanted]


def _origins(series: list[np.ndarray], horizon: int, season: int, window: int):
    """Histories (N, D, T), what followed (N, D, H) with NaN beyond the known steps, and the series' units (D, 1), of many origins."""
    each = max(2, MOST_WINDOWS // max(1, len(series)))
    for rows in series:
        steps = len(rows)
        lag = season if season < steps else 1
        unit = np.abs(rows[lag:] - rows[:-lag]).mean(axis=0) if steps > lag else np.ones(rows.shape[1])
        unit = np.where(unit > 0, unit, 1.0)[:, None]
        padded = np.concatenate([rows, np.full((horizon, rows.shape[1]), np.nan)]).T  # (D, T + H)
        first = 2 * season if season > 1 else min(4, steps // 2)  # a trend is seen from two seasons
        for end in range(max(2, first), min(window, steps)):
            yield padded[None, :, :end], padded[None, :, end : end + horizon], unit
        ends = np.arange(window, steps)
        if len(ends):
            ends = ends[np.unique(np.linspace(0, len(ends) - 1, min(len(ends), each)).astype(int))]
            both = padded[:, ends[:, None] - window + np.arange(window + horizon)].transpose(1, 0, 2)
            yield both[..., :window], both[..., window:], unit


def _forecasts(history: np.ndarray, horizon: int, season: int, positive: bool, keys: set | None = None):
    """Key and forecasts (N, D, H) of every forecaster (or those of `keys`) for histories (N, D, T)."""
    length = history.shape[-1]
    plain, ahead = _without_season(history, horizon, season) if positive else (history, 1.0)
    for kind, (_, kernels, ratio) in enumerate(candidates(length, horizon, season)):
        if ratio and not positive:
            continue
        rows = plain if ratio else history
        last = rows[..., -1:]
        for i, kernel in enumerate(kernels):
            if keys is None or (kind, i) in keys:
                found = last + (rows - last) @ kernel
                yield (kind, i), found * ahead if ratio else found


def _without_season(x: np.ndarray, horizon: int, season: int) -> tuple[np.ndarray, np.ndarray]:
    """As `SeasonalRatio`: the windows (N, D, T) without their season, and the season of the steps ahead (N, D, H)."""
    line, index, within, ahead = seasons(x.shape[-1], horizon, season)
    least = LEAST_LEVEL * np.abs(x).mean(axis=-1, keepdims=True) + 1e-12
    found = np.maximum((x / np.maximum(x @ line, least)) @ index, LEAST_INDEX)
    found = found / found.mean(axis=-1, keepdims=True)
    return x / (found @ within), found @ ahead


@lru_cache(256)
def seasons(length: int, horizon: int, season: int) -> Seasons:
    """The multiplicative decomposition of windows of a length; without a season where the window is no longer than one."""
    season = season if 1 < season < length else 1
    level, slope = _line(length, season)
    t = np.arange(length)
    phase = np.eye(season)[t % season]  # (W, m)
    return Seasons(
        line=(level[None] + t[:, None] * slope).T,
        index=phase / phase.sum(axis=0),
        within=phase.T,
        ahead=np.eye(season)[(length + np.arange(horizon)) % season].T,
    )


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
    found = [Kind(names, np.stack(kernels), False)]
    for trend, betas, dampings in TRENDS if seasonal else ():
        grid = [(a, b, g, d) for a in ALPHAS for b in betas for g in GAMMAS for d in dampings]
        names = [f"Holt-Winters with {trend} (alpha {a:g}, beta {b:g}, gamma {g:g}, damping {d:g})" for a, b, g, d in grid]
        found.append(Kind(names, _smoothed(np.array(grid), length, horizon, season, trend != "level"), False))
    level, slope = _line(length, season)
    t, phase = np.arange(length), np.eye(season)[np.arange(length) % season]
    rest = (phase / phase.sum(axis=0)).T @ (identity - level[None] - t[:, None] * slope)  # (m, L): additive season of the window
    rest = rest - rest.mean(axis=0)
    for trend, betas, dampings in TRENDS:
        grid = [(a, b, 0.0, d) for a in ALPHAS for b in betas for d in dampings]
        names = [f"exponential smoothing with {trend} (alpha {a:g}, beta {b:g}, damping {d:g})" for a, b, _, d in grid]
        found += _both_seasons(names, _smoothed(np.array(grid), length, horizon, 1, trend != "level"), rest, season, seasonal)
    thetas = np.stack([_theta(alpha, length, horizon) for alpha in ALPHAS])
    found += _both_seasons([f"Theta (alpha {a:g})" for a in ALPHAS], thetas, rest, season, seasonal)
    return [Kind(names, _on_last(kernels), ratio) for names, kernels, ratio in found]


def _both_seasons(names: list[str], kernels: np.ndarray, rest: np.ndarray, season: int, seasonal: bool) -> list[Kind]:
    """Forecasters without a season (C, L, H), with the additive season of the window `rest` (m, L), and with the multiplicative one."""
    length, horizon = kernels.shape[1:]
    within, ahead = rest[np.arange(length) % season], rest[(length + np.arange(horizon)) % season]  # (L, L), (H, L)
    added = np.einsum("ij,cjh->cih", (np.eye(length) - within).T, kernels) + ahead.T
    plain = [Kind([f"{name}, additive season" if seasonal else name for name in names], added, False)]
    return [*plain, Kind([f"{name}, multiplicative season" for name in names], kernels, True)] if seasonal else plain


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
