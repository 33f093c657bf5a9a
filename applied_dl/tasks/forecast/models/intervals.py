"""Conformal intervals in the graph: errors of windows the model never saw, per step ahead and channel, in units of the window.

The unit of an aligned set is what the window itself says of the uncertainty (Papadopoulos et al., 2002; Lei et al., 2018): how far its
values lie from its last season's mean, and a little of how much it changes from season to season. On stretches before the tests of three
data sets (benchmarks/forecast/coverage.py) that kept the promise better, and for a better interval score, than the window's deviation or a
fixed width. The few windows of a short series lie at other levels than what follows, which a trend makes more of: its unit is what its
errors usually grow with, the size of the newest values and their newest changes (benchmarks/forecast/short_intervals.py). A panel's unit is
its normalisation's.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.models.windows import panel_scale

FLOOR = 0.05  # of the training deviation, so that a still window has an interval too
NEWEST = 6  # steps, at the least, whose size is that of a short series
FADING = 0.93  # weight of a change beside that of the next one


@keras.saving.register_keras_serializable(package="applied_dl")
class Margin(layers.Layer):
    """history (B, L, D) → the interval's half width (B, H, D): a margin (H, D) times the window's spread.

    scale: (D,) training deviations of an aligned set; None for a panel. unit: "season" or "short" as above; "deviation", that of the
    window, is what models were calibrated with whose config does not name one.
    """

    def __init__(self, horizon: int, season: int, scale=None, unit: str = "deviation", **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        self.unit = unit
        self.horizon, self.season, self.scale = horizon, season, None if scale is None else [float(v) for v in scale]

    def build(self, shape):
        self.margin = self.add_weight(shape=(self.horizon, shape[-1]), initializer="zeros", trainable=False, name="margin")

    def spread(self, history):
        """(B, 1, D)"""
        if self.scale is None:
            return panel_scale(history, self.season)[1]
        least = FLOOR * ops.array(self.scale, dtype=history.dtype)
        if self.unit == "deviation":
            gap = history - ops.mean(history, axis=1, keepdims=True)
            return ops.sqrt(ops.mean(ops.square(gap), axis=1, keepdims=True)) + least
        if self.unit == "short":
            return self._of_short(history, least)
        level = ops.mean(history[:, -self.season :], axis=1, keepdims=True)
        away = ops.sqrt(ops.mean(ops.square(history - level), axis=1, keepdims=True)) + least
        lag = min(self.season, history.shape[1] // 2)
        change = (ops.mean(ops.abs(history[:, lag:] - history[:, :-lag]), axis=1, keepdims=True) if lag else 0.0) + least
        return ops.sqrt(away * ops.sqrt(away * change))  # three parts of the one, one of the other

    def _of_short(self, history, least):
        """(B, 1, D): of the mean size of the newest values, and of how far changes lie from their mean, where newer ones weigh more."""
        length = history.shape[1]
        size = ops.mean(ops.abs(history[:, -max(self.season, NEWEST) :]), axis=1, keepdims=True) + least
        lag = min(self.season, length // 2)
        if not lag:
            return size
        weights = FADING ** np.arange(length - lag)[::-1]
        weights = (weights / weights.sum()).astype(np.float32)[:, None]  # (T, 1)
        change = history[:, lag:] - history[:, :-lag]
        usual = ops.sum(weights * change, axis=1, keepdims=True)
        return ops.sqrt(size) * ops.sqrt(ops.sum(weights * ops.abs(change - usual), axis=1, keepdims=True) + least)

    def call(self, history):
        return self.spread(history) * ops.convert_to_tensor(self.margin)

    def compute_output_shape(self, shape):
        return (shape[0], self.horizon, shape[-1])

    def get_config(self):
        return {**super().get_config(), "horizon": self.horizon, "season": self.season, "scale": self.scale, "unit": self.unit}


def conformal_margin(excess: np.ndarray, spread: np.ndarray, coverage: float, overlapping: bool = False) -> np.ndarray:
    """The margins (H, D) from validation errors: locally weighted split conformal prediction (Lei et al., 2018).

    excess: (N, H, D) how far each truth lies outside the uncalibrated interval (the absolute error, of a point forecast), NaN where there
    is no truth; below zero inside. spread: (N, 1, D). A step's margin is the ceil((n + 1) coverage)-th smallest of its n truths, the
    largest of few; a step without a truth takes those of the steps beside it. overlapping: the windows are few and one step apart, so that
    h neighbours share most of the h-step-ahead error and n of them are n / h of their own: the ceil((n + h) coverage)-th smallest. Raises
    `DataError` where there is no truth at all.
    """
    scores = np.sort(excess / spread, axis=0)  # NaN last
    count = (~np.isnan(scores)).sum(axis=0)
    shared = np.arange(1, len(count) + 1)[:, None] if overlapping else 1
    place = np.clip(np.ceil((count + shared) * coverage).astype(np.int64), 1, np.maximum(count, 1)) - 1
    found = np.take_along_axis(scores, place[None], axis=0)[0]
    known = np.isfinite(found)
    if not known.any():
        raise DataError("No value of the validation part is known, so that no interval can be calibrated; give a fuller history.")
    for channel in np.flatnonzero(~known.all(axis=0)):
        steps = np.flatnonzero(known[:, channel])
        found[:, channel] = np.interp(np.arange(len(found)), steps, found[steps, channel]) if len(steps) else np.nanmax(found)
    return found.astype(np.float32)
