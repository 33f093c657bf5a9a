"""Refuse forecast recipes with keys that contradict each other, or that the chosen model does not use."""

from __future__ import annotations

import inspect

from applied_dl.core.errors import UsageError, known
from applied_dl.tasks.forecast.models import BUILDERS
from applied_dl.tasks.forecast.models.windows import NORMALIZE
from applied_dl.tasks.forecast.recipe import Calibration, Train
from applied_dl.tasks.forecast.selection import CLOSED
from applied_dl.training.optimizers import refuse_bfloat16

OPTIONS = {
    "units": "units",
    "layers": "layers_",
    "patch": "patch",
    "dropout": "dropout",
    "normalize": "normalize",
    "difference": "normalize",
}
MOST_MEMBERS = 12  # their weights are found by trying every subset: 2^12 small solves take 0.1 s, and each member more doubles it
HEADS = 4  # of attention; each needs a unit of its own
ATTENTIVE = ("patchtst", "itransformer")
# covariates that models do not see
BLIND = {
    "past": ("ridge", "ets", "cyclenet"),
    "static": ("ridge", "ets", "cyclenet"),
    "future": ("cyclenet",),
}  # covariates they do not see
LOSSES = ("mse", "mae", "huber", "quantile", "gaussian_nll", "relative")
ALWAYS_USED = ("refit", "seed", "deterministic", "checkpoint_minutes")  # of [train], by every model
OTHER_TASKS = ("label_smoothing", "class_weights", "unfreeze_epochs", "layerwise_lr_decay")


def takes(name: str, key: str) -> bool:
    """Whether a model uses `model.<key>`. The closed form chooses its own shift, so it has no `normalize`."""
    return OPTIONS[key] in inspect.signature(BUILDERS[name]).parameters and not (name in CLOSED and OPTIONS[key] == "normalize")


def check(recipe, name: str, members: tuple[str, ...] | None, encoder) -> None:
    """Raises `UsageError` for the first thing that contradicts itself or would do nothing. name, members: as resolved."""
    names = members or (name,)
    for member in members or ():
        known("member of model.members", member, BUILDERS)
    if recipe.model.members is not None and members is None:
        raise UsageError(f"model.members is for model.name = 'blend'; the model is {name!r}.")
    if members is not None and not 1 <= len(members) <= MOST_MEMBERS:
        raise UsageError(f"model.members has {len(members)} names; expected 1 to {MOST_MEMBERS} of: {', '.join(BUILDERS)}.")
    if encoder.form == "panel" and "cyclenet" in names:
        raise UsageError(
            "'cyclenet' needs series on one common clock; a panel is forecast by 'panel', 'ridge', another network or their 'blend'."
        )
    _check_model(recipe.model, name, names, encoder)
    _check_covariates(encoder, name, names)
    _check_train(recipe, name, names, encoder)
    _check_quantiles(recipe)


