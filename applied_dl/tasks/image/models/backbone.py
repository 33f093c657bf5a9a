"""A net of `keras.applications` behind a new head, for transfer learning from a local weights file or from ImageNet."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras
from keras import layers

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.tasks.image.models.parts import global_pool, head

TRUNK = "trunk"


def names() -> list[str]:
    """Every model name of `keras.applications`."""
    found = vars(keras.applications).items()
    return sorted(key for key, value in found if inspect.isfunction(value) and key[0].isupper())


def backbone(
    input_shape, num_classes: int, *, backbone="MobileNetV2", weights: str | None = None, alpha: float | None = None, dropout=0.2,
    pooling="avg", include_top=True, name="backbone",
):  # fmt: skip
    """(B, H, W, 3) of 0..255 → logits (B, num_classes), or features (B, F); the net's own scaling of pixels is the first layer.

    weights: a local `.h5`/`.keras` file without a top, "imagenet" (downloaded by Keras), or None for a random start. alpha: the width
    multiplier of the MobileNets. The trunk is the layer named "trunk". Parameters of MobileNetV2 at alpha 0.35: 410,208 without the
    head. Sandler et al. (2018) for MobileNetV2. Raises `UsageError` for an unknown name, `DataError` where weights do not fit.
    """
    if backbone not in names():
        raise UsageError(f"Unknown model.backbone {backbone!r}.{nearest(backbone, names())}")
    make = getattr(keras.applications, backbone)
    if weights and weights != "imagenet" and not Path(weights).expanduser().is_file():
        raise DataError(f'There is no weights file {weights!r} (model.weights); give a local file or "imagenet".')
    if input_shape[-1] != 3:
        raise UsageError(f"A backbone takes RGB pictures: set data.channels = 3 (received {input_shape[-1]}).")
    options = {"alpha": alpha} if alpha is not None and "alpha" in inspect.signature(make).parameters else {}
    source = str(Path(weights).expanduser()) if weights and weights != "imagenet" else weights
    try:
        trunk = make(input_shape=tuple(input_shape), include_top=False, weights=source, **options)
    except Exception as error:  # Keras raises whatever its loaders and downloaders raise
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise DataError(f"The weights {weights!r} do not fit {backbone}{f' at alpha {alpha}' if alpha else ''}: {reason}") from error
    trunk.name = TRUNK
    inputs = keras.Input(tuple(input_shape))
    x = trunk(_scaled(inputs, backbone), training=False)  # (B, h, w, F); its batch norms keep their statistics
    x = global_pool(x, pooling)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)


def _scaled(x, backbone: str):
    """Pixels 0..255 as the backbone was trained on: most nets of `keras.applications` take -1..1; some scale within or use means."""
    if backbone.startswith(("EfficientNet", "MobileNetV3", "ConvNeXt")):
        return x
    if backbone.startswith("DenseNet"):
        return layers.Normalization(mean=[123.675, 116.28, 103.53], variance=[3409.98, 3262.69, 3291.89], name="scaled")(x)
    if backbone.startswith(("VGG", "ResNet")) and not backbone.endswith("V2"):
        blue_first = keras.ops.flip(x, axis=-1)
        return layers.Normalization(mean=[103.939, 116.779, 123.68], variance=[1.0, 1.0, 1.0], name="scaled")(blue_first)
    return layers.Rescaling(1 / 127.5, -1.0, name="scaled")(x)
