"""The labels that are probable enough: a conformal prediction set inside the graph."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class LabelSet(layers.Layer):
    """Probabilities (B, C) → (B, C) of 0 and 1: labels at least as probable as their threshold, and always the most probable one.

    Args:
        thresholds: one for each label, of `core.metrics.answers.set_thresholds`.
        one: rows have one label each; else the most probable label is not forced into the set.

    Example:
        >>> LabelSet([0.2, 0.2, 0.2])(np.array([[0.7, 0.25, 0.05]]))  # [[1, 1, 0]]
    """

    def __init__(self, thresholds, one: bool = True, **base):
        super().__init__(**base)
        self.thresholds, self.one = [float(value) for value in thresholds], one

    def call(self, p):
        inside = p >= np.array(self.thresholds, np.float32)
        if self.one:
            inside = ops.logical_or(inside, p >= ops.max(p, axis=-1, keepdims=True))
        return ops.cast(inside, "float32")

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "thresholds": self.thresholds, "one": self.one}
