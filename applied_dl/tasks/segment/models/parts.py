"""What the builders of segmentation nets share: feature maps of an encoder, enlarging, separable convolutions, the head."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.core.errors import UsageError
from applied_dl.layers.activations import activation as make_activation
from applied_dl.layers.blocks import conv, normalization
from applied_dl.vision.models.parts import filters, pool
from applied_dl.vision.models.trunk import EMBEDDED, TRUNK, make_trunk, pyramid

LAST = "block_15_add"  # of the embedded trunk: what follows holds 40% of its weights and was made for classes of whole images


def encoded(input_shape, *, weights, backbone, alpha, depth, width, activation, norm, pooling, light=False):
    """The input and its feature maps, the finest first: of a pretrained trunk, or of `depth` levels of two convolutions.

    Args:
        input_shape: (H, W, C).
        weights, backbone, alpha: as `applied_dl.models.image.backbone` takes them; None trains from scratch.
        depth, width, activation, norm, pooling: of the encoder from scratch; its sides must be multiples of 2^depth.
        light: it consists of separable convolutions, one a level, but for the first.

    Returns:
        The Keras input and tensors (B, h, w, F). From scratch the first has the input's size, of a trunk half of it.

    Raises:
        UsageError: a name is unknown, or a side is no multiple of 2^depth.
    """
    inputs = keras.Input(tuple(input_shape))
    if weights is not None or backbone is not None:
        if input_shape[-1] != 3:
            raise UsageError(f"A pretrained encoder takes RGB images: set data.channels = 3 (received {input_shape[-1]}).")
        trunk, scale, _ = make_trunk(tuple(input_shape), backbone, weights, alpha)
        maps = keras.Model(trunk.input, pyramid(trunk, LAST if weights == EMBEDDED else None), name=TRUNK)
        return inputs, maps(scale(inputs), training=False)  # its batch norms keep their statistics
    step = 2**depth
    if input_shape[0] % step or input_shape[1] % step:
        raise UsageError(f"depth {depth} takes sides that are multiples of {step}, received {input_shape[0]} by {input_shape[1]}.")
    x, maps = inputs, []
    for level in range(depth + 1):
        wide = filters(16 * 2**level, width)
        x = separable(x, wide, activation, norm) if light and level else pair(x, wide, activation, norm)
        maps.append(x)
        x = pool(x, pooling) if level < depth else x
    return inputs, maps


def pair(x, wide: int, activation: str, norm: str):
    """Two convolutions."""
    return conv(conv(x, wide, 3, activation, norm=norm), wide, 3, activation, norm=norm)


def separable(x, wide: int, activation: str, norm: str, dilation: int = 1):
    """A depthwise and a pointwise convolution, each with its normalisation and activation."""
    x = layers.DepthwiseConv2D(3, padding="same", dilation_rate=dilation, use_bias=norm != "batch")(x)
    layer = normalization(norm, channels=x.shape[-1])
    x = make_activation(activation)(layer(x) if layer is not None else x)
    return conv(x, wide, 1, activation, norm=norm)


def enlarged(x, size: tuple[int, int], name: str | None = None):
    """(B, h, w, F) → (B, *size, F), bilinear."""
    if tuple(x.shape[1:3]) == tuple(size):
        return x
    return layers.Resizing(*size, interpolation="bilinear", name=name)(x)


def pixel_head(x, num_classes: int, input_shape, dropout: float = 0.0):
    """(B, h, w, F) → logits (B, H, W, num_classes) at the input's size, float32 under any precision."""
    x = layers.SpatialDropout2D(dropout, name="head_dropout")(x) if dropout else x
    x = layers.Conv2D(num_classes, 1, dtype="float32", name="logits")(x)
    if tuple(x.shape[1:3]) == tuple(input_shape[:2]):
        return x
    return layers.Resizing(*input_shape[:2], interpolation="bilinear", dtype="float32", name="full_size")(x)
