"""Random augmentations of images together with their masks, in the graph and stateless."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.augment import color, geometry
from applied_dl.layers.backend import batch_size

SMALLEST, LARGEST = 0.5, 1.25  # share of the image's sides that "crop" shows at strength 1; above 1 the image is shown smaller


def joint_augmentation(names: Iterable[str], strength: float = 1.0, window: int = 1) -> Callable | None:
    """One function that augments images and masks by the same geometry, each with its own resampling, and the images alone in colour.

    Args:
        names: of `layers.augment.geometry.NAMES`, "crop" (random scale and place) and "color".
        strength: factor of the strength of each.
        window: images and masks become windows of H / window by W / window pixels; "crop" then shows the smaller part that fills them.

    Returns:
        `augment(inputs, target, seed) -> (inputs, target)`, or None where there is nothing to do. inputs: {"image": uint8 (B, H, W, C)};
        target: uint8 (B, H, W); seed: int32 (2,).

    Example:
        >>> augment = joint_augmentation(("crop", "flip"))
        >>> inputs, target = augment({"image": images}, masks, ops.array([0, 1]))
    """
    names = tuple(names)
    if not names or strength == 0:
        return None
    moves = tuple(name for name in names if name in geometry.NAMES)

    def augment(inputs, target, seed):
        image = inputs["image"]
        batch, (height, width) = batch_size(image), image.shape[1:3]
        seeds = draws.split(seed, 3)
        if moves or "crop" in names:
            matrix = geometry.matrices(batch, height, width, seeds[0], strength, moves)
            if "crop" in names:
                matrix = matrix @ _crops(batch, height, width, seeds[1], strength, window)
            image = geometry.warp(image, matrix, smooth=True)
            target = geometry.warp(target[..., None], matrix, smooth=False)[..., 0]
        if window > 1:
            image, target = image[:, ::window, ::window], target[:, ::window, ::window]
        if "color" in names:
            image = color.apply(image, seeds[2], strength)
        return {**inputs, "image": image}, target

    return augment


def _crops(batch, height: int, width: int, seed, strength: float, window: int):
    """(B, 3, 3) matrices that show a random part of the image, or the image smaller than it is."""
    draw = draws.uniform((3, batch), seed)
    low, high = math.log(SMALLEST) * strength, math.log(LARGEST) * strength
    share = ops.exp(low + (high - low) * draw[0]) / window
    free = ops.abs(1 - share)
    x, y = ((2 * place - 1) * free * (side - 1) / 2 for place, side in ((draw[1], width), (draw[2], height)))
    zero, one = ops.zeros((batch,)), ops.ones((batch,))
    return ops.reshape(ops.stack((share, zero, x, zero, share, y, zero, zero, one), axis=1), (-1, 3, 3))
