"""What training an image model needs beside the encoder, and the targets it is trained on."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, structs

from applied_dl.core.records import Part, Prepared
from applied_dl.layers.pixels import PixelStatistics


class ImageState(Struct, frozen=True, kw_only=True):
    """What `prepare` fitted on the training images.

    Attributes:
        pixels: the pixel normalisation.
        mirror_reason: why training images must not be mirrored; empty where they may be.
        weights: the pretrained weights that suit the images, where the recipe leaves them open; "none" for training from scratch.
        mean, scale: mean and standard deviation of the training numbers, for regression.
    """

    pixels: PixelStatistics
    mirror_reason: str = ""
    weights: str = "none"
    mean: float = 0.0
    scale: float = 1.0


def targets(target: np.ndarray, prepared) -> np.ndarray:
    """What the net is trained on, float32: (N, C) of 0 and 1, or the standardised number (N, 1)."""
    if not prepared.encoder.labels:
        return ((target - prepared.state.mean) / prepared.state.scale).astype(np.float32)[:, None]
    return one_hot(target, len(prepared.encoder.labels))


def one_hot(target: np.ndarray, classes: int) -> np.ndarray:
    """(N, classes) float32 of codes (N,); several labels per image have this form already."""
    return target if target.ndim == 2 else np.eye(classes, dtype=np.float32)[target]


def with_all_rows(prepared: Prepared) -> Prepared:
    """The data with the validation and the test images among the training ones."""
    parts = (prepared.train, prepared.validation, prepared.test)
    images = np.concatenate([part.inputs["image"] for part in parts])
    return structs.replace(prepared, train=Part(inputs={"image": images}, target=np.concatenate([part.target for part in parts])))
