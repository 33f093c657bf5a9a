"""Kernel ridge regression: a row is predicted from all training rows, whose share falls exponentially with their distance from it.

Two distances are tried. The Euclidean one finds rows that resemble each other; the sum of absolute differences gives a sum of piecewise
linear effects and of their products. Columns are scaled by how steeply a first fit depends on them, as in recursive feature machines
(Radhakrishnan et al., Science, 2024), here with one scale per column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky

from applied_dl.tasks.tabular.models.kernel import apart

RIDGE = (0.01, 0.1, 0.3, 1.0)  # added to the diagonal of the kernel matrix
FIRST = 0.1  # ridge of the fit that scales the columns
WIDTH = {"euclidean": 2.0, "city": 3.0}  # of the kernel, in median distances
STEEP = {"euclidean": 0.5, "city": 0.25}  # power of the mean squared slope that scales a column
MOST_PLAIN = 100  # columns that are not 0 or 1, of which absolute differences are taken
FLOOR = 1e-3  # share of the mean squared slope that every column gets
SAMPLE = 500  # rows whose median distance is taken


class Kernel(NamedTuple):
    """A fitted kernel ridge regression: y = bias + exp(−distance(x · scale, rows)) dual.

    kind: of distance. scale: (D,). rows: (N, D), scaled. dual: (N, O). bias: (O,). binary: how many of the last columns are 0 or 1.
    """

    kind: str
    scale: np.ndarray
    rows: np.ndarray
    dual: np.ndarray
    bias: np.ndarray
    binary: int

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(N, D) → (N, O)."""
        return np.exp(-apart(self.kind, x * self.scale, self.rows, self.binary)) @ self.dual + self.bias


def kernel_paths(x: np.ndarray, y: np.ndarray, binary: int, only: int | None = None) -> list[Kernel]:
    """A kernel ridge regression for each distance and each of `RIDGE`, in this order.

    Args:
        x: features (N, D) of bounded size; the last `binary` columns are 0 or 1.
        y: targets (N, O).
        binary: number of columns of 0 and 1.
        only: the number of the one regression that is wanted.
    """
    x, bias = x.astype(np.float32), y.mean(0)
    left = (y - bias).astype(np.float32)
    slopes, found = _slopes(x, left, binary), []
    kinds = [kind for kind in WIDTH if kind == "euclidean" or x.shape[1] - binary <= MOST_PLAIN]
    for place, kind in enumerate(kinds):
        ridges = RIDGE if only is None else RIDGE[only % len(RIDGE) : only % len(RIDGE) + 1]
        if only is not None and place != only // len(RIDGE):
            continue
        scale = (slopes ** STEEP[kind]).astype(np.float32)
        scale = scale / (WIDTH[kind] * _median(kind, x * scale, binary))
        rows = x * scale
        kernel = np.exp(-apart(kind, rows, rows, binary))
        found += [Kernel(kind, scale, rows, _dual(kernel, left, ridge), bias, binary) for ridge in ridges]
    return found


def predict_paths(kernels: list[Kernel], x: np.ndarray) -> np.ndarray:
    """(K, N, O): predictions of several regressions; those of one kind have the same rows and scale, whose distances are taken once."""
    found, weights, at = [], None, None
    for one in kernels:
        if at is None or one.rows is not at.rows:
            at, weights = one, np.exp(-apart(one.kind, x * one.scale, one.rows, one.binary))
        found.append(weights @ one.dual + one.bias)
    return np.stack(found)


def _slopes(x: np.ndarray, left: np.ndarray, binary: int) -> np.ndarray:
    """(D,): the mean squared slope of a first fit in each column, whose mean is 1."""
    x = x / np.float32(WIDTH["euclidean"] * _median("euclidean", x, binary))
    distances = apart("euclidean", x, x, binary)
    kernel = np.exp(-distances)
    dual, steep = _dual(kernel, left, FIRST), kernel / np.maximum(distances, 1e-3)
    np.fill_diagonal(steep, 0)
    total = np.zeros(x.shape[1])
    for column in dual.T:
        weighted = steep * column
        total += ((weighted.sum(1)[:, None] * x - weighted @ x) ** 2).mean(0)
    return total / max(total.mean(), 1e-12) + FLOOR


def _dual(kernel: np.ndarray, left: np.ndarray, ridge: float) -> np.ndarray:
    matrix = kernel.copy()
    matrix.flat[:: len(matrix) + 1] += ridge
    return cho_solve((cholesky(matrix, lower=True, overwrite_a=True, check_finite=False), True), left, check_finite=False)


def _median(kind: str, x: np.ndarray, binary: int) -> float:
    """The median distance of two rows that differ, of evenly spread ones."""
    some = x[:: max(1, len(x) // SAMPLE)]
    found = apart(kind, some, some, binary)
    found = found[found > 0.01]
    return float(np.median(found)) if len(found) else 1.0
