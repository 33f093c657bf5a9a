"""`uint8` pixels → the numbers a net likes, inside the graph: standardised per channel, rescaled to -1..1, PCA-whitened or ZCA.

The state is fitted on training pictures and is plain numpy; the layers are Keras' own with that state as constants, so they export.
"""

from __future__ import annotations

import numpy as np
from keras import layers

from applied_dl.core.errors import UsageError, nearest
from applied_dl.layers.whitening import apply_whitening, fit_whitening

KINDS = ("standardize", "rescale", "pca", "zca", "none")
FITTED_PICTURES = 5000


def fit_pixels(kind: str, pixels: np.ndarray, components: int | None = None) -> dict[str, np.ndarray]:
    """State of a normalisation, from training pictures `uint8 (N, H, W, C)`: `mean`, `variance` (C,) or the whitening's arrays."""
    if kind not in KINDS:
        raise UsageError(f"Unknown preprocess.normalize {kind!r}.{nearest(kind, KINDS)}")
    sample = pixels[np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), FITTED_PICTURES)).astype(int))]
    if kind == "standardize":
        channels = sample.reshape(-1, sample.shape[-1]).astype(np.float64)
        variance = channels.var(0)
        return {"mean": channels.mean(0), "variance": np.where(variance > 0, variance, 1.0)}
    if kind in ("pca", "zca"):
        return fit_whitening(sample.astype(np.float32) / 255, components, zca=kind == "zca")
    return {}


def normalize(x, kind: str, state: dict[str, np.ndarray]):
    """(B, H, W, C) uint8 → float32 of the same shape; (B, K) for "pca"."""
    if kind == "standardize":
        return layers.Normalization(mean=state["mean"], variance=state["variance"], dtype="float32", name="standardize")(x)
    if kind == "rescale":
        return layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name="rescale")(x)
    x = layers.Rescaling(1 / 255, dtype="float32", name="unit")(x)
    return x if kind == "none" else apply_whitening(x, state)
