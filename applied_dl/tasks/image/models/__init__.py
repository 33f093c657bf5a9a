"""Builders of image nets: shapes in, `keras.Model` out. Input: normalised floats (B, H, W, C); output: logits, float32.

Shared arguments: `activation` and `norm` by name, `dropout` before the head, `pooling` "max" or "avg" between stages and into the head
("global_max", "global_avg" name the head's alone), `width` multiplies the filters, `include_top=False` gives features.
"""

from applied_dl.tasks.image.models.backbone import backbone
from applied_dl.tasks.image.models.lenet import lenet
from applied_dl.tasks.image.models.mlp import mlp
from applied_dl.tasks.image.models.mobile import mobile
from applied_dl.tasks.image.models.resnet import resnet
from applied_dl.tasks.image.models.small_cnn import small_cnn
from applied_dl.tasks.image.models.unet import unet
from applied_dl.tasks.image.models.whitened_cnn import whitened_cnn

BUILDERS = {f.__name__: f for f in (mlp, lenet, small_cnn, resnet, mobile, whitened_cnn, backbone)}  # of classifiers, by `model.name`

__all__ = ["BUILDERS", "backbone", "lenet", "mlp", "mobile", "resnet", "small_cnn", "unet", "whitened_cnn"]
