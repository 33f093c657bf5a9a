"""Transfer learning: first the new head of a pretrained trunk alone, then more and more of the trunk, deeper layers at lower rates.

Howard and Ruder, Universal Language Model Fine-tuning (2018): gradual unfreezing and discriminative learning rates. Batch normalization
of the trunk stays in inference mode throughout: its statistics are better than those of a few hundred rows. What is frozen in a stage
need not be computed in each of its epochs: `cut` finds where the trunk may be divided.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import msgspec

from applied_dl.core import console
from applied_dl.core.records import STOPPED, History
from applied_dl.core.task import Trainer
from applied_dl.training.model_parts import leaf_layers
from applied_dl.training.session import better

DEPTH_GROUPS = 4  # parts of the trunk, each with its own learning rate


def weighted_layers(trunk: keras.Model) -> list[keras.layers.Layer]:
    """The layers that hold weights, in the order of the data."""
    return [layer for layer in leaf_layers(trunk) if layer.weights]


def unfreeze(trunk: keras.Model, share: float) -> int:
    """Make the last `share` (0..1) of the trunk's layers trainable, except batch normalization. Returns how many layers are."""
    layers = weighted_layers(trunk)
    first = round(len(layers) * (1 - share))
    for i, layer in enumerate(layers):
        layer.trainable = i >= first and not isinstance(layer, keras.layers.BatchNormalization)
    return sum(layer.trainable for layer in layers)


def shares(stages: int, head: bool = True) -> list[float]:
    """The share of the trunk's layers that each stage trains.

    With a new head none in the first stage, and in the last ones 1/16, 1/4 and all; without, equal steps up to all.
    """
    return [0.0 if i == 0 else 4.0 ** (i + 1 - stages) for i in range(stages)] if head else [(i + 1) / stages for i in range(stages)]


def cut(trunk: keras.Model) -> keras.KerasTensor | None:
    """The last tensor before the trainable layers that all data passes: what leads to it is frozen.

    Args:
        trunk: a functional model of one input and one output.

    Returns:
        A tensor of the trunk: its output if all of it is frozen, None if its first layers are trained.

    Example:
        >>> unfreeze(trunk, 0.25)
        >>> frozen = keras.Model(trunk.input, cut(trunk))
    """
    computing = [layer for layer in trunk.layers if not isinstance(layer, keras.layers.InputLayer)]
    place = {id(tensor): i for i, layer in enumerate(computing) for tensor in keras.tree.flatten(layer.output)}
    last_use = list(range(len(computing)))
    for i, layer in enumerate(computing):
        for tensor in keras.tree.flatten(layer.input):
            if id(tensor) in place:
                last_use[place[id(tensor)]] = i
    found, open_until = None, 0  # tensors of earlier layers are used up to layer `open_until`
    for i, layer in enumerate(computing):
        if layer.trainable_variables:
            return found
        if open_until <= i and isinstance(layer.output, keras.KerasTensor):
            found = layer.output
        open_until = max(open_until, last_use[i])
    return trunk.output


def layer_rates(trunk: keras.Model, decay: float | None) -> dict[str, float]:
    """Learning-rate factors by variable path: 1 for the head (not listed), times `decay` for each deeper quarter of the trunk."""
    if not decay or decay == 1:
        return {}
    layers = weighted_layers(trunk)
    rates = {}
    for i, layer in enumerate(layers):
        depth = DEPTH_GROUPS - i * DEPTH_GROUPS // max(len(layers), 1)
        rates |= {variable.path: decay**depth for variable in layer.weights}
    return rates


def fit_staged(model: keras.Model, trunk: keras.Model, settings, trainer: Trainer, fit_stage: Callable, head: bool = True) -> History:
    """Train in stages: the head, then more and more of the trunk, at last all of it; the learning rate is a fifth after the first stage.

    Args:
        model: left with the best weights of all stages, so a later stage that makes it worse is undone.
        trunk: the pretrained part of it.
        settings: `recipe.train`; `unfreeze_epochs` holds the epochs of each stage, None trains all layers in one.
        trainer: what trains.
        fit_stage: `fit_stage(settings, rates, tag, trainer) -> History` trains the whole model once.
        head: False where there is no new head; the first stage then trains the last part of the trunk.
    """
    history, kept = History(), None
    stages = settings.unfreeze_epochs or (settings.epochs,)
    trained = shares(len(stages), head)
    for stage, (epochs, turn) in enumerate(zip(stages, trainer.turns(len(stages), "stage"))):
        if settings.unfreeze_epochs:
            unfreeze(trunk, trained[stage])
        if len(stages) > 1:
            what = f"{trained[stage]:.0%} of the pretrained network and the head" if trained[stage] else "the head alone"
            console.say("stage", f"{stage + 1} of {len(stages)}: {what}")
        rate = settings.learning_rate if stage == 0 or settings.learning_rate == "auto" else 0.2 * settings.learning_rate
        own = msgspec.structs.replace(settings, epochs=epochs, learning_rate=rate)
        try:
            step = fit_stage(own, layer_rates(trunk, settings.layerwise_lr_decay), f"stage{stage}", turn)
        except KeyboardInterrupt:
            if kept is None:
                raise
            history.stopped = STOPPED
            break
        offset = len(history.rows)
        rows = [{**row, "epoch": row["epoch"] + offset, "stage": stage} for row in step.rows]
        merged = {"rows": history.rows + rows, "seconds": history.seconds + step.seconds, "stopped": step.stopped, "monitor": step.monitor}
        if kept is None or better(msgspec.structs.replace(step, best=history.best), step.best):
            kept = model.get_weights()
            merged |= {"best": step.best, "best_epoch": step.best_epoch + offset}
        history = msgspec.structs.replace(history, **merged)
        if step.stopped == STOPPED:
            break
    model.set_weights(kept)
    return history
