"""RandAugment (Cubuk et al., 2020), for a whole batch: each image draws two of eleven operations; the others are the identity for it.

The paper applies the drawn operations one after another. Here the geometric ones are factors of one matrix and those of colour follow,
so that the batch is resampled once.
"""

from __future__ import annotations

import math

from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.augment import color, geometry
from applied_dl.layers.backend import batch_size

SPACE = ("rotate", "shear_x", "shear_y", "shift_x", "shift_y", "zoom")
COLOR = ("brightness", "contrast", "saturation", "posterize", "solarize")
DRAWN = 2
ROTATE, SHEAR, SHIFT, ZOOM = 30 * math.pi / 180, 0.3, 0.2, 0.3
LEVELS = 16.0  # step of posterize at full strength


def apply(image, seed, strength: float, moves: tuple[str, ...] = ()):
    """(B, H, W, C) uint8 → the same shape and type; `moves` of `geometry.NAMES` are part of the same resampling."""
    batch, (height, width) = batch_size(image), image.shape[1:3]
    names = (*SPACE, *COLOR)
    lottery = draws.uniform((batch, len(names)), seed)
    last = ops.top_k(lottery, DRAWN)[0][:, -1:]
    chosen = ops.cast(lottery >= last, "float32")
    amount = draws.uniform((batch, len(names)), seed + 1, -strength, strength) * chosen
    by_name = dict(zip(names, ops.unstack(amount, len(names), axis=1)))
    matrix = _matrix(by_name, batch, height, width)
    if moves:
        matrix = matrix @ geometry.matrices(batch, height, width, seed + 2, strength, moves)
    image = geometry.warp(image, matrix, smooth=True, black="pad" in moves)
    wide = {name: by_name[name][:, None, None, None] for name in COLOR}
    image = color.recolor(image, 0.4 * wide["brightness"], 1 + 0.6 * wide["contrast"], 1 + 0.8 * wide["saturation"])
    x = ops.cast(image, "float32")
    step = 1 + (LEVELS * 2 - 1) * ops.abs(wide["posterize"])
    x = ops.floor(x / step) * step
    threshold = 256 - 128 * ops.abs(wide["solarize"])
    return color.to_uint8(ops.where(x >= threshold, 255 - x, x))


def _matrix(amount: dict, batch, height: int, width: int):
    one, zero = ops.ones((batch,)), ops.zeros((batch,))
    rows = lambda *cells: ops.reshape(ops.stack(cells, axis=1), (-1, 3, 3))  # noqa: E731
    c, s = ops.cos(amount["rotate"] * ROTATE), ops.sin(amount["rotate"] * ROTATE)
    zoom = 1 + amount["zoom"] * ZOOM
    turned = rows(c * zoom, -s * zoom, zero, s * zoom, c * zoom, zero, zero, zero, one)
    sheared = rows(one, amount["shear_x"] * SHEAR, zero, amount["shear_y"] * SHEAR, one, zero, zero, zero, one)
    x, y = amount["shift_x"] * SHIFT * width, amount["shift_y"] * SHIFT * height
    return turned @ sheared @ rows(one, zero, x, zero, one, y, zero, zero, one)
