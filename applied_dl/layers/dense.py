"""Dense layers with other shapes or parametrisations than `keras.layers.Dense`; the diagnostics examine them like `Dense`."""

from __future__ import annotations

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class Heads(layers.Layer):
    """One linear head per ensemble member: (B, k, D) → (B, k, outputs).

    Args:
        outputs: outputs of each head.
    """

    def __init__(self, outputs: int, **base):
        super().__init__(**base)
        self.outputs = outputs

    def build(self, shape):
        limit = shape[-1] ** -0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(shape=(shape[1], shape[-1], self.outputs), initializer=uniform, name="kernel")
        self.bias = self.add_weight(shape=(shape[1], self.outputs), initializer="zeros", name="bias")

    def call(self, x):
        y = ops.matmul(ops.transpose(x, (1, 0, 2)), self.kernel)  # (k, B, outputs)
        return ops.transpose(y, (1, 0, 2)) + self.bias  # (B, k, outputs)

    def compute_output_shape(self, shape):
        return (*shape[:2], self.outputs)

    def get_config(self):
        return {**super().get_config(), "outputs": self.outputs}


@keras.saving.register_keras_serializable(package="applied_dl")
class NTPDense(layers.Layer):
    """Dense layer in the neural tangent parametrisation: (B, D) → (B, units), x W / √D + b with W ~ N(0, 1).

    The size of a gradient step does not depend on the width.

    Args:
        units: outputs.

    References:
        Jacot, Gabriel and Hongler, Neural tangent kernel (2018).
    """

    def __init__(self, units: int, **base):
        super().__init__(**base)
        self.units = units

    def build(self, shape):
        self.factor = float(shape[-1]) ** -0.5
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer=keras.initializers.RandomNormal(0.0, 1.0), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        return ops.matmul(x, self.kernel * self.factor) + self.bias

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
