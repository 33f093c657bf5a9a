"""Dense and convolution blocks that every builder uses: linear layer, normalisation, activation, dropout."""

from __future__ import annotations

from keras import initializers, layers

from applied_dl.core.errors import UsageError, nearest
from applied_dl.layers.activations import activation, pieces

NORMS = ("batch", "layer", "group", "rms", "none")
RELU_BIAS = 0.01  # a small positive initial bias keeps ReLU units alive
MOST_GROUPS = 8


def normalization(name: str, label: str | None = None, channels: int | None = None) -> layers.Layer | None:
    """The layer of a normalisation, or None for "none".

    Args:
        name: one of `NORMS`: "batch", "layer", "group", "rms", "none".
        label: name of the layer.
        channels: channels of the input; "group" uses the largest number of groups up to 8 that divides it.

    Raises:
        UsageError: the name is unknown; the message suggests the nearest one.
    """
    if name not in NORMS:
        raise UsageError(f"Unknown norm {name!r}.{nearest(name, NORMS)}")
    if name == "batch":
        return layers.BatchNormalization(momentum=0.9, name=label)
    if name == "layer":
        return layers.LayerNormalization(name=label)
    if name == "rms":
        return layers.RMSNormalization(name=label)
    if name == "group":
        return layers.GroupNormalization(max(g for g in range(1, MOST_GROUPS + 1) if (channels or MOST_GROUPS) % g == 0), name=label)
    return None


def dense(x, units: int, act: str = "relu", *, norm: str = "none", dropout: float = 0.0, name: str | None = None):
    """(B, …, F) → (B, …, units): dense, normalisation, activation, dropout.

    Args:
        x: a Keras tensor.
        units: units of the output; before "maxout" the dense layer has twice as many.
        act: activation by name.
        norm: normalisation by name.
        dropout: share of the outputs dropped in training.
        name: name of the dense layer.
    """
    bias = initializers.Constant(RELU_BIAS) if act == "relu" and norm == "none" else "zeros"
    x = layers.Dense(units * pieces(act), use_bias=norm != "batch", bias_initializer=bias, name=name)(x)
    return _finish(x, units * pieces(act), act, norm, dropout)


def conv(x, filters: int, size: int = 3, act: str = "relu", *, stride: int = 1, norm: str = "batch", padding: str = "same",
         name: str | None = None):  # fmt: skip
    """(B, H, W, C) → (B, ceil(H/stride), ceil(W/stride), filters): convolution, normalisation, activation.

    Args:
        x: a Keras tensor.
        filters: channels of the output; before "maxout" the convolution has twice as many.
        size: side of the kernel in pixels.
        act: activation by name.
        stride: step of the kernel in pixels.
        norm: normalisation by name.
        padding: "same" or "valid".
        name: name of the convolution.
    """
    wide = filters * pieces(act)
    x = layers.Conv2D(wide, size, strides=stride, padding=padding, use_bias=norm != "batch", name=name)(x)
    return _finish(x, wide, act, norm, 0.0)


def _finish(x, channels: int, act: str, norm: str, dropout: float):
    layer = normalization(norm, channels=channels)
    x = layer(x) if layer is not None else x
    x = activation(act)(x) if act != "linear" else x
    return layers.Dropout(dropout)(x) if dropout else x
