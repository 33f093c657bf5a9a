"""PCA and ZCA whitening: decorrelated inputs of equal variance, as a layer that leaves with the model, and as a convolution's kernel.

Fitted in numpy on training rows only; in the graph it is one matrix product.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

LARGEST_VARIANCE_RATIO = 1e-3  # of the mean variance is added to each, so that near-constant directions are not blown up


class Whitening(NamedTuple):
    """`(x − mean) @ matrix` has about unit covariance. mean (F,), matrix (F, K)."""

    mean: np.ndarray
    matrix: np.ndarray


def fit_whitening(rows: np.ndarray, kind: str = "pca", components: int | None = None, ratio: float = LARGEST_VARIANCE_RATIO) -> Whitening:
    """Fit on rows (N, F). "pca" turns onto the axes of largest variance and keeps `components` of them; "zca" turns back again, so that
    a whitened picture still looks like one (Bell and Sejnowski, 1997). Both divide by the root of the variance."""
    x = rows.astype(np.float64)
    mean = x.mean(0)
    variance, axes = np.linalg.eigh((x - mean).T @ (x - mean) / max(len(x) - 1, 1))
    variance, axes = variance[::-1].clip(0), axes[:, ::-1]
    if kind == "pca":
        variance, axes = variance[:components], axes[:, :components]
    scaled = axes / np.sqrt(variance + ratio * variance.mean() + 1e-12)
    matrix = scaled @ axes.T if kind == "zca" else scaled
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32))


def patch_kernel(images: np.ndarray, size: int, filters: int, seed: int = 0, ratio: float = 0.0) -> np.ndarray:
    """A convolution kernel (size, size, C, 2·filters) that whitens patches: the strongest eigenvectors over the root of their variance,
    with both signs (Jordan, 94 % on CIFAR-10 in 3.29 seconds, 2024). images (N, H, W, C), normalised."""
    random = np.random.default_rng(seed)
    pick = images[np.sort(random.choice(len(images), min(5000, len(images)), replace=False))]
    views = np.lib.stride_tricks.sliding_window_view(pick, (size, size), axis=(1, 2))[:, ::3, ::3]  # (N, h, w, C, k, k)
    patches = views.transpose(0, 1, 2, 4, 5, 3).reshape(-1, size * size * images.shape[-1]).astype(np.float64)
    variance, axes = np.linalg.eigh(np.cov(patches, rowvar=False))
    variance, axes = variance[::-1].clip(0), axes[:, ::-1]
    filters = min(filters, len(variance))
    kernel = (axes / np.sqrt(variance + ratio * variance.mean() + 1e-2))[:, :filters]
    kernel = kernel.reshape(size, size, images.shape[-1], filters)
    return np.concatenate([kernel, -kernel], -1).astype(np.float32)


@keras.saving.register_keras_serializable(package="applied_dl")
class Whiten(layers.Layer):
    """(B, …) → (B, …) for zca, (B, K) for pca: subtract the mean, multiply by the matrix. Its state is two constant weights."""

    def __init__(self, features: int, components: int, keep_shape: bool = False, **base):
        super().__init__(trainable=False, **base)
        self.features, self.components, self.keep_shape = features, components, keep_shape

    def build(self, shape):
        self.mean = self.add_weight(shape=(self.features,), initializer="zeros", trainable=False, name="mean")
        self.matrix = self.add_weight(shape=(self.features, self.components), initializer="zeros", trainable=False, name="matrix")

    def call(self, x):
        flat = ops.reshape(x, (-1, self.features))
        white = ops.matmul(flat - ops.cast(self.mean, flat.dtype), ops.cast(self.matrix, flat.dtype))
        return ops.reshape(white, (-1, *x.shape[1:])) if self.keep_shape else white

    def compute_output_shape(self, shape):
        return shape if self.keep_shape else (shape[0], self.components)

    def get_config(self):
        return {**super().get_config(), "features": self.features, "components": self.components, "keep_shape": self.keep_shape}


def whiten(x, state: Whitening, keep_shape: bool):
    """Apply a fitted whitening to a symbolic (B, …)."""
    layer = Whiten(*state.matrix.shape, keep_shape=keep_shape, dtype="float32", name="whiten")
    y = layer(x)
    layer.set_weights([state.mean, state.matrix])
    return y