def _check_model(model, name: str, names: tuple[str, ...], encoder) -> None:
    for key in OPTIONS:
        value = getattr(model, key)
        if value in (None, False) or any(takes(one, key) for one in names):
            continue
        fit = ", ".join(one for one in BUILDERS if takes(one, key))
        raise UsageError(f"model.{key} has no meaning for the model {name!r}; it is for: {fit}.")
    if model.normalize is not None:
        known("model.normalize", model.normalize, NORMALIZE)
        if model.difference:
            raise UsageError("model.difference and model.normalize do the same thing; give one of them.")
    if model.cycle is not None and "cyclenet" not in names:
        raise UsageError(f"model.cycle is the cycle of 'cyclenet'; the model is {name!r}.")
    if model.units == 0 and "cyclenet" not in names:
        raise UsageError(f"model.units = 0 is the linear core of 'cyclenet'; {name!r} needs at least 1.")
    if model.units is not None and model.units < HEADS and (attentive := next((one for one in names if one in ATTENTIVE), None)):
        raise UsageError(f"model.units = {model.units} is too few for {attentive!r}, which has {HEADS} heads; give at least {HEADS}.")
    if model.patch is not None and model.patch > max(1, encoder.lookback // 2):
        raise UsageError(
            f"model.patch = {model.patch} leaves less than two patches of a lookback of {encoder.lookback} steps; give at most "
            f"{max(1, encoder.lookback // 2)}."
        )


def _check_covariates(encoder, name: str, names: tuple[str, ...]) -> None:
    given = {"past": encoder.columns.past, "static": encoder.columns.static, "future": encoder.columns.future or encoder.calendar}
    for key, columns in given.items():
        if columns and all(one in BLIND[key] for one in names):
            option = "data.calendar" if key == "future" and not encoder.columns.future else f"data.{key}_covariates"
            raise UsageError(f"{option} would do nothing: {name!r} sees no such columns; leave them out, or choose a model such as 'tide'.")


def _check_train(recipe, name: str, names: tuple[str, ...], encoder) -> None:
    train, loss = recipe.train, recipe.train.loss
    if loss is not None:
        known("train.loss of a forecast", loss, LOSSES)
    if loss in ("quantile", "gaussian_nll") and name in ("blend", "cyclenet", *CLOSED):
        raise UsageError(
            f"train.loss = {loss!r} needs a network with several outputs a step; {name!r} has one: its intervals come "
            "from validation errors."
        )
    if loss == "relative" and encoder.form != "panel":
        raise UsageError(
            "train.loss = 'relative' is for panels (data.test_horizons); an aligned set takes mse, mae, huber, quantile or gaussian_nll."
        )
    for key in OTHER_TASKS:
        if getattr(train, key):
            raise UsageError(f"train.{key} has no meaning for a forecast; remove it.")
    refuse_bfloat16(train, "forecasters")
    if all(one in CLOSED for one in names):
        plain = Train()
        idle = [key for key in Train.__struct_fields__ if key not in ALWAYS_USED and getattr(train, key) != getattr(plain, key)]
        idle = [key for key in idle if (key, getattr(train, key)) not in (("loss", "mse"), ("precision", "float32"))]
        if idle:
            raise UsageError(
                f"train.{idle[0]} would do nothing: {name!r} is solved in closed form, not trained by steps; remove it, or name a "
                "network with model.name."
            )
    if name == "blend":
        if train.ensemble > 1:
            raise UsageError("train.ensemble is for one network; to have several of a blend, name one more than once in model.members.")
        if train.snapshots:
            raise UsageError("train.snapshots is for one network; a blend averages different ones: remove it.")


def _check_quantiles(recipe) -> None:
    quantiles, coverage = recipe.calibration.quantiles, recipe.calibration.coverage
    if not quantiles or min(quantiles) <= 0 or max(quantiles) >= 1 or any(b <= a for a, b in zip(quantiles, quantiles[1:])):
        raise UsageError(f"calibration.quantiles must rise between 0 and 1, such as [0.05, 0.5, 0.95]; received {list(quantiles)}.")
    if recipe.train.loss != "quantile":
        if quantiles[0] >= 0.5 or quantiles[-1] <= 0.5:
            raise UsageError(f"calibration.quantiles needs one below and one above 0.5, the forecast; received {list(quantiles)}.")
    elif 0.5 not in quantiles or quantiles[0] == 0.5 or quantiles[-1] == 0.5:
        raise UsageError(f"calibration.quantiles needs 0.5, the forecast, and one below and above it; received {list(quantiles)}.")
    share = quantiles[-1] - quantiles[0]
    if quantiles != Calibration().quantiles and coverage not in (Calibration().coverage, round(share, 9)):
        raise UsageError(
            f"calibration.quantiles from {quantiles[0]:g} to {quantiles[-1]:g} hold {share:g} of the values, calibration.coverage asks for "
            f"{coverage:g}; give one of them."
        )
