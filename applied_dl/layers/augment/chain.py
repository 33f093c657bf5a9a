"""Augmentations by name as one function of a batch: geometry (a single resampling), colour, erasing, mixing, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from keras import ops

from applied_dl.core.errors import known
from applied_dl.layers import draws
from applied_dl.layers.augment import color, erase, geometry, mix, randaugment

NAMES = (*geometry.NAMES, "color", "erase", "randaugment", "mixup", "cutmix")


def augmentation(names: Iterable[str], strength: float = 1.0, num_classes: int | None = None) -> Callable | None:
    """One function that applies the named augmentations to a batch.

    Args:
        names: augmentations out of `NAMES`.
        strength: factor of the strength of each of them.
        num_classes: columns of the target, which "mixup" and "cutmix" mix too.

    Returns:
        `augment(inputs, target, seed) -> (inputs, target)`, or None where there is nothing to do. inputs: {"image": uint8 (B, H, W, C)},
        which stay uint8; target: (B, num_classes) floats; seed: int32 (2,).

    Raises:
        UsageError: a name is unknown; the message suggests the nearest one.

    Example:
        >>> augment = augmentation(("flip", "shift"))
        >>> inputs, target = augment({"image": images}, target, ops.array([0, 1]))
    """
    names = tuple(names)
    for name in names:
        known("preprocess.augment", name, NAMES)
    if not names or strength == 0:
        return None
    moves = tuple(name for name in names if name in geometry.NAMES)

    def augment(inputs, target, seed):
        image = inputs["image"]
        seeds = draws.split(seed, 6)
        if "randaugment" in names:
            image = randaugment.apply(image, seeds[0], strength, moves)
        elif moves:
            image = geometry.apply(image, seeds[0], strength, moves)
        if "color" in names:
            image = color.apply(image, seeds[1], strength)
        if "erase" in names:
            image = erase.apply(image, seeds[2], strength)
        mixing = [name for name in ("mixup", "cutmix") if name in names]
        if mixing:
            image, target = mix.apply(image, ops.cast(target, "float32"), seeds[3], strength, mixing)
        return {**inputs, "image": image}, target

    return augment
