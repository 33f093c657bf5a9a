"""The parts of an implicit ensemble: k members that share their hidden layers (Gorishniy et al., TabM, 2024)."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class Members(layers.Layer):
    """(B, D) → (B, k, D): each member sees the features scaled by its own random numbers, one a feature chunk to begin with."""

    def __init__(self, members: int, chunks, **base):
        super().__init__(**base)
        self.members, self.chunks = members, [int(n) for n in chunks]

    def build(self, shape):
        self.scale = self.add_weight(shape=(self.members, shape[-1]), initializer=self._start, name="scale")

    def _start(self, shape, dtype=None):
        one = keras.initializers.RandomNormal(0.0, 1.0)((self.members, len(self.chunks)), dtype=dtype)
        return ops.repeat(one, np.array(self.chunks), axis=1)

    def call(self, x):
        return ops.expand_dims(x, 1) * self.scale

    def compute_output_shape(self, shape):
        return (shape[0], self.members, shape[-1])

    def get_config(self):
        return {**super().get_config(), "members": self.members, "chunks": self.chunks}


@keras.saving.register_keras_serializable(package="applied_dl")
class Heads(layers.Layer):
    """(B, k, D) → (B, k, outputs): a linear head of its own for each member."""

    def __init__(self, outputs: int, **base):
        super().__init__(**base)
        self.outputs = outputs

    def build(self, shape):
        limit = shape[-1] ** -0.5
        start = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(shape=(shape[1], shape[-1], self.outputs), initializer=start, name="kernel")
        self.bias = self.add_weight(shape=(shape[1], self.outputs), initializer="zeros", name="bias")

    def call(self, x):
        y = ops.matmul(ops.transpose(x, (1, 0, 2)), self.kernel)  # (k, B, outputs)
        return ops.transpose(y, (1, 0, 2)) + self.bias

    def compute_output_shape(self, shape):
        return (*shape[:2], self.outputs)

    def get_config(self):
        return {**super().get_config(), "outputs": self.outputs}
