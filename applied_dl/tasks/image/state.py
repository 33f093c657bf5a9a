"""What training an image model needs beside the encoder, and the targets it is trained on."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from applied_dl.layers.pixels import PixelStatistics


class ImageState(Struct, frozen=True, kw_only=True):
    """What `prepare` fitted on the training images.

    Attributes:
        pixels: the pixel normalisation.
        mirror_reason: why training images must not be mirrored; empty where they may be.
        mean, scale: mean and standard deviation of the training numbers, for regression.
    """

    pixels: PixelStatistics
    mirror_reason: str = ""
    mean: float = 0.0
    scale: float = 1.0


def targets(target: np.ndarray, prepared) -> np.ndarray:
    """What the net is trained on, float32: (N, C) of 0 and 1, or the standardised number (N, 1)."""
    if target.ndim == 2:
        return target
    if not prepared.encoder.labels:
        return ((target - prepared.state.mean) / prepared.state.scale).astype(np.float32)[:, None]
    return np.eye(len(prepared.encoder.labels), dtype=np.float32)[target]
