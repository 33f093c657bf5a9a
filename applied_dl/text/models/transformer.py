"""A Transformer encoder of sentences, its classifier head and its masked-language-model head."""

from __future__ import annotations

import keras
from keras import initializers, layers

from applied_dl.core.errors import UsageError, nearest
from applied_dl.layers.activations import NAMES, activation
from applied_dl.text.models.attention import Positions, SelfAttention
from applied_dl.text.models.pooling import TokenMask, vector

POSITIONS = ("learned", "sinusoidal", "rotary")
EXACT = "gelu_exact"  # BERT's GELU, by the error function


def transformer(
    vocabulary: int,
    *,
    width: int = 256,
    depth: int = 4,
    heads: int = 4,
    hidden: int | None = None,
    dimensions: int | None = None,
    length: int = 128,
    positions: str = "learned",
    pre_norm: bool = True,
    activation: str = "gelu",
    dropout: float = 0.1,
    pooling: str = "mean",
    padding: int = 0,
    epsilon: float = 1e-6,
    embedding_norm: bool | None = None,
) -> keras.Model:
    """A Transformer sentence encoder (Vaswani et al., 2017); its token vectors are the output of the layer "tokens".

    Args:
        vocabulary: number of sub-words V, the padding included.
        width: D of the token vectors, a multiple of `heads`.
        depth: layers.
        heads: attention heads.
        hidden: width of the feed-forward layers; four times `width` by default.
        dimensions: width of the sentence vector; `width` by default.
        length: most tokens of a text.
        positions: "learned", "sinusoidal" or "rotary".
        pre_norm: normalise before each part and once at the end (more stable), or after each part as BERT does.
        activation: of the feed-forward layers.
        dropout: rate of all dropout layers.
        pooling: "mean", "cls" (the first token) or "max".
        padding: id that fills short rows; it is masked.
        epsilon: of the layer norms.
        embedding_norm: normalise the embeddings; by default where `pre_norm` is off.

    Returns:
        A model {"ids": (B, T ≤ length) int32} → unit vectors (B, dimensions).

    Raises:
        UsageError: for an unknown name, or a width that is no multiple of the heads.

    Example:
        >>> model = transformer(1000, width=32, depth=1, heads=2, length=16)
        >>> model({"ids": keras.ops.ones((2, 16), "int32")}).shape
        TensorShape([2, 32])
    """
    if positions not in POSITIONS:
        raise UsageError(f"Unknown model.positions {positions!r}.{nearest(positions, POSITIONS)}")
    if width % heads or (positions == "rotary" and width // heads % 2):
        raise UsageError(f"model.width {width} must be {'an even ' if positions == 'rotary' else 'a '}multiple of model.heads {heads}.")
    if activation not in (*NAMES, EXACT):
        raise UsageError(f"Unknown model.activation {activation!r}.{nearest(activation, NAMES)}")
    norm = lambda name: layers.LayerNormalization(epsilon=epsilon, name=name)  # noqa: E731
    ids = keras.Input((None,), dtype="int32", name="ids")
    mask = TokenMask(padding, name="mask")(ids)
    x = layers.Embedding(vocabulary, width, embeddings_initializer=_small(), name="table")(ids)  # (B, T, D)
    if positions != "rotary":
        x = Positions(length, width, positions == "learned", name="positions")(x)
    if not pre_norm if embedding_norm is None else embedding_norm:
        x = norm("norm")(x)
    x = layers.Dropout(dropout, name="drop")(x)
    rotary = length if positions == "rotary" else 0
    for i in range(depth):
        attend = SelfAttention(width, heads, dropout, rotary, name=f"attention_{i}")
        first, second = norm(f"norm1_{i}"), norm(f"norm2_{i}")
        drop = [layers.Dropout(dropout, name=f"drop{k}_{i}") for k in (1, 2)]
        if pre_norm:
            x = x + drop[0](attend(first(x), mask))
            x = x + drop[1](_feed(second(x), width, hidden or 4 * width, activation, i))
        else:
            x = first(x + drop[0](attend(x, mask)))
            x = second(x + drop[1](_feed(x, width, hidden or 4 * width, activation, i)))
    x = norm("tokens")(x) if pre_norm else layers.Identity(name="tokens")(x)
    return keras.Model({"ids": ids}, vector(x, mask, pooling, dimensions), name="transformer")


def masked_language_model(encoder: keras.Model) -> keras.Model:
    """{"ids": (B, T)} → logits (B, T, V) over the vocabulary, by the encoder's own table (Press and Wolf, 2017)."""
    tokens, table = encoder.get_layer("tokens").output, encoder.get_layer("table")
    x = layers.Dense(table.output_dim, activation="gelu", name="guess")(tokens)
    x = layers.LayerNormalization(name="guess_norm")(x)
    return keras.Model(encoder.input, TiedLogits(table, name="logits")(x), name="masked_language_model")


def classifier(encoder: keras.Model, classes: int, dropout: float = 0.1) -> keras.Model:
    """{"ids": (B, T)} → logits (B, classes) of the encoder's vectors."""
    x = layers.Dropout(dropout, name="head_drop")(next(iter(encoder.outputs)))
    x = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(encoder.input, x, name="text_classifier")


@keras.saving.register_keras_serializable(package="applied_dl")
class TiedLogits(layers.Layer):
    """(B, T, D) → (B, T, V): the table, transposed, and a bias."""

    def __init__(self, table: layers.Embedding, **base):
        super().__init__(**base)
        self.table = table

    def build(self, shape):
        self.bias = self.add_weight(shape=(self.table.input_dim,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x):
        return keras.ops.matmul(x, keras.ops.transpose(self.table.embeddings)) + self.bias

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.table.input_dim)

    def get_config(self):
        return {**super().get_config(), "table": keras.saving.serialize_keras_object(self.table)}

    @classmethod
    def from_config(cls, config):
        return cls(table=keras.saving.deserialize_keras_object(config.pop("table")), **config)


def _feed(x, width: int, hidden: int, act: str, i: int):
    x = layers.Dense(hidden, kernel_initializer=_small(), name=f"up_{i}")(x)
    x = layers.Activation("gelu", name=f"act_{i}")(x) if act == EXACT else activation(act, f"act_{i}")(x)
    return layers.Dense(width, kernel_initializer=_small(), name=f"down_{i}")(x)


def _small():
    return initializers.TruncatedNormal(stddev=0.02)
