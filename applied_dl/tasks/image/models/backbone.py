"""A net of `keras.applications` with a new head, for transfer learning from a local weights file or from ImageNet weights."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras
from keras import layers

from applied_dl.core.errors import DataError, UsageError, known
from applied_dl.tasks.image.models.parts import global_pool, head
from applied_dl.tasks.image.models.weights_file import read_weights_file

TRUNK = "trunk"
DEFAULT = "MobileNetV2"


def names() -> list[str]:
    """The model names of `keras.applications`."""
    found = vars(keras.applications).items()
    return sorted(key for key, value in found if inspect.isfunction(value) and key[0].isupper())


def backbone(
    input_shape, num_classes: int, *, backbone: str | None = None, weights: str | None = None, alpha: float | None = None, dropout=0.2,
    pooling="avg", include_top=True, name="backbone",
) -> keras.Model:  # fmt: skip
    """A trunk of `keras.applications`, the layer named "trunk", behind its own pixel scaling and before a new head.

    410,208 parameters without the head for MobileNetV2 at alpha 0.35.

    Args:
        input_shape: (H, W, 3), pixels in 0..255.
        num_classes: outputs of the head.
        backbone: a model name of `keras.applications`; by default that of the weights file, else "MobileNetV2".
        weights: a local `.h5`, `.weights.h5` or `.keras` file without a top, "imagenet" (downloaded by Keras), or None for random ones.
        alpha: width multiplier of the MobileNets; by default that of the weights file, else 1.
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
        >>> model = backbone((224, 224, 3), 5, weights="mobilenet_v2_0.35_224_no_top.h5")

    References:
        Sandler et al., MobileNetV2 (2018).
    """
    if backbone is not None:
        known("model.backbone", backbone, names())
    if input_shape[-1] != 3:
        raise UsageError(f"A backbone takes RGB images: set data.channels = 3 (received {input_shape[-1]}).")
    local = local_weights(weights)
    if local is not None:
        backbone, alpha = resolve_weights(local, backbone, alpha)
    backbone = backbone or DEFAULT
    make = getattr(keras.applications, backbone)
    options = {"alpha": alpha} if alpha is not None and "alpha" in inspect.signature(make).parameters else {}
    try:
        trunk = make(input_shape=tuple(input_shape), include_top=False, weights=str(local) if local else weights, **options)
    except Exception as error:  # Keras raises whatever its loaders and downloaders raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"The weights {weights!r} do not fit {backbone}{f' at alpha {alpha}' if alpha else ''}: {reason}") from error
    trunk.name = TRUNK
    inputs = keras.Input(tuple(input_shape))
    x = trunk(_scaled(inputs, backbone), training=False)  # (B, h, w, F); its batch norms keep their statistics
    x = global_pool(x, pooling)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)


def local_weights(weights: str | None) -> Path | None:
    """The path of a local weights file; None for None and "imagenet". Raises `DataError` where there is no such file."""
    if not weights or weights == "imagenet":
        return None
    path = Path(weights).expanduser()
    if not path.is_file():
        raise DataError(f'There is no weights file {weights!r} (model.weights); give a local file or "imagenet".')
    return path


def resolve_weights(path: Path, backbone: str | None, alpha: float | None) -> tuple[str | None, float | None]:
    """The architecture and the width multiplier of a weights file, where the caller leaves them open.

    Raises:
        DataError: the file holds a classification head, or has another width multiplier than `alpha`.
    """
    found = read_weights_file(path, names(), backbone)
    if found.backbone is None:
        found = read_weights_file(path, names(), DEFAULT)
    if found.head:
        raise DataError(
            f"The weights file {str(path)!r} holds a classification head; model.weights takes the file without it (Keras calls it no_top)."
        )
    if alpha is not None and found.alpha is not None and abs(alpha - found.alpha) > 0.01:
        raise DataError(f"The weights {str(path)!r} do not fit model.alpha = {alpha:g}: they have alpha {found.alpha:g}; leave it out.")
    return backbone or found.backbone, alpha if alpha is not None else found.alpha


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
