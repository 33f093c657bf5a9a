"""Activations by name, as Keras layers that convert to TFLite builtins."""

from __future__ import annotations

import keras
from keras import layers, ops

from applied_dl.core.errors import UsageError, nearest

PLAIN = ("linear", "sigmoid", "tanh", "relu", "elu", "softplus", "selu", "gelu", "swish", "mish", "softmax")
NAMES = (*PLAIN, "leaky_relu", "bru", "maxout")
MAXOUT_PIECES = 2  # a layer before maxout has this many times the units


def activation(name: str, label: str | None = None) -> layers.Layer:
    """The layer of an activation.

    Args:
        name: one of `NAMES`. Sigmoid and tanh saturate; ReLU units can die; BRU, GELU, mish and swish cost an exponential or a root.
        label: name of the layer.

    Returns:
        A layer (B, …, U) → (B, …, U); "maxout" takes (B, …, 2·U).

    Raises:
        UsageError: the name is unknown; the message suggests the nearest one.

    Example:
        >>> y = activation("gelu")(x)
    """
    if name not in NAMES:
        raise UsageError(f"Unknown activation {name!r}.{nearest(name, NAMES)}")
    if name == "leaky_relu":
        return layers.LeakyReLU(negative_slope=0.01, name=label)
    if name == "bru":
        return BRU(name=label)
    if name == "maxout":
        return Maxout(name=label)
    if name == "gelu":  # the tanh form: the exact form needs erf, which mobile delegates lack
        return layers.Activation(_gelu, name=label)
    return layers.Activation(name, name=label)


@keras.saving.register_keras_serializable(package="applied_dl", name="gelu_tanh")
def _gelu(x):
    return ops.gelu(x, approximate=True)


def pieces(name: str) -> int:
    """How many times the units the layer before this activation must have (2 for maxout, else 1)."""
    return MAXOUT_PIECES if name == "maxout" else 1


@keras.saving.register_keras_serializable(package="applied_dl")
class BRU(layers.Layer):
    """Bionodal root unit: (r² z + 1)^(1/r) − 1/r for z ≥ 0, exp(r z) − 1/r below; smooth at 0, and no unit dies.

    Args:
        r: the order of the root.

    References:
        Bhumbra, Deep learning improved by biological activation functions (2018).
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
    """The largest of k linear pieces: (B, …, k·U) → (B, …, U).

    Args:
        pieces: k.

    References:
        Goodfellow et al., Maxout networks (2013).
    """

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
