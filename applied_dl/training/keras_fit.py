"""Training by Keras `fit`: the batches a pure function of the step, the validation score in one graph, an exactly resumable state."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import keras
import msgspec
import numpy as np

from applied_dl.core.task import Pace, Source, Train
from applied_dl.layers.backend import JAX
from applied_dl.training.averaging import EpochMean
from applied_dl.training.batches import plan, training_batches
from applied_dl.training.model_parts import all_layers, leaf_layers, training_state
from applied_dl.training.optimizers import optimizer as make_optimizer
from applied_dl.training.session import Session

if JAX:
    from applied_dl.training import jax_steps as steps
else:
    from applied_dl.training import steps  # type: ignore[no-redef]

LENGTH = 64  # taken for a free dimension
LONG, VERY_LONG = 5.0, 20.0  # seconds of blocks, and of the first one, after which the time of a step is known well enough
EVALUATION_BATCH, EVALUATION_NUMBERS = 1024, 2**26  # rows of a validation batch, and numbers that their layers hold together
PLATEAU_FACTOR, PLATEAU_SHARE, PLATEAU_EPOCHS = 0.3, 3, 3  # falls to 30% after patience / 3 epochs, at least 3, without a better score


class KerasLoop:
    """A `core.task.Loop` over `model.fit`. The arguments are those of `Trainer.train`, with a learning rate that is a number."""

    steps = "gradient steps of Keras"
    remedy = "lower train.learning_rate or set train.clip_norm"
    unit, speed, last_is_best = "epochs", (0, ""), False

    def __init__(
        self,
        model: keras.Model,
        source: Source,
        validation: Source | None,
        settings: Train,
        *,
        loss: Any,
        metrics: tuple = (),
        monitor: str = "val_loss",
        rising: bool = False,
        augment: Callable | None = None,
        rates: dict[str, float] | None = None,
        callbacks: tuple[keras.callbacks.Callback, ...] = (),
    ):
        self.model, self.settings, self.callbacks = model, settings, callbacks
        self.epochs = self.total = settings.epochs
        self.patience, self.checkpoint_minutes = settings.patience or 0, settings.checkpoint_minutes
        self.monitor, self.done = monitor if validation else "loss", 0
        self.rising = rising and validation is not None
        self.cut = plan(source.size, settings.batch_size)
        if settings.max_norm:
            _limit_norms(model, settings.max_norm)
        self.length = keras.Variable(float(self.cut.steps * settings.epochs), trainable=False, dtype="float32")
        optimizer = make_optimizer(settings, self.length, rates)
        per_call = steps.steps_per_call(source, self.cut, augment)
        model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics), jit_compile=JAX, steps_per_execution=per_call)
        optimizer.build(model.trainable_variables)
        self.elements, self.batches = steps.feed(model, source, self.cut, settings.seed, augment)  # per epoch; from a step on
        self.per_block = self.elements * self.cut.execution // self.cut.steps  # elements that hold `cut.execution` steps
        self.evaluate = steps.evaluation(model, validation, rows_at_once(model, settings.batch_size)) if validation else None
        self.first_batches = lambda: training_batches(source, self.cut, settings.seed, 0, augment)
        self.mean = EpochMean(settings, self.first_batches)

    def run(self, session: Session) -> None:
        """One `model.fit` over the epochs that are left."""
        self.model.fit(
            self.batches(self.done * self.cut.steps),
            steps_per_epoch=self.elements,
            epochs=self.epochs,
            initial_epoch=self.done,
            callbacks=[_EndOfEpoch(self, session), *self.callbacks],
            shuffle=False,
            verbose=0,
        )
        if self.done < self.epochs and not session.finished:
            session.stop("a callback stopped it")

    def end_epoch(self, session: Session, logs: dict[str, float], seconds: Callable[[], float]) -> bool:
        """Evaluate, on the averaged weights where there are any, and record; whether the training ends."""
        if not np.isfinite(logs.get("loss", 0.0)):
            return session.record({**logs, "seconds": seconds()})
        restore = self._use_average()
        if self.evaluate is not None:
            logs.update({f"val_{name}": value for name, value in self.evaluate().items()})
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.done += 1
        ends = session.record({**{k: float(v) for k, v in logs.items()}, "learning_rate": rate, "seconds": seconds()})
        if restore is not None:
            restore()
        if self.settings.schedule == "plateau" and session.waited and session.waited % _plateau_epochs(self.patience) == 0:
            self.model.optimizer.learning_rate.assign(self.model.optimizer.learning_rate * PLATEAU_FACTOR)
        session.checkpoint()
        return ends

    def weights(self) -> list[np.ndarray]:
        """Those in the model; while an epoch is recorded, the averaged ones."""
        return [np.array(weight) for weight in self.model.get_weights()]  # JAX hands out views of memory that its next step reuses

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """Weights, optimizer slots, seeds and the running mean."""
        state = [np.array(keras.ops.convert_to_numpy(v)) for v in training_state(self.model)]
        return {"state": state, "mean": self.mean.values}, {"averaged": self.mean.count}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done = done
        for variable, value in zip(training_state(self.model), arrays["state"], strict=True):
            variable.assign(value)
        self.mean.values, self.mean.count = arrays.get("mean", []), notes["averaged"]

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Leave the model with the best weights, and without its optimizer and the rows that its graph keeps in memory."""
        if best is not None:
            self.model.set_weights(best)
        self.model.compiled, self.model.train_function = False, None

    def pace(self) -> Pace:
        """From a few blocks of steps, of which the first traces the graph; from fewer where blocks are long, from the first at least."""
        marks = [time.perf_counter()]

        def after_block(*_):
            marks.append(time.perf_counter())
            self.model.stop_training = marks[-1] - marks[0] > (LONG if len(marks) > 2 else VERY_LONG)

        mark = keras.callbacks.LambdaCallback(on_epoch_end=after_block)
        self.model.fit(self.batches(0), steps_per_epoch=self.per_block, epochs=4, callbacks=[mark], shuffle=False, verbose=0)
        tracing, step = marks[1] - marks[0], min((b - a for a, b in zip(marks[1:], marks[2:])), default=0.0) / self.cut.execution
        if len(marks) == 2:  # tracing is a small share of so long a block
            tracing, step = 0.0, tracing / self.cut.execution
        seconds = 0.0
        if self.evaluate is not None:
            for _ in range(2):  # the first traces
                start = time.perf_counter()
                self.evaluate()
                seconds = time.perf_counter() - start
        return Pace(tracing, step, self.cut.steps, seconds)

    def shorten(self, epochs: int) -> None:
        """The schedule and the averages end with this many epochs; the traced graph stays."""
        self.settings = msgspec.structs.replace(self.settings, epochs=epochs)
        self.epochs = self.total = epochs
        self.length.assign(float(self.cut.steps * epochs))
        self.mean = EpochMean(self.settings, self.first_batches)

    def _use_average(self) -> Callable[[], None] | None:
        """Put the average of the weights into the model. Returns a function that restores the others, or None where nothing is averaged."""
        self.mean.add(self.model, self.done)
        if self.settings.swa:
            return self.mean.swap(self.model)
        if not self.settings.ema:
            return None
        before = [np.array(keras.ops.convert_to_numpy(v)) for v in self.model.trainable_variables]
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)  # Keras: overwrites them with their EMA
        return lambda: [variable.assign(value) for variable, value in zip(self.model.trainable_variables, before)]


