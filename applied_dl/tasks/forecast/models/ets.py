"""Exponential smoothing in closed form: several forecasters of a family, weighed by their errors from earlier origins of each window.

Which of them suits a series shows in the series itself. The exported file therefore forecasts from a few earlier origins of the window it
is given, compares with what followed there, and weighs its forecasters by that and by how they did on all series at training time.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from applied_dl.tasks.forecast.models.adaptive_theta import LEAST_INDEX, LEAST_LEVEL, THETAS, logarithms, thetas
from applied_dl.tasks.forecast.models.breaks import without_break
from applied_dl.tasks.forecast.models.intermittent import TSB, median, tsb
from applied_dl.tasks.forecast.models.level_shape import level_shape
from applied_dl.tasks.forecast.models.safe import nonzero
from applied_dl.tasks.forecast.models.shell import Spec, forecaster, swap
from applied_dl.tasks.forecast.models.smoothing import Kind, candidates, seasons
from applied_dl.tasks.forecast.readers.windows import steps_read

ORIGINS = 6  # of a window, from which its forecasters are compared
STEPS = 8  # ahead of each that are compared
OWN = 0.5  # share of the window's own errors in the weights; the rest is that of all series
SHARPNESS = 20.0  # a forecaster with a tenth more error has e^-2 of the weight
SCALES = ("plain", "log", "ratio")  # values, their logarithms, values divided by their multiplicative season
EASY = 1e-3  # of the window's mean size: errors below count as equal


class Member(NamedTuple):
    """A forecaster: place of its matrix in the family and the scale it acts on, or the name of one that is no matrix."""

    kind: int = -1
    place: int = -1
    scale: str = "plain"
    name: str = ""


class Smoothing(NamedTuple):
    """What was chosen: forecasters, matrices before others, by scale; penalty (K,) of each for its errors on all series, less the logarithm
    of its weight; the mean absolute error of their weighted average in units of the seasonal naive's; the names."""

    members: tuple[Member, ...]
    penalty: np.ndarray
    error: float
    names: tuple[str, ...]


def scaled(x, scale: str, horizon: int, season: int) -> tuple:
    """Windows (N, L) in a scale, and the function that brings forecasts (N, C, steps) at the steps (an array) back from it."""
    if scale == "log":
        found, limit = logarithms(x)
        return found, lambda y, steps: ops.exp(ops.minimum(y, ops.expand_dims(limit, 1)))
    if scale == "ratio":
        line, index, within, ahead = seasons(x.shape[1], horizon, season)
        least = LEAST_LEVEL * ops.mean(ops.abs(x), axis=1, keepdims=True)
        found = ops.maximum(ops.matmul(x / nonzero(ops.maximum(ops.matmul(x, line), least)), index), LEAST_INDEX)  # (N, m)
        found = found / ops.mean(found, axis=1, keepdims=True)
        return x / ops.matmul(found, within), lambda y, steps: y * ops.expand_dims(ops.matmul(found, ahead[:, steps]), 1)
    return x, lambda y, steps: y


def family_of(scale: str, length: int, horizon: int, season: int) -> list[Kind]:
    """The forecasters of a scale; a ratio has no season left."""
    return candidates(length, horizon, 1 if scale == "ratio" else season)


