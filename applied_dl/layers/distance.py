"""How far a row's features are from those of the training rows, as one number inside the graph."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

AXES = 32  # most principal axes that have a variance of their own; all directions across them share one
LEAST = 1e-4  # smallest variance, as a share of the largest: a constant feature must not divide by zero


class Spread(NamedTuple):
    """The features of the training rows.

    Args:
        centers: (K, D), the mean of each class, or the one mean.
        axes: (D, A) unit vectors, along which rows of a class vary most.
        deviations: (A,) standard deviation along each.
        rest: standard deviation along any direction across the axes.
    """

    centers: np.ndarray
    axes: np.ndarray
    deviations: np.ndarray
    rest: float


def fit_spread(features: np.ndarray, classes: np.ndarray | None = None) -> Spread:
    """Class means and their common covariance, as principal axes and one variance for everything across them.

    Lee et al. (A simple unified framework for detecting out-of-distribution samples, 2018) with the covariance of probabilistic principal
    components (Tipping and Bishop, 1999), which a few rows can tell and a small file can hold.

    Args:
        features: (N, D) of training rows.
        classes: (N,) codes; without them all rows have one mean.
    """
    x = features.astype(np.float64)
    codes = np.zeros(len(x), np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    centers = np.stack([x[codes == code].mean(0) for code in range(codes.max() + 1)])
    within = x - centers[codes]
    variances, axes = np.linalg.eigh(within.T @ within / len(x))
    variances, axes = np.maximum(variances[::-1], 0.0), axes[:, ::-1]
    count = min(AXES, x.shape[1], max(1, len(x) // 4))
    least = LEAST * variances[0] or 1.0
    rest = max(float(variances[count:].mean()) if count < len(variances) else 0.0, least)
    return Spread(centers, axes[:, :count], np.sqrt(np.maximum(variances[:count], rest)), float(np.sqrt(rest)))


@keras.saving.register_keras_serializable(package="applied_dl")
class Distance(layers.Layer):
    """Features (B, D) → (B, 1): Mahalanobis distance to the nearest centre, in units of the distance beyond which a row is unusual.

    The statistics are weights, zero until `assign`.

    Args:
        features, axes, centers: how many there are of each.
    """

    def __init__(self, features: int, axes: int, centers: int = 1, **base):
        super().__init__(**base)
        self.features, self.axes, self.centers = features, axes, centers

    def build(self, shape):
        def add(name, *size):
            return self.add_weight(name=name, shape=size, initializer="zeros", trainable=False)

        self.middle, self.onto, self.back = add("middle", self.features), add("onto", self.features, self.axes), None
        if self.axes < self.features:
            self.back = add("back", self.axes, self.features)
        self.toward, self.lengths = None, None
        if self.centers > 1:
            self.toward, self.lengths = add("toward", self.features, self.centers), add("lengths", self.centers)
        self.across, self.unit = add("across", 1), add("unit", 1)

    def assign(self, spread: Spread, unit: float = 1.0) -> None:
        """Hold the statistics; `unit` is the distance that becomes 1."""
        middle = spread.centers.mean(0)
        self.middle.assign(middle.astype(np.float32))
        self.onto.assign((spread.axes / spread.deviations).astype(np.float32))
        if self.back is not None:  # in units of the deviation across the axes
            self.back.assign((spread.axes * spread.deviations).T.astype(np.float32) / spread.rest)
        if self.toward is not None:
            apart = spread.centers - middle  # (K, D)
            along = apart @ spread.axes
            across = apart - along @ spread.axes.T
            self.toward.assign((2 * ((along / spread.deviations**2) @ spread.axes.T + across / spread.rest**2)).T.astype(np.float32))
            self.lengths.assign((((along / spread.deviations) ** 2).sum(1) + (across**2).sum(1) / spread.rest**2).astype(np.float32))
        self.across.assign(np.array([1 / spread.rest], np.float32))
        self.unit.assign(np.array([1 / unit], np.float32))

    def call(self, x):
        away = x - self.middle  # (B, D)
        along = ops.matmul(away, self.onto)  # (B, A)
        square = ops.sum(ops.square(along), axis=-1, keepdims=True)
        if self.back is not None:
            rest = away * self.across - ops.matmul(along, self.back)
            square = square + ops.sum(ops.square(rest), axis=-1, keepdims=True)
        if self.toward is not None:  # |x − c|² = |x|² − 2 x·c + |c|²
            square = square + ops.min(self.lengths - ops.matmul(away, self.toward), axis=-1, keepdims=True)
        return ops.sqrt(ops.maximum(square, 0.0)) * self.unit

    def compute_output_shape(self, shape):
        return (shape[0], 1)

    def get_config(self):
        return {**super().get_config(), "features": self.features, "axes": self.axes, "centers": self.centers}
