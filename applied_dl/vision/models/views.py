"""Views of an image for test-time augmentation (TTA) inside the exported graph.

The registered names are those of schema 1, so that its bundles keep loading.
"""

from __future__ import annotations

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl", name="Mirror")
class Mirror(layers.Layer):
    """(B, H, W, C) with left and right exchanged."""

    def call(self, x):
        return ops.flip(x, axis=2)

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable(package="applied_dl", name="Nudge")
class Translate(layers.Layer):
    """(B, H, W, C) translated by whole pixels; the edge pixels are repeated.

    Args:
        down: pixels towards the bottom; negative: towards the top.
        right: pixels towards the right; negative: towards the left.
    """

    def __init__(self, down: int, right: int, **base):
        super().__init__(**base)
        self.down, self.right = down, right

    def call(self, x):
        for axis, step in ((1, self.down), (2, self.right)):
            size = x.shape[axis]
            index = [min(max(i - step, 0), size - 1) for i in range(size)]
            x = ops.take(x, index, axis=axis)
        return x

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "down": self.down, "right": self.right}
