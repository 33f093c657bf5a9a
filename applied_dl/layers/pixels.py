"""Pixel normalisation inside the graph: standardised per channel, rescaled to -1..1, PCA- or ZCA-whitened.

The statistics are fitted on training images and are plain numpy; the layers are Keras' own with these statistics as constants.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from keras import layers
from msgspec import Struct

from applied_dl.core.errors import known
from applied_dl.core.mapped import sampled_pieces
from applied_dl.layers.whitening import Whitening, apply_whitening, fit_whitening

KINDS = ("standardize", "rescale", "pca", "zca", "none")
FITTED_IMAGES = 5000


class PixelStatistics(Struct, frozen=True, kw_only=True):
    """A fitted normalisation: its name, and `mean` and `variance` (C,) or the whitening, where it has them."""

    kind: str
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None
    whitening: Whitening | None = None


def fit_pixels(kind: str, pixels: np.ndarray, components: int | None = None) -> PixelStatistics:
    """Fit a pixel normalisation.

    Args:
        kind: one of `KINDS`.
        pixels: training images, uint8 (N, H, W, C).
        components: axes kept by "pca" and "zca".

    Returns:
        The statistics that `normalize` puts into the graph.

    Raises:
        UsageError: the name is unknown, or the images are too large to be whitened.
    """
    known("preprocess.normalize", kind, KINDS)
    parts = sampled_pieces(pixels, FITTED_IMAGES)
    if kind == "standardize":
        mean, variance = _moments(parts, pixels.shape[-1])
        return PixelStatistics(kind=kind, mean=mean, variance=np.where(variance > 0, variance, 1.0))
    if kind in ("pca", "zca"):
        sample = np.concatenate(list(parts))
        return PixelStatistics(kind=kind, whitening=fit_whitening(sample.astype(np.float32) / 255, components, zca=kind == "zca"))
    return PixelStatistics(kind=kind)


def _moments(parts: Iterable[np.ndarray], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (C,) of uint8 images in parts (N, H, W, C): from how often each level occurs, which rounds nothing."""
    counts, levels = np.zeros((channels, 256), np.int64), np.arange(256.0)
    for part in parts:
        flat = part.reshape(-1, channels)
        counts += [np.bincount(flat[:, channel], minlength=256) for channel in range(channels)]
    shares = counts / counts.sum(1, keepdims=True)
    mean = shares @ levels
    return mean, (shares * (levels - mean[:, None]) ** 2).sum(1)


def normalize(x, fitted: PixelStatistics):
    """(B, H, W, C) in 0..255 → float32 of the same shape; (B, K) for "pca"."""
    if fitted.kind == "standardize":
        return layers.Normalization(mean=fitted.mean, variance=fitted.variance, dtype="float32", name="standardize")(x)
    if fitted.kind == "rescale":
        return layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name="rescale")(x)
    x = layers.Rescaling(1 / 255, dtype="float32", name="unit")(x)
    return x if fitted.whitening is None else apply_whitening(x, fitted.whitening)
