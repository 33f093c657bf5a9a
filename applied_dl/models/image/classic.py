"""The nets every course begins with."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.models.image.head import classify, flatten, pool, scaled
from applied_dl.models.layers import conv, dense


def mlp(input_shape, num_classes, *, hidden=(256, 128), activation="relu", norm="none", dropout=0.2, name="mlp") -> keras.Model:
    """Multilayer perceptron on flattened pixels (Rosenblatt 1958; Rumelhart et al., 1986).

    (B, H, W, C) or (B, F) → (B, num_classes). About H·W·C·256 parameters: 236 k at 28 × 28 × 1. Ignores that pixels have neighbours.
    """
    x = inputs = keras.Input(input_shape)
    x = layers.Flatten()(x) if len(input_shape) > 1 else x
    for units in hidden:
        x = dense(x, units, activation, norm=norm, dropout=dropout)
    return classify(inputs, x, num_classes, 0.0, name)


def lenet(input_shape, num_classes, *, hidden=(256,), activation="relu", norm="none", dropout=0.2, pooling="max", width=1.0,
          name="lenet") -> keras.Model:  # fmt: skip
    """conv–pool–conv–pool–dense (LeCun et al., 1998), with 5 × 5 filters, 32 then 64.

    (B, H, W, C) → (B, num_classes); 857 k parameters at 28 × 28 × 1 and ten classes.
    """
    x = inputs = keras.Input(input_shape)
    between = pooling if pooling in ("max", "avg") else "max"
    x = pool(conv(x, scaled(32, width), 5, activation, norm=norm), between)
    x = conv(x, scaled(64, width), 5, activation, norm=norm)
    x = flatten(x, pooling)
    for units in hidden:
        x = dense(x, units, activation, norm=norm, dropout=dropout)
    return classify(inputs, x, num_classes, 0.0, name)


def small_cnn(input_shape, num_classes, *, width=1.0, depth=2, activation="relu", norm="batch", dropout=0.2, pooling="global_avg",
              name="small_cnn") -> keras.Model:  # fmt: skip
    """VGG-like: stages of `depth` 3 × 3 convolutions with 32, 64, 128, … filters, halved between (Simonyan and Zisserman, 2014).

    (B, H, W, C) → (B, num_classes); as many stages as the picture can be halved, up to four. 290 k parameters at 28 × 28 × 1.
    """
    x = inputs = keras.Input(input_shape)
    stages = max(1, min(4, min(input_shape[:2]).bit_length() - 2))
    for stage in range(stages):
        x = pool(x, "max") if stage else x
        for _ in range(depth):
            x = conv(x, scaled(32 * 2**stage, width), 3, activation, norm=norm)
    return classify(inputs, flatten(x, pooling), num_classes, dropout, name)
