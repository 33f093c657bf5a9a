"""The parts of an implicit ensemble: k members that share their hidden layers (Gorishniy et al., TabM, 2024)."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class Members(layers.Layer):
    """(B, D) → (B, k, D): each member scales the features by its own weights, initialised with one random number per feature."""

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
