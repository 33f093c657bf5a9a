"""One fit for every task: Keras `fit` underneath, the batches a pure function of the step, best weights kept, resume exact."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import keras
import msgspec
import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.core.records import HIGHER_IS_BETTER
from applied_dl.training import checkpoints, snapshots
from applied_dl.training.averaging import EpochMean
from applied_dl.training.batches import plan, training_batches
from applied_dl.training.history import EXPLODED, STOPPED, History, Workspace
from applied_dl.training.lr_finder import FINDER_STEPS, find
from applied_dl.training.optimizers import optimizer as make_optimizer
from applied_dl.training.progress import Progress
from applied_dl.training.source import Source
from applied_dl.training.steps import block_starts, evaluation, train_inside

LENGTH = 64  # taken for a free dimension
TRIED = 1e-3  # the rate of a dry run whose rate is still to be found
EVALUATION_BATCH, EVALUATION_NUMBERS = 1024, 2**26  # rows of a validation batch, and numbers that their layers hold together
PLATEAU_FACTOR, PLATEAU_SHARE, PLATEAU_EPOCHS = 0.3, 3, 3  # falls to 30 % after patience / 3 epochs, at least 3, without a better score


def train_model(
    model: keras.Model,
    source: Source,
    validation: Source | None,
    settings,
    *,
    loss,
    metrics: tuple = (),
    monitor: str = "val_loss",
    augment: Callable | None = None,
    workspace: Workspace | None = None,
    tag: str = "model",
    rates: dict[str, float] | None = None,
) -> History:
    """Train `model` in place and leave it with the weights of its best epoch by `monitor`.

    settings: a resolved `recipe.train` (epochs, batch_size, learning_rate, schedule, optimizer, … none of them None).
    augment: `(inputs, target, seed int32 (2,)) -> (inputs, target)`, in the graph and stateless, on a batch.
    rates: learning-rate factors by prefix of the variable path (discriminative rates).
    Ctrl-C ends the training after the current steps and keeps the best weights. Raises `DataError` where the loss is not finite.
    """
    if workspace is not None and workspace.examine is not None:
        given = {"loss": loss, "augment": augment, "rates": rates, "tag": tag, "metrics": metrics, "monitor": monitor}
        return workspace.examine(model, source, validation, settings, **given)
    cut = plan(source.size, settings.batch_size)
    sweeping = workspace is not None and workspace.sweep is not None
    trying = workspace is not None and workspace.trial is not None
    search = FINDER_STEPS if trying and settings.learning_rate == "auto" else 0  # counted, not run
    if search:
        settings = msgspec.structs.replace(settings, learning_rate=TRIED)
    if sweeping or settings.learning_rate == "auto":
        found = find(model, source, settings, loss=loss, augment=augment, rates=rates)
        if sweeping:
            workspace.sweep.append((tag, settings.learning_rate, found))
            return History(monitor=monitor)
        settings = msgspec.structs.replace(settings, learning_rate=found.chosen)
        console.say("rate", f"the finder chose {found.chosen:.2g}")
    snapshots.begin(model)
    if settings.max_norm:
        _limit_norms(model, settings.max_norm)
    optimizer = make_optimizer(settings, cut.steps * settings.epochs, rates)
    inside = augment is None and source.ready
    together = 1 if inside else cut.execution
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics), jit_compile=False, steps_per_execution=together)
    optimizer.build(model.trainable_variables)
    if inside:
        train_inside(model, source, cut, settings.seed)

    def batches(first_step: int):
        return block_starts(cut, first_step) if inside else training_batches(source, cut, settings.seed, first_step, augment)

    evaluate = evaluation(model, validation, rows_at_once(model, settings.batch_size)) if validation else None
    if trying:
        workspace.trial.append(_trial(model, batches(0), together, evaluate, settings, cut, search))
        return History(monitor=monitor)
    mean = EpochMean(settings, lambda: training_batches(source, cut, settings.seed, 0, augment))
    keeper = _Keeper(settings, evaluate, monitor, workspace, tag, mean)
    first_epoch = keeper.restore(model)
    if first_epoch < settings.epochs and not keeper.finished:
        elements = cut.steps // cut.execution if inside else cut.steps
        progress = Progress(settings.epochs, elements, first_epoch, monitor)
        try:
            model.fit(
                batches(first_epoch * cut.steps),
                steps_per_epoch=elements,
                epochs=settings.epochs,
                initial_epoch=first_epoch,
                callbacks=[keeper, progress],
                shuffle=False,
                verbose=0,
            )
        except KeyboardInterrupt:
            if keeper.best_weights is None or (workspace is not None and not workspace.keeps):
                raise  # nothing is worth keeping yet, or this is a trial and the whole search is to end
            keeper.history.stopped = STOPPED
            progress.close()
            console.say("stopped", "by hand; the best weights so far are kept")
    keeper.finish(model)
    model.compiled, model.train_function = False, None  # so that no optimiser is saved with it, nor the rows kept in memory
    return keeper.history


def rows_at_once(model: keras.Model, batch: int | str) -> int:
    """Rows of a validation batch: as many as training takes, or more where the layers' outputs are small."""
    held = 1
    for layer in model._flatten_layers(include_self=False):
        with suppress(AttributeError, ValueError):  # a layer that was never called, or in several places
            held += sum(int(np.prod([side or LENGTH for side in t.shape[1:]])) for t in keras.tree.flatten(layer.output))
    fewest = batch if isinstance(batch, int) else 1
    return max(fewest, min(EVALUATION_BATCH, EVALUATION_NUMBERS // held))


def better(monitor: str, score: float, best: float) -> bool:
    """Whether `score` beats `best` (NaN: nothing yet) in the direction of the monitored quantity."""
    if np.isnan(best):
        return True
    return score > best if monitor.removeprefix("val_") in HIGHER_IS_BETTER else score < best


def _limit_norms(model: keras.Model, largest: float) -> None:
    """Bound the norm of each unit's incoming weights (Srebro and Shraibman, 2005)."""
    for layer in model._flatten_layers(include_self=False):
        for variable in layer.trainable_variables if not list(layer._layers) else ():
            if variable.name == "kernel":
                variable.constraint = keras.constraints.MaxNorm(largest, axis=_incoming(layer, len(variable.shape)))


def _incoming(layer, rank: int) -> list[int]:
    """The axes of a kernel along which one unit's weights lie."""
    if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D):
        return list(range(rank - 2))  # each channel is a unit of its own
    if isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Conv3D):
        return list(range(rank - 1))
    return [0] if isinstance(layer, keras.layers.EinsumDense) else [rank - 2]


