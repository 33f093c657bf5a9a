"""The graph that is exported: a user's id, or their items, to the best items that they do not have yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from applied_dl.tasks.recommend.encoder import TOP
from applied_dl.tasks.recommend.models.fold_in import Implicit, Ratings
from applied_dl.tasks.recommend.models.layers import Profile, Seen, Similar, Top, Weigh
from applied_dl.tasks.recommend.models.nets import Pairs


@keras.saving.register_keras_serializable(package="applied_dl")
class Join(keras.layers.Layer):
    """The items of a known user, and those that came with the question, behind each other; whether there are any of the second kind."""

    def call(self, items, values, own, own_values):
        given = ops.cast(ops.any(items > 0, axis=1, keepdims=True), "float32")
        return {
            "items": ops.concatenate([items, own], axis=1), "values": ops.concatenate([values, own_values], axis=1), "given": given,
        }  # fmt: skip


def recommender(
    users: int, items: int, score: Callable[[dict[str, Any]], Any], *, events: int = 0, longest: int = 1, valued: bool = True,
    top: int = TOP, low: float | None = None, high: float | None = None,
) -> keras.Model:  # fmt: skip
    """user (B,) int32, items (B, T) int32, values (B, T), ask (B, C) int32 → items (B, K), scores (B, K), asked (B, C).

    Args:
        users: U; row 0 means none.
        items: I; row 0 means none.
        score: of the tensors `user` (B,), `given` (B, 1), `values` and `seen` (B, I + 1) to scores (B, I + 1).
        events: of the known users together.
        longest: events of the most active one.
        valued: whether the values of known users' events matter.
        top: K.
        low: the smallest rating.
        high: the largest rating.
    """
    inputs = {
        "user": keras.Input((), dtype="int32", name="user"), "items": keras.Input((None,), dtype="int32", name="items"),
        "values": keras.Input((None,), name="values"), "ask": keras.Input((None,), dtype="int32", name="ask"),
    }  # fmt: skip
    own, own_values = Seen(users, events, longest, valued, name="seen")(inputs["user"])  # (B, S)
    joined = Join(name="history")(inputs["items"], inputs["values"], own, own_values)  # (B, T + S)
    profile = Profile(items, name="profile")(joined["items"], joined["values"])  # (B, I + 1)
    scores = score({"user": inputs["user"], "given": joined["given"], **profile})
    outputs = Top(items, top, low, high, name="top")(scores, profile["seen"], inputs["ask"])
    return keras.Model(inputs, outputs, name="recommender")


def similar_items(users: int, items: int, *, liked: float | None = None, log: bool = False, **sizes) -> keras.Model:
    """Scores by a matrix of similarities: `ease` and `item_knn`.

    Args:
        users: U.
        items: I.
        liked: the smallest value of an event that counts; None where every event does.
        log: events weigh 1 + log of their values.
        sizes: `events`, `longest` and `top` of `recommender`.

    Returns:
        The graph, whose layers `scores`, `seen` and `top` are assigned what was fitted.

    Example:
        >>> similar_items(10, 50, top=5).output["items"].shape
        (None, 5)
    """

    def score(profile):
        return Similar(items, name="scores")(Weigh(liked, log, name="weights")(profile))

    return recommender(users, items, score, valued=log or liked is not None, **sizes)


def implicit_factors(
    users: int, items: int, *, dimensions: int = 64, confidence: float = 1.0, liked: float | None = None, log: bool = False, **sizes
) -> keras.Model:
    """Scores by implicit least squares, solved in the graph: `ials`.

    Args:
        users: U.
        items: I.
        dimensions: factors of an item.
        confidence: α, the weight of an event above that of no event.
        liked: as in `similar_items`.
        log: as in `similar_items`.
        sizes: as in `similar_items`.

    Example:
        >>> implicit_factors(10, 50, dimensions=8).get_layer("scores").fold.factors_.shape
        (51, 8)
    """

    def score(profile):
        return Implicit(items, dimensions, confidence, name="scores")(Weigh(liked, log, name="weights")(profile))

    return recommender(users, items, score, valued=log or liked is not None, **sizes)


def rating_factors(users: int, items: int, *, dimensions: int = 16, precision: float = 1.0, **sizes) -> keras.Model:
    """Ratings by biases and factors: `biased_mf` and `svdpp`.

    Args:
        users: U.
        items: I.
        dimensions: factors of a user and an item, biases among them.
        precision: of a rating about what the factors explain, 1 / variance; it decides how far a new user's ratings move them.
        sizes: `events`, `longest`, `top`, and `low` and `high`, the range of the ratings.

    Example:
        >>> rating_factors(10, 50, dimensions=4, low=1, high=5).output["asked"].shape
        (None, None)
    """

    def score(profile):
        layer = Ratings(users, items, dimensions, precision, name="scores")
        return layer(profile["user"], profile["given"], profile["values"], profile["seen"])

    return recommender(users, items, score, **sizes)


def pair_scores(
    users: int, items: int, *, dimensions: int = 64, towers: tuple[int, ...] = (), pair: tuple[int, ...] = (), liked: float | None = None,
    layer: Pairs | None = None, **sizes,
) -> keras.Model:  # fmt: skip
    """Scores by a net of users and items: `two_tower` (`towers`), `neumf` (`pair`), or their dot product alone.

    Args:
        users: U.
        items: I.
        dimensions: of the embeddings.
        towers: widths of hidden layers of each side.
        pair: widths of hidden layers of both together.
        liked: as in `similar_items`.
        sizes: as in `similar_items`.
        layer: a trained `Pairs` of these sizes; a new one by default.

    Example:
        >>> pair_scores(10, 50, dimensions=8, towers=(16,)).get_layer("pairs").item_.shape
        (51, 8)
    """
    layer = layer or Pairs(users, items, dimensions, towers=towers, pair=pair, name="pairs")

    def score(profile):
        return layer(profile["user"], weights=Weigh(liked, name="weights")(profile))

    return recommender(users, items, score, valued=liked is not None, **sizes)
