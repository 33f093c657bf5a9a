"""Every optimiser by name, with the schedule, weight decay, clipping, averaging and per-variable rates of a recipe.

Adam is the usual default because its step hardly depends on the scale of the gradients; SGD with momentum and one_cycle is often the
faster of the two on convolutional nets.
"""

from __future__ import annotations

import keras
from keras import ops, optimizers

from applied_dl.core.errors import UsageError, nearest
from applied_dl.training.averaging import check_averaging
from applied_dl.training.penalties import penalised
from applied_dl.training.schedules import Schedule
from applied_dl.training.snapshots import check_snapshots

MOMENTUM = {"sgd": 0.0, "momentum": 0.9, "nesterov": 0.9, "rmsprop": 0.0}  # the optimisers that have one, and its default
SQUARES = ("adam", "adamw", "adamax", "nadam", "lamb")  # the optimisers that beta2 means something to
OTHERS = {
    "adagrad": optimizers.Adagrad, "adadelta": optimizers.Adadelta, "adam": optimizers.Adam, "adamw": optimizers.AdamW,
    "adamax": optimizers.Adamax, "nadam": optimizers.Nadam, "adafactor": optimizers.Adafactor, "ftrl": optimizers.Ftrl,
    "lamb": optimizers.Lamb, "lion": optimizers.Lion, "muon": optimizers.Muon,
}  # fmt: skip
NAMES = (*MOMENTUM, *OTHERS)
NO_DECAY = ("bias", "gamma", "beta", "scale", "embeddings")
FADED = ("coslog4",)  # schedules under which weight decay fades: it is RealMLP's
LOW_MOMENTUM = 0.85  # one_cycle runs the momentum from its value down to this at the peak rate and back (Smith, 2018)


def optimizer(settings, total_steps: int, rates: dict[str, float] | None = None, sweep=None) -> keras.optimizers.Optimizer:
    """The optimiser of a resolved `recipe.train` for a training of `total_steps` steps.

    rates: learning-rate factors by prefix of a variable's path (the longest prefix counts). sweep: a schedule to
    use in place of the recipe's. Raises `UsageError` for an unknown name.
    """
    name = settings.optimizer
    if name not in NAMES:
        raise UsageError(f"Unknown train.optimizer {name!r}.{nearest(name, NAMES)}")
    schedule = Schedule(settings.schedule, settings.learning_rate, total_steps, settings.warmup)
    rate = settings.learning_rate if settings.schedule in ("plateau", "constant") and not schedule.warmup else schedule
    rate = sweep or rate
    kind, own = _kind(name, settings)
    kind = penalised(kind, settings.l1, settings.l2)
    shared = {
        "weight_decay": settings.weight_decay or (0.0 if name in ("adamw", "muon") else None),
        "global_clipnorm": settings.clip_norm or None,
        "use_ema": bool(settings.ema),
        "ema_momentum": settings.ema or 0.99,
    }
    cycled = name in ("momentum", "nesterov") and settings.schedule == "one_cycle" and sweep is None
    fading = schedule if settings.schedule in FADED else None
    made = _with_rates(kind, rates, schedule if cycled else None, fading)(learning_rate=rate, **own, **shared)
    made.exclude_from_weight_decay(var_names=list(NO_DECAY))
    return made


def check(settings) -> None:
    """Refuse keys of a resolved `recipe.train` that would do nothing."""
    if settings.momentum is not None and settings.optimizer not in MOMENTUM:
        raise UsageError(f"train.momentum has no meaning for {settings.optimizer!r}; it is for {', '.join(MOMENTUM)}.")
    if settings.beta2 is not None and settings.optimizer not in SQUARES:
        raise UsageError(f"train.beta2 has no meaning for {settings.optimizer!r}; it is for {', '.join(SQUARES)}.")
    if settings.schedule == "plateau" and settings.warmup:
        raise UsageError("train.warmup has no meaning with train.schedule = 'plateau', which starts at the peak; set it to 0.")
    check_averaging(settings)
    check_snapshots(settings)


def refuse_unused(settings, model: str, keys: tuple[str, ...] = ("l1", "l2", "swa", "snapshots", "max_norm")) -> None:
    """Refuse keys of `[train]` that only Keras `fit` uses, for a model that is trained another way.

    Raises:
        UsageError: one of `keys` is set in `settings`.
    """
    for key in keys:
        if getattr(settings, key):
            raise UsageError(f"train.{key} has no meaning for the model {model!r}, which Keras fit does not train; remove it.")


def refuse_bfloat16(settings, what: str) -> None:
    """Raises `UsageError` where `train.precision` asks for half precision of `what`, which computes in float32 alone."""
    if settings.precision == "mixed_bfloat16":
        raise UsageError(f"train.precision: {what} compute in float32, whose numbers bfloat16 would round away; remove it.")


def _kind(name: str, settings) -> tuple[type, dict]:
    """The Keras class of a name and the arguments that are its own."""
    if name in OTHERS:
        return OTHERS[name], {} if settings.beta2 is None else {"beta_2": settings.beta2}
    momentum = MOMENTUM[name] if settings.momentum is None else settings.momentum
    if name == "rmsprop":
        return optimizers.RMSprop, {"momentum": momentum}
    return optimizers.SGD, {"momentum": momentum, "nesterov": name == "nesterov"}


def _with_rates(kind: type, rates: dict[str, float] | None, cycle: Schedule | None, fading: Schedule | None) -> type:
    """`kind`, each of whose updates multiplies the step size by the variable's factor and moves the momentum against the rate.

    Weight decay follows the variable's step size too, and under `fading` it stays for half of the training and then goes to 0.
    """
    if not rates and cycle is None and fading is None:
        return kind

    def factor(path: str) -> float:
        found = [prefix for prefix in rates or () if path.startswith(prefix)]
        return rates[max(found, key=len)] if found else 1.0

    class Tuned(kind):
        def build(self, variables):
            super().build(variables)  # the backend hands its own variable objects to `update_step`, so both are known
            self.factors = {id(key): factor(v.path) for v in variables for key in (v, v.value)}

        def update_step(self, gradient, variable, learning_rate):
            rate = learning_rate * self.factors[id(variable)]
            if cycle is None:
                return super().update_step(gradient, variable, rate)
            momentum = self.momentum - (self.momentum - min(self.momentum, LOW_MOMENTUM)) * cycle.share(self.iterations)
            return _momentum_step(self, gradient, variable, rate, momentum)

        def _apply_weight_decay(self, variables):
            whole = self.weight_decay
            if whole is None:
                return
            for own in sorted({self.factors[id(v)] for v in variables}):
                self.weight_decay = whole * own * (1.0 if fading is None else fading.flat_cos(self.iterations))
                super()._apply_weight_decay([v for v in variables if self.factors[id(v)] == own])
            self.weight_decay = whole

    return Tuned


def _momentum_step(self, gradient, variable, rate, momentum) -> None:
    """Keras' SGD update with a momentum that is a tensor (Keras compares its own with 0, which a graph cannot)."""
    gradient, rate, momentum = (ops.cast(value, variable.dtype) for value in (gradient, rate, momentum))
    velocity = self.momentums[self._get_variable_index(variable)]
    moved = velocity * momentum - gradient * rate
    self.assign(velocity, moved)
    self.assign_add(variable, moved * momentum - gradient * rate if self.nesterov else moved)
