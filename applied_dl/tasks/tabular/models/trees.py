"""Boosted oblivious trees as a layer: comparisons, the number of a leaf, and a look-up in the table of the leaves."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class ObliviousTrees(layers.Layer):
    """(B, F) → (B, 1, O): the sum over T trees of depth D of the values of the leaves that a row falls into.

    `columns` (T, D) are those that each level of a tree compares with its threshold; the first comparison is the lowest bit of the number
    of a leaf. Thresholds, leaves and base are weights: `set_weights([thresholds (T, D), leaves (T · 2^D, O), base (O,)])`.
    """

    def __init__(self, columns, outputs: int, **base):
        super().__init__(**base)
        self.columns, self.outputs = np.asarray(columns, np.int32), outputs
        trees, depth = self.columns.shape
        self.flat, self.bits = self.columns.ravel(), (1 << np.arange(depth)).astype(np.float32)
        self.first = (np.arange(trees) << depth).astype(np.int32)

    def build(self, shape):
        trees, depth = self.columns.shape
        self.thresholds = self.add_weight(shape=(trees, depth), initializer="zeros", name="thresholds")
        self.leaves = self.add_weight(shape=(trees << depth, self.outputs), initializer="zeros", name="leaves")
        self.base = self.add_weight(shape=(self.outputs,), initializer="zeros", name="base")

    def call(self, x):
        compared = ops.reshape(ops.take(x, self.flat, axis=1), (-1, *self.columns.shape))  # (B, T, D)
        above = ops.cast(compared > self.thresholds, "float32")
        leaf = ops.cast(ops.sum(above * self.bits, axis=-1), "int32") + self.first  # (B, T)
        return ops.sum(ops.take(self.leaves, leaf, axis=0), axis=1, keepdims=True) + self.base

    def compute_output_shape(self, shape):
        return (shape[0], 1, self.outputs)

    def get_config(self):
        return {**super().get_config(), "columns": self.columns.tolist(), "outputs": self.outputs}


@keras.saving.register_keras_serializable(package="applied_dl")
class LevelMeans(layers.Layer):
    """(B,) codes → (B, K): what a table (levels, K) holds for each level, such as its mean target. The table is its weight."""

    def __init__(self, levels: int, width: int, **base):
        super().__init__(**base)
        self.levels, self.width = levels, width

    def build(self, shape):
        self.table = self.add_weight(shape=(self.levels, self.width), initializer="zeros", name="table")

    def call(self, codes):
        return ops.take(self.table, codes, axis=0)

    def compute_output_shape(self, shape):
        return (shape[0], self.width)

    def get_config(self):
        return {**super().get_config(), "levels": self.levels, "width": self.width}
