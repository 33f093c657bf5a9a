"""Depthwise separable convolutions: few parameters and few multiplications, for phones."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.activations import activation as make_activation
from applied_dl.layers.blocks import conv, normalization
from applied_dl.vision.models.parts import filters, global_pool, head


def mobile(
    input_shape, num_classes: int, *, width=1.0, activation="relu", norm="batch", dropout=0.1, pooling="avg", include_top=True,
    name="mobile",
) -> keras.Model:  # fmt: skip
    """Thin MobileNet for small images: a convolution, then five depthwise separable ones of 64 to 256 filters.

    139,722 parameters at the defaults for 32 × 32 × 3 and 10 classes.

    Args:
        input_shape: (H, W, C); the first convolution has stride 2 from 64 pixels on, the first separable one from 128 pixels on.
        num_classes: outputs of the head.
        width: multiplies the number of filters.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the features dropped before the head.
        pooling: pooling before the head.
        include_top: False returns features (B, 256·width).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown.

    Example:
        >>> model = mobile((96, 96, 3), 5, width=0.5)

    References:
        Howard et al., MobileNets (2017).
    """
    inputs = keras.Input(tuple(input_shape))
    side = min(input_shape[:2])
    x = conv(inputs, filters(32, width), 3, activation, norm=norm, stride=2 if side >= 64 else 1)
    for base, halve in ((64, side >= 128), (128, True), (128, False), (256, True), (256, False)):
        x = _separable(x, filters(base, width), 2 if halve else 1, activation, norm)
    x = global_pool(x, pooling)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)


def _separable(x, wide: int, stride: int, activation: str, norm: str):
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=norm != "batch")(x)
    layer = normalization(norm, channels=x.shape[-1])
    x = layer(x) if layer is not None else x
    x = make_activation("relu" if activation == "maxout" else activation)(x)
    return conv(x, wide, 1, activation, norm=norm)
