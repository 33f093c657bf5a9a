"""Other looks at a picture, for test-time averaging inside the exported graph."""

from __future__ import annotations

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class Mirror(layers.Layer):
    """(B, H, W, C) with left and right swapped."""

    def call(self, x):
        return ops.flip(x, axis=2)

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable(package="applied_dl")
class Nudge(layers.Layer):
    """(B, H, W, C) moved by whole pixels, the edge repeated: `down` and `right` may be negative."""

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
