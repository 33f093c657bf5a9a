"""Random erasing (Zhong et al., 2017): in half of the images a rectangle of 2 to 33% of the area becomes noise."""

from __future__ import annotations

import math

from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.backend import batch_size

SHARE, SMALLEST, LARGEST, ASPECT = 0.5, 0.02, 0.33, 1 / 0.3  # as in the paper


def apply(image, seed, strength: float):
    """(B, H, W, C) uint8 → the same shape and type; `strength` scales the share of erased images, up to all."""
    batch, (height, width, channels) = batch_size(image), image.shape[1:]
    draw = draws.uniform((5, batch), seed)
    area = (SMALLEST + (LARGEST - SMALLEST) * draw[0]) * height * width
    aspect = ops.exp((2 * draw[1] - 1) * math.log(ASPECT))
    inside = rectangle(ops.sqrt(area * aspect), ops.sqrt(area / aspect), draw[2], draw[3], height, width)
    inside = inside & (draw[4] < SHARE * strength)[:, None, None]
    noise = draws.integers((batch, height, width, channels), seed + 1, 256)
    return ops.where(inside[..., None], ops.cast(noise, "uint8"), image)


def rectangle(tall, wide, down, right, height: int, width: int):
    """(B, H, W) booleans of rectangles `tall` by `wide` pixels, placed at the shares `down` and `right` of the free space."""
    tall, wide = ops.minimum(tall, float(height)), ops.minimum(wide, float(width))
    rows, columns = _between(down * (height - tall), tall, height), _between(right * (width - wide), wide, width)
    return rows[:, :, None] & columns[:, None, :]


def _between(start, length, size: int):
    middle = ops.arange(size, dtype="float32")[None] + 0.5
    return (middle >= start[:, None]) & (middle < (start + length)[:, None])
