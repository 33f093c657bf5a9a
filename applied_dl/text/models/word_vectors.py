"""Word vectors as a graph: rows of a table in, their mean out. A word is one row; an unseen one is the rows of its sub-words."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.text.models.pooling import Pool, TokenMask


def word_lookup(rows: int, *, dimensions: int = 100, seed: int | None = None) -> keras.Model:
    """{"ids": (B, T)} → {"vector": (B, dimensions)}: the mean of the rows named, row 0 being padding.

    rows: of the table, padding included. The vectors keep their length: it tells how sure a word's contexts are.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    start = keras.initializers.RandomUniform(-0.5 / dimensions, 0.5 / dimensions, seed=seed)
    x = layers.Embedding(rows, dimensions, embeddings_initializer=start, name="table")(ids)  # (B, T, D)
    y = Pool("mean", dtype="float32", name="vector")(x, TokenMask(0, name="mask")(ids))
    return keras.Model({"ids": ids}, {"vector": y}, name="word_lookup")
