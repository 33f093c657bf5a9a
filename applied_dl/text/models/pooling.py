"""Token vectors → one vector of unit length, whatever the padding."""

from __future__ import annotations

import keras
from keras import layers, ops

from applied_dl.core.errors import UsageError, nearest

POOLINGS = ("mean", "cls", "max")
MASKED = -30.0  # added to masked positions: enough for softmax and max, and small enough for int8 (−1e9 is not)


@keras.saving.register_keras_serializable(package="applied_dl")
class TokenMask(layers.Layer):
    """ids (B, T) → 1.0 where there is a token, 0.0 where there is padding."""

    def __init__(self, padding: int = 0, **base):
        super().__init__(**base)
        self.padding = padding

    def call(self, ids):
        return ops.cast(ops.not_equal(ids, self.padding), "float32")

    def compute_output_spec(self, ids):
        return keras.KerasTensor(ids.shape, "float32")

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable(package="applied_dl")
class Pool(layers.Layer):
    """(B, T, D), mask (B, T) → (B, D): mean or maximum over the tokens, or the first one. Without tokens the mean is zero."""

    def __init__(self, kind: str = "mean", **base):
        super().__init__(**base)
        if kind not in POOLINGS:
            raise UsageError(f"Unknown model.pooling {kind!r}.{nearest(kind, POOLINGS)}")
        self.kind = kind

    def call(self, x, mask):
        if self.kind == "cls":
            return x[:, 0]
        keep = ops.expand_dims(ops.cast(mask, x.dtype), -1)  # (B, T, 1)
        if self.kind == "max":
            return ops.max(x + (1.0 - keep) * MASKED, axis=1)
        return ops.sum(x * keep, axis=1) / ops.maximum(ops.sum(keep, axis=1), 1.0)

    def compute_output_shape(self, x_shape, mask_shape=None):
        return (x_shape[0], x_shape[-1])

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}


@keras.saving.register_keras_serializable(package="applied_dl")
class UnitLength(layers.Layer):
    """(…, D) divided by its Euclidean norm; zeros stay zeros."""

    def call(self, x):
        return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis=-1, keepdims=True), 1e-24))

    def compute_output_shape(self, shape):
        return shape


def vector(x, mask, pooling: str, dimensions: int | None = None):
    """Pool, project to `dimensions` where that is another width, and scale to unit length: (B, T, D) → (B, dimensions)."""
    x = Pool(pooling, dtype="float32", name="pool")(x, mask)
    if dimensions is not None and dimensions != x.shape[-1]:
        x = layers.Dense(dimensions, dtype="float32", name="project")(x)
    return UnitLength(dtype="float32", name="unit")(x)
