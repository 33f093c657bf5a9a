"""Brightness, contrast and saturation of a batch, drawn for each image; grey images have no saturation."""

from __future__ import annotations

from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.backend import batch_size

BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.25, 0.3  # factors of 1 ± these; brightness of 255
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's conversion to grey


def apply(image, seed, strength: float):
    """(B, H, W, C) uint8 → the same shape and type, recoloured."""
    draw = draws.uniform((3, batch_size(image), 1, 1, 1), seed, -strength, strength)
    return recolor(image, draw[0] * BRIGHTNESS, 1 + draw[1] * CONTRAST, 1 + draw[2] * SATURATION)


def recolor(image, brightness, contrast, saturation):
    """Add `brightness` (share of 255), scale the contrast about the image's mean, then the saturation about its grey; each (B, 1, 1, 1)."""
    x = ops.cast(image, "float32")
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    x = (x - mean) * contrast + mean + 255 * brightness
    if image.shape[-1] == 3:
        grey = ops.sum(x * ops.array(LUMA, dtype="float32"), axis=-1, keepdims=True)
        x = (x - grey) * saturation + grey
    return to_uint8(x)


def to_uint8(x):
    """Round and clip to 0..255."""
    return ops.cast(ops.clip(ops.round(x), 0, 255), "uint8")
