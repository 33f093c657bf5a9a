"""Flip, shift, rotate, zoom, shear and perspective as one projective resampling of the batch, with its own draw for each image.

Every transformation is a 3 × 3 matrix that maps an output pixel to the input pixel it shows; their product is one
ImageProjectiveTransformV3. The border is mirrored ("pad" fills it with black instead: He et al., 2016).
"""

from __future__ import annotations

import math

import tensorflow as tf

NAMES = ("flip", "shift", "rotate", "zoom", "shear", "perspective", "pad")
ROTATE = 15 * math.pi / 180  # radians either way
SHIFT = 0.08  # of the side
ZOOM = 0.12  # a factor of 1 ± this, the same on both axes, and half of it on each alone
SHEAR = 0.1
PERSPECTIVE = 0.1  # of the depth over a half side


def apply(image, seed, strength: float, names: tuple[str, ...]):
    """(B, H, W, C) uint8 → the same shape and type, transformed."""
    batch = tf.shape(image)[0]
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
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=image,
        transforms=tf.reshape(matrix, (-1, 9))[:, :8],
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR" if smooth else "NEAREST",
        fill_mode="CONSTANT" if black else "REFLECT",
    )
    return tf.ensure_shape(moved, image.shape)


def matrices(batch, height: int, width: int, seed, strength: float, names: tuple[str, ...], whole: bool = False):
    """(B, 3, 3) random matrices of the named transformations; `whole` rounds shifts to whole pixels."""
    draw = iter(tf.unstack(tf.random.stateless_uniform((9, batch), seed, -1.0, 1.0)))
    one, zero = tf.ones((batch,)), tf.zeros((batch,))
    rows = lambda *cells: tf.reshape(tf.stack(cells, axis=1), (-1, 3, 3))  # noqa: E731
    matrix = tf.eye(3, batch_shape=[batch])
    flip, angle, zoom, stretch, shear, tilt_x, tilt_y, shift_x, shift_y = draw
    if "flip" in names:
        sign = tf.where(flip < 0, -1.0, 1.0)
        matrix = matrix @ rows(sign, zero, zero, zero, one, zero, zero, zero, one)
    if "rotate" in names:
        c, s = tf.cos(angle * ROTATE * strength), tf.sin(angle * ROTATE * strength)
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
            x, y = (tf.round(shift * (math.floor(far) + 0.499)) for shift, far in ((shift_x, far_x), (shift_y, far_y)))
        matrix = matrix @ rows(one, zero, x, zero, one, y, zero, zero, one)
    return matrix


def _constant(rows):
    return tf.constant([rows], tf.float32)
