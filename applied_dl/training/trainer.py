"""The trainers of `core.task.Trainer` that train and that time: one training for every task, and the dry run's estimate of it.

Keras is imported by the method that needs it: word vectors are trained without.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import UsageError
from applied_dl.core.records import History
from applied_dl.core.task import Loop, Trainer
from applied_dl.training.checkpoints import Keeper, Store
from applied_dl.training.deadline import Deadline
from applied_dl.training.session import Session

if TYPE_CHECKING:
    import keras

TRIED = 1e-3  # the learning rate of a dry run whose rate is still to be found


@dataclass(frozen=True)
class CheckpointingTrainer(Trainer):
    """Trains, keeps the best weights, and writes a state from which a killed run resumes to the same bits.

    Ctrl-C ends a training after the current steps and keeps the best weights.

    Args:
        store: where the states are written; None writes none.
        callbacks: Keras callbacks. In a training that is not Keras `fit` they are called without a model at the ends of epochs.
        on_epoch: functions of the training's tag and its history, called after each epoch.
        keep_interrupted: False lets Ctrl-C through, which ends a search.
        first_weights: the weights that each model begins with, where given.
        deadline: until when, where `train.time_limit` is set.
    """

    store: Store | None = None
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    on_epoch: tuple[Callable[[str, History], None], ...] = ()
    keep_interrupted: bool = True
    first_weights: tuple[np.ndarray, ...] | None = None
    deadline: Deadline | None = None

    def train(self, model, source, validation, settings, *, tag="model", **options) -> History:
        """See `core.task.Trainer.train`. Raises `DataError` where the loss is not finite."""
        from applied_dl.training.keras_fit import KerasLoop
        from applied_dl.training.lr_finder import find

        if settings.learning_rate == "auto":
            shared = {key: options.get(key) for key in ("loss", "augment", "rates")}
            chosen = find(model, source, settings, **shared).chosen
            console.say("rate", f"the learning-rate finder chose {chosen:.2g}")
            settings = msgspec.structs.replace(settings, learning_rate=chosen)
        if self.first_weights is not None:
            _begin_with(model, self.first_weights)
        loop = KerasLoop(model, source, validation, settings, callbacks=self.callbacks, **options)
        self._plan(loop, tag, validation.size if validation else 0)
        return self._session(loop, tag, self.on_epoch).run()

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Train by steps that are not Keras `fit`."""
        self._plan(loop, tag, 0)
        if not self.callbacks:
            return self._session(loop, tag, self.on_epoch).run()
        from keras.callbacks import CallbackList

        called = CallbackList(list(self.callbacks))
        called.on_train_begin()

        def end_epoch(tag: str, history: History) -> None:
            called.on_epoch_end(len(history.rows) - 1, history.rows[-1])

        history = self._session(loop, tag, (*self.on_epoch, end_epoch)).run()
        called.on_train_end()
        return history

    def starting_from(self, weights: list[np.ndarray]) -> CheckpointingTrainer:
        """The same trainer, whose models begin with these weights."""
        return replace(self, first_weights=tuple(weights))

    def of(self, name: str, left: int) -> CheckpointingTrainer:
        """The same trainer for another model of the same run, one of `left` that may follow: its states have a folder of their own."""
        store = self.store and self.store._replace(folder=self.store.folder / name)
        return replace(self, store=store, deadline=self.deadline and self.deadline.part(name, left))

    def turns(self, count: int, name: str) -> Iterator[Trainer]:
        """See `core.task.Trainer.turns`."""
        start = time.perf_counter()
        for i in range(count):
            if self.deadline is None:
                yield self
                continue
            if i and not self.deadline.time_for(f"{name} {i + 1}", (time.perf_counter() - start) / i):
                self.deadline.plan.cut[f"{name}s"] = (i, count)
                console.say("time", f"{i} of {count} {name}s: there is no time for another")
                return
            yield replace(self, deadline=self.deadline.part(f"{name} {i + 1}", count - i))

    def _plan(self, loop: Loop, tag: str, validation: int) -> None:
        """Shorten a training that does not fit into the time; a resumed one as it was decided before."""
        if self.deadline is None:
            return
        decided = self.deadline.plan.decided.get(self.deadline.name_of(tag))
        if decided is None:
            arrays, notes = loop.state()
            kept = {name: [np.array(a) for a in group] for name, group in arrays.items()}
            pace = loop.pace()
            loop.restore(0, kept, notes)
            decided = self.deadline.epochs(tag, pace, loop.epochs, validation)
        if decided < loop.epochs:
            console.say("time", f"{tag}: {decided} of {loop.epochs} epochs")
            loop.shorten(decided)

    def _session(self, loop: Loop, tag: str, on_epoch) -> Session:
        keeper = Keeper(self.store, tag, loop.checkpoint_minutes, loop.unit)
        return Session(loop, keeper, tag, on_epoch, self.keep_interrupted, self.deadline.end if self.deadline else None)


class Timer(Trainer):
    """Takes a few steps of each training and adds up in `seconds` what the whole would take (`train --dry-run`)."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def train(self, model, source, validation, settings, *, tag="model", monitor="val_loss", **options) -> History:
        """Time a few steps."""
        from applied_dl.training.keras_fit import KerasLoop
        from applied_dl.training.lr_finder import FINDER_STEPS

        search = settings.learning_rate == "auto"
        settings = msgspec.structs.replace(settings, learning_rate=TRIED) if search else settings
        loop = KerasLoop(model, source, validation, settings, monitor=monitor, **options)
        self._count(loop, FINDER_STEPS if search else 0)
        return History(monitor=monitor)

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Time a few steps."""
        self._count(loop)
        return History(monitor=loop.monitor)

    def _count(self, loop: Loop, more_steps: int = 0) -> None:
        """Add the whole training; with early stopping, midway between all epochs and the fewest if it is best early."""
        pace, epochs = loop.pace(), loop.epochs
        likely = (epochs + min(epochs, 2 * loop.patience)) / 2 if loop.patience else epochs
        self.seconds += pace.start + more_steps * pace.step + likely * pace.epoch

    @contextmanager
    def preparing(self, size: int, sample: int) -> Iterator[int]:
        """Work on `sample` rows and count the time of `size`."""
        rows, start = min(size, sample), time.perf_counter()
        yield rows
        self.seconds += (time.perf_counter() - start) * size / max(rows, 1)


def _begin_with(model: keras.Model, weights: tuple[np.ndarray, ...]) -> None:
    if [w.shape for w in weights] != [tuple(w.shape) for w in model.weights]:
        raise UsageError("train.snapshots has no meaning for this model, whose training takes several fits; set train.ensemble instead.")
    model.set_weights(list(weights))
