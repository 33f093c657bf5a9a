"""Augmentation of a whole batch at once, inside the input pipeline and never in the exported graph.

Every function takes images (B, H, W, C) float32 on the 0..255 scale and a seed (2,) int32 and draws without state, so a resumed run sees
the same pictures. All moves of the pixel grid (flip, shift, rotate, zoom, shear, perspective) are multiplied into one projective
transform and drawn once: one interpolation instead of six, and several times faster than a stack of layers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from applied_dl.errors import UsageError, nearest

GRID = ("flip", "shift", "rotate", "zoom", "shear", "perspective")
COLOUR = ("color", "erase", "randaugment")
MIXING = ("mixup", "cutmix")
NAMES = (*GRID, *COLOUR, *MIXING)
SHIFT, ROTATION, ZOOM, SHEAR, PERSPECTIVE, COLOR = 0.08, 15.0, 0.12, 0.12, 0.08, 0.25  # at strength 1; rotation in degrees


def augmentation(names: tuple[str, ...], strength: float = 1.0, mean: np.ndarray | float = 127.0) -> Callable | None:
    """`augment(inputs, target, seed) -> (inputs, target)` for `train.fit`, or None for no names.

    inputs: {"image": (B, H, W, C) uint8}; target (B, C) one-hot or 0/1, which mixup and cutmix mix too. `mean` (C,) fills erased boxes.
    Raises `UsageError` for an unknown name.
    """
    for name in names:
        if name not in NAMES:
            raise UsageError(f"Unknown preprocess.augment {name!r}.{nearest(name, NAMES)}")
    if not names or strength == 0:
        return None
    grid, chosen = [n for n in names if n in GRID], set(names)

    def augment(inputs, target, seed):
        seeds = iter(tf.unstack(tf.random.experimental.stateless_split(seed, 16), num=16))
        x = tf.cast(inputs["image"], tf.float32)
        if grid == ["flip"]:
            x = flip(x, next(seeds))
        elif "flip" in grid and set(grid) <= {"flip", "shift"}:
            x = flip_shift(x, next(seeds), SHIFT * strength)
        elif grid:
            x = warp(x, next(seeds), grid, strength)
        if "randaugment" in chosen:
            x = randaugment(x, next(seeds), strength)
        if "color" in chosen:
            x = color(x, next(seeds), COLOR * strength)
        if "erase" in chosen:
            x = erase(x, next(seeds), mean)
        if "mixup" in chosen:
            x, target = mixup(x, target, next(seeds))
        if "cutmix" in chosen:
            x, target = cutmix(x, target, next(seeds))
        return {**inputs, "image": x}, target

    return augment


def flip(x, seed):
    """Mirror left and right, each picture with probability 1/2."""
    return tf.where(_uniform(seed, x, (1, 1, 1)) < 0.5, x[:, :, ::-1], x)


def flip_shift(x, seed, share: float):
    """Mirror and shift by whole pixels with reflected edges: a pad and a gather of rows and columns, no interpolation."""
    a, b, c = tf.unstack(tf.random.experimental.stateless_split(seed, 3), num=3)
    height, width = x.shape[1], x.shape[2]
    x = flip(x, a)
    down, right = max(1, round(share * height)), max(1, round(share * width))
    padded = tf.pad(x, [[0, 0], [down, down], [right, right], [0, 0]], "REFLECT")
    n = tf.shape(x)[0]
    top = tf.random.stateless_uniform((n, 1), b, 0, 2 * down + 1, tf.int32)
    left = tf.random.stateless_uniform((n, 1), c, 0, 2 * right + 1, tf.int32)
    rows = tf.gather(padded, top + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(rows, left + tf.range(width), axis=2, batch_dims=1)


def warp(x, seed, names, strength: float):
    """One projective transform a picture, the product of the named moves about its middle; bilinear, edges reflected."""
    n, height, width = tf.shape(x)[0], float(x.shape[1]), float(x.shape[2])
    draws = tf.random.stateless_uniform((10, n), seed, -1.0, 1.0) * strength
    zero, one = tf.zeros((n,)), tf.ones((n,))
    matrix = _rows([[one, zero, zero], [zero, one, zero], [zero, zero, one]])
    if "flip" in names:
        side = tf.where(draws[0] < 0, -one, one)
        matrix @= _rows([[side, zero, zero], [zero, one, zero], [zero, zero, one]])
    if "rotate" in names:
        angle = draws[1] * (ROTATION * np.pi / 180)
        c, s = tf.cos(angle), tf.sin(angle)
        matrix @= _rows([[c, -s, zero], [s, c, zero], [zero, zero, one]])
    if "zoom" in names:
        matrix @= _rows([[1 + ZOOM * draws[2], zero, zero], [zero, 1 + ZOOM * draws[3], zero], [zero, zero, one]])
    if "shear" in names:
        matrix @= _rows([[one, SHEAR * draws[4], zero], [SHEAR * draws[5], one, zero], [zero, zero, one]])
    if "shift" in names:
        matrix @= _rows([[one, zero, SHIFT * width * draws[6]], [zero, one, SHIFT * height * draws[7]], [zero, zero, one]])
    if "perspective" in names:
        tilt_x, tilt_y = PERSPECTIVE * draws[8] / (width / 2), PERSPECTIVE * draws[9] / (height / 2)
        matrix @= _rows([[one, zero, zero], [zero, one, zero], [tilt_x, tilt_y, one]])
    middle = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]], np.float32)
    matrix = tf.constant(middle) @ matrix @ tf.constant(np.linalg.inv(middle).astype(np.float32))
    flat = tf.reshape(matrix / matrix[:, 2:, 2:], (n, 9))[:, :8]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x, transforms=flat, output_shape=tf.shape(x)[1:3], fill_value=0.0, interpolation="BILINEAR", fill_mode="REFLECT"
    )


def color(x, seed, share: float):
    """Brightness, contrast and (for colour) saturation, each within ±share."""
    n = tf.shape(x)[0]
    draws = tf.random.stateless_uniform((3, n, 1, 1, 1), seed, -share, share)
    x = x * (1 + draws[0])
    middle = tf.reduce_mean(x, (1, 2, 3), keepdims=True)
    x = middle + (x - middle) * (1 + draws[1])
    if x.shape[-1] == 3:
        grey = tf.reduce_mean(x, -1, keepdims=True)
        x = grey + (x - grey) * (1 + draws[2])
    return tf.clip_by_value(x, 0.0, 255.0)


def erase(x, seed, mean, probability: float = 0.5, smallest: float = 0.02, largest: float = 0.25):
    """Random erasing (Zhong et al., 2017): a box of a share of the area, of any aspect from 1/3 to 3, filled with the mean."""
    n, height, width = tf.shape(x)[0], x.shape[1], x.shape[2]
    u = tf.random.stateless_uniform((5, n, 1, 1, 1), seed)
    area = (smallest + (largest - smallest) * u[0]) * height * width
    aspect = tf.exp((2 * u[1] - 1) * np.float32(np.log(3.0)))
    tall, wide = tf.sqrt(area * aspect), tf.sqrt(area / aspect)
    top, left = u[2] * (height - tall), u[3] * (width - wide)
    row = tf.reshape(tf.range(height, dtype=tf.float32), (1, height, 1, 1))
    column = tf.reshape(tf.range(width, dtype=tf.float32), (1, 1, width, 1))
    inside = (row >= top) & (row < top + tall) & (column >= left) & (column < left + wide) & (u[4] < probability)
    return tf.where(inside, tf.constant(np.asarray(mean, np.float32)), x)


def randaugment(x, seed, strength: float):
    """RandAugment (Cubuk et al., 2019) of two of six moves a batch quarter: each picture gets a geometric and a colour move at random
    magnitude, the whole batch in one pass each."""
    a, b, c, d = tf.unstack(tf.random.experimental.stateless_split(seed, 4), num=4)
    moved = warp(x, a, ["rotate", "shear", "shift", "zoom"], 1.5 * strength)
    x = tf.where(_uniform(b, x, (1, 1, 1)) < 0.5, moved, x)
    u = tf.random.stateless_uniform((2, tf.shape(x)[0], 1, 1, 1), c)
    coloured = tf.where(u[0] < 0.2, 255.0 - x, tf.where(u[0] < 0.4, tf.where(x > 128, 255.0 - x, x), color(x, d, 0.5 * strength)))
    return tf.where(u[1] < 0.5, coloured, x)


def mixup(x, target, seed):
    """mixup (Zhang et al., 2018) with the reversed batch; weights uniform in 0..1, for the labels too."""
    w = _uniform(seed, x, (1, 1, 1))
    short = tf.cast(w[:, 0, 0, :], target.dtype)
    return w * x + (1 - w) * x[::-1], short * target + (1 - short) * target[::-1]


def cutmix(x, target, seed):
    """CutMix (Yun et al., 2019): a box of the reversed batch's picture, one box a batch; labels by the area."""
    height, width = x.shape[1], x.shape[2]
    u = tf.random.stateless_uniform((3,), seed)
    side = tf.sqrt(u[0])
    tall, wide = tf.cast(side * height, tf.int32), tf.cast(side * width, tf.int32)
    top = tf.cast(u[1] * tf.cast(height - tall + 1, tf.float32), tf.int32)
    left = tf.cast(u[2] * tf.cast(width - wide + 1, tf.float32), tf.int32)
    row, column = tf.range(height)[:, None], tf.range(width)[None]
    inside = (row >= top) & (row < top + tall) & (column >= left) & (column < left + wide)
    kept = 1 - tf.cast(tall * wide, tf.float32) / (height * width)
    return tf.where(inside[None, :, :, None], x[::-1], x), kept * target + (1 - kept) * target[::-1]


def _uniform(seed, x, tail):
    return tf.random.stateless_uniform((tf.shape(x)[0], *tail), seed)


def _rows(rows):
    """Nested (3, 3) of (B,) → (B, 3, 3)."""
    return tf.stack([tf.stack(row, -1) for row in rows], -2)
