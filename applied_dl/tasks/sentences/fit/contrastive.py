"""Train a table of sub-word vectors: the fit of the static sentence encoder.

Keras `fit` would do it, but its optimizers touch all V rows of the table at every step, where a batch holds a tenth of them. Here the
gradient of the pooled vectors comes from the tape and the rest is closed form: one sparse sum forward, one back, and Adagrad with one
accumulator per row (Duchi et al., 2011) on the rows that occurred. Same source, augmentation, loss, history and checkpoints as Keras `fit`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from applied_dl.core.errors import UsageError
from applied_dl.core.records import History
from applied_dl.core.task import Pace, Trainer
from applied_dl.training.optimizers import refuse_unused
from applied_dl.training.schedules import Schedule
from applied_dl.training.source import Source

TINY = 1e-8
CHUNK = 64  # steps in one call of the graph
STEPS = "row-wise Adagrad, which adapts its own steps"


def fit_table(
    model: keras.Model,
    source: Source,
    settings,
    trainer: Trainer,
    *,
    loss: Callable,
    sides: tuple[str, ...],
    augment: Callable,
    strata: np.ndarray | None = None,
    evaluate: Callable[[], dict[str, float]] | None = None,
    monitor: str = "loss",
    padding: int = 0,
    tag: str = "model",
) -> History:
    """Train the layer "table" of a mean-pooling `model` in place; the best epoch by `monitor` stays.

    sides: inputs of a batch that hold ids (B, T), pooled one after the other; `loss(target, (B, len(sides)·D))` takes unit vectors.
    strata: (N,) a batch holds rows of one stratum alone. evaluate: further scores of the current table, by name.
    Raises `DataError` where the loss is not finite and `UsageError` for a learning rate that is no number.
    """
    if not isinstance(settings.learning_rate, int | float):
        raise UsageError(f"The static model takes {STEPS}: give train.learning_rate as a number, e.g. 0.02.")
    refuse_unused(settings, "trained row by row")
    table = model.get_layer("table").embeddings.value
    squares = tf.Variable(tf.fill((table.shape[0],), TINY))
    take_steps = _compiled(table, squares, source, loss, sides, augment, padding, settings.seed)
    strata = np.zeros(source.size, int) if strata is None else strata
    return trainer.run(TableLoop(table, squares, take_steps, strata, settings, evaluate, monitor), tag)


class TableLoop:
    """A `core.task.Loop` of row-wise Adagrad. `take_steps(order (S, B), rates (S,), first step) -> losses (S,)`."""

    steps = STEPS
    remedy = "lower train.learning_rate"
    rising = False
    unit, last_is_best = "epochs", False

    def __init__(
        self, table: tf.Variable, squares: tf.Variable, take_steps: Callable, strata: np.ndarray, settings, evaluate, monitor: str
    ):
        self.table, self.squares, self.take_steps, self.strata, self.evaluate = table, squares, take_steps, strata, evaluate
        self.patience, self.monitor, self.checkpoint_minutes = settings.patience or 0, monitor, settings.checkpoint_minutes
        self.batch = len(strata) if settings.batch_size == "all" else int(settings.batch_size)
        self.seed, self.done = settings.seed, 0
        self.per_epoch = len(_order(strata, self.batch, self.seed, 0))
        self.speed = (self.per_epoch * self.batch, "rows")
        self.settings = settings
        self.shorten(settings.epochs)

    def run(self, session) -> None:
        """The epochs that are left."""
        ends = False
        while self.done < self.epochs and not ends:
            start = time.perf_counter()
            order, losses = _order(self.strata, self.batch, self.seed, self.done), []
            for at in range(0, self.per_epoch, CHUNK):
                now, piece = self.done * self.per_epoch + at, order[at : at + CHUNK]
                losses.append(
                    self.take_steps(tf.constant(piece), tf.constant(self.rates[now : now + len(piece)]), tf.constant(now)).numpy()
                )
            self.done += 1
            row = {"loss": float(np.concatenate(losses).mean()), "learning_rate": float(self.rates[self.done * self.per_epoch - 1])}
            row |= self.evaluate() if self.evaluate else {}
            ends = session.record({**row, "seconds": time.perf_counter() - start})
            session.checkpoint()

    def weights(self) -> list[np.ndarray]:
        """The table."""
        return [self.table.numpy()]

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """The table and its sums of squares."""
        return {"state": [self.table.numpy(), self.squares.numpy()]}, {}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done = done
        self.table.assign(arrays["state"][0])
        self.squares.assign(arrays["state"][1])

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Leave the best table."""
        if best is not None:
            self.table.assign(best[0])

    def shorten(self, epochs: int) -> None:
        """The learning rate of every step of this many epochs."""
        self.epochs = self.total = epochs
        count = self.per_epoch * epochs
        schedule = Schedule(self.settings.schedule, float(self.settings.learning_rate), count, self.settings.warmup)
        self.rates = np.asarray(schedule(np.arange(count)), np.float32)

    def pace(self) -> Pace:
        """From a few steps and one evaluation."""
        order = _order(self.strata, self.batch, self.seed, 0)
        some = tf.constant(order[: min(8, len(order))])
        marks = [time.perf_counter()]
        for _ in range(2):  # the first traces
            self.take_steps(some, tf.zeros(len(some)), tf.constant(0))
            marks.append(time.perf_counter())
        traced, seconds = marks[1] - marks[0], marks[2] - marks[1]
        start = time.perf_counter()
        if self.evaluate:
            self.evaluate()
        return Pace(traced, seconds / len(some), self.per_epoch, time.perf_counter() - start)


