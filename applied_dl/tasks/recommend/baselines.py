"""Baselines on the same rows: the most popular items and item-kNN for rankings, means and item-kNN for ratings."""

from __future__ import annotations

import numpy as np

from applied_dl.core.records import Scores
from applied_dl.tasks.recommend.models.closed import gram, item_knn
from applied_dl.tasks.recommend.readers.parts import weigh
from applied_dl.tasks.recommend.scores import outputs_of, score_ranking, score_ratings

NEIGHBOURS, SHRINKAGE = 100, 10.0  # of item-kNN on events
RATED_NEIGHBOURS, RATED_SHRINKAGE = 40, 20.0  # on ratings
MOST_ITEMS = 5_000  # of item-kNN
USER_PENALTY, ITEM_PENALTY, ROUNDS = 15.0, 10.0, 10  # of the means (Koren, 2010)


def recommend_baselines(recipe, prepared) -> dict[str, Scores]:
    """Scores on the test rows by baseline, each fitted to training and validation events."""
    return _ratings(prepared) if prepared.encoder.explicit else _rankings(recipe, prepared)


def _rankings(recipe, prepared) -> dict[str, Scores]:
    encoder, events = prepared.encoder, prepared.state.fitted
    items = len(encoder.items)
    weight = weigh(events.values, encoder.liked, False)
    keep = weight > 0
    counts = np.bincount(events.items[keep], minlength=items + 1)
    known = np.bincount(events.items, minlength=items + 1) > 0

    def scores(score) -> Scores:
        outputs = outputs_of(score, prepared.test, encoder, known, False)
        return score_ranking(outputs, prepared.test, encoder.arrays["popularity"])

    random = np.random.default_rng(recipe.train.seed)
    found = {"random items": scores(lambda w: random.random(w.shape)), "most popular": scores(lambda w: np.tile(counts[1:], (len(w), 1)))}
    if items <= MOST_ITEMS and recipe.model.name != "item_knn":
        products = gram(events.users[keep] - 1, events.items[keep] - 1, weight[keep], (len(encoder.users), items))
        matrix = item_knn(products, NEIGHBOURS, SHRINKAGE)
        found["item-kNN"] = scores(lambda w: w @ matrix)
    return found


def _ratings(prepared) -> dict[str, Scores]:
    encoder, events, part = prepared.encoder, prepared.state.fitted, prepared.test
    users, ask = part.inputs["user"], part.inputs["ask"]
    mean = float(events.values.mean())
    of_users, of_items = biases(events, mean, len(encoder.users), len(encoder.items))
    both = mean + of_users[users][:, None] + of_items[ask]
    found = {
        "mean rating": score_ratings({"asked": np.full(ask.shape, mean)}, part),
        "means of users and items": score_ratings({"asked": both}, part),
    }
    if len(encoder.items) <= MOST_ITEMS:
        asked = np.clip(both + _neighbours(events, mean, of_users, of_items, users, ask), encoder.low, encoder.high)
        found["item-kNN"] = score_ratings({"asked": asked}, part)
    return found


def biases(events, mean: float, users: int, items: int) -> tuple[np.ndarray, np.ndarray]:
    """How far the ratings of each user (U + 1,) and item (I + 1,) lie from the mean, shrunk where there are few."""
    of_users, of_items = np.zeros(users + 1), np.zeros(items + 1)
    user_counts, item_counts = np.bincount(events.users, minlength=users + 1), np.bincount(events.items, minlength=items + 1)
    for _ in range(ROUNDS):
        left = events.values - mean - of_users[events.users]
        of_items = np.bincount(events.items, left, minlength=items + 1) / (ITEM_PENALTY + item_counts)
        left = events.values - mean - of_items[events.items]
        of_users = np.bincount(events.users, left, minlength=users + 1) / (USER_PENALTY + user_counts)
    return of_users, of_items


def _neighbours(events, mean: float, of_users: np.ndarray, of_items: np.ndarray, users: np.ndarray, ask: np.ndarray) -> np.ndarray:
    """(N, C) what the user's ratings of similar items add to the means."""
    import scipy.sparse as sp

    shape = len(of_users), len(of_items)
    left = events.values - mean - of_users[events.users] - of_items[events.items]
    x = sp.csr_matrix((left, (events.users, events.items)), shape=shape)
    there = sp.csr_matrix((np.ones(len(left)), (events.users, events.items)), shape=shape)
    similarity = item_knn((x.T @ x).toarray(), RATED_NEIGHBOURS, RATED_SHRINKAGE)
    found = np.zeros(ask.shape)
    for first in range(0, len(users), 256):
        rows = slice(first, first + 256)
        over = x[users[rows]] @ similarity
        under = there[users[rows]] @ np.abs(similarity)
        found[rows] = np.take_along_axis(over / (under + 1e-6), ask[rows], 1)
    return found
