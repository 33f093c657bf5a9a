"""Word vectors as a graph: rows of a table in, their mean out. A word is one row; an unseen one is the rows of its sub-words."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.text.models.pooling import Pool, TokenMask


def word_lookup(rows: int, *, dimensions: int = 100, seed: int | None = None) -> keras.Model:
    """Word vectors as a lookup: the mean of the table rows of a text. Vectors keep their norm, which reflects how consistent contexts are.

    Args:
        rows: of the table, row 0 (padding) included.
        dimensions: D, width of the vectors.
        seed: of the initial table.

    Returns:
        A model {"ids": (B, T) int32} → {"vector": (B, D)}.

    Example:
        >>> model = word_lookup(1000, dimensions=50)
        >>> model({"ids": keras.ops.ones((2, 3), "int32")})["vector"].shape
        TensorShape([2, 50])
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    start = keras.initializers.RandomUniform(-0.5 / dimensions, 0.5 / dimensions, seed=seed)
    x = layers.Embedding(rows, dimensions, embeddings_initializer=start, name="table")(ids)  # (B, T, D)
    y = Pool("mean", dtype="float32", name="vector")(x, TokenMask(0, name="mask")(ids))
    return keras.Model({"ids": ids}, {"vector": y}, name="word_lookup")
