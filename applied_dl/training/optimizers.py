"""Every optimizer by name, with the schedule, weight decay, penalties, clipping, averaging and per-variable rates of a recipe.

Adam is the usual default because its step hardly depends on the scale of the gradients; SGD with momentum and one_cycle is often the
faster of the two on convolutional nets.
"""

from __future__ import annotations

import keras
from keras import ops, optimizers

from applied_dl.core.errors import UsageError, nearest
from applied_dl.training.averaging import check_averaging
from applied_dl.training.schedules import Schedule
from applied_dl.training.snapshots import check_snapshots

MOMENTUM = {"sgd": 0.0, "momentum": 0.9, "nesterov": 0.9, "rmsprop": 0.0}  # the optimizers that have one, and its default
SQUARES = ("adam", "adamw", "adamax", "nadam", "lamb")  # the optimizers that have a beta2
OTHERS = {
    "adagrad": optimizers.Adagrad, "adadelta": optimizers.Adadelta, "adam": optimizers.Adam, "adamw": optimizers.AdamW,
    "adamax": optimizers.Adamax, "nadam": optimizers.Nadam, "adafactor": optimizers.Adafactor, "ftrl": optimizers.Ftrl,
    "lamb": optimizers.Lamb, "lion": optimizers.Lion, "muon": optimizers.Muon,
}  # fmt: skip
NAMES = (*MOMENTUM, *OTHERS)
NO_DECAY = ("bias", "gamma", "beta", "scale", "embeddings")
FADED = ("coslog4",)  # schedules under which weight decay fades out, as in RealMLP
LOW_MOMENTUM = 0.85  # one_cycle runs the momentum from its value down to this at the peak rate and back (Smith, 2018)


def optimizer(settings, total_steps: int | keras.Variable, rates: dict[str, float] | None = None, sweep=None) -> keras.optimizers.Optimizer:
    """The optimizer of a resolved `[train]` section.

    Args:
        settings: `recipe.train`, every value resolved.
        total_steps: of the whole training, for the schedule; a variable where they may change after the graph is traced.
        rates: learning-rate factors by prefix of a variable's path; the longest prefix counts.
        sweep: a schedule to use in place of the recipe's.

    Raises:
        UsageError: There is no such optimizer.
    """
    name = settings.optimizer
    if name not in NAMES:
        raise UsageError(f"Unknown train.optimizer {name!r}.{nearest(name, NAMES)}")
    schedule = Schedule(settings.schedule, settings.learning_rate, total_steps, settings.warmup)
    rate = settings.learning_rate if settings.schedule in ("plateau", "constant") and not schedule.warmup else schedule
    rate = sweep or rate
    kind, own = _kind(name, settings)
    kind = _with_penalties(kind, settings.l1, settings.l2)
    shared = {
        "weight_decay": settings.weight_decay or (0.0 if name in ("adamw", "muon") else None),
        "global_clipnorm": settings.clip_norm or None,
        "use_ema": bool(settings.ema),
        "ema_momentum": settings.ema or 0.99,
    }
    cycled = name in ("momentum", "nesterov") and settings.schedule == "one_cycle" and sweep is None
    fading = schedule if settings.schedule in FADED else None
    kind = _with_rates(kind, rates, schedule if cycled else None, fading)
    result = kind(learning_rate=rate, **own, **shared)
    result.exclude_from_weight_decay(var_names=list(NO_DECAY))
    return result


def check(settings) -> None:
    """Refuse keys of a resolved `[train]` section that would do nothing."""
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
    """The Keras class of a name, and the arguments that only this class takes."""
    if name in OTHERS:
        return OTHERS[name], {} if settings.beta2 is None else {"beta_2": settings.beta2}
    momentum = MOMENTUM[name] if settings.momentum is None else settings.momentum
    if name == "rmsprop":
        return optimizers.RMSprop, {"momentum": momentum}
    return optimizers.SGD, {"momentum": momentum, "nesterov": name == "nesterov"}


def _with_penalties(kind: type, l1: float | None, l2: float | None) -> type:
    """`kind` with the gradient of l1·Σ|w| + l2·Σw² over the kernels added, as in `keras.regularizers`.

    Added to the gradient, so that the losses that are shown and compared are those of the data alone. Under Adam this is not weight decay:
    the penalty is scaled with the gradient (Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019), which is why both exist.
    """
    if not l1 and not l2:
        return kind

    class Penalized(kind):
        def apply(self, gradients, trainable_variables):
            pairs = zip(gradients, trainable_variables)
            changed = [self._penalty(g, v) if v.name == "kernel" and g is not None else g for g, v in pairs]
            return super().apply(changed, trainable_variables)

        def _penalty(self, gradient, variable):
            weight = ops.cast(variable, gradient.dtype)
            return gradient + (l1 or 0.0) * ops.sign(weight) + 2 * (l2 or 0.0) * weight

    return Penalized


def _with_rates(kind: type, rates: dict[str, float] | None, cycle: Schedule | None, fading: Schedule | None) -> type:
    """`kind` with learning-rate factors by variable, a momentum that moves against the learning rate (`cycle`), and fading weight decay.

    Weight decay is multiplied by the variable's factor too; under `fading` it is constant for half of the training and then falls to 0.
    """
    if not rates and cycle is None and fading is None:
        return kind

    def factor(path: str) -> float:
        prefixes = [prefix for prefix in rates or () if path.startswith(prefix)]
        return rates[max(prefixes, key=len)] if prefixes else 1.0

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
            for group in sorted({self.factors[id(v)] for v in variables}):
                self.weight_decay = whole * group * (1.0 if fading is None else fading.flat_cos(self.iterations))
                super()._apply_weight_decay([v for v in variables if self.factors[id(v)] == group])
            self.weight_decay = whole

    return Tuned


def _momentum_step(self, gradient, variable, rate, momentum) -> None:
    """Keras' SGD update with a momentum that is a tensor (Keras compares its own with 0, which a graph cannot)."""
    gradient, rate, momentum = (ops.cast(value, variable.dtype) for value in (gradient, rate, momentum))
    velocity = self.momentums[self._get_variable_index(variable)]
    moved = velocity * momentum - gradient * rate
    self.assign(velocity, moved)
    self.assign_add(variable, moved * momentum - gradient * rate if self.nesterov else moved)
