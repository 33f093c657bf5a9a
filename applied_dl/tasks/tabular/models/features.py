"""Numbers and codes of a row → one vector: filled, scaled, embedded, with indicators of missing numbers."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops
from msgspec import Struct

from applied_dl.core.errors import UsageError, nearest
from applied_dl.tasks.tabular.models.numeric import Numbers
from applied_dl.tasks.tabular.models.numeric_embedding import (
    Missing,
    Periodic,
    PiecewiseLinear,
    Project,
    QuantileScale,
    ScaleNumbers,
    SmoothClip,
)

EMBEDDINGS = ("target_bins", "quantile_bins", "periodic", "plain")
CODE_WIDTH = 8  # of the embedding of a category
PAIR_WIDTH = 6  # of the embedding of a sum or a difference of two numbers
WAVES, WAVE_WIDTH = 16, 4


class Features(Struct, frozen=True, kw_only=True):
    """What a builder needs to know about the columns: statistics of the numbers, levels of the categories, and how they are embedded.

    `levels` of up to `one_hot` (and the unknown and the absent) are one-hot, larger ones embedded in 8. `numbers_as` is one of
    `EMBEDDINGS`; a piecewise-linear one needs `numbers.bins`. `width` is of the embedding of a number.
    """

    numbers: Numbers | None = None
    levels: tuple[int, ...] = ()
    numbers_as: str = "plain"
    width: int = 12
    one_hot: int = 9


def plain_features(numbers: int, levels: tuple[int, ...] = ()) -> Features:
    """Features for a builder that is used alone: `numbers` standardised columns, and one category per entry of `levels`."""
    zeros, ones = np.zeros(numbers, np.float32), np.ones(numbers, np.float32)
    return Features(numbers=Numbers(fill=zeros, center=zeros, scale=ones) if numbers else None, levels=levels)


def entries(features: Features) -> dict[str, keras.KerasTensor]:
    """The inputs: "numbers" float32 (B, F) and "codes" int32 (B, C), where there are any."""
    found = {}
    if features.numbers is not None:
        found["numbers"] = keras.Input((len(features.numbers),), name="numbers")
    if features.levels:
        found["codes"] = keras.Input((len(features.levels),), dtype="int32", name="codes")
    return found


def vector(features: Features, inputs: dict) -> tuple[keras.KerasTensor, list[int]]:
    """(B, D), and the width of the chunk of each feature."""
    parts, chunks = [], []
    if features.numbers is not None:
        numbers = features.numbers
        standard = ScaleNumbers(numbers.center, numbers.scale, numbers.fill, name="standardize")(inputs["numbers"])
        scaled = _scaled(numbers, standard)
        if numbers.axes is not None:
            parts.append(Project(numbers.axes, name="components")(scaled))
            chunks += [1] * numbers.axes.shape[1]
        else:
            embedded, width = _embedded(features, standard, scaled)
            parts.append(embedded)
            chunks += [width] * len(numbers)
        if numbers.pairs is not None:
            across = Project(numbers.pairs, name="pairs")(standard if numbers.knots is not None else scaled)
            parts.append(PiecewiseLinear(numbers.pair_bins, PAIR_WIDTH, name="pair_bins")(across, across))
            chunks += [PAIR_WIDTH] * numbers.pairs.shape[1]
        if numbers.missing:
            parts.append(Missing(numbers.missing, name="missing")(inputs["numbers"]))
            chunks += [1] * len(numbers.missing)
    for i, levels in enumerate(features.levels):
        x = Column(i, name=f"code_{i}")(inputs["codes"])
        if levels <= features.one_hot + 2:
            parts.append(OneHot(levels, name=f"one_hot_{i}")(x))
            chunks.append(levels)
        else:
            parts.append(layers.Embedding(levels, CODE_WIDTH, embeddings_initializer=_uniform(CODE_WIDTH), name=f"embedding_{i}")(x))
            chunks.append(CODE_WIDTH)
    return (layers.Concatenate(name="features")(parts) if len(parts) > 1 else parts[0]), chunks


def _uniform(width: int):
    return keras.initializers.RandomUniform(-(width**-0.5), width**-0.5)


def _scaled(numbers: Numbers, standard):
    if numbers.knots is not None:
        return QuantileScale(numbers.knots, name="quantiles")(standard)
    return SmoothClip(name="smooth_clip")(standard) if numbers.clip else standard


def _embedded(features: Features, standard, scaled) -> tuple[keras.KerasTensor, int]:
    kind = features.numbers_as
    if kind not in EMBEDDINGS:
        raise UsageError(f"Unknown preprocess.numeric_embedding {kind!r}.{nearest(kind, EMBEDDINGS)}")
    if kind in ("target_bins", "quantile_bins"):
        flat = PiecewiseLinear(features.numbers.bins, features.width, name="bins")(standard, scaled)
        return flat, features.width
    if kind == "periodic":
        return Periodic(len(features.numbers), WAVES, WAVE_WIDTH, name="waves")(scaled), WAVE_WIDTH
    return scaled, 1


@keras.saving.register_keras_serializable(package="applied_dl")
class Column(layers.Layer):
    """One column of codes: (B, C) → (B,)."""

    def __init__(self, index: int, **base):
        super().__init__(**base)
        self.index = index

    def call(self, x):
        return x[:, self.index]

    def compute_output_shape(self, shape):
        return shape[:1]

    def get_config(self):
        return {**super().get_config(), "index": self.index}


@keras.saving.register_keras_serializable(package="applied_dl")
class OneHot(layers.Layer):
    """(B,) codes → (B, levels) float32: by comparison, which is exact in every TFLite precision."""

    def __init__(self, levels: int, **base):
        super().__init__(**base)
        self.levels = levels

    def call(self, x):
        return ops.cast(ops.equal(ops.expand_dims(x, -1), ops.arange(self.levels, dtype="int32")), "float32")

    def compute_output_shape(self, shape):
        return (*shape, self.levels)

    def get_config(self):
        return {**super().get_config(), "levels": self.levels}
