"""Conformal intervals in the graph: errors of windows the model never saw, per step ahead and channel, in units of the window."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.preprocess.windows import panel_scale


@keras.saving.register_keras_serializable(package="applied_dl")
class Margin(layers.Layer):
    """history (B, L, D) → the interval's half width (B, H, D): a fixed margin (H, D), times the window's own spread where `local`."""

    def __init__(self, horizon: int, local: bool, season: int, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.horizon, self.local, self.season = horizon, local, season

    def build(self, shape):
        self.channels = shape[-1]
        self.margin = self.add_weight(shape=(self.horizon, shape[-1]), initializer="zeros", trainable=False, name="margin")

    def call(self, history):
        spread = panel_scale(history, self.season)[1] if self.local else ops.ones_like(history[:, :1])
        return spread * ops.convert_to_tensor(self.margin)

    def compute_output_shape(self, shape):
        return (shape[0], self.horizon, shape[-1])

    def get_config(self):
        return {**super().get_config(), "horizon": self.horizon, "local": self.local, "season": self.season}


def conformal_margin(excess: np.ndarray, spread: np.ndarray, coverage: float) -> tuple[np.ndarray, bool]:
    """The margins (H, D) and whether they are local, from validation errors.

    excess: (N, H, D) how far each truth lies outside the uncalibrated interval (the absolute error, of a point forecast), NaN where there
    is no truth. spread: (N, 1, D). Split conformal prediction (Lei et al. 2018), locally weighted where that gives the shorter intervals
    for the same coverage of the later half after calibration on the earlier half (by Winkler's score).
    """
    half = len(excess) // 2
    local = False
    if half >= 20:
        scores = []
        for unit in (np.ones_like(spread), spread):
            width = quantile(excess[:half] / unit[:half], coverage) * unit[half:]
            miss = np.maximum(excess[half:] - width, 0)
            scores.append(np.nanmean(2 * width + 2 / (1 - coverage) * miss))
        local = bool(scores[1] < scores[0])
    return quantile(excess / spread if local else excess, coverage).astype(np.float32), local


def quantile(values: np.ndarray, coverage: float) -> np.ndarray:
    """The conformal quantile over rows: the ceil((n + 1) coverage)-th smallest, the largest where n is too small for that."""
    level = min(1.0, np.ceil((len(values) + 1) * coverage) / len(values))
    return np.nanquantile(values, level, axis=0, method="higher")
