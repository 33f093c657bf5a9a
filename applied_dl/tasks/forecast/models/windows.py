"""Windows in the graph: gathered per batch from one resident tensor, normalised, and brought back to the user's units.

Letters: B windows, L steps of history, H steps ahead, D channels.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from applied_dl.layers.backend import constant, take

NORMALIZE = ("last", "mean", "revin", "panel", "none", "difference")
EPSILON = 1e-5
LARGEST = 30.0  # a panel's scaled values are cut here: one spike must not move the weights


@keras.saving.register_keras_serializable(package="applied_dl")
class Standardize(keras.layers.Layer):
    """(x - center) / scale per channel; `invert` undoes it. Constants of the training rows, kept in the layer's config."""

    def __init__(self, center, scale, invert: bool = False, **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        self.center, self.scale, self.invert = [float(v) for v in center], [float(v) for v in scale], invert

    def call(self, x):
        center, scale = ops.array(self.center, dtype=x.dtype), ops.array(self.scale, dtype=x.dtype)
        return x * scale + center if self.invert else (x - center) / scale

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "center": self.center, "scale": self.scale, "invert": self.invert}


def panel_scale(history, season: int):
    """Level and spread of each window (B, L, D) → two (B, 1, D): mean of the last week of seasons, mean seasonal change.

    The spread is the mean of |x[t] - x[t-season]|, with a little of the deviation and of the level so that it is never zero.
    """
    length = history.shape[1]
    lag = min(season, max(1, length - 1))
    recent = min(length, 7 * season if season >= 24 else max(season, 2))
    level = ops.mean(history[:, -recent:], axis=1, keepdims=True)
    change = ops.mean(ops.abs(history[:, lag:] - history[:, :-lag]), axis=1, keepdims=True)
    spread = ops.sqrt(ops.mean(ops.square(history - ops.mean(history, axis=1, keepdims=True)), axis=1, keepdims=True))
    return level, change + 0.05 * spread + 1e-3 * ops.abs(level) + 1e-6


def normalize(history, how: str, season: int = 1):
    """A normalised history (B, L, D), the function that brings a forecast (B, H, D) or (B, H, D, K) back, and its unit (B, 1, D) or None.

    how: "last" or "mean" subtract it; "revin" also divides by the window's deviation (Kim et al., ICLR 2022); "panel" subtracts the
    recent level and divides by the mean seasonal change; "difference" takes steps between values and sums the forecast up; "none".
    """
    fit = lambda stat, y: ops.expand_dims(stat, -1) if len(y.shape) == 4 else stat  # noqa: E731
    if how == "none":
        return history, lambda y: y, None
    if how in ("last", "mean"):
        shift = history[:, -1:] if how == "last" else ops.mean(history, axis=1, keepdims=True)
        return history - shift, lambda y: add_level(y, fit(shift, y)), None
    if how == "difference":
        last = history[:, -1:]
        steps = history[:, 1:] - history[:, :-1]
        return ops.concatenate([steps[:, :1] * 0.0, steps], axis=1), lambda y: add_level(_running_sum(y), fit(last, y)), None
    if how == "revin":
        shift = ops.mean(history, axis=1, keepdims=True)
        spread = ops.sqrt(ops.mean(ops.square(history - shift), axis=1, keepdims=True) + EPSILON)
        return (history - shift) / spread, lambda y: add_level(y * fit(spread, y), fit(shift, y)), spread
    level, spread = panel_scale(history, season)
    scaled = ops.clip((history - level) / spread, -LARGEST, LARGEST)
    return scaled, lambda y: add_level(y * fit(spread, y), fit(level, y)), spread


def add_level(y, level):
    """y (B, H, …) + level (B, 1, …).

    Never by `+`: under TensorFlow Keras takes an addend with one axis longer than 1 for a bias, so that the levels of B windows of one
    channel would be added along the horizon, or the outputs, wherever one of those happens to be B long.
    """
    return y - (-level)


def _running_sum(y):
    steps = y.shape[1]
    triangle = ops.array(np.tril(np.ones((steps, steps), np.float32)))
    flat = ops.reshape(y, (-1, steps, int(np.prod(y.shape[2:]))))
    return ops.reshape(ops.matmul(triangle, flat), (-1, *y.shape[1:]))


def gather_windows(blocks: list, starts: np.ndarray, lookback: int, horizon: int, target: Callable, cycle: int = 0) -> Callable:
    """A `train.Source.gather`: window numbers (B,) → (inputs by name, target), from one resident tensor per column group.

    blocks: `encoder.Block`s: `values` (T, D), `start`, and `past` (T, P), `future` (T + H, F) and `static` (S,) or None.
    starts: (N, 2) int64 of block number and first row of each window. `target` maps
    (history (B, L, D), truth (B, H, D)) to what the loss takes.
    """
    names = [name for name in ("values", "past", "future") if getattr(blocks[0], name) is not None]
    offsets = {name: np.cumsum([0] + [len(getattr(block, name)) for block in blocks])[:-1] for name in names}
    block_of, first = starts[:, 0], starts[:, 1]
    resident = {name: constant(np.concatenate([getattr(block, name) for block in blocks])) for name in names}
    begin = {name: constant(offsets[name][block_of] + first) for name in names}
    static = None if blocks[0].static is None else constant(np.stack([block.static for block in blocks]))
    owner = constant(block_of)
    phase = constant(((np.array([block.start for block in blocks])[block_of] + first) % cycle).astype(np.int32)) if cycle else None
    reach = {"values": lookback + horizon, "past": lookback, "future": lookback + horizon}

    def gather(index):
        cut = {name: take(resident[name], take(begin[name], index)[:, None] + np.arange(reach[name])) for name in names}
        window = cut.pop("values")
        inputs = {"history": window[:, :lookback], **cut}
        if static is not None:
            inputs["static"] = take(static, take(owner, index))
        if phase is not None:
            inputs["phase"] = take(phase, index)[:, None]
        return inputs, target(inputs["history"], window[:, lookback:])

    return gather