def _compiled(table, squares, source: Source, loss, sides, augment, padding: int, seed: int):
    """`run(order (S, B), rates (S,), first step) -> losses (S,)`: S steps in one graph."""
    width = table.shape[1]

    @tf.function(reduce_retracing=True)
    def run(order, rates, first):
        steps = tf.shape(order)[0]
        losses = tf.TensorArray(tf.float32, steps)
        for i in tf.range(steps):
            inputs, target = source.gather(order[i])[:2]
            inputs, target = augment(inputs, target, tf.stack([seed, first + i]))
            ids = tf.concat([inputs[name] for name in sides], 0)  # (K·B, T)
            real = ids != padding
            text = tf.cast(tf.where(real)[:, 0], tf.int32)  # the text of each token
            token, place = tf.unique(tf.boolean_mask(ids, real))
            count = tf.maximum(tf.reduce_sum(tf.cast(real, tf.float32), 1, keepdims=True), 1.0)
            part = tf.gather(table, token)  # (U, D)
            total = tf.raw_ops.SparseSegmentSumWithNumSegments(data=part, indices=place, segment_ids=text, num_segments=tf.shape(ids)[0])
            pooled = total / count
            with tf.GradientTape() as tape:
                tape.watch(pooled)
                unit = pooled * tf.math.rsqrt(tf.maximum(tf.reduce_sum(pooled * pooled, 1, keepdims=True), 1e-24))
                beside = tf.concat(tf.split(tf.ensure_shape(unit, (None, width)), len(sides), axis=0), 1)  # (B, K·D)
                value = loss(target, beside)
            back = tape.gradient(value, pooled) / count
            change = tf.raw_ops.SparseSegmentSumGrad(grad=back, indices=place, segment_ids=text, output_dim0=tf.shape(token)[0])
            squares.scatter_add(tf.IndexedSlices(tf.reduce_mean(change * change, 1), token))
            scale = rates[i] * tf.math.rsqrt(tf.gather(squares, token))
            table.scatter_sub(tf.IndexedSlices(change * scale[:, None], token))
            losses = losses.write(i, value)
        return losses.stack()

    return run


def _order(strata: np.ndarray, batch: int, seed: int, epoch: int) -> np.ndarray:
    """Row numbers (S, B) of an epoch: every batch of one stratum, strata mixed, incomplete batches left to another epoch."""
    random = np.random.default_rng([seed, epoch])
    found = []
    for value in np.unique(strata):
        rows = random.permutation(np.flatnonzero(strata == value))
        found.append(np.resize(rows, (1, batch)) if len(rows) < batch else rows[: len(rows) // batch * batch].reshape(-1, batch))
    order = np.concatenate(found)
    return order[random.permutation(len(order))].astype(np.int64)
