"""Snapshot ensembling: one training cut into cycles, each falling to rest and then started again from there; the resting points averaged.

Huang et al., Snapshot Ensembles: Train 1, Get M for Free (2017). The cycles together cost one training.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar

import keras
import msgspec

from applied_dl.core.errors import UsageError
from applied_dl.training.history import STOPPED

_start: ContextVar[list | None] = ContextVar("start", default=None)


@contextmanager
def starting_from(weights: list | None):
    """Every `train.fit` inside the block begins with these weights."""
    token = _start.set(weights)
    try:
        yield
    finally:
        _start.reset(token)


def begin(model: keras.Model) -> None:
    """Give `model` the weights it is to start from, where there are any."""
    weights = _start.get()
    if weights is None:
        return
    if [w.shape for w in weights] != [tuple(w.shape) for w in model.weights]:
        raise UsageError("train.snapshots has no meaning for this model, whose training takes several fits; set train.ensemble instead.")
    model.set_weights(weights)


def check_snapshots(settings) -> None:
    """Refuse a resolved `recipe.train` whose `snapshots` would do nothing."""
    if not settings.snapshots:
        return
    for key, given in (("ensemble", settings.ensemble > 1), ("unfreeze_epochs", settings.unfreeze_epochs), ("swa", settings.swa)):
        if given:
            raise UsageError(f"train.snapshots and train.{key} do not go together; set one of them.")
    if settings.epochs < 2 * settings.snapshots:
        raise UsageError(
            f"train.snapshots = {settings.snapshots} cuts {settings.epochs} epochs into cycles of less than two; raise train.epochs."
        )


def cycles(recipe, fit_one: Callable) -> list:
    """One `Fitted` a cycle. `fit_one(recipe, tag) -> Fitted` trains once."""
    found: list = []
    for i in range(recipe.train.snapshots):
        epochs = recipe.train.epochs // recipe.train.snapshots
        settings = msgspec.structs.replace(
            recipe.train, epochs=epochs, schedule="cosine", warmup=0.0, patience=0, seed=recipe.train.seed + i
        )
        keras.utils.set_random_seed(settings.seed)
        try:
            with starting_from(found[-1].model.get_weights() if found else None):
                found.append(fit_one(msgspec.structs.replace(recipe, train=settings), f"snapshot{i}"))
        except KeyboardInterrupt:
            if not found:
                raise
            found[-1].history.stopped = STOPPED  # before this cycle's first epoch: the cycles before it stay
        if found[-1].history.stopped == STOPPED:
            break
    return found
