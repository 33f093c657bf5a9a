"""A model under examination: its batches, its loss, its steps, and its state put back after every probe."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import keras
import msgspec
import numpy as np
import tensorflow as tf
from keras import layers

from applied_dl.layers.dense import Heads, NTPDense
from applied_dl.training import lr_finder
from applied_dl.training.model_parts import leaf_layers
from applied_dl.training.source import Source

WEIGHTED = (
    layers.Dense, layers.EinsumDense, layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D, layers.SeparableConv2D, Heads,
    NTPDense,
)  # fmt: skip
FEWEST, MOST_NUMBERS = 16, 4_000_000  # rows of a probe, and numbers that they hold together


class Case(NamedTuple):
    """The arguments of one `Trainer.train`."""

    model: keras.Model
    source: Source
    validation: Source | None
    settings: msgspec.Struct
    loss: keras.losses.Loss
    augment: Callable | None = None
    rates: dict[str, float] | None = None
    tag: str = "model"


def rows(case: Case, count: int) -> tuple:
    """`(inputs, target)` of up to `count` training rows spread over the data, augmented as in training; fewer where the rows are large."""
    count = min(count, case.source.size, most_rows(case.model))
    index = np.unique(np.linspace(0, case.source.size - 1, count).astype(np.int64))
    inputs, target = case.source.gather(tf.constant(index))[:2]
    if case.augment is not None:
        inputs, target = case.augment(inputs, target, tf.constant([case.settings.seed, 0], tf.int32))
    return inputs, target


def most_rows(model: keras.Model) -> int:
    """How many rows one eager pass may have: thousands of table rows, some tens of photographs."""
    size = sum(int(np.prod([side or 1 for side in t.shape[1:]])) for t in tf.nest.flatten(model.input))
    return max(FEWEST, MOST_NUMBERS // max(size, 1))


def kind_of(loss) -> str:
    """The class name of a loss; for a mean over members, that of the loss it averages (its attribute `of`)."""
    return type(keras.losses.get(getattr(loss, "of", loss))).__name__


def loss_of(case: Case, target, answers) -> tf.Tensor:
    """The mean loss in float32."""
    return tf.reduce_mean(keras.losses.get(case.loss)(target, tf.cast(answers, tf.float32)))


@contextmanager
def restoring(model: keras.Model):
    """Restore weights, statistics and seeds when the block ends."""
    before = [np.asarray(keras.ops.convert_to_numpy(v)) for v in model.variables]
    try:
        yield
    finally:
        for variable, value in zip(model.variables, before):
            variable.assign(value)
        model.compiled = False


@contextmanager
def without_dropout(model: keras.Model):
    """Turn dropout off inside the block."""
    found = [(layer, layer.rate) for layer in leaf_layers(model) if isinstance(getattr(layer, "rate", None), float)]
    for layer, _ in found:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in found:
            layer.rate = rate


def layer_outputs(model: keras.Model, inputs, kinds: tuple[type, ...], training: bool = False) -> list[tuple]:
    """`(layer, input, output)` of the leaf layers of some kinds, in the order of an eager pass; the input of the first one alone."""
    outputs: dict[str, tuple] = {}

    def listen(layer):
        original = layer.call

        def call(*arguments, **options):
            out = original(*arguments, **options)
            one = arguments[0] if arguments else None
            if tf.is_tensor(one) and tf.is_tensor(out) and layer.path not in outputs:
                first = None if outputs else np.asarray(tf.cast(one, tf.float32))
                outputs[layer.path] = (layer, first, np.asarray(tf.cast(out, tf.float32)))
            return out

        layer.call = call
        return layer

    patched = [listen(layer) for layer in leaf_layers(model) if isinstance(layer, kinds)]
    try:
        model(inputs, training=training)
    finally:
        for layer in patched:
            del layer.call
    return list(outputs.values())


def descend(case: Case, steps: int, rate: float | None = None) -> np.ndarray:
    """The losses (S,) of `steps` steps under the recipe's own schedule, compressed into them; stops where the loss is not finite."""
    settings = case.settings if rate is None else msgspec.structs.replace(case.settings, learning_rate=rate)
    return lr_finder.descend(case.model, case.source, settings, steps, case.loss, case.augment, case.rates)
