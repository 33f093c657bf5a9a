"""Batches as a pure function of (seed, step): the order needs no state, so a resumed run gets the batches of an uninterrupted one.

TensorFlow computes the order in its graph, number by number; JAX takes the same permutation, made once per epoch by numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import keras
import numpy as np

from applied_dl.layers.backend import JAX
from applied_dl.training.source import Source

LARGEST_EXECUTION = 32  # steps run per Python call; more saves no measurable time and delays Ctrl-C


class Plan(NamedTuple):
    """How an epoch is divided: rows per batch, steps per epoch, and steps per Python call (a divisor of the steps)."""

    batch: int
    steps: int
    execution: int


def plan(size: int, batch: int | str) -> Plan:
    """Divide `size` rows into full batches. The rows of an incomplete last batch are left out of this epoch; each epoch leaves out others.

    Up to 2% of the steps are left out too where that gives a divisor large enough to run many steps per Python call.
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
    """`make(step int64) -> batch`, in TensorFlow's graph; each epoch is its own permutation of the rows."""
    import tensorflow as tf

    def make(step):
        epoch, place = step // cut.steps, step % cut.steps
        order = tf.stack([seed, epoch])
        index = tf.random.experimental.index_shuffle(
            place * cut.batch + tf.range(cut.batch, dtype=tf.int64), tf.cast(order, tf.int32), source.size - 1
        )
        batch = source.gather(tf.ensure_shape(index, (cut.batch,)))
        return changed(batch, augment, tf.cast(tf.stack([seed, step]), tf.int32))

    return make


def changed(batch: tuple, augment: Callable | None, seed) -> tuple:
    """A batch, augmented where `augment` is given."""
    if augment is None:
        return batch
    inputs, target = augment(batch[0], batch[1], seed)
    return (inputs, target, *batch[2:])


def training_batches(source: Source, cut: Plan, seed: int, first_step: int = 0, augment: Callable | None = None):
    """Endless batches from global step `first_step` on: under TensorFlow a dataset, which prepares them ahead of their steps."""
    if JAX:
        return _batches_of_jax(source, cut, seed, first_step, augment)
    import tensorflow as tf

    steps = tf.data.Dataset.range(first_step, tf.int64.max)
    make = batch_maker(source, cut, seed, augment)
    return steps.map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def _batches_of_jax(source: Source, cut: Plan, seed: int, first_step: int, augment: Callable | None) -> Iterator[tuple]:
    for step, (index,) in enumerate(row_blocks(source.size, cut._replace(execution=1), seed, first_step), first_step):
        yield changed(source.gather(index), augment, keras.ops.array([seed, step], dtype="int32"))


def row_blocks(size: int, cut: Plan, seed: int, first_step: int = 0) -> Iterator[np.ndarray]:
    """Row numbers (execution, batch) int32 of one Python call's steps after the other, endlessly from global step `first_step` on."""
    for step in range(first_step, np.iinfo(np.int64).max, cut.execution):
        epoch, place = divmod(step, cut.steps)
        rows = permutation(size, seed, epoch)[place * cut.batch : (place + cut.execution) * cut.batch]
        yield rows.reshape(cut.execution, cut.batch)


def shard(rows: np.ndarray, place: int, count: int) -> np.ndarray:
    """The rows of a batch (B,) that the device at `place` of `count` works on."""
    size = len(rows) // count
    return rows[place * size : (place + 1) * size]


@lru_cache(maxsize=1)
def permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    """Row numbers (size,) in the order of an epoch: TensorFlow's `index_shuffle` of 0..size - 1, bit for bit.

    Four rounds of the block cipher Simon (Beaulieu et al., 2013) over the least even number of bits, at least 16, that holds them all; what
    is encrypted to a number outside is encrypted again. (TensorFlow counts one bit too few where size is a power of 4, plus 1.)
    """
    bits = max(16, 2 * math.ceil((size - 1).bit_length() / 2))
    half = bits // 2
    mask = (1 << half) - 1
    keys = [498247692 & mask, seed & mask, epoch & mask]
    back = lambda x, by: ((x >> by) | (x << (half - by))) & mask  # noqa: E731
    keys.append((0xFFFFFFFC & mask) ^ 1 ^ keys[0] ^ back(keys[2], 3) ^ back(keys[2], 4))

    def mixed(x):
        turned = [((x << by) | (x >> (half - by))) & mask for by in (1, 8, 2)]
        return (turned[0] & turned[1]) ^ turned[2]

    def encrypted(values):
        left, right = values >> half, values & mask
        for one, other in (keys[:2], keys[2:]):
            left = left ^ mixed(right) ^ one
            right = right ^ mixed(left) ^ other
        return (left << half) | right

    found = encrypted(np.arange(size, dtype=np.int64))
    outside = np.flatnonzero(found >= size)
    while len(outside):
        found[outside] = encrypted(found[outside])
        outside = outside[found[outside] >= size]
    return found.astype(np.int32 if size < 2**31 else np.int64)


def ordered_batches(source: Source, batch: int):
    """Every row once, in order, for evaluation: a dataset of TensorFlow."""
    import tensorflow as tf

    return tf.data.Dataset.range(source.size).batch(batch).map(source.gather, num_parallel_calls=2).prefetch(2)
