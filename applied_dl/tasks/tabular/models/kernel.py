"""Kernel ridge regression as a layer: distances to stored rows, their exponentials, one matrix product."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

SOFT = 1e-5  # added to squared distances, whose root of nearly 0 would repeat the rounding errors of an engine a hundredfold


def apart(kind: str, a: np.ndarray, b: np.ndarray, binary: int) -> np.ndarray:
    """Distances (N, M), "euclidean" or "city", between rows (N, D) and (M, D); the last `binary` columns hold two values, one of them 0."""
    if kind == "euclidean":
        return np.sqrt(np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T, 0) + SOFT)
    plain = a.shape[1] - binary
    found = np.zeros((len(a), len(b)), a.dtype)
    for j in range(plain):
        found += np.abs(a[:, j : j + 1] - b[:, j])
    if binary:
        high = np.maximum(a[:, plain:].max(0), b[:, plain:].max(0))
        one, other = a[:, plain:], b[:, plain:]
        found += one.sum(1)[:, None] + other.sum(1) - 2 * (one / np.where(high > 0, high, 1)) @ other.T
    return found


@keras.saving.register_keras_serializable(package="applied_dl")
class KernelRows(layers.Layer):
    """(B, D) → (B, 1, O): the sum over N stored rows of exp(−distance) times their weights.

    The last `binary` columns are 0 or 1. Weights: `set_weights([scale (D,), scaled rows (N, D), dual (N, O), bias (O,)])`.
    """

    def __init__(self, kind: str, binary: int, rows: int, outputs: int, **base):
        super().__init__(**base)
        self.kind, self.binary, self.rows, self.outputs = kind, binary, rows, outputs

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.known = self.add_weight(shape=(self.rows, shape[-1]), initializer="zeros", name="rows")
        self.dual = self.add_weight(shape=(self.rows, self.outputs), initializer="zeros", name="dual")
        self.bias = self.add_weight(shape=(self.outputs,), initializer="zeros", name="bias")

    def call(self, x):
        z = x * self.scale
        distance = self._euclidean(z) if self.kind == "euclidean" else self._city(x, z)
        return ops.expand_dims(ops.matmul(ops.exp(-distance), self.dual) + self.bias, 1)

    def _euclidean(self, z):
        square = ops.sum(z * z, 1, keepdims=True) + ops.sum(self.known * self.known, 1) - 2 * ops.matmul(z, ops.transpose(self.known))
        return ops.sqrt(ops.maximum(square, 0) + SOFT)

    def _city(self, x, z):
        split, parts = x.shape[1] - self.binary, []
        if self.binary:  # |a − b| of two values, one of them 0
            ours, theirs = z[:, split:], self.known[:, split:]
            parts = [ops.sum(ours, 1, keepdims=True) + ops.sum(theirs, 1) - 2 * ops.matmul(x[:, split:], ops.transpose(theirs))]
        for j in range(split):  # one column at a time: all of them at once would take N numbers for each column of each row
            parts.append(ops.abs(z[:, j : j + 1] - self.known[:, j]))
        return sum(parts[1:], parts[0])

    def compute_output_shape(self, shape):
        return (shape[0], 1, self.outputs)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind, "binary": self.binary, "rows": self.rows, "outputs": self.outputs}
