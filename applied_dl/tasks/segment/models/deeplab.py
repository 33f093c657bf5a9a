"""Atrous convolutions over the coarse features, joined with a fine level."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv
from applied_dl.tasks.segment.models.parts import encoded, enlarged, pixel_head, separable
from applied_dl.vision.models.parts import filters

WIDE, COPIED = 96, 32
RATES = (2, 4)  # dilations of the parallel convolutions
FINE = -4  # the level that gives the borders: a quarter of the input's size in a trunk of five levels


def deeplab_lite(
    input_shape, num_classes: int, *, weights=None, backbone=None, alpha=None, depth=3, width=1.0, activation="relu", norm="batch",
    dropout=0.1, pooling="max", include_top=True, name="deeplab_lite",
) -> keras.Model:  # fmt: skip
    """A small DeepLabv3+: the coarse features at several dilations and as one mean, then the borders from a fine level.

    Args:
        input_shape: (H, W, C); from scratch H and W must be multiples of 2^depth.
        num_classes: classes of a pixel.
        weights: of the encoder: "embedded", "imagenet", a file, a preset of KerasHub, or None to train it from scratch.
        backbone: a model name of `keras.applications` for the encoder.
        alpha: width multiplier of a MobileNet.
        depth: levels of an encoder from scratch.
        width: multiplies the number of filters of the decoder.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the channels dropped before the head.
        pooling: "max" or "avg", of an encoder from scratch.
        include_top: False returns features (B, h, w, F) at the fine level.
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, H, W, num_classes). A pretrained encoder takes pixels in 0..255.

    Raises:
        UsageError: a name is unknown, or a side is no multiple of 2^depth.

    Example:
        >>> model = deeplab_lite((64, 64, 3), 5, weights="embedded")

    References:
        Chen et al., Encoder-Decoder with Atrous Separable Convolution (2018).
    """
    inputs, maps = encoded(
        input_shape, weights=weights, backbone=backbone, alpha=alpha, depth=depth, width=width, activation=activation, norm=norm,
        pooling=pooling,
    )  # fmt: skip
    coarse, fine, wide = maps[-1], maps[max(FINE, -len(maps))], filters(WIDE, width)
    size = coarse.shape[1:3]
    mean = conv(layers.GlobalAveragePooling2D(keepdims=True, name="mean")(coarse), wide, 1, activation, norm=norm)  # (B, 1, 1, F)
    several = [enlarged(mean, size), conv(coarse, wide, 1, activation, norm=norm)]
    several += [separable(coarse, wide, activation, norm, dilation=rate) for rate in RATES]
    x = conv(layers.Concatenate(name="rates")(several), wide, 1, activation, norm=norm)
    x = layers.Concatenate()([enlarged(x, fine.shape[1:3]), conv(fine, filters(COPIED, width), 1, activation, norm=norm)])
    x = separable(separable(x, wide, activation, norm), wide, activation, norm)
    return keras.Model(inputs, pixel_head(x, num_classes, input_shape, dropout) if include_top else x, name=name)
