"""Train a table of sub-word vectors: the fit of the static sentence encoder.

`train.fit` would do it, but its optimisers touch all V rows of the table at every step, where a batch holds a tenth of them. Here the
gradient of the pooled vectors comes from the tape and the rest is closed form: one sparse sum forward, one back, and Adagrad with one
accumulator a row (Duchi et al., 2011) on the rows that occurred. Same source, augmentation, loss, history and checkpoints as `train.fit`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import msgspec
import numpy as np
import tensorflow as tf

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.records import HIGHER_IS_BETTER
from applied_dl.training import checkpoints as checkpoint
from applied_dl.training.history import STOPPED, History, Workspace
from applied_dl.training.schedules import Schedule
from applied_dl.training.source import Source
from applied_dl.training.unused import refuse_unused

TINY = 1e-8
CHUNK = 64  # steps in one call of the graph
TOLD = 12  # lines of progress, at most about


def fit_table(
    model: keras.Model,
    source: Source,
    settings,
    *,
    loss: Callable,
    sides: tuple[str, ...],
    augment: Callable,
    strata: np.ndarray | None = None,
    judge: Callable[[], dict[str, float]] | None = None,
    monitor: str = "loss",
    padding: int = 0,
    workspace: Workspace | None = None,
    tag: str = "model",
) -> History:
    """Train the layer "table" of a mean-pooling `model` in place; the best epoch by `monitor` stays.

    sides: inputs of a batch that hold ids (B, T), pooled one after the other; `loss(target, (B, len(sides)·D))` takes unit vectors.
    strata: (N,) a batch holds rows of one stratum alone. judge: further scores of the present table, by name.
    Raises `DataError` where the loss is not finite and `UsageError` for a learning rate that is no number.
    """
    looked_at = workspace is not None and (workspace.sweep is not None or workspace.examine is not None)
    if not isinstance(settings.learning_rate, int | float) or looked_at:
        raise UsageError(
            "The static model trains by row-wise Adagrad, which adapts its own steps: give train.learning_rate as a number, e.g. 0.02."
        )
    table = model.get_layer("table").embeddings.value
    seen = tf.Variable(tf.fill((table.shape[0],), TINY))
    run = _compiled(table, seen, source, loss, sides, augment, padding, settings.seed)
    strata = np.zeros(source.size, int) if strata is None else strata
    refuse_unused(settings, "trained row by row")
    batch = source.size if settings.batch_size == "all" else int(settings.batch_size)
    steps = len(_order(strata, batch, settings.seed, 0))
    schedule = Schedule(settings.schedule, float(settings.learning_rate), steps * settings.epochs, settings.warmup)
    rates = np.asarray(schedule(np.arange(steps * settings.epochs)), np.float32)
    history, best, first, waited = History(monitor=monitor), None, 0, 0
    if workspace is not None and workspace.trial is not None:
        return _trial(run, strata, batch, settings, rates, workspace)
    checkpoints = checkpoint.Keeper(workspace, tag, settings.checkpoint_minutes)
    found = checkpoints.read()
    if found is not None:
        first, arrays, notes = found
        table.assign(arrays["state"][0])
        seen.assign(arrays["state"][1])
        best, waited, history = arrays["best"][0], notes["waited"], msgspec.convert(notes["history"], History)
        first = settings.epochs if notes["finished"] else first
    sign = -1.0 if history.monitor.removeprefix("val_") in HIGHER_IS_BETTER else 1.0
    try:
        for epoch in range(first, settings.epochs):
            start = time.perf_counter()
            order, losses = _order(strata, batch, settings.seed, epoch), []
            for at in range(0, steps, CHUNK):
                now = epoch * steps + at
                piece = order[at : at + CHUNK]
                losses.append(run(tf.constant(piece), tf.constant(rates[now : now + len(piece)]), tf.constant(now)).numpy())
            row = {"epoch": epoch + 1, "loss": float(np.concatenate(losses).mean()), "learning_rate": float(rates[(epoch + 1) * steps - 1])}
            if not np.isfinite(row["loss"]):
                raise DataError(
                    f"The training loss became {row['loss']} in epoch {epoch + 1}: expected finite numbers; lower train.learning_rate."
                )
            row |= judge() if judge else {}
            row["seconds"] = time.perf_counter() - start
            history.rows.append(row)
            history.seconds += row["seconds"]
            score, waited = row[history.monitor], waited + 1
            if best is None or sign * score < sign * history.best:
                history.best, history.best_epoch, waited, best = float(score), epoch + 1, 0, table.numpy()
            last = epoch + 1 == settings.epochs or bool(settings.patience and waited >= settings.patience)
            if epoch % -(-settings.epochs // TOLD) == 0 or last:
                told = f"  {monitor.replace('_', ' ')} {score:.4f}" if monitor != "loss" else ""
                console.say(f"epoch {epoch + 1}", f"loss {row['loss']:.4f}{told}   {steps * batch / row['seconds']:,.0f} rows/s")
            notes = {"history": msgspec.to_builtins(history), "waited": waited, "finished": last}
            checkpoints.write(epoch + 1, last, lambda best=best: {"state": [table.numpy(), seen.numpy()], "best": [best]}, notes)
            if workspace is not None and workspace.watch is not None:
                workspace.watch(history)
            if last and epoch + 1 < settings.epochs:
                history.stopped = f"no better {monitor} for {settings.patience} epochs"
                break
    except KeyboardInterrupt:
        if best is None or (workspace is not None and not workspace.keeps):
            raise  # nothing is worth keeping yet, or this is a trial and the whole search is to end
        history.stopped = STOPPED
        console.say("stopped", "by hand; the best weights so far are kept")
    if best is not None:
        table.assign(best)
    return history


def _compiled(table, seen, source: Source, loss, sides, augment, padding: int, seed: int):
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
            seen.scatter_add(tf.IndexedSlices(tf.reduce_mean(change * change, 1), token))
            scale = rates[i] * tf.math.rsqrt(tf.gather(seen, token))
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


def _trial(run, strata, batch, settings, rates, workspace) -> History:
    """Only time a few steps, for `--dry-run`."""
    order = _order(strata, batch, settings.seed, 0)
    some = tf.constant(order[: min(8, len(order))])
    for _ in range(2):  # the second without its tracing
        start = time.perf_counter()
        run(some, tf.zeros(len(some)), tf.constant(0))
        seconds = time.perf_counter() - start
    workspace.trial.append(seconds / len(some) * len(order) * settings.epochs)
    return History()
