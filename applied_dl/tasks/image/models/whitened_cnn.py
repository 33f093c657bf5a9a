"""A small, fast-learning residual net behind a frozen stem that whitens patches: the default for pictures without pretrained weights."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from applied_dl.layers.activations import activation as make_activation
from applied_dl.layers.blocks import conv
from applied_dl.tasks.image.models.parts import filters, global_pool, head, pool

STEM_SIZE, STEM_FILTERS = 4, 32
LOGIT_SCALE = 1 / 8  # with global max pooling, large logits learn too fast at first
SMALLEST = 8  # stages are added until the picture is this small


def whitened_cnn(
    input_shape, num_classes: int, *, kernel: np.ndarray | None = None, width=1.0, depth=1, activation="relu", norm="batch", dropout=0.0,
    pooling="max", include_top=True, name="whitened_cnn",
):  # fmt: skip
    """(B, H, W, C) → logits (B, num_classes), or features (B, F).

    kernel: (4, 4, C, 32) from `preprocess.whitening.patch_kernel`, frozen as the stem (stride 2; stride 1 for pictures under 16 pixels);
    without it the stem learns. Then a convolution and a pooling for each halving down to 8 pixels, filters doubling from 64 up to 256,
    and `depth` residual pairs at the end. Parameters at the defaults for 28 by 28 grey and 10 classes: 390,688.
    Jordan, airbench (2024); Page, How to train your ResNet (2018).
    """
    inputs = keras.Input(tuple(input_shape))
    stride = 2 if min(input_shape[:2]) >= 16 else 1
    stem = layers.Conv2D(STEM_FILTERS, STEM_SIZE, strides=stride, padding="same", trainable=kernel is None, name="stem")
    x = stem(inputs)
    if kernel is not None:
        stem.set_weights([kernel, np.zeros(STEM_FILTERS, np.float32)])
    x = make_activation("relu" if activation == "maxout" else activation)(x)
    x = conv(x, filters(64, width), 3, activation, norm=norm)
    base = 64
    while min(x.shape[1:3]) > SMALLEST:
        base = min(2 * base, 256)
        x = conv(pool(x, pooling), filters(base, width), 3, activation, norm=norm)
    for _ in range(depth):
        inner = conv(x, x.shape[-1], 3, activation, norm=norm)
        x = layers.Add()([x, conv(inner, x.shape[-1], 3, activation, norm=norm)])
    x = global_pool(x, pooling)
    scale = LOGIT_SCALE if pooling in ("max", "global_max") else 1.0
    return keras.Model(inputs, head(x, num_classes, dropout, scale=scale, bias=False) if include_top else x, name=name)
