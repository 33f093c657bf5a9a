"""A trunk of KerasHub (the extra `hub`): a preset of Hugging Face (`hf://…`), of Kaggle (`kaggle://…`) or in a local directory."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError

SCHEMES = ("hf://", "kaggle://")
CONFIG = "config.json"  # of a preset directory
SCALE = 1 / 255  # of pixels for a preset without an image converter of its own


def is_preset(weights: str | None) -> bool:
    """Whether `model.weights` names a preset: an address, or a directory."""
    return weights is not None and (weights.startswith(SCHEMES) or Path(weights).expanduser().is_dir())


def hub_trunk(preset: str, input_shape: tuple[int, int, int]) -> tuple[keras.Model, layers.Layer, tuple[int, int, int]]:
    """A pretrained trunk, what scales pixels 0..255 for it, and the shape (H, W, 3) of the images that it takes.

    Args:
        preset: an address `hf://USER/MODEL` or `kaggle://USER/MODEL/keras/VARIANT`, downloaded once by KerasHub, or a local directory as
            written by `save_to_preset`.
        input_shape: (H, W, 3) of the images; a vision transformer has a shape of its own.

    Raises:
        UsageError: KerasHub is not installed.
        DataError: there is no such preset, it cannot be loaded, or it is no model of single images.

    Example:
        >>> trunk, scaled, shape = hub_trunk("hf://keras/resnet_18_imagenet", (224, 224, 3))
    """
    hub = _keras_hub()
    folder = preset if preset.startswith(SCHEMES) else str(Path(preset).expanduser())
    if not preset.startswith(SCHEMES) and not (Path(folder) / CONFIG).is_file():
        raise DataError(f"{preset!r} (model.weights) is no preset of KerasHub: the directory has no {CONFIG}, as save_to_preset writes it.")
    try:
        with console.hushed():
            found = hub.models.Backbone.from_preset(folder)
            scaled = _scaling(hub, folder)
    except Exception as error:  # KerasHub, its downloaders and Keras raise whatever they raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"The preset {preset!r} (model.weights) cannot be loaded: {reason}") from error
    return _trunk(found, preset), scaled, _shape(found, input_shape)


def _keras_hub():
    try:
        with console.hushed():
            import keras_hub
    except ImportError as error:
        raise UsageError("A preset of KerasHub (model.weights) needs keras-hub: pip install 'applied_dl[hub]'.") from error
    return keras_hub


def _trunk(found, preset: str) -> keras.Model:
    """The backbone as a model of one image, (B, H, W, 3) → (B, h, w, F) or (B, T, F)."""
    entries, output = keras.tree.flatten(found.input), found.output
    if len(entries) != 1 or len(entries[0].shape) != 4 or entries[0].shape[-1] != 3 or isinstance(output, dict | list):
        raise DataError(
            f"The preset {preset!r} (model.weights) is a {type(found).__name__}, which is no trunk of RGB images with one output; choose "
            "an image classification backbone such as ResNet, EfficientNet, MobileNet or ViT."
        )
    return keras.Model(entries[0], output) if isinstance(found.input, dict) else found


def _shape(found, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    height, width = keras.tree.flatten(found.input)[0].shape[1:3]
    return (height or input_shape[0], width or input_shape[1], 3)


def _scaling(hub, folder: str) -> layers.Layer:
    """Scale and offset of the preset's image converter; a preset of a backbone alone takes pixels 0..1."""
    try:
        converter = hub.layers.ImageConverter.from_preset(folder)
    except Exception:  # a preset without one
        return layers.Rescaling(SCALE, name="scaled")
    scale, offset = (value if value is not None else default for value, default in ((converter.scale, 1.0), (converter.offset, 0.0)))
    return layers.Rescaling(scale, offset, name="scaled")
