"""Layers of a recommender: the history of a user as a row over all items, and the best items that are not in it.

Axes: B users, I items (row 0 is padding), U users (row 0 is a user whom nobody knows), T and S items of a history.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

FAR = 3e4  # taken off the score of an item that must not be recommended; half precision holds it


def zero_table(layer: keras.layers.Layer, name: str, shape: tuple[int, ...], dtype: str = "float32"):
    """A weight that is fitted elsewhere and assigned; row 0 stands for nobody and nothing."""
    return layer.add_weight(name=name, shape=shape, dtype=dtype, initializer="zeros", trainable=False)


@keras.saving.register_keras_serializable(package="applied_dl")
class Seen(keras.layers.Layer):
    """What known users had: rows (B,) → items (B, S) int32, 0 behind the last, and their values (B, S).

    The events of all users lie behind each other, so that the table is as large as the data and not as its longest history.

    Args:
        users: U, without row 0.
        events: of all users.
        longest: S, events of the most active user.
        valued: whether values matter to the model; 1 is given where they do not, without a table.
    """

    def __init__(self, users: int, events: int, longest: int, valued: bool = True, **options):
        super().__init__(**options)
        self.users, self.events, self.longest, self.valued = users, events, max(longest, 1), valued

    def build(self, input_shape=None):
        self.starts_ = zero_table(self, "starts", (self.users + 2,), "int32")
        self.items_ = zero_table(self, "items", (max(self.events, 1),), "int32")
        self.values_ = zero_table(self, "values", (max(self.events, 1),)) if self.valued else None
        super().build(input_shape)

    def assign(self, starts: np.ndarray, items: np.ndarray, values: np.ndarray) -> None:
        """starts (U + 2,), items and values (events,) sorted by user."""
        if len(items):
            for weight, array in ((self.starts_, starts), (self.items_, items), (self.values_, values)):
                if weight is not None:
                    weight.assign(array)

    def call(self, user):
        start, end = ops.take(self.starts_, user, axis=0), ops.take(self.starts_, user + 1, axis=0)  # (B,)
        place = ops.expand_dims(start, 1) + ops.expand_dims(ops.arange(self.longest, dtype="int32"), 0)  # (B, S)
        inside = place < ops.expand_dims(end, 1)
        place = ops.where(inside, place, 0)
        items = ops.where(inside, ops.take(self.items_, place, axis=0), 0)
        return items, ops.where(inside, ops.take(self.values_, place, axis=0) if self.valued else 1.0, 0.0)

    def get_config(self):
        return {**super().get_config(), "users": self.users, "events": self.events, "longest": self.longest, "valued": self.valued}


@keras.saving.register_keras_serializable(package="applied_dl")
class Profile(keras.layers.Layer):
    """Items (B, T) with values (B, T) → a row over all items: `values`, the mean where an item comes twice, and `seen`, 0 or 1, both
    (B, I + 1). Column 0 is padding and stays 0."""

    def __init__(self, items: int, **options):
        super().__init__(**options)
        self.items = items

    def call(self, items, values):
        width = self.items + 1
        rows = ops.expand_dims(ops.arange(ops.shape(items)[0], dtype="int32") * width, 1)  # (B, 1)
        place = ops.reshape(rows + items, (-1, 1))
        there = ops.cast(items > 0, "float32")
        size = ops.expand_dims(ops.shape(items)[0] * width, 0) if keras.backend.backend() == "tensorflow" else (items.shape[0] * width,)
        counts = ops.reshape(ops.scatter(place, ops.reshape(there, (-1,)), size), (-1, width))
        sums = ops.reshape(ops.scatter(place, ops.reshape(there * values, (-1,)), size), (-1, width))
        return {"values": sums / ops.maximum(counts, 1.0), "seen": ops.minimum(counts, 1.0)}

    def compute_output_spec(self, items, values):
        shape = (items.shape[0], self.items + 1)
        return {name: keras.KerasTensor(shape, "float32") for name in ("values", "seen")}

    def get_config(self):
        return {**super().get_config(), "items": self.items}


@keras.saving.register_keras_serializable(package="applied_dl")
class Weigh(keras.layers.Layer):
    """A profile → the weight of each item (B, I + 1): 0 where it was not seen or not liked, else 1, or 1 + log of its value.

    Args:
        liked: the smallest value that counts; None where each does.
        log: whether larger values weigh more.
    """

    def __init__(self, liked: float | None = None, log: bool = False, **options):
        super().__init__(**options)
        self.liked, self.log = liked, log

    def call(self, profile):
        weight = profile["seen"]
        if self.log:
            weight = weight * (1.0 + ops.log(ops.maximum(profile["values"], 1.0)))
        return weight if self.liked is None else weight * ops.cast(profile["values"] >= self.liked, "float32")

    def get_config(self):
        return {**super().get_config(), "liked": self.liked, "log": self.log}


@keras.saving.register_keras_serializable(package="applied_dl")
class Similar(keras.layers.Layer):
    """Weights (B, I + 1) → scores (B, I + 1): the sum of the similarities of the user's items to each item."""

    def __init__(self, items: int, **options):
        super().__init__(**options)
        self.items = items

    def build(self, input_shape=None):
        self.similarity_ = zero_table(self, "similarity", (self.items + 1, self.items + 1))
        super().build(input_shape)

    def call(self, weights):
        return ops.matmul(weights, self.similarity_)

    def get_config(self):
        return {**super().get_config(), "items": self.items}


@keras.saving.register_keras_serializable(package="applied_dl")
class Top(keras.layers.Layer):
    """Scores (B, I + 1) and what was seen → the best items (B, K) int32 that were not, their scores (B, K), and those asked for (B, C).

    Where fewer than K items are left, items are 0 behind the last, and so are their scores.

    Args:
        items: I.
        top: K.
        low, high: of ratings; scores are cut to this range, the order is that before the cut.
    """

    def __init__(self, items: int, top: int, low: float | None = None, high: float | None = None, **options):
        super().__init__(**options)
        self.items, self.top, self.low, self.high = items, min(top, items), low, high

    def build(self, *shapes):
        self.blocked_ = zero_table(self, "blocked", (self.items + 1,))
        self.built = True

    def call(self, scores, seen, ask):
        scored, best = ops.top_k(scores - FAR * ops.maximum(seen, self.blocked_), self.top)
        left = scored > -0.5 * FAR
        asked = ops.take_along_axis(scores, ask, axis=1)
        if self.low is not None:
            scored, asked = ops.clip(scored, self.low, self.high), ops.clip(asked, self.low, self.high)
        asked = ops.where(ask > 0, asked, 0.0)
        return {"items": ops.where(left, ops.cast(best, "int32"), 0), "scores": ops.where(left, scored, 0.0), "asked": asked}

    def get_config(self):
        return {**super().get_config(), "items": self.items, "top": self.top, "low": self.low, "high": self.high}
