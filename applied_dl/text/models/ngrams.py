"""A linear classifier of sub-words and pairs of neighbouring ones with TF-IDF weights, in the graph, on the same ids as a net."""

from __future__ import annotations

import keras
from keras import layers, ops

MULTIPLIER = 7919  # of the first token of a pair, before it is hashed; ids up to 270,000 stay below 2^31


@keras.saving.register_keras_serializable(package="applied_dl")
class TokenPairs(layers.Layer):
    """ids (B, T) → rows of a table: 0 for padding, 1 + id for a token, and hashed rows after these for pairs of neighbours.

    (B, 2T), or (B, 2T + 1) with `edges`: the first token forms a pair with the start of the text, and the last one with its end, so that
    "how far …" and "… how far" differ. Padding comes after the text.
    """

    def __init__(self, vocabulary: int, buckets: int, padding: int = 0, edges: bool = False, **base):
        super().__init__(**{"trainable": False, **base})
        self.vocabulary, self.buckets, self.padding, self.edges = vocabulary, buckets, padding, edges

    @property
    def rows(self) -> int:
        """Of the table."""
        return 1 + self.vocabulary + self.buckets

    def call(self, ids):
        ids = ops.cast(ids, "int32")
        real = ops.cast(ops.not_equal(ids, self.padding), "int32")
        if self.edges:
            first = ops.pad(ids, [[0, 0], [1, 0]], constant_values=self.vocabulary)  # (B, T + 1): each token, the start before them
            second = ops.pad(ids * real + self.vocabulary * (1 - real), [[0, 0], [0, 1]], constant_values=self.vocabulary)
            paired = ops.concatenate([real[:, :1], real], axis=1)
        else:
            first, second = ids, ops.pad(ids[:, 1:], [[0, 0], [0, 1]], constant_values=self.padding)
            paired = real * ops.cast(ops.not_equal(second, self.padding), "int32")
        pairs = 1 + self.vocabulary + ops.mod(first * MULTIPLIER + second, self.buckets)
        return ops.concatenate([(1 + ids) * real, pairs * paired], axis=1)

    def compute_output_spec(self, ids):
        length = None if ids.shape[1] is None else 2 * ids.shape[1] + self.edges
        return keras.KerasTensor((ids.shape[0], length), "int32")

    def get_config(self):
        own = {"vocabulary": self.vocabulary, "buckets": self.buckets, "padding": self.padding, "edges": self.edges}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="applied_dl")
class NormalizedSum(layers.Layer):
    """weights (B, T, C), squares (B, T, 1) → (B, C): the sum of the weights over the norm of the features, plus a bias."""

    def build(self, weights_shape, squares_shape):
        self.bias = self.add_weight(shape=(weights_shape[-1],), initializer="zeros", name="bias")
        self.built = True

    def call(self, weights, squares):
        norm = ops.maximum(ops.sum(squares, axis=1), 1e-12)  # (B, 1)
        return ops.sum(weights, axis=1) * ops.rsqrt(norm) + self.bias

    def compute_output_shape(self, weights_shape, squares_shape):
        return (weights_shape[0], weights_shape[-1])


def linear_ngrams(vocabulary: int, classes: int, *, buckets: int = 2**15, padding: int = 0, edges: bool = True) -> keras.Model:
    """A linear classifier of sub-words and pairs of them; its tables are zero until they are set.

    Args:
        vocabulary: number of sub-words V, the padding included.
        classes: C.
        buckets: rows that the pairs share by hashing.
        padding: id that fills short rows; it is ignored.
        edges: whether the start and the end of a text form pairs with the tokens beside them.

    Returns:
        A model {"ids": (B, T) int32} → logits (B, C).

    Example:
        >>> model = linear_ngrams(100, 3, buckets=64)
        >>> model({"ids": keras.ops.ones((2, 5), "int32")}).shape
        TensorShape([2, 3])
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    pairs = TokenPairs(vocabulary, buckets, padding, edges, name="pairs")
    rows = pairs(ids)  # (B, 2T + 1)
    weights = layers.Embedding(pairs.rows, classes, embeddings_initializer="zeros", name="gram_weights")(rows)  # (B, 2T + 1, C)
    squares = layers.Embedding(pairs.rows, 1, embeddings_initializer="zeros", name="gram_squares")(rows)  # (B, 2T + 1, 1)
    return keras.Model({"ids": ids}, NormalizedSum(dtype="float32", name="gram_logits")(weights, squares), name="linear_ngrams")
