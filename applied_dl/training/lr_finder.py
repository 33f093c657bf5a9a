"""The learning-rate finder: raise the learning rate over `STEPS` batches, then compare the promising rates in short trainings.

Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3, reads the rate from the sweep alone. On our pipelines that
is a third to a thirtieth of the best rate (benchmarks/training/lr_find.py), so short trainings under the recipe's own schedule decide.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import msgspec
import numpy as np
from keras import ops

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.records import History
from applied_dl.core.task import Loop, Trainer
from applied_dl.layers.backend import JAX
from applied_dl.training.batches import plan, training_batches
from applied_dl.training.model_parts import training_state
from applied_dl.training.optimizers import optimizer as make_optimizer

STEPS = 120
CANDIDATES = 6  # rates that are compared, between a third of the valley and the least loss
FINDER_STEPS = (CANDIDATES + 2) * STEPS  # of a whole search: the losses before, the sweep, the short trainings
LOWEST, HIGHEST = 1e-6, 10.0
EXPLODED, ROSE = 4.0, 1.25  # times the best loss, and times the loss before any step: the sweep ends
SMOOTHING = 0.9
FEWEST = 10  # losses of a sweep


class Suggestion(NamedTuple):
    """What the finder found.

    Args:
        rates: (S,) of the sweep.
        losses: (S,) smoothed.
        steepest: the rate where the loss falls fastest.
        valley: the rate two thirds down the longest fall.
        least: the rate with the least loss.
        chosen: the rate whose short training ended best.
    """

    rates: np.ndarray
    losses: np.ndarray
    steepest: float
    valley: float
    least: float
    chosen: float


@keras.saving.register_keras_serializable(package="applied_dl")
class Sweep(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate grows by a constant factor per step."""

    def __init__(self, low: float, high: float, steps: int):
        self.low, self.high, self.steps = low, high, steps

    def __call__(self, step):
        return self.low * ops.power(self.high / self.low, ops.cast(step, "float32") / self.steps)

    def get_config(self):
        return {"low": self.low, "high": self.high, "steps": self.steps}


