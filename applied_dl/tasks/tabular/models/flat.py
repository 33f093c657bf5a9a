"""The models without gradient steps: a row as one flat vector, and what is solved or grown on it: linear, random waves, boosted trees."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops
from msgspec import Struct

from applied_dl.tasks.tabular.models.features import Column, OneHot, entries
from applied_dl.tasks.tabular.models.kernel import KernelRows
from applied_dl.tasks.tabular.models.numeric import Numbers
from applied_dl.tasks.tabular.models.numeric_embedding import Missing, ScaleNumbers, SmoothClip
from applied_dl.tasks.tabular.models.trees import LevelMeans, ObliviousTrees

ONE_HOT = 50  # most codes of a category that is one-hot encoded
TWO = 4  # codes of a category of two levels: its mean target says nothing that one of its columns does not


class Flat(Struct, frozen=True, kw_only=True):
    """The columns of the flat vector: numbers and indicators of missing ones, one-hot categories, and `width` means of each wide category.

    `numbers` are fitted statistics; `levels` the codes of each category; `width` the columns of a mean target.
    """

    numbers: Numbers | None
    levels: tuple[int, ...]
    width: int

    @property
    def one_hot(self) -> tuple[int, ...]:
        """Categories that are one-hot encoded."""
        return tuple(i for i, levels in enumerate(self.levels) if levels <= ONE_HOT)

    @property
    def wide(self) -> tuple[int, ...]:
        """Categories with means of the target."""
        return tuple(i for i, levels in enumerate(self.levels) if levels > TWO)

    @property
    def plain(self) -> int:
        """The numbers and the indicators."""
        return len(self.numbers) + len(self.numbers.missing) if self.numbers is not None else 0

    @property
    def coded(self) -> int:
        """All columns before the means."""
        return self.plain + sum(self.levels[i] for i in self.one_hot)

    def for_sums(self) -> np.ndarray:
        """Column numbers for linear models: a category is one-hot or, where it has too many levels, its means."""
        means = [
            self.coded + place * self.width + k for place, i in enumerate(self.wide) if i not in self.one_hot for k in range(self.width)
        ]
        return np.array([*range(self.coded), *means], np.int32)

    def for_distances(self) -> tuple[np.ndarray, np.ndarray]:
        """Column numbers of numbers and means, and of columns of 0 and 1, as distances between rows use them."""
        used, numbers = self.for_sums(), len(self.numbers) if self.numbers is not None else 0
        binary = (used >= numbers) & (used < self.coded)
        return used[~binary], used[binary]

    def for_cuts(self) -> np.ndarray:
        """Column numbers for trees: a category is its means or, where it has two levels, one-hot."""
        found, at = list(range(self.plain)), self.plain
        for i in self.one_hot:
            found += range(at, at + self.levels[i]) if i not in self.wide else ()
            at += self.levels[i]
        return np.array([*found, *range(self.coded, self.coded + len(self.wide) * self.width)], np.int32)


def flat_vector(flat: Flat, means: tuple[np.ndarray, ...] = ()) -> keras.Model:
    """{"numbers": (B, F), "codes": (B, C)} → (B, D); `means` are tables (levels, width) of the wide categories, or none."""
    inputs = entries(flat)
    parts = []
    if flat.numbers is not None:
        n = flat.numbers
        parts.append(ScaleNumbers(n.center, n.scale, n.fill, name="standardize")(inputs["numbers"]))
        parts += [Missing(n.missing, name="missing")(inputs["numbers"])] if n.missing else []
    codes = [Column(i, name=f"code_{i}")(inputs["codes"]) for i in range(len(flat.levels))]
    parts += [OneHot(flat.levels[i], name=f"one_hot_{i}")(codes[i]) for i in flat.one_hot]
    layers_of_means = [LevelMeans(*table.shape, name=f"means_{i}") for i, table in zip(flat.wide, means)]
    parts += [layer(codes[i]) for i, layer in zip(flat.wide, layers_of_means)]
    if not parts:  # wide categories alone, before their means are known
        parts = [ops.cast(inputs["codes"][:, :0], "float32")]
    model = keras.Model(inputs, layers.Concatenate(name="features")(parts) if len(parts) > 1 else parts[0], name="flat")
    for layer, table in zip(layers_of_means, means):
        layer.set_weights([table])
    return model


@keras.saving.register_keras_serializable(package="applied_dl")
class Waves(layers.Layer):
    """(B, D) → (B, M): cos(x W + b) of random directions, whose inner products approximate a Gaussian kernel.

    Rahimi & Recht, Random Features for Large-Scale Kernel Machines (2007). W (D, M) and b (M,) are weights.
    """

    def __init__(self, count: int, **base):
        super().__init__(**base)
        self.count = count

    def build(self, shape):
        self.directions = self.add_weight(shape=(shape[-1], self.count), initializer="zeros", name="directions")
        self.phase = self.add_weight(shape=(self.count,), initializer="zeros", name="phase")

    def call(self, x):
        return ops.cos(ops.matmul(x, self.directions) + self.phase)

    def compute_output_shape(self, shape):
        return (shape[0], self.count)

    def get_config(self):
        return {**super().get_config(), "count": self.count}


def linear_head(x, kernel: np.ndarray, bias: np.ndarray, name: str = "linear"):
    """(B, D) → (B, 1, O): x times the kernel (D, O), plus the bias (O,)."""
    layer = layers.Dense(len(bias), dtype="float32", name=name)
    y = layer(x)
    layer.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return layers.Reshape((1, len(bias)), dtype="float32", name=f"{name}_one")(y)


def waves_head(x, directions: np.ndarray, phase: np.ndarray, kernel: np.ndarray, bias: np.ndarray):
    """(B, D) → (B, 1, O): a linear model on random waves of the numbers, whose tails are bounded."""
    layer = Waves(len(phase), name="waves")
    found = layer(SmoothClip(name="smooth_clip")(x))
    layer.set_weights([directions.astype(np.float32), phase.astype(np.float32)])
    return linear_head(found, kernel, bias, "waves_head")


def kernel_head(
    x, plain: np.ndarray, binary: np.ndarray, kind: str, scale: np.ndarray, rows: np.ndarray, dual: np.ndarray, bias: np.ndarray
):
    """(B, D) → (B, 1, O): kernel ridge regression of numbers, whose tails are bounded, and of columns of 0 and 1."""
    layer = KernelRows(kind, len(binary), *dual.shape, dtype="float32", name="kernel")
    parts = [SmoothClip(name="bounded")(ops.take(x, plain, axis=1))] if len(plain) else []
    parts += [ops.take(x, binary, axis=1)] if len(binary) else []
    found = layer(layers.Concatenate(name="compared")(parts) if len(parts) > 1 else parts[0])
    layer.set_weights([scale, rows, dual, bias])
    return found


def trees_head(x, columns: np.ndarray, thresholds: np.ndarray, leaves: np.ndarray, base: np.ndarray):
    """(B, D) → (B, 1, O): boosted trees."""
    layer = ObliviousTrees(columns, len(base), name="trees")
    found = layer(x)
    layer.set_weights([thresholds.astype(np.float32), leaves.reshape(-1, len(base)).astype(np.float32), base.astype(np.float32)])
    return found
