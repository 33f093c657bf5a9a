"""The learning-rate finder: sweep the step size up over a few hundred batches and read off where the loss falls best.

Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import msgspec
import numpy as np
from keras import ops

from applied_dl.errors import DataError
from applied_dl.train.batches import plan, training_batches
from applied_dl.train.checkpoint import training_state
from applied_dl.train.optimizers import optimizer as make_optimizer

STEPS = 120
LOWEST, HIGHEST = 1e-6, 10.0
EXPLODED = 4.0  # times the best loss: the sweep ends
SMOOTHING = 0.9


class Suggestion(NamedTuple):
    """`rates` and smoothed `losses` of the sweep; where the loss falls `steepest`; two thirds down its longest fall (`valley`); the
    `chosen` one of them."""

    rates: np.ndarray
    losses: np.ndarray
    steepest: float
    valley: float
    chosen: float


@keras.saving.register_keras_serializable(package="applied_dl")
class Sweep(keras.optimizers.schedules.LearningRateSchedule):
    """The rate grows by a constant factor a step."""

    def __init__(self, low: float, high: float, steps: int):
        self.low, self.high, self.steps = low, high, steps

    def __call__(self, step):
        return self.low * ops.power(self.high / self.low, ops.cast(step, "float32") / self.steps)

    def get_config(self):
        return {"low": self.low, "high": self.high, "steps": self.steps}


def find(model: keras.Model, source, settings, *, loss, augment=None, rates=None, steps: int = STEPS) -> Suggestion:
    """Sweep `model` and put its weights and seeds back. settings: `recipe.train`; its learning rate and schedule are not read.

    Raises `DataError` where the loss falls nowhere.
    """
    cut = plan(source.size, settings.batch_size)
    flat = msgspec.structs.replace(settings, learning_rate=LOWEST, schedule="constant", warmup=0.0, ema=0.0)
    optimizer = make_optimizer(flat, steps, rates, Sweep(LOWEST, HIGHEST, steps))
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    optimizer.build(model.trainable_variables)
    kept = [np.asarray(ops.convert_to_numpy(v)) for v in training_state(model)]
    tape = Tape()
    batches = training_batches(source, cut, settings.seed, 0, augment)
    model.fit(batches, steps_per_epoch=steps, epochs=1, callbacks=[tape], shuffle=False, verbose=0)
    for variable, value in zip(training_state(model), kept):
        variable.assign(value)
    model.compiled = False
    return suggest(LOWEST * (HIGHEST / LOWEST) ** (np.arange(len(tape.losses)) / steps), np.array(tape.losses))


def suggest(rates: np.ndarray, losses: np.ndarray) -> Suggestion:
    """Read a sweep of raw batch losses (S,)."""
    smooth = _smoothed(losses)
    end = int(np.argmin(smooth)) + 1
    start, stop = _longest_fall(smooth[:end])
    if stop - start < 3 or not smooth[stop] < smooth[start]:
        raise DataError("The learning-rate finder saw the loss fall nowhere between 1e-6 and 10; check the data, the loss and the model.")
    slope = np.gradient(smooth[start : stop + 1])
    steepest = float(rates[start + int(np.argmin(np.convolve(slope, np.ones(5) / 5, mode="same")))])
    valley = float(rates[start + 2 * (stop - start) // 3])
    return Suggestion(rates, smooth, steepest, valley, valley)


class Tape(keras.callbacks.Callback):
    """The loss of each batch (Keras reports the running mean), until it explodes or, with `explodes=False`, is not finite."""

    def __init__(self, explodes: bool = True):
        super().__init__()
        self.explodes = explodes

    def on_train_begin(self, logs=None):
        self.losses, self.total, self.best = [], 0.0, np.inf

    def on_train_batch_end(self, batch, logs=None):
        total = logs["loss"] * (batch + 1)
        value, self.total = total - self.total, total
        self.best = min(self.best, value)
        if not np.isfinite(value) or self.explodes and value > EXPLODED * self.best + 1e-9 and len(self.losses) > 10:
            self.model.stop_training = True
            self.total = np.nan
        if np.isfinite(value) and np.isfinite(self.total):
            self.losses.append(float(value))


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """Exponential moving average, corrected for its start."""
    mean, out = 0.0, []
    for i, value in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * value
        out.append(mean / (1 - SMOOTHING**i))
    return np.array(out)


def _longest_fall(values: np.ndarray) -> tuple[int, int]:
    """First and last place of the stretch, rises under 2 % allowed, over which the values fall most."""
    best, start = (0, 0), 0
    for i in range(1, len(values)):
        if values[i] > values[start:i].min() * 1.02:
            start = i
        elif values[start] - values[i] > values[best[0]] - values[best[1]]:
            best = (start, i)
    return best
