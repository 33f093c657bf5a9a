"""A net with a new head for transfer learning: from the weights inside the package, a local file, ImageNet's, or a preset of KerasHub."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.core.errors import UsageError
from applied_dl.vision.models.parts import global_pool, head
from applied_dl.vision.models.trunk import make_trunk


def backbone(
    input_shape, num_classes: int, *, backbone: str | None = None, weights: str | None = None, alpha: float | None = None,
    resolution: int | None = None, dropout=0.2, pooling="avg", include_top=True, name="backbone",
) -> keras.Model:  # fmt: skip
    """A pretrained trunk, the layer named "trunk", behind its own pixel scaling and before a new head.

    2,206,816 parameters without the head for the weights inside the package, 410,208 for MobileNetV2 of Keras at alpha 0.35.

    Args:
        input_shape: (H, W, 3), pixels in 0..255.
        num_classes: outputs of the head.
        backbone: a model name of `keras.applications`; by default that of the weights file, else "MobileNetV2".
        weights: "embedded" (MobileNetV2 from the package, without a download), "imagenet" (downloaded by Keras), a local `.h5`,
            `.weights.h5` or `.keras` file without a top, a preset of KerasHub (`hf://…`, `kaggle://…` or a directory), or None for
            random ones.
        alpha: width multiplier of the MobileNets; by default that of the weights file, else 1.
        resolution: side in pixels to which the graph resizes the images, for small ones; None takes them as they are.
        dropout: share of the features dropped before the head.
        pooling: pooling before the head.
        include_top: False returns features (B, F).
        name: name of the model.

    Returns:
        A model (B, H, W, 3) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown, or the images are not RGB.
        DataError: the weights file does not exist, holds a classification head, or does not fit.

    Example:
        >>> model = backbone((224, 224, 3), 5, weights="embedded")

    References:
        Sandler et al., MobileNetV2 (2018).
    """
    if input_shape[-1] != 3:
        raise UsageError(f"A backbone takes RGB images: set data.channels = 3 (received {input_shape[-1]}).")
    seen = (resolution, resolution, 3) if resolution else tuple(input_shape)
    trunk, scale, seen = make_trunk(seen, backbone, weights, alpha)
    inputs = keras.Input(tuple(input_shape))
    x = layers.Resizing(*seen[:2], name="resized")(inputs) if seen != tuple(input_shape) else inputs
    x = trunk(scale(x), training=False)  # (B, h, w, F); its batch norms keep their statistics
    x = global_pool(x, pooling) if len(x.shape) == 4 else layers.GlobalAveragePooling1D(name="pooled")(x)  # tokens (B, T, F)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)
