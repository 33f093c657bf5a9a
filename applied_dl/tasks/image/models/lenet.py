"""Convolution, pooling, convolution, pooling, dense: the classic."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv, dense
from applied_dl.tasks.image.models.parts import filters, global_pool, head, pool


def lenet(
    input_shape, num_classes: int, *, width=1.0, hidden=(128,), activation="relu", norm="none", dropout=0.25, pooling="max",
    include_top=True, name="lenet",
):  # fmt: skip
    """(B, H, W, C) → logits (B, num_classes), or features (B, hidden[-1]).

    A "global_…" pooling replaces the flattening before the dense layers. Parameters at the defaults for 28 by 28 grey and 10 classes:
    454,922 (two 5 by 5 convolutions of 32 and 64). LeCun et al., Gradient-based learning applied to document recognition (1998), with
    today's widths and activations.
    """
    inputs = keras.Input(tuple(input_shape))
    x = pool(conv(inputs, filters(32, width), 5, activation, norm=norm), pooling)
    x = pool(conv(x, filters(64, width), 5, activation, norm=norm), pooling)
    x = global_pool(x, pooling) if pooling.startswith("global") else layers.Flatten(name="flatten")(x)
    for units in hidden:
        x = dense(x, units, activation, norm=norm)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)
