"""Nets of users and items: a user is what they had, so that a new one is answered by the same graph and needs no row of a table.

Axes: B users, C candidates, T items of a history, I items, D factors, F features, H hidden units.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

SPREAD = 0.05  # standard deviation of the first embeddings


@keras.saving.register_keras_serializable(package="applied_dl")
class Pairs(keras.layers.Layer):
    """Scores of users and items.

    A user is the sum of the embeddings of their items over the root of their number (Koren's asymmetric form, 2008), and of their features;
    an item is an embedding of its own and its features. With `towers` both go through hidden layers before their dot product (two towers);
    with `pair` a net of hidden layers sees the two side by side, beside their weighted product (NeuMF, He et al., 2017).

    Args:
        users, items: U and I; row 0 of both means none.
        dimensions: D.
        towers, pair: widths of hidden layers.
        user_features, item_features: numbers that are known of each, 0 for none.
        hide: share of the items whose own embedding is hidden in a training step, so that features alone are learned too.
    """

    def __init__(
        self, users: int, items: int, dimensions: int, towers: tuple[int, ...] = (), pair: tuple[int, ...] = (), user_features: int = 0,
        item_features: int = 0, hide: float = 0.2, **options,
    ):  # fmt: skip
        super().__init__(**options)
        self.users, self.items, self.dimensions, self.towers, self.pair = users, items, dimensions, tuple(towers), tuple(pair)
        self.user_features, self.item_features, self.hide = user_features, item_features, hide
        sides = ("user", "item") if towers else ()
        self.hidden = {side: [keras.layers.Dense(width, "gelu", name=f"{side}_{i}") for i, width in enumerate(towers)] for side in sides}
        self.last = {side: keras.layers.Dense(dimensions, name=f"{side}_last") for side in sides}
        self.of_features = {
            side: keras.layers.Dense(dimensions, name=f"{side}_features")
            for side, count in (("user", user_features), ("item", item_features))
            if count
        }
        self.first = {side: keras.layers.Dense(pair[0], name=f"pair_{side}") for side in ("user", "item")} if pair else {}
        self.rest = [keras.layers.Dense(width, "gelu", name=f"pair_{i + 1}") for i, width in enumerate(pair[1:])]
        self.answer = keras.layers.Dense(1, name="pair_last") if pair else None
        self.dropped = keras.layers.Dropout(hide, noise_shape=(None, None, 1)) if item_features and hide else None

    def build(self, *shapes):
        D, start = self.dimensions, keras.initializers.RandomNormal(0, SPREAD)
        self.bag_ = self.add_weight(name="bag_embeddings", shape=(self.items + 1, D), initializer=start)
        self.item_ = self.add_weight(name="item_embeddings", shape=(self.items + 1, D), initializer=start)
        self.bias_ = self.add_weight(name="item_bias", shape=(self.items + 1, 1), initializer="zeros")
        for side, count, rows in (("user", self.user_features, self.users), ("item", self.item_features, self.items)):
            if count:
                table = self.add_weight(name=f"{side}_table", shape=(rows + 1, count), initializer="zeros", trainable=False)
                setattr(self, f"{side}_table_", table)
                self.of_features[side].build((None, count))
        for side, layers in self.hidden.items():
            for layer, width in zip([*layers, self.last[side]], (D, *self.towers)):
                layer.build((None, width))
        for layer in self.first.values():
            layer.build((None, D))
        if self.pair:
            for layer, width in zip([*self.rest, self.answer], self.pair):
                layer.build((None, width))
        self.built = True

    def of_user(self, total, count, user):
        """Sum (B, D) and number (B, 1) of the items' embeddings, user (B,) → (B, D)."""
        x = total / ops.sqrt(ops.maximum(count, 1.0))
        if self.user_features:
            x = x + self.of_features["user"](ops.take(self.user_table_, user, axis=0))
        return self._through("user", x)

    def of_item(self, own, features, training=None):
        """Embeddings (…, D) and features (…, F) → (…, D)."""
        if self.item_features:
            own = self.dropped(own, training=training) if self.dropped is not None and len(own.shape) == 3 else own
            own = own + self.of_features["item"](features)
        return self._through("item", own)

    def _through(self, side: str, x):
        if not self.towers:
            return x
        h = x
        for layer in self.hidden[side]:
            h = layer(h)
        return x + self.last[side](h)

    def call(self, user, bag=None, candidates=None, weights=None, training=None):
        """Training: user (B,), bag (B, T), candidates (B, C) → (B, C). Serving: user (B,), weights (B, I + 1) → (B, I + 1)."""
        if weights is not None:
            u = self.of_user(ops.matmul(weights, self.bag_), ops.sum(weights, axis=1, keepdims=True), user)  # (B, D)
            v = self.of_item(self.item_, self.item_table_ if self.item_features else None)  # (I + 1, D)
            scores = ops.matmul(u, ops.transpose(v)) + ops.reshape(self.bias_, (1, -1))
            return scores if not self.pair else scores + self._pairs(ops.expand_dims(u, 1), ops.expand_dims(v, 0))
        there = ops.cast(ops.expand_dims(bag > 0, 2), "float32")
        total = ops.sum(ops.take(self.bag_, bag, axis=0) * there, axis=1)
        u = self.of_user(total, ops.sum(there, axis=1), user)
        features = ops.take(self.item_table_, candidates, axis=0) if self.item_features else None
        v = self.of_item(ops.take(self.item_, candidates, axis=0), features, training)  # (B, C, D)
        scores = ops.sum(ops.expand_dims(u, 1) * v, axis=2) + ops.take(self.bias_, candidates, axis=0)[:, :, 0]
        return scores if not self.pair else scores + self._pairs(ops.expand_dims(u, 1), v)

    def _pairs(self, u, v):
        """(B, 1, D) and (B or 1, C, D) → (B, C): the first layer sees both side by side, which is a sum of a part for each."""
        h = keras.activations.gelu(self.first["user"](u) + self.first["item"](v))
        for layer in self.rest:
            h = layer(h)
        return self.answer(h)[:, :, 0]

    def compute_output_spec(self, user, bag=None, candidates=None, weights=None, training=None):
        return keras.KerasTensor(tuple((candidates if weights is None else weights).shape), "float32")

    def forget(self, unknown: np.ndarray) -> None:
        """Items (I + 1,) that had no event are known by their features alone."""
        for weight in (self.bag_, self.item_, self.bias_):
            weight.assign(np.where(unknown[:, None], 0.0, ops.convert_to_numpy(weight)))

    def get_config(self):
        own = {
            name: getattr(self, name)
            for name in ("users", "items", "dimensions", "towers", "pair", "user_features", "item_features", "hide")
        }
        return {**super().get_config(), **own}