def applied(x, kernels, horizon: int):
    """Windows (N, L) through C matrices on the distance to the last value, laid side by side (L, C·H) → (N, C, H)."""
    last = x[:, -1:]
    found = ops.reshape(ops.matmul(x - last, kernels), (-1, kernels.shape[1] // horizon, horizon))
    return found - (-ops.expand_dims(last, 1))


def by_name(x, names: list[str], horizon: int, season: int) -> list:
    """The forecasts (N, H) of forecasters that are no matrices: windows (N, L) in the user's units."""
    found, by_theta = [], thetas(x, [name for name in names if name in THETAS], horizon, season)
    for name in names:
        if name in THETAS:
            found.append(by_theta[name])
        elif name == "log_level_shape":
            logs, back = scaled(x, "log", horizon, season)
            found.append(back(ops.expand_dims(level_shape(logs, horizon, season), 1), np.arange(horizon))[:, 0])
        elif name == "level_shape":
            found.append(level_shape(x, horizon, season))
        else:
            found.append(median(x, horizon) if name == "median" else tsb(x, horizon, *TSB[name]))
    return found


def origins_of(window: int, season: int) -> tuple[int, ...]:
    """Lengths of the beginnings of a window from which its forecasters are compared: of its newer half, none that are too short."""
    first = max(window // 2, 2 * season if season > 1 else 4)
    return tuple(int(v) for v in np.unique(np.linspace(first, window - 1, ORIGINS).astype(int))) if first < window else ()


@keras.saving.register_keras_serializable(package="applied_dl")
class RollingAverage(layers.Layer):
    """Forecasts (N, H) of windows (N, W): those of several forecasters, averaged by how well they would have done before.

    counts: number of matrices on each of `SCALES`. others: names, see `by_name`. origins: see `origins_of`.
    """

    def __init__(self, horizon: int, season: int, counts=(1, 0, 0), others=(), origins=(), **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        self.horizon, self.season, self.counts = horizon, season, tuple(counts)
        self.others, self.origins = tuple(others), tuple(origins)

    def build(self, shape):
        self.lengths = (*self.origins, shape[-1])
        self.ahead = [self._steps(length) for length in self.lengths]
        self.matrices = [
            [
                self.add_weight(shape=(length, count * len(steps)), initializer="zeros", trainable=False, name=f"{name}_{length}")
                for name, count in zip(SCALES, self.counts)
                if count
            ]
            for length, steps in zip(self.lengths, self.ahead)
        ]
        size = sum(self.counts) + len(self.others)
        self.penalty = self.add_weight(shape=(size,), initializer="zeros", trainable=False, name="penalty")

    def _steps(self, length: int) -> np.ndarray:
        """Steps ahead that are forecast from the first `length` steps: all of the horizon from the whole window, some from the origins."""
        if length not in self.origins:
            return np.arange(self.horizon)
        most = min(self.horizon, self.lengths[-1] - length)
        return np.unique(np.linspace(0, most - 1, min(STEPS, most)).astype(int))

    def choose(self, members: tuple[Member, ...], penalty: np.ndarray) -> None:
        """Give the layer its matrices and the penalties of all forecasters, in the order of the members."""
        for length, steps, weights in zip(self.lengths, self.ahead, self.matrices):
            weights = iter(weights)
            for scale in SCALES:
                family = family_of(scale, length, self.horizon, self.season)
                kernels = [family[m.kind].kernels[m.place][:, steps] for m in members if not m.name and m.scale == scale]
                if kernels:
                    next(weights).assign(np.concatenate(kernels, axis=1).astype(np.float32))
        self.penalty.assign(np.asarray(penalty, np.float32))

    def forecasts(self, x, which: int):
        """(N, K, steps) from windows of the length `which`."""
        steps, weights, found = self.ahead[which], iter(self.matrices[which]), []
        for scale, count in zip(SCALES, self.counts):
            if count:
                values, back = scaled(x, scale, self.horizon, self.season)
                found.append(back(applied(values, next(weights), len(steps)), steps))
        farthest = int(steps[-1]) + 1
        for one in by_name(x, self.others, farthest, self.season):
            one = one if len(steps) == farthest else ops.matmul(one, np.eye(farthest, dtype=np.float32)[:, steps])
            found.append(ops.expand_dims(one, 1))
        return ops.concatenate(found, axis=1)

    def weights_of(self, x):
        """(N, K), of windows (N, W)."""
        penalty = ops.expand_dims(ops.convert_to_tensor(self.penalty), 0)
        if not self.origins:
            return ops.softmax(0.0 * x[:, :1] - penalty, axis=1)
        errors = []
        for which, origin in enumerate(self.origins):
            truth = ops.matmul(x[:, origin:], np.eye(x.shape[1] - origin, dtype=np.float32)[:, self.ahead[which]])
            errors.append(ops.mean(ops.abs(self.forecasts(x[:, :origin], which) - ops.expand_dims(truth, 1)), axis=2))
        error = sum(errors) / len(errors) + EASY * ops.mean(ops.abs(x), axis=1, keepdims=True)
        own = error / nonzero(ops.min(error, axis=1, keepdims=True))
        return ops.softmax(-OWN * SHARPNESS * own - penalty, axis=1)

    def call(self, x):
        x = without_break(x, self.season)
        found = self.forecasts(x, len(self.origins))
        return ops.sum(found * ops.expand_dims(self.weights_of(x), -1), axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], self.horizon)

    def get_config(self):
        own = {"horizon": self.horizon, "season": self.season, "counts": list(self.counts)}
        return {**super().get_config(), **own, "others": list(self.others), "origins": list(self.origins)}


def ets(spec: Spec, smoothing: Smoothing | None = None, window: int | None = None) -> keras.Model:
    """Exponential smoothing (Hyndman et al., 2008; Theta as in Hyndman & Billah, 2003), level and shape, intermittent demand.

    Args:
        spec: Sizes of the windows.
        smoothing: The forecasters and their penalties, from `fit_ets`; by default the seasonal naive alone.
        window: W, the newest steps that are read; all by default.

    Returns:
        A model from raw windows by name to the standardised forecast (B, H, D).

    Example:
        >>> ets(Spec(lookback=24, horizon=12, season=12)).output_shape
        (None, 12, 1)
    """
    window = window or spec.lookback
    members = smoothing.members if smoothing else (Member(0, 0),)
    layer = layer_of(members, window, spec.horizon, spec.season)

    def core(x, inputs):
        rows = ops.reshape(swap(inputs["history"][:, -window:]), (-1, window))
        gain = ops.reshape(layer(rows) - rows[:, -1:], (-1, spec.channels, spec.horizon))
        return gain if spec.scale is None else gain / np.reshape(np.array(spec.scale, np.float32), (1, spec.channels, 1))

    model = forecaster(spec, core, "last", "ets", window)
    layer.choose(members, smoothing.penalty if smoothing else np.zeros(1))
    return model


def layer_of(members: tuple[Member, ...], window: int, horizon: int, season: int) -> RollingAverage:
    """The layer that averages the members; its weights are given by its `choose`."""
    counts = [sum(not m.name and m.scale == scale for m in members) for scale in SCALES]
    origins = origins_of(window, season) if len(members) > 1 else ()
    return RollingAverage(horizon, season, counts, [m.name for m in members if m.name], origins)


def window_of(lookback: int, season: int) -> int:
    """The newest steps that a forecaster of the family reads: what is older knows a level and a season that may have changed."""
    return min(lookback, steps_read(season))
