"""Feature pyramid: every level is brought to one width and one size, and they are added."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv
from applied_dl.tasks.segment.models.parts import encoded, enlarged, pixel_head, separable
from applied_dl.vision.models.parts import filters

WIDE = 64  # channels of every level
FINEST = 4  # levels from the coarsest up that take part


def fpn(
    input_shape, num_classes: int, *, weights=None, backbone=None, alpha=None, depth=3, width=1.0, activation="relu", norm="batch",
    dropout=0.1, pooling="max", include_top=True, name="fpn",
) -> keras.Model:  # fmt: skip
    """Feature pyramid network with the head for pixels of Panoptic FPN: each level adds what the coarser ones know, then all are added.

    Args:
        input_shape: (H, W, C); from scratch H and W must be multiples of 2^depth.
        num_classes: classes of a pixel.
        weights: of the encoder: "embedded", "imagenet", a file, a preset of KerasHub, or None to train it from scratch.
        backbone: a model name of `keras.applications` for the encoder.
        alpha: width multiplier of a MobileNet.
        depth: levels of an encoder from scratch.
        width: multiplies the number of filters of the pyramid, 64.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the channels dropped before the head.
        pooling: "max" or "avg", of an encoder from scratch.
        include_top: False returns features (B, h, w, F) at the finest level.
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, H, W, num_classes). A pretrained encoder takes pixels in 0..255.

    Raises:
        UsageError: a name is unknown, or a side is no multiple of 2^depth.

    Example:
        >>> model = fpn((64, 64, 3), 5, weights="embedded")

    References:
        Lin et al., Feature Pyramid Networks (2017); Kirillov et al., Panoptic Feature Pyramid Networks (2019).
    """
    inputs, maps = encoded(
        input_shape, weights=weights, backbone=backbone, alpha=alpha, depth=depth, width=width, activation=activation, norm=norm,
        pooling=pooling,
    )  # fmt: skip
    maps, wide = maps[-FINEST:], filters(WIDE, width)
    x, levels = None, []
    for level in reversed(maps):
        side = conv(level, wide, 1, activation, norm=norm)
        x = side if x is None else layers.Add()([enlarged(x, side.shape[1:3]), side])
        levels.append(separable(x, wide, activation, norm))
    size = levels[-1].shape[1:3]
    x = layers.Add(name="levels")([enlarged(level, size) for level in levels])
    x = separable(x, wide, activation, norm)
    return keras.Model(inputs, pixel_head(x, num_classes, input_shape, dropout) if include_top else x, name=name)
