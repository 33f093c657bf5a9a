"""A bag of sub-word vectors: the fastest sentence encoder there is, and the best one a few minutes on a CPU can train from nothing.

As in sentence-transformers' StaticEmbedding and Model2Vec; the frequency of a token needs no weight of its own, since the length of its
vector is learned.
"""

from __future__ import annotations

import keras
from keras import initializers, layers

from applied_dl.text.models.byte_words import ByteWords
from applied_dl.text.models.pooling import TokenMask, vector

INITIAL = 0.05  # standard deviation of a new table


def static(vocabulary: int, *, dimensions: int = 256, pooling: str = "mean", padding: int = 0, seed: int | None = None) -> keras.Model:
    """{"ids": (B, T)} → unit vectors (B, dimensions): a table lookup, the mean, the norm."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = _table(vocabulary, dimensions, seed)(ids)
    return keras.Model({"ids": ids}, vector(x, TokenMask(padding, name="mask")(ids), pooling), name="static")


def raw_bytes(length: int, *, buckets: int = 30_000, dimensions: int = 256, pooling: str = "mean", seed: int | None = None) -> keras.Model:
    """{"bytes": (B, length)} of zero-padded UTF-8 → unit vectors (B, dimensions): words are found and hashed in the graph."""
    raw = keras.Input((length,), dtype="int32", name="bytes")
    ids = ByteWords(buckets, decoded=True, name="words")(raw)
    x = _table(buckets, dimensions, seed)(ids)
    return keras.Model({"bytes": raw}, vector(x, TokenMask(name="mask")(ids), pooling), name="raw_bytes")


def on_word_ids(model: keras.Model) -> keras.Model:
    """The layers of a `raw_bytes` model on word ids (B, T) that were found before: {"ids"} → unit vectors, the same weights."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    table, mask, pool, unit = (model.get_layer(name) for name in ("table", "mask", "pool", "unit"))
    return keras.Model({"ids": ids}, unit(pool(table(ids), mask(ids))), name="on_word_ids")


def _table(rows: int, dimensions: int, seed: int | None) -> layers.Embedding:
    start = initializers.RandomNormal(stddev=INITIAL, seed=seed)
    return layers.Embedding(rows, dimensions, embeddings_initializer=start, name="table")