def _trial(model, batches, elements: int, evaluate, settings, cut, search: int) -> float:
    """Seconds that the whole fit would take, from a few blocks of `cut.execution` steps (`elements` of the batches); the tracing apart."""
    marks = [time.perf_counter()]
    mark = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: marks.append(time.perf_counter()))
    model.fit(batches, steps_per_epoch=elements, epochs=4, callbacks=[mark], shuffle=False, verbose=0)
    tracing, steps = marks[1] - marks[0], min(b - a for a, b in zip(marks[1:], marks[2:])) / cut.execution
    seconds = 0.0
    if evaluate is not None:
        for _ in range(2):  # the second without its tracing
            start = time.perf_counter()
            evaluate()
            seconds = time.perf_counter() - start
    return tracing + search * steps + _likely_epochs(settings) * (cut.steps * steps + seconds)


def _likely_epochs(settings) -> float:
    """All of them; with early stopping, midway between them and the fewest at which a training that soon is best would end."""
    return (settings.epochs + min(settings.epochs, 2 * settings.patience)) / 2 if settings.patience else settings.epochs


class _Keeper(keras.callbacks.Callback):
    """Evaluates after each epoch (on the averaged weights where there are), keeps the best, stops early, writes checkpoints."""

    def __init__(self, settings, evaluate, monitor, workspace, tag, mean):
        super().__init__()
        self.settings, self.workspace, self.mean = settings, workspace, mean
        self.checkpoints = checkpoints.Keeper(workspace, tag, settings.checkpoint_minutes)
        self.evaluate = evaluate
        self.history = History(monitor=monitor if evaluate else "loss")
        self.best_weights, self.waited, self.finished = None, 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs if logs is not None else {}
        if not np.isfinite(logs.get("loss", 0.0)):
            self._exploded(epoch, logs["loss"])
            return
        put_back = self._averaged(epoch)
        if self.evaluate is not None:
            logs.update({f"val_{name}": value for name, value in self.evaluate().items()})
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}, "learning_rate": rate}
        row["seconds"] = time.perf_counter() - self.epoch_start
        self.history.rows.append(row)
        self.history.seconds += row["seconds"]
        self._judge(epoch, row[self.history.monitor])
        if put_back is not None:
            put_back()
        self._write(epoch, last=self.finished or epoch + 1 == self.settings.epochs)
        if self.workspace is not None and self.workspace.watch is not None:
            self.workspace.watch(self.history)

    def _exploded(self, epoch: int, loss: float) -> None:
        """Keep the best weights of the epochs before, where there are any; otherwise raise `DataError`."""
        told = f"The training loss became {loss} in epoch {epoch + 1}"
        remedy = "lower train.learning_rate or set train.clip_norm, and look for extreme values in the data"
        if self.best_weights is None:
            raise DataError(f"{told}: expected finite numbers; {remedy}.")
        console.warn(f"{told[0].lower()}{told[1:]}; the best weights up to then are kept: {remedy}")
        self.history.stopped = EXPLODED
        self.finished = self.model.stop_training = True

    def _averaged(self, epoch: int) -> Callable[[], None] | None:
        """Swap the average of the weights in; what puts back those that were there before, or None where nothing is averaged."""
        self.mean.see(self.model, epoch)
        if self.settings.swa:
            return self.mean.swap(self.model)
        averages = getattr(self.model.optimizer, "_model_variables_moving_average", None)
        if not (self.settings.ema and averages):
            return None
        before = [v.numpy() for v in self.model.trainable_variables]
        self._assign([a.numpy() for a in averages])
        return lambda: self._assign(before)

    def _assign(self, values):
        for variable, value in zip(self.model.trainable_variables, values):
            variable.assign(value)

    def _judge(self, epoch: int, score: float) -> None:
        history = self.history
        if better(history.monitor, score, history.best):
            history.best, history.best_epoch, self.waited = float(score), epoch + 1, 0
            self.best_weights = self.model.get_weights()
            return
        self.waited += 1
        patience = self.settings.patience or 0
        if self.settings.schedule == "plateau" and self.waited % max(PLATEAU_EPOCHS, patience // PLATEAU_SHARE) == 0:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate * PLATEAU_FACTOR)
        if patience and self.waited >= patience:
            history.stopped = f"no better {history.monitor} for {patience} epochs"
            self.finished = self.model.stop_training = True

    def _write(self, epoch: int, last: bool) -> None:
        def arrays() -> dict[str, list]:
            state = [np.asarray(keras.ops.convert_to_numpy(v)) for v in checkpoints.training_state(self.model)]
            return {"state": state, "best": self.best_weights, "mean": self.mean.values}

        notes = {"history": msgspec.to_builtins(self.history), "waited": self.waited, "finished": last, "averaged": self.mean.count}
        self.checkpoints.write(epoch + 1, last, arrays, notes)

    def restore(self, model: keras.Model) -> int:
        """Put the newest checkpoint back, if this run resumes one; the first epoch that is still to do."""
        found = self.checkpoints.read()
        if found is None:
            return 0
        epoch, arrays, notes = found
        for variable, value in zip(checkpoints.training_state(model), arrays["state"], strict=True):
            variable.assign(value)
        self.best_weights, self.waited, self.finished = arrays["best"], notes["waited"], notes["finished"]
        self.mean.values, self.mean.count = arrays.get("mean", []), notes["averaged"]
        self.history = msgspec.convert(notes["history"], History)
        for row in self.history.rows:
            row["epoch"] = int(row["epoch"])  # as it was counted, so that the curves of a resumed run are written alike
        return epoch

    def finish(self, model: keras.Model) -> None:
        if self.best_weights is not None:
            model.set_weights(self.best_weights)
