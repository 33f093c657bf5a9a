"""Encoder and decoder with skip connections: a class for every pixel."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.core.errors import UsageError
from applied_dl.layers.blocks import conv
from applied_dl.vision.models.parts import filters, pool


def unet(
    input_shape, num_classes: int, *, depth=3, width=1.0, activation="relu", norm="batch", dropout=0.1, pooling="max", include_top=True,
    name="unet",
) -> keras.Model:  # fmt: skip
    """U-Net: `depth` levels of two convolutions and a pooling, and the same back up, each level joined to its counterpart.

    538,258 parameters at the defaults for 32 × 32 × 3 and 2 classes.

    Args:
        input_shape: (H, W, C); H and W must be multiples of 2^depth.
        num_classes: classes of a pixel.
        depth: levels.
        width: multiplies the number of filters, 16 at the first level.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the features dropped at the lowest level.
        pooling: "max" or "avg".
        include_top: False returns features (B, H, W, 16·width).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, H, W, num_classes).

    Raises:
        UsageError: a name is unknown, or a side is no multiple of 2^depth.

    Example:
        >>> model = unet((64, 64, 3), 2, depth=4)

    References:
        Ronneberger, Fischer and Brox, U-Net (2015).
    """
    step = 2**depth
    if input_shape[0] % step or input_shape[1] % step:
        raise UsageError(f"unet of depth {depth} takes sides that are multiples of {step}, received {input_shape[0]} by {input_shape[1]}.")
    inputs = keras.Input(tuple(input_shape))
    x, skips = inputs, []
    for level in range(depth):
        x = _pair(x, filters(16 * 2**level, width), activation, norm)
        skips.append(x)
        x = pool(x, pooling)
    x = _pair(x, filters(16 * 2**depth, width), activation, norm)
    x = layers.Dropout(dropout, name="middle_dropout")(x) if dropout else x
    for level in reversed(range(depth)):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = layers.Concatenate()([conv(x, filters(16 * 2**level, width), 3, activation, norm=norm), skips[level]])
        x = _pair(x, filters(16 * 2**level, width), activation, norm)
    top = layers.Conv2D(num_classes, 1, dtype="float32", name="logits")
    return keras.Model(inputs, top(x) if include_top else x, name=name)


def _pair(x, wide: int, activation: str, norm: str):
    return conv(conv(x, wide, 3, activation, norm=norm), wide, 3, activation, norm=norm)
