"""A bag of sub-word vectors: the fastest sentence encoder, and the best one that a few minutes on a CPU can train from scratch.

As StaticEmbedding of sentence-transformers and Model2Vec. Token frequencies need no extra weight, since the norm of each vector is learned.
"""

from __future__ import annotations

import keras
from keras import initializers, layers

from applied_dl.text.models.byte_words import ByteWords
from applied_dl.text.models.pooling import TokenMask, vector

INITIAL = 0.05  # standard deviation of a new table


def static(vocabulary: int, *, dimensions: int = 256, pooling: str = "mean", padding: int = 0, seed: int | None = None) -> keras.Model:
    """A static sentence encoder: embedding lookup, pooling, L2 normalisation.

    Args:
        vocabulary: number of sub-words V, the padding included.
        dimensions: D, width of the vector.
        pooling: "mean" or "max" over the tokens.
        padding: id that fills short rows; it is ignored.
        seed: of the initial table.

    Returns:
        A model {"ids": (B, T) int32} → unit vectors (B, D).

    Example:
        >>> model = static(1000, dimensions=64)
        >>> model({"ids": keras.ops.ones((2, 7), "int32")}).shape
        TensorShape([2, 64])
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = _table(vocabulary, dimensions, seed)(ids)
    return keras.Model({"ids": ids}, vector(x, TokenMask(padding, name="mask")(ids), pooling), name="static")


def raw_bytes(length: int, *, buckets: int = 30_000, dimensions: int = 256, pooling: str = "mean", seed: int | None = None) -> keras.Model:
    """A static encoder of raw UTF-8: the graph finds and hashes the words, so that no tokenizer is needed.

    Args:
        length: bytes of a text that are read.
        buckets: rows of the table that the words share by hashing; row 0 is padding.
        dimensions: D, width of the vector.
        pooling: "mean" or "max" over the words.
        seed: of the initial table.

    Returns:
        A model {"bytes": (B, length) int32, zero-padded} → unit vectors (B, D).

    Example:
        >>> model = raw_bytes(64, dimensions=32)
        >>> model({"bytes": keras.ops.full((1, 64), 97, "int32")}).shape
        TensorShape([1, 32])
    """
    raw = keras.Input((length,), dtype="int32", name="bytes")
    ids = ByteWords(buckets, decoded=True, name="words")(raw)
    x = _table(buckets, dimensions, seed)(ids)
    return keras.Model({"bytes": raw}, vector(x, TokenMask(name="mask")(ids), pooling), name="raw_bytes")


def on_word_ids(model: keras.Model) -> keras.Model:
    """The layers of a `raw_bytes` model after its hashing: {"ids": (B, T)} → unit vectors (B, D), sharing its weights."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    table, mask, pool, unit = (model.get_layer(name) for name in ("table", "mask", "pool", "unit"))
    return keras.Model({"ids": ids}, unit(pool(table(ids), mask(ids))), name="on_word_ids")


def _table(rows: int, dimensions: int, seed: int | None) -> layers.Embedding:
    start = initializers.RandomNormal(stddev=INITIAL, seed=seed)
    return layers.Embedding(rows, dimensions, embeddings_initializer=start, name="table")
