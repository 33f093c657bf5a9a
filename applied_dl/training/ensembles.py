"""Several trainings from different random weights, averaged and exported as one graph."""

from __future__ import annotations

from collections.abc import Callable

import keras
import msgspec

from applied_dl.core.records import STOPPED, Fitted
from applied_dl.core.task import Trainer
from applied_dl.training.snapshots import fit_cycles


def fit_members(recipe, trainer: Trainer, fit_one: Callable[..., Fitted]) -> Fitted:
    """Train `train.ensemble` members that differ by their seed, or `train.snapshots` cycles; one graph that averages their outputs.

    `fit_one(recipe, trainer, tag) -> Fitted` builds and trains one member; its graph takes a dict of inputs. The history is the first
    member's; `extra["members"]` holds all of them.
    """
    members = fit_cycles(recipe, trainer, fit_one) if recipe.train.snapshots else []
    for i, own in enumerate(trainer.turns(0 if members else recipe.train.ensemble, "member")):
        settings = msgspec.structs.replace(recipe.train, seed=recipe.train.seed + 1000 * i)
        keras.utils.set_random_seed(settings.seed)
        try:
            members.append(fit_one(msgspec.structs.replace(recipe, train=settings), own, f"member{i}"))
        except KeyboardInterrupt:  # before the member's first epoch: those that are done stay
            if not members:
                raise
            members[0].history.stopped = STOPPED
            break
        if members[-1].history.stopped == STOPPED:  # Ctrl-C ends the whole training, not one member of it
            break
    if len(members) == 1:
        return members[0]
    return Fitted(average([m.model for m in members]), members[0].history, {**members[0].extra, "members": members})


def average(models: list[keras.Model], weights: list[float] | None = None) -> keras.Model:
    """One graph whose output is the (weighted) mean of several over the same inputs. Member weights sum to 1."""
    weights = weights or [1 / len(models)] * len(models)
    inputs = {name: keras.Input(t.shape[1:], dtype=t.dtype, name=name) for name, t in models[0].input.items()}
    outputs = []
    for i, (model, weight) in enumerate(zip(models, weights)):
        model.name = f"member_{i}"
        outputs.append(keras.layers.Rescaling(weight, dtype="float32", name=f"weight_{i}")(model(inputs)))
    return keras.Model(inputs, keras.layers.Add(name="mean")(outputs) if len(outputs) > 1 else outputs[0])
