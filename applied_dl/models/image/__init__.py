"""Image builders: `build(input_shape, num_classes, …) -> keras.Model` from float pixels (B, H, W, C) to logits (B, num_classes)."""

from applied_dl.models.image.backbone import backbone
from applied_dl.models.image.classic import lenet, mlp, small_cnn
from applied_dl.models.image.mobile import mobile
from applied_dl.models.image.residual import resnet, whitened_cnn
from applied_dl.models.image.unet import unet

BUILDERS = {
    "mlp": mlp,
    "lenet": lenet,
    "small_cnn": small_cnn,
    "resnet": resnet,
    "mobile": mobile,
    "whitened_cnn": whitened_cnn,
    "backbone": backbone,
}

__all__ = ["BUILDERS", *BUILDERS, "unet"]
