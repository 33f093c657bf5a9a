"""Residual net: each block adds to its input, so that depth does not hurt."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.activations import activation as make_activation
from applied_dl.layers.blocks import conv
from applied_dl.vision.models.parts import filters, global_pool, head


def resnet(
    input_shape, num_classes: int, *, depth=2, width=1.0, activation="relu", norm="batch", dropout=0.0, spatial_dropout=0.0,
    stochastic_depth=0.0, pooling="avg", include_top=True, name="resnet",
) -> keras.Model:  # fmt: skip
    """Thin residual net for small images: a convolution, then three stages of `depth` blocks with 32, 64 and 128 filters.

    698,858 parameters at the defaults for 32 × 32 × 3 and 10 classes.

    Args:
        input_shape: (H, W, C); the first convolution has stride 2 from 64 pixels on, and a second one follows from 128 pixels on.
        num_classes: outputs of the head.
        depth: blocks per stage.
        width: multiplies the number of filters.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the features dropped before the head.
        spatial_dropout: share of whole channels dropped after each stage (Tompson et al., 2015).
        stochastic_depth: how often the last block is skipped in training; earlier blocks are skipped linearly less (Huang et al., 2016).
        pooling: pooling before the head.
        include_top: False returns features (B, 128·width).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown.

    Example:
        >>> model = resnet((32, 32, 3), 10, depth=3, stochastic_depth=0.1)

    References:
        He et al., Deep residual learning for image recognition (2016).
    """
    inputs = keras.Input(tuple(input_shape))
    side = min(input_shape[:2])
    x = conv(inputs, filters(32, width), 3, activation, norm=norm, stride=2 if side >= 64 else 1)
    if side >= 128:
        x = conv(x, filters(32, width), 3, activation, norm=norm, stride=2)
    for stage, base in enumerate((32, 64, 128)):
        for block in range(depth):
            skipped = stochastic_depth * (stage * depth + block + 1) / (3 * depth)
            x = _block(x, filters(base, width), 2 if stage and not block else 1, activation, norm, skipped)
        x = layers.SpatialDropout2D(spatial_dropout)(x) if spatial_dropout else x
    x = global_pool(x, pooling)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)


def _block(x, wide: int, stride: int, activation: str, norm: str, skipped: float):
    inner = conv(x, wide, 3, activation, norm=norm, stride=stride)
    inner = conv(inner, wide, 3, "linear", norm=norm)
    if stride > 1 or x.shape[-1] != wide:
        x = conv(x, wide, 1, "linear", norm=norm, stride=stride)
    if skipped:
        inner = layers.Dropout(skipped, noise_shape=(None, 1, 1, 1))(inner)  # all of an image's block, or none of it
    x = layers.Add()([x, inner])
    return make_activation("relu" if activation == "maxout" else activation)(x)
