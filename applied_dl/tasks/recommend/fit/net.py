"""Nets on events, trained by Keras: for each event the items that the user had besides, the item, and sampled others."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from applied_dl.core.records import Fitted
from applied_dl.layers import draws
from applied_dl.layers.backend import JAX, batch_size, constant, take
from applied_dl.tasks.recommend.fit.ratings import blocked
from applied_dl.tasks.recommend.models.graph import pair_scores
from applied_dl.tasks.recommend.models.nets import Pairs
from applied_dl.tasks.recommend.readers.parts import Log, padded, weigh
from applied_dl.training.source import Source

LONGEST = 64  # latest items of a history that a training step reads
MOST_VALIDATED = 20_000  # events that choose the epoch


def pairs_of(recipe, prepared) -> Pairs:
    """The layer of a recipe: `biased_mf` (asymmetric factors), `two_tower` or `neumf`."""
    encoder, model, state = prepared.encoder, recipe.model, prepared.state
    hidden = tuple(model.hidden or ())
    return Pairs(
        len(encoder.users), len(encoder.items), model.dimensions, towers=hidden if model.name == "two_tower" else (),
        pair=hidden if model.name == "neumf" else (), user_features=state.user_features.shape[1],
        item_features=state.item_features.shape[1], name="pairs",
    )  # fmt: skip


def build_net(recipe, prepared, pairs: Pairs | None = None) -> keras.Model:
    """The serving graph around a trained layer, or a new one."""
    encoder, seen = prepared.encoder, prepared.state.seen
    pairs = pairs or pairs_of(recipe, prepared)
    starts = seen.starts(len(encoder.users))

    model = pair_scores(
        len(encoder.users), len(encoder.items), dimensions=recipe.model.dimensions, liked=encoder.liked, layer=pairs, events=len(seen),
        longest=int(np.diff(starts).max(initial=1)),
    )  # fmt: skip
    model.get_layer("seen").assign(starts, seen.items, seen.values)
    unknown = blocked(prepared)
    if prepared.state.item_features.shape[1]:  # an item without events is known by its features
        unknown[1:] *= ~prepared.state.item_features[1:].any(1)
    model.get_layer("top").blocked_.assign(unknown)
    return model


def fit_net(recipe, prepared, trainer) -> Fitted:
    """Train on the training events; sampled validation events choose the epoch."""
    encoder, state, train = prepared.encoder, prepared.state, recipe.train
    pairs = pairs_of(recipe, prepared)
    inputs = {
        "user": keras.Input((), dtype="int32", name="user"), "bag": keras.Input((None,), dtype="int32", name="bag"),
        "candidates": keras.Input((None,), dtype="int32", name="candidates"),
    }  # fmt: skip
    net = keras.Model(inputs, pairs(inputs["user"], inputs["bag"], inputs["candidates"]), name="pairs_net")
    for side in ("user", "item"):
        table = getattr(state, f"{side}_features")
        if table.shape[1]:
            getattr(pairs, f"{side}_table_").assign(table)
    held = liked(state.validation, encoder)
    rows = np.linspace(0, len(held) - 1, min(len(held), MOST_VALIDATED)).astype(np.int64)
    others = (
        np.random.default_rng((train.seed, 2)).integers(1, len(encoder.items) + 1, (len(rows), recipe.learn.negatives)).astype(np.int32)
    )
    events = liked(state.train, encoder)
    bags = latest(events, len(encoder.users))
    source = _source(events.users, events.items[:, None], bags)
    validation = _source(held.users[rows], np.concatenate([held.items[rows, None], others], axis=1), bags)
    count, items = recipe.learn.negatives, len(encoder.items)

    def with_others(batch, target, seed):
        drawn = 1 + draws.integers((batch_size(target), count), seed, items)
        return {**batch, "candidates": ops.concatenate([batch["candidates"], drawn], axis=1)}, target

    history = trainer.train(net, source, validation, train, loss=LOSSES[train.loss], monitor="val_loss", augment=with_others, tag="model")
    pairs.forget(np.bincount(events.items, minlength=items + 1) == 0)
    vectors = np.asarray(ops.convert_to_numpy(pairs.of_item(pairs.item_, getattr(pairs, "item_table_", None))))
    return Fitted(build_net(recipe, prepared, pairs), history, {"vectors": vectors})


def liked(log: Log, encoder) -> Log:
    """The events that were liked."""
    keep = weigh(log.values, encoder.liked, False) > 0
    return Log(users=log.users[keep], items=log.items[keep], values=log.values[keep])


def latest(log: Log, users: int) -> np.ndarray:
    """(U + 1, T) the latest items of each user, 0 where there are fewer."""
    starts = log.starts(users)
    place = np.arange(len(log)) - starts[log.users]
    counts = np.diff(starts)
    keep = place >= counts[log.users] - LONGEST
    return padded(Log(users=log.users[keep], items=log.items[keep], values=log.values[keep]), np.arange(users + 1))[0]


def _source(users: np.ndarray, candidates: np.ndarray, bags: np.ndarray) -> Source:
    who, what, had = constant(users), constant(candidates), constant(bags)

    def gather(index):
        user, candidate = take(who, index), take(what, index)
        bag = take(had, user)
        bag = ops.where(bag == candidate[:, :1], 0, bag)  # no item says itself
        return {"user": user, "bag": bag, "candidates": candidate}, ops.ones((batch_size(user), 1))

    return Source(len(users), gather, ready=JAX)  # TensorFlow prepares the bags ahead of their steps


def softmax(y_true, logits):
    """Cross-entropy of the item among the sampled ones: logits (B, 1 + N) → (B,)."""
    return ops.logsumexp(logits, axis=1) - logits[:, 0]


def bce(y_true, logits):
    """Binary cross-entropy, the item against the mean of the others."""
    return ops.softplus(-logits[:, 0]) + ops.mean(ops.softplus(logits[:, 1:]), axis=1)


def bpr(y_true, logits):
    """Bayesian personalised ranking (Rendle et al., 2009): the item above each of the others."""
    return ops.mean(ops.softplus(logits[:, 1:] - logits[:, :1]), axis=1)


def mse(y_true, logits):
    """Squared error: 1 for the item, 0 for the others."""
    return (logits[:, 0] - 1) ** 2 + ops.mean(logits[:, 1:] ** 2, axis=1)


LOSSES = {"softmax": softmax, "bce": bce, "bpr": bpr, "mse": mse}
