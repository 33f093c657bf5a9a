"""Flip, shift, rotate, zoom, shear and perspective as one projective resampling of the batch, with its own draw for each image.

Every transformation is a 3 × 3 matrix that maps an output pixel to the input pixel it shows; their product is one
ImageProjectiveTransformV3. The border is mirrored ("pad" fills it with black instead: He et al., 2016).
"""

from __future__ import annotations

import math

from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.backend import JAX, batch_size

NAMES = ("flip", "shift", "rotate", "zoom", "shear", "perspective", "pad")
ROTATE = 15 * math.pi / 180  # radians either way
SHIFT = 0.08  # of the side
ZOOM = 0.12  # a factor of 1 ± this, the same on both axes, and half of it on each alone
SHEAR = 0.1
PERSPECTIVE = 0.1  # of the depth over a half side


def apply(image, seed, strength: float, names: tuple[str, ...]):
    """(B, H, W, C) uint8 → the same shape and type, transformed."""
    batch = batch_size(image)
    height, width = image.shape[1], image.shape[2]
    smooth = any(name not in ("flip", "shift", "pad") for name in names)
    return warp(image, matrices(batch, height, width, seed, strength, names, whole=not smooth), smooth, "pad" in names)


def warp(image, matrix, smooth: bool, black: bool = False):
    """Resample by `matrix` (B, 3, 3), which maps output to input pixels in coordinates about the centre."""
    height, width = image.shape[1], image.shape[2]
    middle = _constant([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    back = _constant([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    matrix = middle @ matrix @ back
    matrix = matrix / matrix[:, 2:, 2:]
    return _resampled(image, ops.reshape(matrix, (-1, 9))[:, :8], smooth, black)


def matrices(batch, height: int, width: int, seed, strength: float, names: tuple[str, ...], whole: bool = False):
    """(B, 3, 3) random matrices of the named transformations; `whole` rounds shifts to whole pixels."""
    draw = iter(ops.unstack(draws.uniform((9, batch), seed, -1.0, 1.0), 9))
    one, zero = ops.ones((batch,)), ops.zeros((batch,))
    rows = lambda *cells: ops.reshape(ops.stack(cells, axis=1), (-1, 3, 3))  # noqa: E731
    matrix = ops.broadcast_to(ops.eye(3), (batch, 3, 3))
    flip, angle, zoom, stretch, shear, tilt_x, tilt_y, shift_x, shift_y = draw
    if "flip" in names:
        sign = ops.where(flip < 0, -1.0, 1.0)
        matrix = matrix @ rows(sign, zero, zero, zero, one, zero, zero, zero, one)
    if "rotate" in names:
        c, s = ops.cos(angle * ROTATE * strength), ops.sin(angle * ROTATE * strength)
        matrix = matrix @ rows(c, -s, zero, s, c, zero, zero, zero, one)
    if "zoom" in names:
        factor, side = 1 + zoom * ZOOM * strength, 1 + stretch * ZOOM * strength / 2
        matrix = matrix @ rows(factor * side, zero, zero, zero, factor / side, zero, zero, zero, one)
    if "shear" in names:
        matrix = matrix @ rows(one, shear * SHEAR * strength, zero, zero, one, zero, zero, zero, one)
    if "perspective" in names:
        x, y = (tilt * PERSPECTIVE * strength for tilt in (tilt_x, tilt_y))
        matrix = matrix @ rows(one, zero, zero, zero, one, zero, x * 2 / width, y * 2 / height, one)
    if "shift" in names or "pad" in names:
        far_x, far_y = (max(SHIFT * strength * side, 1.0) for side in (width, height))
        x, y = shift_x * far_x, shift_y * far_y
        if whole:
            x, y = (ops.round(shift * (math.floor(far) + 0.499)) for shift, far in ((shift_x, far_x), (shift_y, far_y)))
        matrix = matrix @ rows(one, zero, x, zero, one, y, zero, zero, one)
    return matrix


def _constant(rows):
    return ops.array([rows], dtype="float32")


def _resampled(image, transform, smooth: bool, black: bool):
    """ImageProjectiveTransformV3 of `transform` (B, 8), which Keras' own operation of JAX is not: it leaves out perspective."""
    if not JAX:
        import tensorflow as tf

        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=image,
            transforms=transform,
            output_shape=list(image.shape[1:3]),
            fill_value=0.0,
            interpolation="BILINEAR" if smooth else "NEAREST",
            fill_mode="CONSTANT" if black else "REFLECT",
        )
        return tf.ensure_shape(moved, image.shape)
    height, width = image.shape[1:3]
    x, y = ops.meshgrid(ops.arange(width, dtype="float32"), ops.arange(height, dtype="float32"))
    a = [transform[:, i, None, None] for i in range(8)]
    depth = a[6] * x + a[7] * y + 1
    x, y = (a[0] * x + a[1] * y + a[2]) / depth, (a[3] * x + a[4] * y + a[5]) / depth  # (B, H, W)
    if not black:
        x, y = _reflected(x, width), _reflected(y, height)
    if not smooth:
        return _pixels(image, _nearest(y), _nearest(x))
    left, top = ops.floor(x), ops.floor(y)
    right, down = (x - left)[..., None], (y - top)[..., None]
    value = lambda row: (1 - right) * _pixels(image, row, left) + right * _pixels(image, row, left + 1)  # noqa: E731
    return ops.cast((1 - down) * value(top) + down * value(top + 1), image.dtype)  # rounds down, as TensorFlow does


def _reflected(place, size: int):
    """Places as [dcba|abcd|dcba] maps them to 0..size - 1."""
    place = ops.mod(place + 0.5, 2 * size)
    return ops.clip(ops.where(place > size, 2 * size - place, place) - 0.5, 0, size - 1)


def _nearest(place):
    return ops.floor(ops.abs(place) + 0.5) * ops.sign(place)  # halves away from zero, as C++ rounds


def _pixels(image, row, column):
    """(B, H, W, C) of the pixels at whole places (B, H, W); 0 outside."""
    batch, height, width, channels = image.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    flat = ops.cast(ops.clip(row, 0, height - 1) * width + ops.clip(column, 0, width - 1), "int32")
    picked = ops.take_along_axis(ops.reshape(image, (batch, -1, channels)), ops.reshape(flat, (batch, -1, 1)), axis=1)
    return ops.where(inside[..., None], ops.reshape(picked, image.shape), ops.zeros((), image.dtype))
