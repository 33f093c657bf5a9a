"""A few convolutions for tiny images: 8 × 8 digits, icons, spectrogram cells; small enough for a microcontroller."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv
from applied_dl.vision.models.parts import filters, global_pool, head, pool


def small_cnn(
    input_shape, num_classes: int, *, width=1.0, activation="relu", norm="batch", dropout=0.2, spatial_dropout=0.0, pooling="max",
    include_top=True, name="small_cnn",
) -> keras.Model:  # fmt: skip
    """Small VGG-like net: two convolutions, then pooling and a convolution until the image is 4 pixels wide, then one more.

    39,986 parameters at the defaults for 8 × 8 × 1 and 10 classes.

    Args:
        input_shape: (H, W, C).
        num_classes: outputs of the head.
        width: multiplies the number of filters.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the features dropped before the head.
        spatial_dropout: share of whole channels dropped after each pooling (Tompson et al., 2015).
        pooling: pooling between the stages and before the head.
        include_top: False returns features (B, 56·width).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown.

    Example:
        >>> model = small_cnn((8, 8, 1), 10)

    References:
        Simonyan and Zisserman, Very deep convolutional networks (2015).
    """
    inputs = keras.Input(tuple(input_shape))
    x = conv(inputs, filters(24, width), 3, activation, norm=norm)
    x = conv(x, filters(32, width), 3, activation, norm=norm)
    side = min(input_shape[:2])
    while side > 4:
        x = pool(x, pooling)
        x = layers.SpatialDropout2D(spatial_dropout)(x) if spatial_dropout else x
        side = -(-side // 2)
        x = conv(x, filters(48 if side > 4 else 40, width), 3, activation, norm=norm)
    x = conv(x, filters(56, width), 3, activation, norm=norm)
    x = global_pool(x, pooling)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)
