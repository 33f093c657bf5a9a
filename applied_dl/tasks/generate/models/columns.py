"""A net that makes a row one column after the other, each by its probabilities given those before it; and the graph that draws rows.

The likelihood of a row is the product of the columns' conditional probabilities, so that training is plain cross-entropy (Bengio and
Bengio, Modeling high-dimensional discrete data with multi-layer neural networks, 2000).
"""

from __future__ import annotations

import keras
from keras import layers, ops

HIDDEN = 2  # layers between the columns before and a column's logits


def column_net(sizes: tuple[int, ...], *, width: int = 128, dropout: float = 0.0, name: str = "columns") -> keras.Model:
    """Codes of a row → logits of each column given the columns before it.

    Args:
        sizes: how many codes each column has.
        width: units of the hidden layers, and of the sum that carries the columns before.
        dropout: of the hidden units.
        name: of the model.

    Returns:
        {"codes": (B, F) int32} → (B, ΣK) logits, the K of each column one after the other.

    Example:
        >>> net = column_net((3, 10, 2))
    """
    codes = keras.Input((len(sizes),), dtype="int32", name="codes")
    before, found = None, []
    for i, size in enumerate(sizes):
        found.append(Marginal(size, name="logits_0")(codes) if before is None else _logits(before, i, size, width, dropout))
        if i + 1 < len(sizes):
            vector = layers.Embedding(size, width, name=f"code_{i}")(Take(i, name=f"take_{i}")(codes))  # (B, D)
            before = vector if before is None else layers.Add(name=f"before_{i + 1}")([before, vector])
    return keras.Model({"codes": codes}, found[0] if len(found) == 1 else layers.Concatenate(name="logits")(found), name=name)


def _logits(x, i: int, size: int, width: int, dropout: float):
    """(B, K) logits of a column, from the sum (B, D) of the columns before it."""
    for k in range(HIDDEN):
        x = layers.Dense(width, activation="relu", name=f"hidden_{i}_{k}")(x)
        x = layers.Dropout(dropout, name=f"dropout_{i}_{k}")(x) if dropout else x
    return layers.Dense(size, name=f"logits_{i}")(x)


def drawing_graph(net: keras.Model, sizes: tuple[int, ...], firsts: tuple[int, ...] | None = None) -> keras.Model:
    """A graph that draws rows from a trained `column_net`.

    Args:
        net: trained.
        sizes: as it was built with.
        firsts: the first code of each column that may be drawn; 0 by default.

    Returns:
        {"latent": (B, 2 F) of 0..1} → "codes" (B, F) int32, drawn by the first F numbers, and "places" (B, F), the other F.
    """
    columns, layer = len(sizes), net.get_layer
    latent = keras.Input((2 * columns,), name="latent")
    before, found = None, []
    for i in range(columns):
        x = latent if before is None else before
        for k in range(0 if before is None else HIDDEN):
            x = layer(f"hidden_{i}_{k}")(x)
        code = Draw(firsts[i] if firsts else 0, name=f"draw_{i}")([layer(f"logits_{i}")(x), Take(i, name=f"share_{i}")(latent)])  # (B,)
        found.append(layers.Reshape((1,), name=f"drawn_{i}")(code))
        if i + 1 < len(sizes):
            vector = layer(f"code_{i}")(code)
            before = vector if before is None else layers.Add(name=f"before_{i + 1}")([before, vector])
    codes = found[0] if columns == 1 else layers.Concatenate(name="codes")(found)
    return keras.Model({"latent": latent}, {"codes": codes, "places": Rest(columns, name="places")(latent)}, name="rows_serving")


def cross_entropy(sizes: tuple[int, ...]):
    """The negative log-likelihood (B,) of rows: codes (B, F), logits (B, ΣK)."""

    def loss(y_true, y_pred):
        total, at = 0.0, 0
        for i, size in enumerate(sizes):
            total += keras.losses.sparse_categorical_crossentropy(y_true[:, i], y_pred[:, at : at + size], from_logits=True)
            at += size
        return total

    return loss


@keras.saving.register_keras_serializable(package="applied_dl")
class Take(layers.Layer):
    """Column `place` of (B, F): (B,)."""

    def __init__(self, place: int, **options):
        super().__init__(**options)
        self.place = place

    def call(self, inputs):
        return inputs[:, self.place]

    def get_config(self):
        return {**super().get_config(), "place": self.place}


@keras.saving.register_keras_serializable(package="applied_dl")
class Rest(layers.Layer):
    """Columns from `first` on of (B, F)."""

    def __init__(self, first: int, **options):
        super().__init__(**options)
        self.first = first

    def call(self, inputs):
        return inputs[:, self.first :]

    def get_config(self):
        return {**super().get_config(), "first": self.first}


@keras.saving.register_keras_serializable(package="applied_dl")
class Marginal(layers.Layer):
    """Anything (B, …) → the same trained logits (B, K) for every row: the first column depends on none.

    Args:
        size: K.
        options: of a Keras layer.
    """

    def __init__(self, size: int, **options):
        super().__init__(**options)
        self.size = size

    def build(self, shape):
        self.bias = self.add_weight(name="bias", shape=(self.size,), initializer="zeros")

    def call(self, inputs):
        return self.bias[None] + ops.zeros_like(ops.cast(inputs[:, :1], self.compute_dtype))

    def get_config(self):
        return {**super().get_config(), "size": self.size}

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((inputs.shape[0], self.size), self.compute_dtype)


@keras.saving.register_keras_serializable(package="applied_dl")
class Draw(layers.Layer):
    """Logits (B, K) and numbers (B,) of 0..1 → the code (B,) int32 at which the cumulated probabilities pass the number.

    Args:
        first: codes before it are never drawn.
        options: of a Keras layer.
    """

    def __init__(self, first: int = 0, **options):
        super().__init__(**options)
        self.first = first

    def call(self, inputs):
        logits, share = inputs
        ends = ops.cumsum(ops.softmax(logits[:, self.first :], axis=-1), axis=-1)  # (B, K − first)
        passed = ops.cast(ends[:, :-1] < share[:, None], "int32")  # the last code takes the rest, whatever rounding left
        return ops.sum(passed, axis=-1) + self.first

    def get_config(self):
        return {**super().get_config(), "first": self.first}

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[1].shape, "int32")
