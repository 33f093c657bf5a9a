"""Pixels `uint8` 0..255 → what a net likes to eat, in the graph: fitted on training pictures only."""

from __future__ import annotations

import numpy as np
from keras import layers

from applied_dl.errors import UsageError, nearest
from applied_dl.preprocess.whitening import Whitening, fit_whitening, whiten

KINDS = ("standardize", "rescale", "pca", "zca", "none")
FITTING_ROWS = 10_000
LARGEST_WHITENED = 4096  # features; the covariance of more does not fit a small machine


def fit_pixels(images: np.ndarray, kind: str, components: int | None, seed: int) -> dict[str, np.ndarray]:
    """State of a normalisation from training pictures (N, H, W, C): per-channel mean and std, and the whitening where one is asked for."""
    if kind not in KINDS:
        raise UsageError(f"Unknown preprocess.normalize {kind!r}.{nearest(kind, KINDS)}")
    pick = np.sort(np.random.default_rng(seed).choice(len(images), min(FITTING_ROWS, len(images)), replace=False))
    sample = images[pick].astype(np.float32)
    state = {"mean": sample.mean((0, 1, 2)), "std": np.maximum(sample.std((0, 1, 2)), 1.0)}
    if kind in ("pca", "zca"):
        features = int(np.prod(images.shape[1:]))
        if features > LARGEST_WHITENED:
            raise UsageError(f"preprocess.normalize = {kind!r} needs at most {LARGEST_WHITENED} values a picture, received {features}; "
                             "set a smaller data.image_size.")  # fmt: skip
        flat = ((sample - state["mean"]) / state["std"]).reshape(len(sample), -1)
        fitted = fit_whitening(flat, kind, components)
        state |= {"white_mean": fitted.mean, "white_matrix": fitted.matrix}
    return state


def normalize(x, kind: str, state: dict[str, np.ndarray]):
    """Symbolic pixels (B, H, W, C), any number type → float32, the same shape ((B, K) for pca)."""
    mean, std = state["mean"], state["std"]
    if kind == "none":
        return layers.Rescaling(1.0, dtype="float32", name="pixels")(x)
    if kind == "rescale":
        return layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name="pixels")(x)
    x = layers.Rescaling((1 / std).tolist(), (-mean / std).tolist(), dtype="float32", name="pixels")(x)
    if kind in ("pca", "zca"):
        x = whiten(x, Whitening(state["white_mean"], state["white_matrix"]), keep_shape=kind == "zca")
    return x


def apply_pixels(images: np.ndarray, kind: str, state: dict[str, np.ndarray]) -> np.ndarray:
    """The per-channel part of `normalize` in numpy, for fitting what comes after it (a whitening stem)."""
    if kind == "none":
        return images.astype(np.float32)
    if kind == "rescale":
        return images.astype(np.float32) / 127.5 - 1
    return (images.astype(np.float32) - state["mean"]) / state["std"]


