"""TensorFlow: many steps in one graph, and a whole evaluation in another, so that a small model waits neither for Python nor for a queue.

A batch that is only gathered is prepared inside the loop. One that costs work (augmentation, reading from a disk) is prepared ahead of its
step, in parallel, by `training_batches`.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from applied_dl.training.batches import Plan, batch_maker, training_batches
from applied_dl.training.source import Source


def steps_per_call(source: Source, cut: Plan, augment: Callable | None) -> int:
    """Keras' `steps_per_execution`: the steps of a call that are not one element of `feed`."""
    return 1 if _inside(source, augment) else cut.execution


def feed(model: keras.Model, source: Source, cut: Plan, seed: int, augment: Callable | None) -> tuple[int, Callable]:
    """Elements of an epoch, and `batches(first step)` for `fit`; the model must be compiled."""
    if not _inside(source, augment):
        return cut.steps, lambda first_step: training_batches(source, cut, seed, first_step, augment)
    train_inside(model, source, cut, seed)
    return cut.steps // cut.execution, lambda first_step: block_starts(cut, first_step)


def _inside(source: Source, augment: Callable | None) -> bool:
    return augment is None and source.ready


def train_inside(model: keras.Model, source: Source, cut: Plan, seed: int) -> None:
    """Let `model.fit` take `cut.execution` steps for each element of `block_starts`; the model must be compiled."""
    make = tf.function(batch_maker(source, cut, seed))

    @tf.function(autograph=False)
    def block(first):
        def step(number):
            model.train_step(make(number))
            return [number + 1]

        tf.while_loop(lambda number: number < first + cut.execution, step, [first])
        return model.get_metrics_result()

    model.train_function = lambda iterator: block(next(iterator))


def block_starts(cut: Plan, first_step: int) -> tf.data.Dataset:
    """An endless dataset of the number of each block's first step."""
    return tf.data.Dataset.range(first_step, np.iinfo(np.int64).max, cut.execution)


def evaluation(model: keras.Model, source: Source, batch: int) -> Callable[[], dict[str, float]]:
    """A function that returns the compiled loss and metrics over every row of the source."""
    gather = tf.function(source.gather)

    @tf.function(autograph=False)
    def whole():
        def step(first):
            model.test_step(gather(tf.range(first, tf.minimum(first + batch, source.size))))
            return [first + batch]

        tf.while_loop(lambda first: first < source.size, step, [tf.constant(0, tf.int64)])
        return model.get_metrics_result()

    def evaluate() -> dict[str, float]:
        model.reset_metrics()
        return {name: float(value) for name, value in whole().items()}

    return evaluate
