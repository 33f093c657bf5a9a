"""Depthwise separable convolutions: an eighth of the multiplications, made for phones."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.models.activations import activation as activate
from applied_dl.models.activations import pieces
from applied_dl.models.image.head import classify, flatten, scaled
from applied_dl.models.layers import conv, normalization

BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # filters, stride


def mobile(input_shape, num_classes, *, width=1.0, activation="relu", norm="batch", dropout=0.2, pooling="global_avg",
           name="mobile") -> keras.Model:  # fmt: skip
    """MobileNet-like (Howard et al., 2017): a stem, then five depthwise separable blocks of 64 to 256 filters.

    (B, H, W, C) → (B, num_classes); 141 k parameters. The stem halves pictures of 64 pixels and more.
    """
    x = inputs = keras.Input(input_shape)
    x = conv(x, scaled(32, width), 3, activation, stride=2 if min(input_shape[:2]) >= 64 else 1, norm=norm)
    for filters, stride in BLOCKS:
        x = _separable(x, scaled(filters, width), stride, activation, norm)
    return classify(inputs, flatten(x, pooling), num_classes, dropout, name)


def _separable(x, filters: int, stride: int, act: str, norm: str):
    """3 × 3 per channel, then 1 × 1 across channels, each with norm and activation."""
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=norm != "batch")(x)
    layer = normalization(norm, channels=x.shape[-1])
    x = layer(x) if layer is not None else x
    x = activate(act)(x) if pieces(act) == 1 else x
    return conv(x, filters, 1, act, norm=norm)
