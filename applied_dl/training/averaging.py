"""Stochastic weight averaging: the mean of the weights after each of the last epochs, which lies in a flatter minimum than any of them.

Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization (2018). The learning rate must stay up, or there is
nothing to average; the statistics of batch normalization are computed again for the mean weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import keras
import numpy as np

from applied_dl.core.errors import UsageError
from applied_dl.training.model_parts import all_layers

MEASURED = 32  # batches from which the statistics of batch normalization are computed
SHAPES = ("constant", "step", "plateau", "cosine_restarts")


def check_averaging(settings) -> None:
    """Refuse a resolved `[train]` section whose `swa` would do nothing, or repeat what `ema` does."""
    if not settings.swa:
        return
    if settings.ema:
        raise UsageError("train.swa and train.ema both average the weights; set one of them to 0.")
    if settings.schedule not in SHAPES:
        raise UsageError(
            "train.swa averages epochs of a learning rate that stays up, and "
            f"{settings.schedule!r} falls to 0; set train.schedule = 'constant'."
        )


class EpochMean:
    """The running mean of the trainable weights over the last share `train.swa` of the epochs; `values` and `count` are its state."""

    def __init__(self, settings, batches: Callable[[], Iterable]):
        self.first = settings.epochs - max(1, math.ceil(settings.epochs * settings.swa)) if settings.swa else settings.epochs
        self.batches, self.values, self.count = batches, [], 0

    def add(self, model: keras.Model, epoch: int) -> None:
        """Add the weights after `epoch` (from 0) to the mean."""
        if epoch < self.first:
            return
        now = [np.array(keras.ops.convert_to_numpy(v)) for v in model.trainable_variables]
        self.count += 1
        self.values = [m + (w - m) / self.count for m, w in zip(self.values, now)] if self.values else now

    def swap(self, model: keras.Model) -> Callable[[], None] | None:
        """Put the mean into the model. Returns a function that restores the former weights, or None where there is no mean yet."""
        if not self.values:
            return None
        before = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]
        for variable, value in zip(model.trainable_variables, self.values):
            variable.assign(value)
        self._measure(model)

        def restore() -> None:
            for variable, value in zip(model.variables, before):
                variable.assign(value)

        return restore

    def _measure(self, model: keras.Model) -> None:
        """Mean and variance of batch normalization on training rows under these weights."""
        norms = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]
        if not norms:
            return
        momenta = [layer.momentum for layer in norms]
        for i, batch in zip(range(MEASURED), self.batches()):
            for layer in norms:
                layer.momentum = i / (i + 1)  # the plain mean over the batches
            model(batch[0], training=True)
        for layer, momentum in zip(norms, momenta):
            layer.momentum = momentum
