"""Pretrained trunks: the one inside the package, a local file, ImageNet's, or a preset of KerasHub, each with its own pixel scaling."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
from keras import layers

from applied_dl.core.errors import DataError, UsageError, known
from applied_dl.vision.models.hub import hub_trunk, is_preset
from applied_dl.vision.models.mobilenet_v2 import mobilenet_v2
from applied_dl.vision.models.weights_file import read_weights_file

TRUNK = "trunk"
DEFAULT = "MobileNetV2"
EMBEDDED, IMAGENET, NONE = "embedded", "imagenet", "none"  # values of `weights` that name no file


def names() -> list[str]:
    """The model names of `keras.applications`."""
    found = vars(keras.applications).items()
    return sorted(key for key, value in found if inspect.isfunction(value) and key[0].isupper())


def make_trunk(
    input_shape: tuple[int, int, int], backbone: str | None = None, weights: str | None = None, alpha: float | None = None
) -> tuple[keras.Model, Callable, tuple[int, int, int]]:
    """A trunk named "trunk", what scales pixels 0..255 for it, and the shape of the images that it takes.

    Args:
        input_shape: (H, W, 3) of the images; a vision transformer has a shape of its own.
        backbone: a model name of `keras.applications`; by default that of the weights file, else "MobileNetV2".
        weights: "embedded", "imagenet", a local file, a preset of KerasHub, or None for random ones.
        alpha: width multiplier of the MobileNets; by default that of the weights file, else 1.

    Raises:
        UsageError: a name is unknown.
        DataError: the weights file does not exist, holds a classification head, or does not fit.
    """
    if backbone is not None:
        known("model.backbone", backbone, names())
    if is_preset(weights):
        trunk, scale, input_shape = hub_trunk(weights, input_shape)
    else:
        made = _embedded(input_shape, backbone, alpha) if weights == EMBEDDED else _of_keras(input_shape, backbone, weights, alpha)
        trunk, scale = made[0], partial(_scaled, backbone=made[1])
    trunk.name = TRUNK
    return trunk, scale, input_shape


def _embedded(input_shape, backbone: str | None, alpha: float | None) -> tuple[keras.Model, str]:
    """The trunk inside the package, and its name."""
    if backbone not in (None, DEFAULT) or alpha not in (None, 1.0):
        named = f"model.backbone = {backbone!r}" if backbone not in (None, DEFAULT) else f"model.alpha = {alpha:g}"
        raise UsageError(
            f'The weights inside the package (model.weights = "embedded") are of {DEFAULT} at alpha 1, not of {named}; leave it out.'
        )
    return mobilenet_v2(input_shape), DEFAULT


def _of_keras(input_shape, backbone: str | None, weights: str | None, alpha: float | None) -> tuple[keras.Model, str]:
    """A net of `keras.applications`, and its name."""
    local = local_weights(weights)
    if local is not None:
        backbone, alpha = resolve_weights(local, backbone, alpha)
    backbone = backbone or DEFAULT
    make = getattr(keras.applications, backbone)
    options = {"alpha": alpha} if alpha is not None and "alpha" in inspect.signature(make).parameters else {}
    try:
        return make(input_shape=input_shape, include_top=False, weights=str(local) if local else weights, **options), backbone
    except Exception as error:  # Keras raises whatever its loaders and downloaders raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"The weights {weights!r} do not fit {backbone}{f' at alpha {alpha}' if alpha else ''}: {reason}") from error


def local_weights(weights: str | None) -> Path | None:
    """The path of a local weights file; None where `weights` names none. Raises `DataError` where there is no such file."""
    if weights in (None, EMBEDDED, IMAGENET, NONE) or is_preset(weights):
        return None
    path = Path(weights).expanduser()
    if not path.is_file():
        raise DataError(
            f'There is no weights file {weights!r} (model.weights); give a local file, "embedded", "imagenet", "hf://…" or "none".'
        )
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


def pyramid(trunk: keras.Model, last: str | None = None) -> list[keras.KerasTensor]:
    """The last tensor of a trunk at each of its resolutions, the finest first: what decoders of pixels take.

    Args:
        trunk: a net of convolutions with one input (B, H, W, C).
        last: the layer whose output is the coarsest tensor; the trunk's own output by default.

    Returns:
        Tensors (B, h, w, F) of falling size, without those at the input's own.

    Raises:
        UsageError: the trunk is no net of convolutions.

    Example:
        >>> [t.shape[1] for t in pyramid(mobilenet_v2((64, 64, 3)))]
        [32, 16, 8, 4, 2]
    """
    found: dict[tuple[int, int], keras.KerasTensor] = {}
    size = trunk.input.shape[1:3]
    for layer in trunk.layers:
        output = layer.output
        if isinstance(output, keras.KerasTensor) and len(output.shape) == 4 and None not in output.shape[1:3]:
            height, width = output.shape[1:3]
            if (height, width) != size and all(height <= h and width <= w for h, w in found):
                found[height, width] = output
        if layer.name == last:
            break
    if len(found) < 2:
        raise UsageError(f"The trunk {trunk.name!r} has no feature maps of several sizes; choose a net of convolutions (model.backbone).")
    return list(found.values())
