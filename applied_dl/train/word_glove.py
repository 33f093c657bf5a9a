"""GloVe: logarithms of co-occurrence counts, factorised by weighted least squares with AdaGrad (Pennington et al., 2014)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from applied_dl.train.word_counts import MOST, cooccurrences
from applied_dl.train.word_steps import looped
from applied_dl.train.word_vectors import Plan

BATCH = 1024  # pairs of a step
PORTION = 2**20  # pairs that are prepared at a time
CEILING, POWER = 100.0, 0.75  # counts above the ceiling weigh 1, those below (count / ceiling)^power


def glove_plan(text, dimensions: int, window: int, seed: int, words: int) -> Plan:
    """A plan over all pairs of the `MOST` first words in random order; `tables`: word, context, their biases, sums of squares."""
    counts = cooccurrences(text, window, MOST).tocoo()
    row, column, value = counts.row.astype(np.int32), counts.col.astype(np.int32), counts.data.astype(np.float32)
    size, rng = counts.shape[0], np.random.default_rng(seed)
    starts = [(rng.random((size, d), dtype=np.float32) - np.float32(0.5)) / np.float32(d) for d in (dimensions, dimensions, 1, 1)]
    tables = [tf.Variable(a) for a in starts] + [tf.Variable(np.ones_like(a)) for a in starts]
    portions = max(1, -(-len(value) // PORTION))

    def prepare(epoch: int, which: int):
        order = np.random.default_rng((seed, 3, epoch)).permutation(len(value))[which::portions]
        steps = -(-len(order) // BATCH)
        order = np.resize(order, steps * BATCH)  # the last step repeats some
        n = value[order]
        return [row[order], column[order], np.log(n), np.minimum(1.0, (n / CEILING) ** POWER)], steps

    def at(i, *arrays):
        return tuple(tf.slice(a, [i * BATCH], [BATCH]) for a in arrays)

    ints, floats = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)
    step = glove_step(tables)
    return Plan(tables, lambda: looped(step, at, [ints, ints, floats, floats]), portions, prepare, words)


def glove_step(tables: list[tf.Variable]):
    """(rows (B,), columns (B,), log counts (B,), weights (B,), rate) → updates all tables; the mean weighted squared error."""
    word, context, word_bias, context_bias, *squares = tables

    def step(rows, columns, target, weight, rate, with_loss=False):
        a, b = tf.gather(word, rows), tf.gather(context, columns)  # (B, D)
        gap = tf.reduce_sum(a * b, 1) + tf.gather(word_bias, rows)[:, 0] + tf.gather(context_bias, columns)[:, 0] - target
        g = (weight * gap)[:, None]
        for table, square, ids, gradient in zip(tables[:4], squares, (rows, columns, rows, columns), (g * b, g * a, g, g)):
            tf.raw_ops.ResourceSparseApplyAdagrad(var=table.handle, accum=square.handle, lr=rate, grad=gradient, indices=ids)
        return tf.reduce_mean(weight * gap**2) if with_loss else None

    return step


def glove_vectors(tables: list[tf.Variable], size: int) -> np.ndarray:
    """(V, D): the sum of word and context vectors, as the paper has it; zeros for words beyond the counted ones."""
    found = tables[0].numpy() + tables[1].numpy()
    return np.pad(found, ((0, size - len(found)), (0, 0)))
