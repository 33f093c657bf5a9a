"""How the learning rate changes over a training. Each schedule is a small serializable object: step → learning rate.

Smith, Super-Convergence (2018): one_cycle. Loshchilov and Hutter, SGDR (2017): cosine and its restarts. Holzmüller et al., RealMLP (2024):
coslog4.
"""

from __future__ import annotations

import math

import keras
from keras import ops

from applied_dl.core.errors import UsageError, nearest

SHAPES = ("one_cycle", "cosine", "cosine_restarts", "coslog4", "exponential", "step", "constant", "plateau")
WARM_UP = {"one_cycle": 0.25}  # share of the steps that warm up, where the recipe does not set it
FIRST, LAST = 0.1, 0.01  # of the peak: the start of a warm-up and the end of a decay
RESTARTS = 4


@keras.saving.register_keras_serializable(package="applied_dl")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """`peak` times a shape in 0..1 over `steps` steps, after a linear warm-up over the share `warmup` of them.

    constant and plateau stay at the peak (the training lowers plateau); one_cycle falls linearly to 1%, cosine in half a wave to 0,
    cosine_restarts does so four times, coslog4 goes up and down four times, each twice as long as the one before, exponential falls by a
    constant factor per step to 1%, step falls to a tenth at 1/2 and again at 3/4. `steps` is a variable where it may change after the
    graph is traced.
    """

    def __init__(self, shape: str, peak: float, steps: int | keras.Variable, warmup: float | None = None):
        if shape not in SHAPES:
            raise UsageError(f"Unknown train.schedule {shape!r}.{nearest(shape, SHAPES)}")
        self.shape, self.peak, self.steps = shape, float(peak), steps
        self.warmup = WARM_UP.get(shape, 0.0) if warmup is None else float(warmup)

    def __call__(self, step):
        return self.peak * self.share(step)

    def share(self, step):
        """The learning rate as a share of the peak, 0..1."""
        t = self._part(step)
        up = FIRST + (1 - FIRST) * t / max(self.warmup, 1e-9)
        rest = ops.clip((t - self.warmup) / max(1 - self.warmup, 1e-9), 0.0, 1.0)
        return ops.where(t < self.warmup, up, self._decay(rest))

    def flat_cos(self, step):
        """1 for the first half of the steps, then half a cosine wave down to 0."""
        late = ops.clip(2 * self._part(step) - 1, 0.0, 1.0)
        return 0.5 * (1 + ops.cos(math.pi * late))

    def _part(self, step):
        return ops.cast(step, "float32") / ops.maximum(ops.cast(self.steps, "float32"), 1.0)

    def _decay(self, t):
        if self.shape == "one_cycle":
            return ops.maximum(1 - t, LAST)
        if self.shape == "cosine":
            return 0.5 * (1 + ops.cos(math.pi * t))
        if self.shape == "cosine_restarts":
            return 0.5 * (1 + ops.cos(math.pi * ops.mod(t * RESTARTS, 1.0)))
        if self.shape == "coslog4":
            return 0.5 * (1 - ops.cos(2 * math.pi * ops.log(1 + 15 * t) / math.log(2)))
        if self.shape == "exponential":
            return ops.exp(math.log(LAST) * t)
        if self.shape == "step":
            return ops.where(t < 0.5, 1.0, ops.where(t < 0.75, 0.1, 0.01))
        return ops.ones_like(t)

    def get_config(self):
        return {"shape": self.shape, "peak": self.peak, "steps": int(self.steps), "warmup": self.warmup}
