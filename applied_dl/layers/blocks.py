"""The few layer shapes that every builder repeats."""

from __future__ import annotations

from keras import layers

from applied_dl.core.errors import UsageError, nearest
from applied_dl.layers.activations import activation, pieces

NORMS = ("batch", "layer", "group", "rms", "none")
RELU_BIAS = 0.01  # a small positive start keeps relu units alive


def normalization(name: str, label: str | None = None, channels: int | None = None) -> layers.Layer | None:
    """The layer of a normalisation; None for "none". Group takes the largest count up to 8 that divides `channels`."""
    if name not in NORMS:
        raise UsageError(f"Unknown norm {name!r}.{nearest(name, NORMS)}")
    if name == "batch":
        return layers.BatchNormalization(momentum=0.9, name=label)
    if name == "layer":
        return layers.LayerNormalization(name=label)
    if name == "rms":
        return layers.RMSNormalization(name=label)
    if name == "group":
        return layers.GroupNormalization(max(g for g in range(1, 9) if (channels or 8) % g == 0), name=label)
    return None


def dense(x, units: int, act: str = "relu", *, norm: str = "none", dropout: float = 0.0, name: str | None = None):
    """(B, …, F) → (B, …, units): linear, norm, activation, dropout. Maxout gets its pieces."""
    bias = "zeros" if act != "relu" or norm != "none" else _constant(RELU_BIAS)
    x = layers.Dense(units * pieces(act), use_bias=norm != "batch", bias_initializer=bias, name=name)(x)
    return _finish(x, units * pieces(act), act, norm, dropout)


def conv(x, filters: int, size: int = 3, act: str = "relu", *, stride: int = 1, norm: str = "batch", padding: str = "same",
         name: str | None = None):  # fmt: skip
    """(B, H, W, C) → (B, H', W', filters): convolution, norm, activation. Without padding H' = H − size + 1 at stride 1."""
    wide = filters * pieces(act)
    x = layers.Conv2D(wide, size, strides=stride, padding=padding, use_bias=norm != "batch", name=name)(x)
    return _finish(x, wide, act, norm, 0.0)


def _finish(x, channels: int, act: str, norm: str, dropout: float):
    layer = normalization(norm, channels=channels)
    x = layer(x) if layer is not None else x
    x = activation(act)(x) if act != "linear" else x
    return layers.Dropout(dropout)(x) if dropout else x


def _constant(value: float):
    from keras import initializers

    return initializers.Constant(value)
