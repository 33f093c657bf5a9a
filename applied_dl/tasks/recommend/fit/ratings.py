"""Models of ratings: fitted to the training part for the validation score, and again to training and validation for the rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.core.config import replace
from applied_dl.core.records import Fitted, History
from applied_dl.tasks.recommend.fit.gibbs import GibbsLoop
from applied_dl.tasks.recommend.fit.svdpp import SvdppLoop
from applied_dl.tasks.recommend.models.factors import Factors, averaged
from applied_dl.tasks.recommend.models.graph import rating_factors
from applied_dl.tasks.recommend.readers.parts import Log


class Solved(NamedTuple):
    """Factors, the precision of a rating about them, and how they were trained."""

    factors: Factors
    precision: float
    history: History


def fit_ratings(recipe, prepared, trainer) -> Fitted:
    """Fit `biased_mf` or `svdpp`; `extra["validation"]` holds the outputs on validation rows of the model that did not see them."""
    state = prepared.state
    fit = _sampled if recipe.model.name == "biased_mf" else _descended
    first = fit(recipe, prepared, state.train, state.validation, trainer, "validated")
    epochs = first.history.best_epoch or recipe.train.epochs
    shipped = replace(recipe, train={"epochs": epochs}) if recipe.model.name == "svdpp" else recipe
    last = fit(shipped, prepared, state.fitted, None, trainer, "model")
    model = graph_of(recipe, prepared, last.factors, last.precision)
    part = prepared.validation
    asked = _asked(first.factors, part.inputs["user"], part.inputs["ask"], prepared.encoder)
    vectors = np.concatenate([np.zeros((1, last.factors.items.shape[1]), np.float32), last.factors.items])
    return Fitted(model, first.history, {"validation": {"asked": asked}, "vectors": vectors})


def _sampled(recipe, prepared, log: Log, held: Log | None, trainer, tag: str) -> Solved:
    encoder, train = prepared.encoder, recipe.train
    loop = GibbsLoop(
        log.users - 1, log.items - 1, log.values, (len(encoder.users), len(encoder.items)), dimensions=recipe.model.dimensions,
        samples=recipe.learn.samples, epochs=train.epochs, seed=train.seed, minutes=train.checkpoint_minutes,
    )  # fmt: skip
    history = trainer.run(loop, tag)
    loop.finish(None)
    return Solved(averaged(loop.members(), loop.mean, width_of(recipe)), loop.noise_precision(), history)


def _descended(recipe, prepared, log: Log, held: Log | None, trainer, tag: str) -> Solved:
    encoder, train = prepared.encoder, recipe.train
    loop = SvdppLoop(
        log.users - 1, log.items - 1, log.values, (len(encoder.users), len(encoder.items)),
        None if held is None else (held.users - 1, held.items - 1, held.values), dimensions=recipe.model.dimensions,
        penalty=recipe.model.regularization, rate=train.learning_rate, epochs=train.epochs, patience=train.patience, seed=train.seed,
        minutes=train.checkpoint_minutes,
    )  # fmt: skip
    history = trainer.run(loop, tag)
    loss = min((row["loss"] for row in history.rows), default=1.0)
    return Solved(averaged([loop.member()], loop.mean, width_of(recipe)), 1 / max(loss, 1e-3), history)


def width_of(recipe) -> int:
    """Dimensions of the exported factors: two for the biases, and twice those of one model for the mean of several."""
    return recipe.model.dimensions * (2 if recipe.model.name == "biased_mf" else 1) + 2


def graph_of(recipe, prepared, factors: Factors | None, precision: float = 1.0):
    """The serving graph; with zeros where nothing is fitted yet."""
    encoder, seen = prepared.encoder, prepared.state.seen
    starts = seen.starts(len(encoder.users))
    width = width_of(recipe) if factors is None else factors.items.shape[1]
    model = rating_factors(
        len(encoder.users), len(encoder.items), dimensions=width, precision=precision, events=len(seen),
        longest=int(np.diff(starts).max(initial=1)), low=encoder.low, high=encoder.high,
    )  # fmt: skip
    if factors is None:
        return model
    model.get_layer("seen").assign(starts, seen.items, seen.values)
    layer = model.get_layer("scores")
    layer.fold.factors_.assign(np.pad(factors.items, ((1, 0), (0, 0))))
    layer.base_.assign(np.pad(factors.base, (1, 0)))
    layer.users_.assign(np.pad(factors.users, ((1, 0), (0, 0))))
    model.get_layer("top").blocked_.assign(blocked(prepared))
    return model


def blocked(prepared) -> np.ndarray:
    """(I + 1,) 1 for padding and for items without a training or validation event, of which the model knows nothing."""
    counts = np.bincount(prepared.state.fitted.items, minlength=len(prepared.encoder.items) + 1)
    found = (counts == 0).astype(np.float32)
    found[0] = 1
    return found


def _asked(factors: Factors, users: np.ndarray, ask: np.ndarray, encoder) -> np.ndarray:
    """Ratings (N, C) as the graph gives them."""
    items = np.pad(factors.items, ((1, 0), (0, 0)))
    base = np.pad(factors.base, (1, 0))
    p = np.pad(factors.users, ((1, 0), (0, 0)))[users]  # (N, D)
    found = base[ask] + np.einsum("nd,ncd->nc", p, items[ask])
    return np.where(ask > 0, np.clip(found, encoder.low, encoder.high), 0.0).astype(np.float32)
