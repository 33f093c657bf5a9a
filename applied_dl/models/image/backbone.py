"""Transfer learning: a trained trunk of `keras.applications` and a new head."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras

from applied_dl.errors import DataError, UsageError, nearest
from applied_dl.models.image.head import classify

# what the trunk expects of pixels 0..255: (scale, offset); the others of keras.applications carry their own rescaling
SCALED = {"MobileNet": (1 / 127.5, -1.0), "MobileNetV2": (1 / 127.5, -1.0), "Xception": (1 / 127.5, -1.0),
          "InceptionV3": (1 / 127.5, -1.0), "InceptionResNetV2": (1 / 127.5, -1.0), "NASNetMobile": (1 / 127.5, -1.0),
          "ResNet50V2": (1 / 127.5, -1.0), "ResNet101V2": (1 / 127.5, -1.0), "ResNet152V2": (1 / 127.5, -1.0)}  # fmt: skip
OWN = ("EfficientNet", "MobileNetV3", "ConvNeXt")  # name starts of trunks that rescale 0..255 themselves


def names() -> list[str]:
    """The trunks that can be named."""
    found = (n for n in dir(keras.applications) if n[:1].isupper() and callable(getattr(keras.applications, n)))
    return sorted(n for n in found if n in SCALED or n.startswith(OWN))


def backbone(input_shape, num_classes, *, backbone="MobileNetV2", weights="imagenet", alpha=None, dropout=0.2, pooling="global_avg",
             name="backbone") -> keras.Model:  # fmt: skip
    """A trunk and a linear head on its pooled features: pixels 0..255 (B, H, W, 3) → (B, num_classes).

    weights: "imagenet" (downloaded once by Keras), the path of a local file, or None for a random start. alpha: width of MobileNets.
    The trunk is the layer named "trunk" and starts frozen; `train.transfer` unfreezes it. Raises `UsageError` for an unknown trunk and
    `DataError` for weights that are missing or do not fit.
    """
    known = names()
    if backbone not in known:
        raise UsageError(f"Unknown model.backbone {backbone!r}.{nearest(backbone, known)}")
    make = getattr(keras.applications, backbone)
    if input_shape[-1] != 3:
        raise UsageError(f"The backbone {backbone} takes RGB pictures; set data.channels = 3 (received {input_shape[-1]}).")
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise DataError(f"There is no weights file at {weights!r}; give model.weights a local file, or \"imagenet\" to download.")
    own = {"alpha": alpha} if alpha is not None and "alpha" in inspect.signature(make).parameters else {}
    try:
        trunk = make(input_shape=tuple(input_shape), include_top=False, weights=weights, pooling=pooling.removeprefix("global_"), **own)
    except (ValueError, OSError) as error:
        raise DataError(f"The weights {weights!r} do not fit {backbone} at {tuple(input_shape)}: {str(error).splitlines()[0]}") from error
    trunk = keras.Model(trunk.input, trunk.output, name="trunk")
    trunk.trainable = False
    inputs = keras.Input(input_shape)
    scale, offset = SCALED.get(backbone, (1.0, 0.0))
    x = keras.layers.Rescaling(scale, offset, dtype="float32", name="trunk_pixels")(inputs)
    return classify(inputs, trunk(x, training=False), num_classes, dropout, name)
