"""Every optimiser by name, with the schedule, weight decay, clipping, averaging and per-variable rates of a recipe.

Adam is the usual default because its step hardly depends on the scale of the gradients; SGD with momentum and one_cycle is often the
faster of the two on convolutional nets.
"""

from __future__ import annotations

import keras
from keras import optimizers

from applied_dl.errors import UsageError, nearest
from applied_dl.train.schedules import Schedule

NAMES = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "lion")
NO_DECAY = ("bias", "gamma", "beta", "scale", "embeddings")
LOW_MOMENTUM = 0.85  # one_cycle runs the momentum from its value down to this at the peak rate and back (Smith, 2018)


def optimizer(settings, total_steps: int, rates: dict[str, float] | None = None) -> keras.optimizers.Optimizer:
    """The optimiser of a settled `recipe.train` for a training of `total_steps` steps.

    rates: learning-rate factors by prefix of a variable's path (the longest prefix counts). Raises `UsageError` for an unknown name.
    """
    name = settings.optimizer
    if name not in NAMES:
        raise UsageError(f"Unknown train.optimizer {name!r}.{nearest(name, NAMES)}")
    schedule = Schedule(settings.schedule, settings.learning_rate, total_steps, settings.warmup)
    rate = settings.learning_rate if settings.schedule in ("plateau", "constant") and not schedule.warmup else schedule
    kind, own = _kind(name, settings)
    shared = {
        "weight_decay": settings.weight_decay or None,
        "global_clipnorm": settings.clip_norm or None,
        "use_ema": bool(settings.ema),
        "ema_momentum": settings.ema or 0.99,
    }
    cycled = name in ("momentum", "nesterov") and settings.schedule == "one_cycle"
    made = _with_rates(kind, rates, schedule if cycled else None)(learning_rate=rate, **own, **shared)
    made.exclude_from_weight_decay(var_names=list(NO_DECAY))
    return made


def _kind(name: str, settings) -> tuple[type, dict]:
    """The Keras class of a name and the arguments that are its own."""
    return {
        "sgd": (optimizers.SGD, {"momentum": 0.0}),
        "momentum": (optimizers.SGD, {"momentum": settings.momentum}),
        "nesterov": (optimizers.SGD, {"momentum": settings.momentum, "nesterov": True}),
        "adagrad": (optimizers.Adagrad, {}),
        "adadelta": (optimizers.Adadelta, {}),
        "rmsprop": (optimizers.RMSprop, {"momentum": 0.0}),
        "adam": (optimizers.Adam, {}),
        "adamw": (optimizers.AdamW, {}),
        "lion": (optimizers.Lion, {}),
    }[name]


def _with_rates(kind: type, rates: dict[str, float] | None, cycle: Schedule | None) -> type:
    """`kind`, each of whose updates multiplies the step size by the variable's factor and moves the momentum against the rate."""
    if not rates and cycle is None:
        return kind

    def factor(path: str) -> float:
        found = [prefix for prefix in rates or () if path.startswith(prefix)]
        return rates[max(found, key=len)] if found else 1.0

    class Tuned(kind):
        def update_step(self, gradient, variable, learning_rate):
            if cycle is None:
                return super().update_step(gradient, variable, learning_rate * factor(variable.path))
            full = self.momentum
            self.momentum = full - (full - min(full, LOW_MOMENTUM)) * cycle.share(self.iterations)
            try:
                return super().update_step(gradient, variable, learning_rate * factor(variable.path))
            finally:
                self.momentum = full

    return Tuned
