"""Builders of image nets. Each takes `(input_shape, num_classes, *, …)` and returns a `keras.Model`: normalised floats → logits.

Arguments that builders share:
    input_shape: (H, W, C) of one image, without the batch axis.
    num_classes: outputs of the head; 1 for image regression.
    width: multiplies the number of filters.
    activation: name of the activation (`applied_dl.layers.activations.NAMES`).
    norm: "batch", "layer", "group", "rms" or "none".
    dropout: share of the features dropped before the head.
    pooling: "max" or "avg", between the stages and before the head; "global_max" and "global_avg" set the one before the head alone.
    include_top: False returns the features before the head.
    name: name of the Keras model.
All raise `UsageError` where a name is unknown.
"""

from applied_dl.tasks.image.models.backbone import backbone
from applied_dl.tasks.image.models.lenet import lenet
from applied_dl.tasks.image.models.mlp import mlp
from applied_dl.tasks.image.models.mobile import mobile
from applied_dl.tasks.image.models.resnet import resnet
from applied_dl.tasks.image.models.small_cnn import small_cnn
from applied_dl.tasks.image.models.whitened_cnn import whitened_cnn
from applied_dl.vision.models.mobilenet_v2 import mobilenet_v2

BUILDERS = {f.__name__: f for f in (mlp, lenet, small_cnn, resnet, mobile, whitened_cnn, backbone)}  # of classifiers, by `model.name`

__all__ = ["BUILDERS", "backbone", "lenet", "mlp", "mobile", "mobilenet_v2", "resnet", "small_cnn", "whitened_cnn"]