def find(model: keras.Model, source, settings, *, loss, augment=None, rates=None, steps: int = STEPS) -> Suggestion:
    """Find a learning rate for `model`; its weights and seeds are restored afterwards.

    Args:
        model: to be trained.
        source: the training rows.
        settings: `recipe.train`; its learning rate is not read.
        loss: a Keras loss.
        augment: see `core.task.Trainer.train`.
        rates: see `core.task.Trainer.train`.
        steps: of the sweep, and of each short training.

    Raises:
        DataError: The loss falls at no learning rate of the sweep.
    """
    flat = msgspec.structs.replace(settings, learning_rate=LOWEST, schedule="constant", warmup=0.0, ema=0.0)
    sweeper = make_optimizer(flat, steps, rates, Sweep(LOWEST, HIGHEST, steps))
    model.compile(optimizer=sweeper, loss=loss, jit_compile=JAX)
    sweeper.build(model.trainable_variables)
    state = training_state(model)
    kept = [np.asarray(ops.convert_to_numpy(v)) for v in state]
    still = msgspec.structs.replace(flat, learning_rate=0.0)
    before = descend(model, source, still, steps, loss, augment, rates)  # the loss of each batch before any step
    _restore(model, state, kept)
    losses = _record(model, source, settings, sweeper, steps, loss, augment, BatchLosses(before))
    suggestion = suggest(LOWEST * (HIGHEST / LOWEST) ** (np.arange(len(losses)) / steps), losses)
    ends = {}
    for rate in np.geomspace(suggestion.valley / 3, max(suggestion.least, 2 * suggestion.valley), CANDIDATES):
        _restore(model, state, kept)
        losses = descend(model, source, msgspec.structs.replace(settings, learning_rate=float(rate), ema=0.0), steps, loss, augment, rates)
        ends[float(rate)] = float(np.median(losses[-steps // 5 :])) if len(losses) == steps else np.inf
    _restore(model, state, kept)
    return suggestion._replace(chosen=min(ends, key=ends.get))


class RateFinder(Trainer):
    """Sweeps each model that `fit` would train, and trains none (`applied-dl lr-find`).

    `found` lists `(tag, learning rate of the recipe, Suggestion)`.

    Args:
        present: the learning rate of the recipe, for models whose rate is not searched; None where they have none.
    """

    def __init__(self, present: float | str | None = None) -> None:
        self.present = present
        self.found: list[tuple[str, float | str, Suggestion]] = []

    def train(
        self, model, source, validation, settings, *, loss, metrics=(), monitor="val_loss", rising=False, augment=None, rates=None,
        tag="model",
    ) -> History:  # fmt: skip
        """Run the finder."""
        self.found.append((tag, settings.learning_rate, find(model, source, settings, loss=loss, augment=augment, rates=rates)))
        return History(monitor=monitor)

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Raises `UsageError`: the finder needs gradient steps of Keras."""
        given = "" if self.present is None else f"; train.learning_rate = {self.present} is used as it is given"
        raise UsageError(f"There is no learning rate to find: this model takes {loop.steps}{given}.")


def descend(model, source, settings, steps: int, loss, augment=None, rates=None) -> np.ndarray:
    """The losses (S,) of `steps` training steps under the recipe's own schedule; fewer if the loss stopped being finite."""
    return _record(model, source, settings, make_optimizer(settings, steps, rates), steps, loss, augment, BatchLosses())


def _record(model, source, settings, optimizer, steps: int, loss, augment, recorder: BatchLosses) -> np.ndarray:
    model.compile(optimizer=optimizer, loss=loss, jit_compile=JAX)
    batches = training_batches(source, plan(source.size, settings.batch_size), settings.seed, 0, augment)
    model.fit(batches, steps_per_epoch=steps, epochs=1, callbacks=[recorder], shuffle=False, verbose=0)
    model.compiled = False
    return np.array(recorder.losses)


def suggest(rates: np.ndarray, losses: np.ndarray) -> Suggestion:
    """Read a sweep of batch losses (S,)."""
    if len(losses) < FEWEST:
        raise DataError(f"The learning-rate finder got {len(losses)} finite losses, too few to choose from; check the data and the loss.")
    smooth = _smoothed(losses)
    end = int(np.argmin(smooth)) + 1
    start, stop = _longest_fall(smooth[:end])
    if stop - start < 3 or not smooth[stop] < smooth[start]:
        raise DataError("The loss falls at no learning rate between 1e-6 and 10; check the data, the loss and the model.")
    slope = np.gradient(smooth[start : stop + 1])
    width = min(5, len(slope))
    steepest = float(rates[start + int(np.argmin(np.convolve(slope, np.ones(width) / width, mode="same")))])
    valley = float(rates[start + 2 * (stop - start) // 3])
    return Suggestion(rates, smooth, steepest, valley, float(rates[end - 1]), valley)


def _restore(model: keras.Model, state: list, kept: list) -> None:
    for variable, value in zip(state, kept):
        variable.assign(value)
    model.compiled = False


class BatchLosses(keras.callbacks.Callback):
    """The loss of each batch (Keras reports the running mean), until it is not finite.

    With the losses `before` any step, of the same batches, the change is recorded, added to their mean: small batches differ by more than
    a step changes. Such a recording also ends where the loss explodes.
    """

    def __init__(self, before: np.ndarray | None = None):
        super().__init__()
        self.before = before

    def on_train_begin(self, logs=None):
        self.losses, self.total, self.mean, self.best = [], 0.0, 0.0, np.inf

    def on_train_batch_end(self, batch, logs=None):
        total = logs["loss"] * (batch + 1)
        value, self.total = total - self.total, total
        if not np.isfinite(value) or self.before is not None and batch >= len(self.before):
            self.model.stop_training = True
            return
        if self.before is not None:
            value += self.before.mean() - self.before[batch]
            self._watch(value, batch)
        self.losses.append(float(value))

    def _watch(self, value: float, batch: int) -> None:
        self.mean = SMOOTHING * self.mean + (1 - SMOOTHING) * value
        smooth = self.mean / (1 - SMOOTHING ** (batch + 1))
        self.best = min(self.best, smooth)
        if smooth > max(EXPLODED * self.best, ROSE * self.before.mean()):
            self.model.stop_training = True


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """Exponential moving average, corrected for its start."""
    mean, out = 0.0, []
    for i, value in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * value
        out.append(mean / (1 - SMOOTHING**i))
    return np.array(out)


def _longest_fall(values: np.ndarray) -> tuple[int, int]:
    """First and last place of the stretch, rises under 2% allowed, over which the values fall most."""
    best, start = (0, 0), 0
    for i in range(1, len(values)):
        low = values[start:i].min()
        if values[i] > low + 0.02 * abs(low):
            start = i
        elif values[start] - values[i] > values[best[0]] - values[best[1]]:
            best = (start, i)
    return best
