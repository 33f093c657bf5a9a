"""Nets with skip connections, which let the gradient pass any depth."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from applied_dl.models.activations import activation as activate
from applied_dl.models.image.head import classify, flatten, pool, scaled
from applied_dl.models.layers import conv


def resnet(input_shape, num_classes, *, width=1.0, depth=2, activation="relu", norm="batch", dropout=0.2, pooling="global_avg",
           name="resnet") -> keras.Model:  # fmt: skip
    """Residual net (He et al., 2015): a 3 × 3 stem, then stages of `depth` basic blocks with 32, 64, 128, 256 filters.

    (B, H, W, C) → (B, num_classes). Pictures of 96 pixels and more are first halved twice, as in the paper. 2.8 M parameters with four
    stages, 0.7 M with three (pictures under 64 pixels).
    """
    x = inputs = keras.Input(input_shape)
    side = min(input_shape[:2])
    if side >= 96:
        x = pool(conv(x, scaled(32, width), 5, activation, stride=2, norm=norm), "max")
    else:
        x = conv(x, scaled(32, width), 3, activation, norm=norm)
    for stage in range(4 if side >= 64 else 3 if side >= 16 else 2):
        for block in range(depth):
            x = _basic(x, scaled(32 * 2**stage, width), 2 if stage and not block else 1, activation, norm)
    return classify(inputs, flatten(x, pooling), num_classes, dropout, name)


def _basic(x, filters: int, stride: int, act: str, norm: str):
    """Two 3 × 3 convolutions beside a skip, which is projected where the shape changes."""
    y = conv(x, filters, 3, act, stride=stride, norm=norm)
    y = conv(y, filters, 3, "linear", norm=norm)
    if stride != 1 or x.shape[-1] != filters:
        x = conv(x, filters, 1, "linear", stride=stride, norm=norm)
    return _squash(layers.Add()([x, y]), act)


def _squash(x, act: str):
    """The activation after an addition; maxout would halve the channels there, so it falls back to relu."""
    return activate("relu" if act == "maxout" else act)(x)


def whitened_cnn(input_shape, num_classes, *, width=1.0, kernel=None, activation="gelu", norm="batch", dropout=0.0,
                 pooling="global_max", scale=0.125, name="whitened_cnn") -> keras.Model:  # fmt: skip
    """A small fast net on whitened patches (after Jordan's airbench, 2024): a fixed patch-whitening convolution, then three groups of
    convolutions with 64, 128 and 128 filters, a skip in the last two, and logits scaled by `scale`.

    (B, H, W, C) → (B, num_classes). kernel: (k, k, C, F) from `preprocess.whitening.patch_kernel`; without it the stem is random and
    learns. 0.56 M parameters at 28 × 28 × 1. Made for pictures under 64 pixels.
    """
    x = inputs = keras.Input(input_shape)
    fixed = kernel is not None
    shape = kernel.shape if fixed else (3, 3, input_shape[-1], 24)
    stem = layers.Conv2D(shape[-1], shape[0], padding="same", use_bias=True, trainable=not fixed, name="stem")
    x = activate("gelu" if activation == "maxout" else activation)(stem(x))
    if fixed:
        stem.set_weights([kernel, np.zeros(shape[-1], np.float32)])
    groups = 3 if min(input_shape[:2]) >= 16 else 2
    for group, filters in enumerate((64, 128, 128)[:groups]):
        x = conv(x, scaled(filters, width), 3, activation, norm=norm)
        if min(x.shape[1:3]) >= 4:
            x = pool(x, "max")
        y = conv(x, scaled(filters, width), 3, activation, norm=norm)
        x = layers.Add()([x, y]) if group else y
    features = flatten(x, pooling)
    model = classify(inputs, features, num_classes, dropout, name)
    if num_classes is None:
        return model
    return keras.Model(inputs, layers.Rescaling(scale, dtype="float32", name="scaled_logits")(model.output), name=name)
