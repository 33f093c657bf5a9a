"""Images mixed in pairs, and their labels by the same shares: MixUp (Zhang et al., 2018) and CutMix (Yun et al., 2019).

The batch, whose order is already random, is paired with itself shifted by one. With both names, each image draws one of the two.
"""

from __future__ import annotations

from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.augment.color import to_uint8
from applied_dl.layers.augment.erase import rectangle
from applied_dl.layers.backend import batch_size

MIXUP_ALPHA, CUTMIX_ALPHA = 0.2, 1.0


def apply(image, target, seed, strength: float, names: list[str]):
    """(B, H, W, C) uint8 and (B, classes) floats → the same shapes, mixed; `strength` scales the share of mixed images."""
    batch, (height, width) = batch_size(image), image.shape[1:3]
    draw = draws.uniform((4, batch), seed)
    chosen = draw[0] < min(strength, 1.0)
    cut = draw[1] < 0.5 if len(names) == 2 else ops.full((batch,), names[0] == "cutmix", dtype="bool")
    other, other_target = ops.roll(image, 1, 0), ops.roll(target, 1, 0)
    keep = ops.ones((batch,))
    if "mixup" in names:
        keep = ops.where(cut, keep, _share(seed, batch, MIXUP_ALPHA))
    keep = ops.where(chosen, keep, 1.0)
    if "mixup" in names:
        weight = keep[:, None, None, None]
        image = to_uint8(weight * ops.cast(image, "float32") + (1 - weight) * ops.cast(other, "float32"))
    if "cutmix" in names:
        side = ops.sqrt(1 - _share(seed + 7, batch, CUTMIX_ALPHA))
        inside = rectangle(side * height, side * width, draw[2], draw[3], height, width) & (cut & chosen)[:, None, None]
        image = ops.where(inside[..., None], other, image)
        keep = keep * (1 - ops.mean(ops.cast(inside, "float32"), axis=(1, 2)))
    return image, keep[:, None] * target + (1 - keep)[:, None] * other_target


def _share(seed, batch, alpha: float):
    """(B,) draws of Beta(alpha, alpha); the larger of the two shares, so that an image remains mostly itself."""
    share = draws.beta(batch, seed, alpha)
    return ops.maximum(share, 1 - share)
