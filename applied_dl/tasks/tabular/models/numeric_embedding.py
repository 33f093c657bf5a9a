"""Layers for numeric columns: fill, scale, embed. What they learned from training rows is in their config."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.tasks.tabular.models.numeric import SPREAD

FARTHEST = 1e6  # of a scaled number: squares of larger ones would not be finite
WAVE_SCALE = 0.1  # standard deviation of the frequencies (Holzmüller et al., RealMLP, 2024)


def _floats(array) -> np.ndarray:
    return np.asarray(array, np.float32)


def _half(array: np.ndarray) -> np.ndarray:
    """Rounded to what half precision holds, where it holds it."""
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float16).astype(np.float64)
    return np.where(np.isfinite(rounded) & ((rounded != 0) | (array == 0)), rounded, array)


@keras.saving.register_keras_serializable(package="applied_dl")
class ScaleNumbers(layers.Layer):
    """(x − centre) · scale, and the training median where x is NaN: (B, F) → (B, F) without NaN.

    The constants are exact in half precision: a power of two brings x below 1,024, and the rounding error of the centre is subtracted
    after the scaling. Otherwise −118.5 would become −118.5 ± 0.03, and 500,000 would overflow.
    """

    def __init__(self, center, scale, fill, **base):
        super().__init__(**base)
        self.center, self.scale, self.fill = _floats(center), _floats(scale), _floats(fill)
        center, scale = self.center.astype(np.float64), self.scale.astype(np.float64)
        size = np.maximum(np.abs(center), 1 / scale)
        power = 2.0 ** -np.ceil(np.log2(np.maximum(size / 1024, 2.0**-10)))
        rounded, steep = _half(center * power), _half(scale / power)
        self.power, self.rounded, self.steep = _floats(power), _floats(rounded), _floats(steep)
        self.left = _floats((center * power - rounded) * steep)
        self.filled = _floats((self.fill.astype(np.float64) - center) * power * steep)

    def call(self, x):
        z = (x * self.power - self.rounded) * self.steep - self.left
        return ops.clip(ops.where(ops.isnan(z), self.filled, z), -FARTHEST, FARTHEST)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name).tolist() for name in ("center", "scale", "fill")}}


@keras.saving.register_keras_serializable(package="applied_dl")
class Missing(layers.Layer):
    """(B, F) → (B, K) of 0 and 1: whether each of `features` is missing."""

    def __init__(self, features, **base):
        super().__init__(**base)
        self.features = [int(i) for i in features]

    def call(self, x):
        return ops.cast(ops.isnan(ops.stack([x[:, i] for i in self.features], axis=1)), "float32")

    def compute_output_shape(self, shape):
        return (shape[0], len(self.features))

    def get_config(self):
        return {**super().get_config(), "features": self.features}


@keras.saving.register_keras_serializable(package="applied_dl")
class SmoothClip(layers.Layer):
    """z / sqrt(1 + (z/3)²): linear in the middle, tails bounded by ±3 (RealMLP)."""

    def call(self, z):
        return z / ops.sqrt(1.0 + ops.square(z / SPREAD))


@keras.saving.register_keras_serializable(package="applied_dl")
class QuantileScale(layers.Layer):
    """(B, F) → the quantile of each feature among training rows, from −1.7 to 1.7 (a uniform of unit variance), interpolated linearly
    between `knots` (F, Q)."""

    def __init__(self, knots, **base):
        super().__init__(**base)
        self.knots = _floats(knots)
        low, gap = self.knots[:, :-1], np.diff(self.knots, axis=1)
        self.low, self.inverse = low, np.where(gap > 0, 1 / np.maximum(gap, 1e-12), 0).astype(np.float32)
        self.equal = (gap <= 0).astype(np.float32)  # repeated knots: a step

    def call(self, x):
        t = ops.expand_dims(x, -1) - self.low  # (B, F, Q-1)
        share = ops.clip(t * self.inverse, 0.0, 1.0) + self.equal * ops.cast(t > 0, "float32")
        return (ops.mean(share, axis=-1) - 0.5) * float(np.sqrt(12))

    def get_config(self):
        return {**super().get_config(), "knots": self.knots.tolist()}


@keras.saving.register_keras_serializable(package="applied_dl")
class Project(layers.Layer):
    """(B, F) → (B, K): whitened principal components, or sums and differences of columns, by `axes` (F, K)."""

    def __init__(self, axes, **base):
        super().__init__(**base)
        self.axes = _floats(axes)

    def call(self, x):
        return ops.matmul(x, self.axes)

    def compute_output_shape(self, shape):
        return (shape[0], self.axes.shape[1])

    def get_config(self):
        return {**super().get_config(), "axes": self.axes.tolist()}


@keras.saving.register_keras_serializable(package="applied_dl")
class PiecewiseLinear(layers.Layer):
    """Piecewise-linear embedding of each number, with a straight skip: (B, F) standardised and (B, F) scaled → (B, F · width).

    e_t = clip((x − b_t) / (b_t+1 − b_t), 0, 1), a matrix (T, width) of its own for each feature, which starts at 0, plus the scaled number
    times a vector, plus a bias (Gorishniy et al., On Embeddings for Numerical Features, 2022; "version B" of TabM, 2024).
    """

    def __init__(self, bins, width: int, activation: str = "linear", **base):
        super().__init__(**base)
        self.bins, self.width, self.activation = [_floats(edges) for edges in bins], width, activation
        most = max(len(edges) for edges in self.bins) - 1
        self.low, self.inverse = np.zeros((len(self.bins), most), np.float32), np.zeros((len(self.bins), most), np.float32)
        for j, edges in enumerate(self.bins):
            self.low[j, : len(edges) - 1] = edges[:-1]
            self.inverse[j, : len(edges) - 1] = 1 / np.maximum(np.diff(edges), 1e-9)

    def build(self, filled_shape, scaled_shape):
        features, bins = self.low.shape
        start = keras.initializers.RandomUniform(-(self.width**-0.5), self.width**-0.5)
        self.kernel = self.add_weight(shape=(features, bins, self.width), initializer="zeros", name="kernel")
        self.skip = self.add_weight(shape=(features, self.width), initializer=start, name="skip")
        self.bias = self.add_weight(shape=(features, self.width), initializer=start, name="bias")

    def call(self, filled, scaled):
        e = ops.clip((ops.expand_dims(filled, -1) - self.low) * self.inverse, 0.0, 1.0)  # (B, F, T)
        e = ops.transpose(ops.matmul(ops.transpose(e, (1, 0, 2)), self.kernel), (1, 0, 2))  # (B, F, width)
        e = e + ops.expand_dims(scaled, -1) * self.skip + self.bias
        e = ops.relu(e) if self.activation == "relu" else e
        return ops.reshape(e, (-1, self.low.shape[0] * self.width))

    def compute_output_shape(self, filled_shape, scaled_shape):
        return (filled_shape[0], self.low.shape[0] * self.width)

    def get_config(self):
        own = {"bins": [edges.tolist() for edges in self.bins], "width": self.width, "activation": self.activation}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="applied_dl")
class Periodic(layers.Layer):
    """Waves of each number, (B, F) → (B, F · width): cos(2π w x + b), a linear map to `width` − 1, and the number itself (RealMLP)."""

    def __init__(self, features: int, waves: int, width: int, **base):
        super().__init__(**base)
        self.features, self.waves, self.width = features, waves, width

    def build(self, shape):
        normal, angle = keras.initializers.RandomNormal(0.0, WAVE_SCALE), keras.initializers.RandomUniform(-np.pi, np.pi)
        self.frequency = self.add_weight(shape=(self.features, self.waves), initializer=normal, name="frequency")
        self.phase = self.add_weight(shape=(self.features, self.waves), initializer=angle, name="phase")
        limit = self.waves**-0.5
        start = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(shape=(self.features, self.waves, self.width - 1), initializer=start, name="kernel")
        self.bias = self.add_weight(shape=(self.features, self.width - 1), initializer=start, name="bias")

    def call(self, x):
        waves = ops.cos(2 * np.pi * ops.expand_dims(x, -1) * self.frequency + self.phase)  # (B, F, W)
        mixed = ops.transpose(ops.matmul(ops.transpose(waves, (1, 0, 2)), self.kernel), (1, 0, 2)) + self.bias
        both = ops.concatenate([ops.expand_dims(x, -1), mixed], axis=-1)  # (B, F, width)
        return ops.reshape(both, (-1, self.features * self.width))

    def compute_output_shape(self, shape):
        return (shape[0], self.features * self.width)

    def get_config(self):
        return {**super().get_config(), "features": self.features, "waves": self.waves, "width": self.width}
