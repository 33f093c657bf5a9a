"""Columns as the numbers by which rows are compared with the training rows: whatever net predicts from them."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.tasks.tabular.models.numeric import fit_numbers
from applied_dl.tasks.tabular.models.numeric_embedding import ScaleNumbers


@keras.saving.register_keras_serializable(package="applied_dl")
class Tails(layers.Layer):
    """sign(z) · log(1 + |z|): the tails of a skewed column lie nearer, and those far outside are still far."""

    def call(self, z):
        return ops.sign(z) * ops.log(1.0 + ops.abs(z))


@keras.saving.register_keras_serializable(package="applied_dl")
class Rarity(layers.Layer):
    """Codes (B, C) → (B, C): how rare each was in training, −log of its share.

    Args:
        tables: for each column the rarity of every code.
    """

    def __init__(self, tables, **base):
        super().__init__(**base)
        self.tables = [[float(value) for value in table] for table in tables]
        self.lengths = np.array([len(table) for table in self.tables], np.int32)

    def call(self, codes):
        first = np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(np.int32)
        last = self.lengths - 1
        # not `ops.clip`, which the converter takes for a Relu6 where every `last` is 6, and finds none for whole numbers
        known = ops.maximum(ops.where(codes > last, last, codes), 0)
        return ops.take(np.concatenate(self.tables).astype(np.float32), known + first)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "tables": self.tables}


@keras.saving.register_keras_serializable(package="applied_dl")
class MissingRarity(layers.Layer):
    """Numbers (B, F), NaN where missing → (B, 1): how rare it was in training that these are missing, summed over the columns."""

    def __init__(self, rarities, **base):
        super().__init__(**base)
        self.rarities = [float(value) for value in rarities]

    def call(self, x):
        return ops.matmul(ops.cast(ops.isnan(x), "float32"), np.array(self.rarities, np.float32)[:, None])

    def compute_output_shape(self, shape):
        return (shape[0], 1)

    def get_config(self):
        return {**super().get_config(), "rarities": self.rarities}


def typical(inputs: dict[str, keras.KerasTensor], train: dict[str, np.ndarray], levels: tuple[int, ...]) -> keras.KerasTensor:
    """(B, D) of robustly scaled numbers, the rarity of each category, and that of the missing numbers.

    Args:
        inputs: tensors "numbers" (B, F) and "codes" (B, C), where there are any.
        train: the same of the training rows, as arrays.
        levels: the number of codes of each column.
    """
    parts = []
    if "numbers" in inputs:
        x, known = inputs["numbers"], train["numbers"]
        fitted = fit_numbers(known)
        scaled = ScaleNumbers(fitted.center, fitted.scale, fitted.fill, name="typical_scale")(x)
        parts.append(Tails(name="tails")(scaled))
        parts.append(MissingRarity(rarity(np.isnan(known).sum(0), len(known)), name="missing_rarity")(x))
    if "codes" in inputs:
        tables = [rarity(np.bincount(codes, minlength=size), len(codes)) for codes, size in zip(train["codes"].T, levels)]
        parts.append(Rarity(tables, name="rarity")(inputs["codes"]))
    return layers.Concatenate(name="typical")(parts) if len(parts) > 1 else parts[0]


def rarity(counts: np.ndarray, rows: int) -> np.ndarray:
    """−log of the share of rows, each count raised by one so that what was never seen has a share too."""
    return -np.log((counts + 1) / (rows + 1))
