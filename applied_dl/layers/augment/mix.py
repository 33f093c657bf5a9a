"""Images mixed in pairs, and their labels by the same shares: MixUp (Zhang et al., 2018) and CutMix (Yun et al., 2019).

The batch, whose order is already random, is paired with itself shifted by one. With both names, each image draws one of the two.
"""

from __future__ import annotations

import tensorflow as tf

from applied_dl.layers.augment.color import to_uint8
from applied_dl.layers.augment.erase import rectangle

MIXUP_ALPHA, CUTMIX_ALPHA = 0.2, 1.0


def apply(image, target, seed, strength: float, names: list[str]):
    """(B, H, W, C) uint8 and (B, classes) floats → the same shapes, mixed; `strength` scales the share of mixed images."""
    batch, (height, width) = tf.shape(image)[0], image.shape[1:3]
    draw = tf.random.stateless_uniform((4, batch), seed)
    chosen = draw[0] < min(strength, 1.0)
    cut = tf.cast(draw[1] < 0.5, tf.bool) if len(names) == 2 else tf.fill((batch,), names[0] == "cutmix")
    other, other_target = tf.roll(image, 1, 0), tf.roll(target, 1, 0)
    keep = tf.ones((batch,))
    if "mixup" in names:
        keep = tf.where(cut, keep, _beta(seed, batch, MIXUP_ALPHA))
    keep = tf.where(chosen, keep, 1.0)
    if "mixup" in names:
        weight = keep[:, None, None, None]
        image = to_uint8(weight * tf.cast(image, tf.float32) + (1 - weight) * tf.cast(other, tf.float32))
    if "cutmix" in names:
        side = tf.sqrt(1 - _beta(seed + 7, batch, CUTMIX_ALPHA))
        inside = rectangle(side * height, side * width, draw[2], draw[3], height, width) & (cut & chosen)[:, None, None]
        image = tf.where(inside[..., None], other, image)
        keep *= 1 - tf.reduce_mean(tf.cast(inside, tf.float32), axis=(1, 2))
    return image, keep[:, None] * target + (1 - keep)[:, None] * other_target


def _beta(seed, batch, alpha: float):
    """(B,) draws of Beta(alpha, alpha), by two gamma draws; the larger of the two shares, so that an image remains mostly itself."""
    first = tf.random.stateless_gamma((batch,), seed + 11, alpha)
    second = tf.random.stateless_gamma((batch,), seed + 13, alpha)
    share = first / (first + second + 1e-12)
    return tf.maximum(share, 1 - share)
