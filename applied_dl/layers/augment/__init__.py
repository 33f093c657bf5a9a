"""Random changes that leave a picture's class as it is: a whole batch at a time, in the graph, stateless. Never part of an export."""

from applied_dl.layers.augment.chain import NAMES, augmentation

__all__ = ["NAMES", "augmentation"]
