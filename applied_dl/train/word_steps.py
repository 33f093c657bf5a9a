"""One update of skip-gram or CBOW with negative sampling as a few matrix products, gradients in closed form.

A step takes `chunks` runs of `length` neighbouring words. A run shares its noise words, so one batched product scores all its pairs, and
rows are looked up once a word, not once a pair (the idea of pWord2Vec, Ji et al., 2016). Words far apart in a run are masked by the reach
of each word: a random window, cut at the ends of its text. Updates are sparse additions straight into the tables: no tape, no (V, D) work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

DECIDED = 6.0  # scores beyond it, either way, are not trained on
STABLE = 3.0  # summed gradients times step size of one row in an update


class Shape(NamedTuple):
    """How words are grouped: `length` words a run, `chunks` runs an update, `noise` shared noise words a run."""

    length: int
    chunks: int
    noise: int
    window: int

    @property
    def words(self) -> int:
        """Of an update."""
        return self.length * self.chunks


def eased(units: np.ndarray, rate: float) -> np.ndarray:
    """Factors of the step of each row (V,), from how many gradients of it an update sums up on the average and from the step size.

    An update's gradients are all taken at the same point, so a row that is named very often would overshoot where one that is named
    once does not; only rows whose summed step is above `STABLE` are slowed down, which in a large vocabulary is none or a few.
    """
    return np.minimum(1.0, STABLE / np.maximum(units * rate, 1e-9)).astype(np.float32)


def within(s):
    """1.0 where a pair is still undecided, 0.0 where it is not: as word2vec does, decided pairs are passed over, so that none runs away."""
    return tf.cast(tf.abs(s) < DECIDED, tf.float32)


def distances(shape: Shape) -> np.ndarray:
    """(L, L + 2 w) int32: how far context place m is from word l; out of any reach where it is the word itself."""
    far = np.arange(shape.length + 2 * shape.window)[None] - shape.window - np.arange(shape.length)[:, None]
    return np.where(far == 0, 2**20, far).astype(np.int32)


def spans(shape: Shape) -> np.ndarray:
    """(chunks, L + 2 w) int32: places of each run's words and of those around it, from the start of the update's slice."""
    return (np.arange(shape.chunks)[:, None] * shape.length + np.arange(shape.length + 2 * shape.window)[None]).astype(np.int32)


class Rows:
    """A table (V, D) whose row is a word's vector. ease: factor of each word's step (see `eased`), 1 where there is none."""

    def __init__(self, table: tf.Variable, ease: np.ndarray | None = None):
        self.table = table
        self.easing = tf.constant(np.ones(table.shape[0], np.float32) if ease is None else ease.astype(np.float32))

    def ease(self, ids):
        """(…,) → (…,)"""
        return tf.gather(self.easing, ids)

    def look(self, ids):
        """(…,) → (…, D)"""
        return tf.gather(self.table, ids)

    def add(self, ids, values) -> None:
        """`table[ids] += values`; a row named twice gets both."""
        values = tf.reshape(values, [-1, self.table.shape[1]])
        tf.raw_ops.ResourceScatterAdd(resource=self.table.handle, indices=tf.reshape(ids, [-1]), updates=values)


class Bags(Rows):
    """A table whose rows are words and sub-words; a word's vector is the mean of its bag (Bojanowski et al., 2017).

    bags: (V, G) int32 rows of each word, the last row of the table standing for none. As in fastText every row of a bag gets the whole
    update, so the word's vector moves by it.
    """

    def __init__(self, table: tf.Variable, bags: np.ndarray, ease: np.ndarray | None = None):
        super().__init__(table, np.ones(len(bags)) if ease is None else ease)
        there = (bags < table.shape[0] - 1).astype(np.float32)
        self.bags, self.there = tf.constant(bags), tf.constant(there[..., None])
        self.share = tf.constant((there / there.sum(1, keepdims=True))[..., None])  # (V, G, 1)

    def look(self, ids):
        rows = super().look(tf.gather(self.bags, ids))  # (…, G, D)
        return tf.reduce_sum(rows * tf.gather(self.share, ids), -2)

    def add(self, ids, values) -> None:
        super().add(tf.gather(self.bags, ids), tf.expand_dims(values, -2) * tf.gather(self.there, ids))


def skipgram(inputs: Rows, outputs: Rows, shape: Shape, negative: int):
    """(ids (B+2w,), left (B,), right (B,), noise (chunks, K), rate) → updates both tables; the mean loss of a pair."""
    far, span = tf.constant(distances(shape)), tf.constant(spans(shape))
    places = shape.length + 2 * shape.window

    def step(ids, left, right, noise, rate, with_loss=False):
        words = tf.reshape(ids[shape.window : shape.window + shape.words], [shape.chunks, shape.length])
        others = tf.concat([tf.gather(ids, span), noise], 1)  # (C, M + K)
        left, right = (tf.reshape(a, [shape.chunks, shape.length, 1]) for a in (left, right))
        true = tf.cast((far >= -left) & (far <= right), tf.float32)  # (C, L, M)
        share = tf.cast(left + right, tf.float32) * (negative / shape.noise)  # of each noise word, by the number of true ones
        x, z = inputs.look(words), outputs.look(others)  # (C, L, D), (C, M + K, D)
        s = tf.matmul(x, z, transpose_b=True)
        p = tf.sigmoid(s)
        g = within(s) * tf.concat([(rate - rate * p[:, :, :places]) * true, p[:, :, places:] * (share * -rate)], 2)
        inputs.add(words, tf.matmul(g * inputs.ease(words)[:, :, None], z))
        outputs.add(others, tf.matmul(g * outputs.ease(others)[:, None], x, transpose_a=True))
        if not with_loss:
            return None
        loss = tf.reduce_sum(true * tf.nn.softplus(-s[:, :, :places])) + tf.reduce_sum(share * tf.nn.softplus(s[:, :, places:]))
        return loss / tf.maximum(tf.reduce_sum(true), 1.0)

    return step


def cbow(inputs: Rows, outputs: Rows, shape: Shape, negative: int):
    """As `skipgram`, from the mean of the context to the word. The gradient keeps the 1/n of the mean (İrsoy et al., 2021)."""
    far, span = tf.constant(distances(shape)), tf.constant(spans(shape))
    unit = tf.eye(shape.length, batch_shape=[1])  # (1, L, L): each word's own place among those of its run

    def step(ids, left, right, noise, rate, with_loss=False):
        words = tf.reshape(ids[shape.window : shape.window + shape.words], [shape.chunks, shape.length])
        around = tf.gather(ids, span)  # (C, M)
        left, right = (tf.reshape(a, [shape.chunks, shape.length, 1]) for a in (left, right))
        n = tf.cast(left + right, tf.float32)  # (C, L, 1)
        some = tf.minimum(n, 1.0)  # 0 where a word has no context
        mean = tf.cast((far >= -left) & (far <= right), tf.float32) / tf.maximum(n, 1.0)  # (C, L, M)
        h = tf.matmul(mean, inputs.look(around))  # (C, L, D)
        y, z = outputs.look(words), outputs.look(noise)  # (C, L, D), (C, K, D)
        own = tf.matmul(h, y, transpose_b=True)  # (C, L, L): only its diagonal counts
        beside = tf.matmul(h, z, transpose_b=True)  # (C, L, K)
        true = (rate - rate * tf.sigmoid(own)) * (unit * some) * within(own)
        false = tf.sigmoid(beside) * (some * (rate * (-negative / shape.noise))) * within(beside)
        dh = tf.matmul(true, y) + tf.matmul(false, z)
        inputs.add(around, tf.matmul(mean * inputs.ease(around)[:, None], dh, transpose_a=True))
        outputs.add(words, tf.matmul(true * outputs.ease(words)[:, None], h, transpose_a=True))
        outputs.add(noise, tf.matmul(false * outputs.ease(noise)[:, None], h, transpose_a=True))
        if not with_loss:
            return None
        loss = tf.reduce_sum(unit * some * tf.nn.softplus(-own))
        loss += tf.reduce_sum(some * (negative / shape.noise) * tf.nn.softplus(beside))
        return loss / tf.maximum(tf.reduce_sum(some), 1.0)

    return step


def compiled(step, shape: Shape):
    """Many steps in one call: (ids, left, right, noise, first step, steps, rate) → the loss of the first of them.

    Make one for each thread: TensorFlow orders effects within one function only, and lets go of Python's lock while it runs.
    """
    size, w = shape.words, shape.window

    def at(i, ids, left, right, noise):
        s = i * size
        return (
            tf.slice(ids, [s], [size + 2 * w]), tf.slice(left, [s], [size]), tf.slice(right, [s], [size]),
            tf.slice(noise, [i * shape.chunks, 0], [shape.chunks, shape.noise]),
        )  # fmt: skip

    ints = tf.TensorSpec([None], tf.int32)
    return looped(step, at, [ints, ints, ints, tf.TensorSpec([None, shape.noise], tf.int32)])


def looped(step, at, signature: list):
    """A compiled function (*arrays, first, steps, rate) that runs `step(*at(i, *arrays), rate)` for `steps` numbers i from `first` on."""

    def run(*given):
        *arrays, first, steps, rate = given
        loss = step(*at(first, *arrays), rate, with_loss=True)
        for i in tf.range(first + 1, first + steps):
            step(*at(i, *arrays), rate)
        return loss

    scalar = tf.TensorSpec([], tf.int32)
    return tf.function(run, input_signature=[*signature, scalar, scalar, tf.TensorSpec([], tf.float32)]).get_concrete_function()
