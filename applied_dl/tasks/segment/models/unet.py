"""Encoder and decoder with skip connections."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv
from applied_dl.tasks.segment.models.parts import encoded, enlarged, pair, pixel_head, separable
from applied_dl.vision.models.parts import filters

LIGHT = (24, 48, 64, 96, 128)  # channels of the light decoder at half of the input's size, a quarter, …
SKIPPED = (12, 24, 32, 48, 64)  # channels of the copies across, at the same sizes


def unet(
    input_shape, num_classes: int, *, weights=None, backbone=None, alpha=None, depth=3, width=1.0, activation="relu", norm="batch",
    dropout=0.1, pooling="max", include_top=True, name="unet",
) -> keras.Model:  # fmt: skip
    """U-Net: a path down that gathers context, and a path up, where each level is joined to its counterpart.

    From scratch each level has two convolutions: 538,258 parameters at the defaults for 32 × 32 × 3 and 2 classes. With a pretrained
    encoder the path up is of separable convolutions, and ends at half of the input's size, from where the logits are enlarged:
    1,439,266 parameters with the weights inside the package for 2 classes.

    Args:
        input_shape: (H, W, C); from scratch H and W must be multiples of 2^depth.
        num_classes: classes of a pixel.
        weights: of the encoder: "embedded", "imagenet", a file, a preset of KerasHub, or None to train it from scratch.
        backbone: a model name of `keras.applications` for the encoder.
        alpha: width multiplier of a MobileNet.
        depth: levels of an encoder from scratch.
        width: multiplies the number of filters; with a pretrained encoder those of the path up.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the channels dropped, at the lowest level and before the head.
        pooling: "max" or "avg".
        include_top: False returns features (B, H, W, F).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, H, W, num_classes). A pretrained encoder takes pixels in 0..255.

    Raises:
        UsageError: a name is unknown, or a side is no multiple of 2^depth.

    Example:
        >>> model = unet((64, 64, 3), 2, depth=4)

    References:
        Ronneberger, Fischer and Brox, U-Net (2015).
    """
    scratch = weights is None and backbone is None
    inputs, maps = encoded(
        input_shape, weights=weights, backbone=backbone, alpha=alpha, depth=depth, width=width, activation=activation, norm=norm,
        pooling=pooling,
    )  # fmt: skip
    x = maps[-1]
    x = layers.SpatialDropout2D(dropout, name="middle_dropout")(x) if dropout else x
    for level in reversed(range(len(maps) - 1)):
        if scratch:
            wide = filters(16 * 2**level, width)
            x = layers.UpSampling2D(2, interpolation="bilinear")(x)
            x = layers.Concatenate()([conv(x, wide, 3, activation, norm=norm), maps[level]])
            x = pair(x, wide, activation, norm)
        else:
            x = _light_level(x, maps[level], level, width, activation, norm)
    return keras.Model(inputs, pixel_head(x, num_classes, input_shape) if include_top else x, name=name)


def unet_small(
    input_shape, num_classes: int, *, depth=3, width=1.0, activation="relu", norm="batch", dropout=0.1, pooling="max", include_top=True,
    name="unet_small",
) -> keras.Model:  # fmt: skip
    """A U-Net of separable convolutions, for small images and small files: 41,314 parameters at the defaults for 3 channels and 2 classes.

    Args:
        input_shape: (H, W, C); H and W must be multiples of 2^depth.
        num_classes: classes of a pixel.
        depth: levels.
        width: multiplies the number of filters, 16 at the first level.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the channels dropped at the lowest level.
        pooling: "max" or "avg".
        include_top: False returns features (B, H, W, F).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, H, W, num_classes).

    Raises:
        UsageError: a name is unknown, or a side is no multiple of 2^depth.

    Example:
        >>> model = unet_small((64, 64, 3), 5, width=0.5)
    """
    inputs, maps = encoded(
        input_shape, weights=None, backbone=None, alpha=None, depth=depth, width=width, activation=activation, norm=norm, pooling=pooling,
        light=True,
    )  # fmt: skip
    x = maps[-1]
    x = layers.SpatialDropout2D(dropout, name="middle_dropout")(x) if dropout else x
    for level in reversed(range(depth)):
        wide = filters(16 * 2**level, width)
        x = enlarged(conv(x, wide, 1, activation, norm=norm), maps[level].shape[1:3])
        x = separable(layers.Concatenate()([x, maps[level]]), wide, activation, norm)
    return keras.Model(inputs, pixel_head(x, num_classes, input_shape) if include_top else x, name=name)


def _light_level(x, skip, level: int, width: float, activation: str, norm: str):
    """One level of the path up: enlarged, joined with the narrowed copy, and filtered."""
    wide, copied = filters(LIGHT[min(level, 4)], width), filters(SKIPPED[min(level, 4)], width)
    x = enlarged(conv(x, wide, 1, activation, norm=norm), skip.shape[1:3])
    x = layers.Concatenate()([x, conv(skip, copied, 1, activation, norm=norm)])
    x = separable(x, wide, activation, norm)
    return separable(x, wide, activation, norm) if level else x  # the finest level costs as much as all others
