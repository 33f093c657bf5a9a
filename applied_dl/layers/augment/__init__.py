"""Random augmentations of image batches, in the graph and stateless; they are never part of an export."""

from applied_dl.layers.augment.chain import NAMES, augmentation

__all__ = ["NAMES", "augmentation"]
