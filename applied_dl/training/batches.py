"""Batches as a pure function of (seed, step): the order needs no state, so a resumed run gets the batches of an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from applied_dl.training.source import Source

LARGEST_EXECUTION = 32  # steps run per Python call; more saves no measurable time and delays Ctrl-C


class Plan(NamedTuple):
    """How an epoch is divided: rows per batch, steps per epoch, and steps per Python call (a divisor of the steps)."""

    batch: int
    steps: int
    execution: int


def plan(size: int, batch: int | str) -> Plan:
    """Divide `size` rows into full batches. The rows of an incomplete last batch are left out of this epoch; each epoch leaves out others.

    Up to 2 % of the steps are left out too where that gives a divisor large enough to run many steps per Python call.
    """
    batch = size if batch == "all" else max(1, min(int(batch), size))
    steps = size // batch
    best = Plan(batch, steps, 1)
    for fewer in range(steps, max(steps - steps // 50, 1) - 1, -1):
        divisor = max(d for d in range(1, min(fewer, LARGEST_EXECUTION) + 1) if fewer % d == 0)
        if divisor > best.execution:
            best = Plan(batch, fewer, divisor)
    return best


def batch_maker(source: Source, cut: Plan, seed: int, augment: Callable | None = None) -> Callable:
    """`make(step int64) -> batch`, in the graph; each epoch is its own permutation of the rows."""

    def make(step):
        epoch, place = step // cut.steps, step % cut.steps
        order = tf.stack([seed, epoch])
        index = tf.random.experimental.index_shuffle(
            place * cut.batch + tf.range(cut.batch, dtype=tf.int64), tf.cast(order, tf.int32), source.size - 1
        )
        batch = source.gather(tf.ensure_shape(index, (cut.batch,)))
        if augment is None:
            return batch
        inputs, target = augment(batch[0], batch[1], tf.cast(tf.stack([seed, step]), tf.int32))
        return (inputs, target, *batch[2:])

    return make


def training_batches(source: Source, cut: Plan, seed: int, first_step: int = 0, augment: Callable | None = None) -> tf.data.Dataset:
    """An endless dataset of batches from global step `first_step` on, prepared ahead of their steps."""
    steps = tf.data.Dataset.range(first_step, tf.int64.max)
    make = batch_maker(source, cut, seed, augment)
    return steps.map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def ordered_batches(source: Source, batch: int) -> tf.data.Dataset:
    """Every row once, in order, for evaluation."""
    return tf.data.Dataset.range(source.size).batch(batch).map(source.gather, num_parallel_calls=2).prefetch(2)
