"""Snapshot ensembling: one training divided into cycles, each of which begins with the weights of the one before; their ends averaged.

Huang et al., Snapshot Ensembles: Train 1, Get M for Free (2017). The cycles together cost one training.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import msgspec

from applied_dl.core.errors import UsageError
from applied_dl.core.records import STOPPED, Fitted
from applied_dl.core.task import Trainer


def check_snapshots(settings) -> None:
    """Refuse a resolved `[train]` section whose `snapshots` would do nothing."""
    if not settings.snapshots:
        return
    for key, given in (("ensemble", settings.ensemble > 1), ("unfreeze_epochs", settings.unfreeze_epochs), ("swa", settings.swa)):
        if given:
            raise UsageError(f"train.snapshots and train.{key} do not go together; set one of them.")
    if settings.epochs < 2 * settings.snapshots:
        raise UsageError(
            f"train.snapshots = {settings.snapshots} divides {settings.epochs} epochs into cycles of fewer than two; raise train.epochs."
        )


def fit_cycles(recipe, trainer: Trainer, fit_one: Callable[..., Fitted]) -> list[Fitted]:
    """One `Fitted` per cycle, each begun with the weights of the one before. `fit_one(recipe, trainer, tag) -> Fitted` trains once."""
    fitted: list[Fitted] = []
    for i, turn in enumerate(trainer.turns(recipe.train.snapshots, "snapshot")):
        settings = msgspec.structs.replace(
            recipe.train,
            epochs=recipe.train.epochs // recipe.train.snapshots,
            schedule="cosine",
            warmup=0.0,
            patience=0,
            seed=recipe.train.seed + i,
        )
        keras.utils.set_random_seed(settings.seed)
        start = turn.starting_from(fitted[-1].model.get_weights()) if fitted else turn
        try:
            fitted.append(fit_one(msgspec.structs.replace(recipe, train=settings), start, f"snapshot{i}"))
        except KeyboardInterrupt:
            if not fitted:
                raise
            fitted[-1].history.stopped = STOPPED  # before this cycle's first epoch: the cycles before it stay
        if fitted[-1].history.stopped == STOPPED:
            break
    return fitted
