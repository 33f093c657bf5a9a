"""Every activation by name, as a Keras layer. Where it hurts: sigmoid and tanh saturate, relu units can die, exp costs time on a phone."""

from __future__ import annotations

import keras
from keras import layers, ops

from applied_dl.core.errors import UsageError, nearest

PLAIN = ("linear", "sigmoid", "tanh", "relu", "elu", "softplus", "selu", "gelu", "swish", "mish", "softmax")
NAMES = (*PLAIN, "leaky_relu", "bru", "maxout")
MAXOUT_PIECES = 2  # a layer before maxout needs this many times the units


def activation(name: str, label: str | None = None) -> layers.Layer:
    """The layer of an activation; `label` names it. Raises `UsageError` for an unknown name."""
    if name not in NAMES:
        raise UsageError(f"Unknown activation {name!r}.{nearest(name, NAMES)}")
    if name == "leaky_relu":
        return layers.LeakyReLU(negative_slope=0.01, name=label)
    if name == "bru":
        return BRU(name=label)
    if name == "maxout":
        return Maxout(name=label)
    if name == "gelu":  # the tanh form: the exact one needs erf, which phones' delegates lack
        return layers.Activation(_gelu, name=label)
    return layers.Activation(name, name=label)


@keras.saving.register_keras_serializable(package="applied_dl", name="gelu_tanh")
def _gelu(x):
    return ops.gelu(x, approximate=True)


def pieces(name: str) -> int:
    """How many times the units a layer must have before this activation."""
    return MAXOUT_PIECES if name == "maxout" else 1


@keras.saving.register_keras_serializable(package="applied_dl")
class BRU(layers.Layer):
    """Bionodal root unit (Bhumbra, Deep learning improved by biological activation functions, 2018), with r = 2 by default.

    (r² z + 1)^(1/r) − 1/r for z ≥ 0 and exp(r z) − 1/r below: grows as a root, never dies, and is smooth at 0.
    """

    def __init__(self, r: float = 2.0, **base):
        super().__init__(**base)
        self.r = r

    def call(self, z):
        r = self.r
        above = ops.power(r * r * ops.maximum(z, 0.0) + 1, 1 / r) - 1 / r
        below = ops.exp(r * ops.minimum(z, 0.0)) - 1 / r
        return ops.where(z >= 0, above, below)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "r": self.r}


@keras.saving.register_keras_serializable(package="applied_dl")
class Maxout(layers.Layer):
    """Largest of k linear pieces (Goodfellow et al., 2013): (…, k·U) → (…, U)."""

    def __init__(self, pieces: int = MAXOUT_PIECES, **base):
        super().__init__(**base)
        self.pieces = pieces

    def call(self, x):
        parts = ops.split(x, self.pieces, axis=-1)
        largest = parts[0]
        for part in parts[1:]:
            largest = ops.maximum(largest, part)
        return largest

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] // self.pieces)

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}
