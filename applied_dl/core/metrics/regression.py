"""Metrics of predicted numbers. `truth` and `predicted` are (N,), in the user's own units."""

from __future__ import annotations

import numpy as np


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((truth - predicted) ** 2)))


def mae(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(truth - predicted)))


def r2(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the variance explained: 0 for the mean, negative for worse. Of a constant truth it is 1 where all are right, else 0."""
    spread, left = float(np.sum((truth - truth.mean()) ** 2)), float(np.sum((truth - predicted) ** 2))
    return 1 - left / spread if spread > 0 else float(left == 0)


def coverage(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Share of truths inside [lower, upper]."""
    return float(np.mean((truth >= lower) & (truth <= upper)))
