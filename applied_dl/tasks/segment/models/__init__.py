"""Builders of nets that give every pixel a class. Each takes `(input_shape, num_classes, *, …)` and returns a `keras.Model`."""

from applied_dl.tasks.segment.models.deeplab import deeplab_lite
from applied_dl.tasks.segment.models.fpn import fpn
from applied_dl.tasks.segment.models.unet import unet, unet_small

BUILDERS = {f.__name__: f for f in (unet, unet_small, fpn, deeplab_lite)}  # by `model.name`

__all__ = ["BUILDERS", "deeplab_lite", "fpn", "unet", "unet_small"]
