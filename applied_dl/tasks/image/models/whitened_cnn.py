"""A small residual net that learns fast behind a frozen stem that whitens patches: the default for images without pretrained weights."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from applied_dl.layers.activations import activation as make_activation
from applied_dl.layers.blocks import conv
from applied_dl.vision.models.parts import filters, global_pool, head, pool

STEM_SIZE, STEM_FILTERS = 4, 32
LOGIT_SCALE = 1 / 8  # after global max pooling, large logits would learn too fast at first
SMALLEST = 8  # stages are added until the image is this small


def whitened_cnn(
    input_shape, num_classes: int, *, kernel: np.ndarray | None = None, width=1.0, depth=1, activation="relu", norm="batch", dropout=0.0,
    pooling="max", include_top=True, name="whitened_cnn",
) -> keras.Model:  # fmt: skip
    """A whitening stem, then a convolution and a pooling for each halving down to 8 pixels, then `depth` residual pairs.

    The filters double from 64 up to 256. 390,688 parameters at the defaults for 28 × 28 × 1 and 10 classes.

    Args:
        input_shape: (H, W, C); the stem has stride 2, and stride 1 for images under 16 pixels.
        num_classes: outputs of the head.
        kernel: (4, 4, C, 32) of `layers.whitening.patch_kernel`, frozen as the stem; without it the stem is trained.
        width: multiplies the number of filters.
        depth: residual pairs at the end.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the features dropped before the head.
        pooling: pooling between the stages and before the head.
        include_top: False returns features (B, F); F is 128 at the defaults.
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown.

    Example:
        >>> model = whitened_cnn((28, 28, 1), 10, kernel=patch_kernel(images, 4, 32))

    References:
        Page, How to train your ResNet (2018); Jordan, 94% on CIFAR-10 in 3.29 seconds on a single GPU (2024).
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
