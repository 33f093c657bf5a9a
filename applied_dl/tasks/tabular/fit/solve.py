"""Linear models in closed form, for a path of penalties at once: ridge regression, and logistic regression by Newton's method."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

PENALTIES = np.geomspace(1e-3, 1e4, 15)  # of ridge, in rows
STRENGTHS = np.geomspace(1e-3, 1e2, 6)  # inverse penalties of logistic regression
STEPS = 100  # most iterations of logistic regression, which starts from the solution of the stronger penalty


class Linear(NamedTuple):
    """y = x kernel + bias: kernel (D, O), bias (O,)."""

    kernel: np.ndarray
    bias: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(N, D) → (N, O)."""
        return x @ self.kernel + self.bias


def linear_path(x: np.ndarray, y: np.ndarray, classes: bool, only: int | None = None) -> list[Linear]:
    """Linear models of x (N, D), centred and scaled columns or waves, one for each penalty.

    Args:
        x: features.
        y: targets (N, O): one-hot for classes, numbers otherwise.
        classes: logistic rather than ridge regression.
        only: the number of the one penalty that is wanted.
    """
    center = x.mean(0)
    spread = np.where(x.std(0) > 1e-6, x.std(0), np.inf)  # a constant column gets no weight
    scaled = (x - center) / spread
    found = (_logistic if classes else _ridge)(scaled, y, only)
    return [Linear(one.kernel / spread[:, None], one.bias - center @ (one.kernel / spread[:, None])) for one in found]


def _ridge(x: np.ndarray, y: np.ndarray, only: int | None) -> list[Linear]:
    mean = y.mean(0)
    values, vectors = np.linalg.eigh(x.T @ x)
    turned = vectors.T @ (x.T @ (y - mean))
    penalties = PENALTIES if only is None else PENALTIES[only : only + 1]
    return [Linear(vectors @ (turned / (np.maximum(values, 0) + p)[:, None]), mean) for p in penalties]


def _logistic(x: np.ndarray, y: np.ndarray, only: int | None) -> list[Linear]:
    from sklearn.linear_model import LogisticRegression

    codes, outputs = y.argmax(1), y.shape[1]
    present = np.unique(codes)
    found = []
    model = LogisticRegression(max_iter=STEPS, warm_start=True, tol=1e-3)
    for strength in STRENGTHS if only is None else STRENGTHS[only : only + 1]:
        if len(present) == 1:
            kernel, bias = np.zeros((1, x.shape[1])), np.zeros(1)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # few iterations are enough to compare penalties
                model.set_params(C=strength).fit(x, codes)
            kernel, bias = model.coef_, model.intercept_
        if len(present) == 2:  # one row of coefficients: the second class against the first
            kernel, bias = np.concatenate([-kernel, kernel]) / 2, np.concatenate([-bias, bias]) / 2
        every, start = np.zeros((x.shape[1], outputs)), np.full(outputs, -20.0)  # a class without a row is never predicted
        every[:, present], start[present] = kernel.T, bias
        found.append(Linear(every, start))
    return found
