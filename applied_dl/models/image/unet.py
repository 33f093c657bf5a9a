"""A class for every pixel."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.errors import UsageError
from applied_dl.models.image.head import pool, scaled
from applied_dl.models.layers import conv


def unet(input_shape, num_classes, *, width=1.0, depth=3, activation="relu", norm="batch", dropout=0.1, name="unet") -> keras.Model:
    """U-Net (Ronneberger et al., 2015): `depth` halvings down, as many doublings up, each level's features copied across.

    (B, H, W, C) → logits (B, H, W, num_classes); H and W must divide by 2^depth. 0.49 M parameters at width 1 (16 filters at the top).
    """
    if any(side % 2**depth for side in input_shape[:2]):
        raise UsageError(f"unet with depth {depth} needs height and width that divide by {2**depth}, received {tuple(input_shape)}.")
    x = inputs = keras.Input(input_shape)
    across = []
    for level in range(depth):
        x = _pair(x, scaled(16 * 2**level, width), activation, norm)
        across.append(x)
        x = pool(x, "max")
    x = _pair(x, scaled(16 * 2**depth, width), activation, norm)
    x = layers.Dropout(dropout)(x) if dropout else x
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(scaled(16 * 2**level, width), 2, strides=2, padding="same")(x)
        x = _pair(layers.Concatenate()([x, across[level]]), scaled(16 * 2**level, width), activation, norm)
    return keras.Model(inputs, layers.Conv2D(num_classes, 1, dtype="float32", name="logits")(x), name=name)


def _pair(x, filters: int, act: str, norm: str):
    return conv(conv(x, filters, 3, act, norm=norm), filters, 3, act, norm=norm)
