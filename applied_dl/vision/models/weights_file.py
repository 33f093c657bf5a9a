"""What a file of pretrained weights holds: the architecture, the width multiplier, and whether a classification head is inside."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

from msgspec import Struct

from applied_dl.core.errors import DataError

LAYERS = {"block_16_project": "MobileNetV2", "conv_pw_13": "MobileNet", "conv5_block3_out": "ResNet50", "block14_sepconv2": "Xception"}
# Of the last 1 × 1 convolution (1, 1, in, out): the axis by which alpha is known, and its channels at alpha 1.
LAST_CHANNELS = {"MobileNetV2": (2, 320), "MobileNetV3Small": (2, 96), "MobileNetV3Large": (2, 160), "MobileNet": (3, 1024)}
SIX_TIMES = ("MobileNetV3Small", "MobileNetV3Large")
IMAGENET_CLASSES = 1000


class WeightsFile(Struct, frozen=True, kw_only=True):
    """`backbone` is a name of `keras.applications` and `alpha` its width multiplier, None where the file does not say."""

    backbone: str | None
    alpha: float | None
    head: bool


def read_weights_file(path: Path, names: list[str], backbone: str | None = None) -> WeightsFile:
    """Read names and shapes of the arrays of a `.h5`, `.weights.h5` or `.keras` file.

    Args:
        path: the file.
        names: the model names of `keras.applications`.
        backbone: the architecture, where it is known; otherwise it is recognised by the name of the file or of its layers.

    Raises:
        DataError: the file cannot be opened as Keras weights.
    """
    shapes = _shapes(path)
    found = backbone or _named(path.name, names) or _named(_model_name(path), names)
    found = found or next((name for layer, name in LAYERS.items() if _has(shapes, layer)), None)
    head = any("predictions" in name or shape[-1:] == (IMAGENET_CLASSES,) for name, shape in shapes)
    return WeightsFile(backbone=found, alpha=_alpha(found, [shape for _, shape in shapes]), head=head)


def _shapes(path: Path) -> list[tuple[str, tuple[int, ...]]]:
    import h5py

    found: list[tuple[str, tuple[int, ...]]] = []

    def keep(name, item) -> None:
        if isinstance(item, h5py.Dataset):
            found.append((name, item.shape))

    try:
        source = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")) if zipfile.is_zipfile(path) else path
        with h5py.File(source) as file:
            file.visititems(keep)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{str(path)!r} (model.weights) is not a Keras weights file (.h5, .weights.h5, .keras): {error}.") from error
    return found


def _has(shapes: list[tuple[str, tuple[int, ...]]], layer: str) -> bool:
    return any(layer in name.split("/") for name, _ in shapes)


def _model_name(path: Path) -> str:
    """The name of the model in a `.keras` file, such as "mobilenetv2_0.50_224"."""
    if not zipfile.is_zipfile(path):
        return ""
    config = json.loads(zipfile.ZipFile(path).read("config.json"))
    return str(config.get("config", {}).get("name", ""))


def _named(text: str, names: list[str]) -> str | None:
    """The longest model name within a text, case and marks apart: "mobilenet_v2_…_0.35_224_no_top.h5" → MobileNetV2."""
    bare = lambda text: re.sub(r"[^a-z0-9]", "", text.lower())  # noqa: E731
    return next((name for name in sorted(names, key=len, reverse=True) if bare(name) in bare(text)), None)


def _alpha(backbone: str | None, shapes: list[tuple[int, ...]]) -> float | None:
    """The width multiplier of a MobileNet, from the channels around its last 1 × 1 convolution."""
    pointwise = [shape for shape in shapes if len(shape) == 4 and shape[:2] == (1, 1)]
    if backbone in SIX_TIMES:  # the last one has six times as many outputs as inputs; those of squeeze-and-excitation have not
        pointwise = [shape for shape in pointwise if shape[3] == 6 * shape[2]]
    if backbone not in LAST_CHANNELS or not pointwise:
        return None
    axis, channels = LAST_CHANNELS[backbone]
    return round(max(pointwise, key=lambda shape: (shape[3], shape[2]))[axis] / channels, 4)
