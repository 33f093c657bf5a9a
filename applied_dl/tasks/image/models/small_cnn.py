"""Four convolutions for tiny pictures: 8 by 8 digits, icons, spectrogram cells; small enough for a microcontroller."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv
from applied_dl.tasks.image.models.parts import filters, global_pool, head, pool


def small_cnn(
    input_shape, num_classes: int, *, width=1.0, activation="relu", norm="batch", dropout=0.2, spatial_dropout=0.0, pooling="max",
    include_top=True, name="small_cnn",
):  # fmt: skip
    """(B, H, W, C) → logits (B, num_classes), or features (B, 64).

    Two convolutions, pooling, then two for each further halving until the picture is 4 wide. Parameters at the defaults for 8 by 8 grey
    and 10 classes: 39,986. After Simonyan and Zisserman (VGG, 2015).
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