class _EndOfEpoch(keras.callbacks.Callback):
    """Hands each epoch of `model.fit` to the loop."""

    def __init__(self, loop: KerasLoop, session: Session):
        super().__init__()
        self.loop, self.session = loop, session

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.session.progress.within((batch + 1) / self.loop.elements)

    def on_epoch_end(self, epoch, logs=None):
        if self.loop.end_epoch(self.session, {} if logs is None else logs, lambda: time.perf_counter() - self.start):
            self.model.stop_training = True


def rows_at_once(model: keras.Model, batch: int | str) -> int:
    """Rows of a validation batch: as many as training takes, or more where the layers' outputs are small."""
    held = 1
    for layer in all_layers(model):
        with suppress(AttributeError, ValueError):  # a layer that was never called, or in several places
            held += sum(int(np.prod([side or LENGTH for side in t.shape[1:]])) for t in keras.tree.flatten(layer.output))
    fewest = batch if isinstance(batch, int) else 1
    return max(fewest, min(EVALUATION_BATCH, EVALUATION_NUMBERS // held))


def _limit_norms(model: keras.Model, largest: float) -> None:
    """Bound the norm of each unit's incoming weights (Srebro and Shraibman, 2005)."""
    for layer in leaf_layers(model):
        for variable in layer.trainable_variables:
            if variable.name == "kernel":
                variable.constraint = keras.constraints.MaxNorm(largest, axis=_incoming(layer, len(variable.shape)))


def _incoming(layer, rank: int) -> list[int]:
    """The axes of a kernel along which one unit's weights lie."""
    if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D):
        return list(range(rank - 2))  # each channel is a unit of its own
    if isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Conv3D):
        return list(range(rank - 1))
    return [0] if isinstance(layer, keras.layers.EinsumDense) else [rank - 2]


def _plateau_epochs(patience: int) -> int:
    return max(PLATEAU_EPOCHS, patience // PLATEAU_SHARE)
