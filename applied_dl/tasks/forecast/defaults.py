"""The values a forecast recipe leaves open, by the form of the data. They were chosen on validation windows of other data sets."""

from __future__ import annotations

import inspect

from applied_dl.core import config
from applied_dl.core.errors import UsageError, known
from applied_dl.tasks.forecast.models import BUILDERS
from applied_dl.tasks.forecast.selection import CLOSED, choose
from applied_dl.tasks.forecast.validate import check

PRESETS = {"fast": 0.5, "default": 1.0, "best": 1.0}  # factors of the epochs; "best" has more members
MAX_METRIC_DROP = 0.005
SHORT_WINDOW = 96  # steps that cyclenet sees: longer ones overfit it
MEMBER_SIZES = {"gru": {"units": 64, "patch": 32}, "lstm": {"units": 64, "patch": 32}}  # of a blend: a third of the time, as good there
PANEL_STEPS = 1500  # of a panel's training, 512 windows each
OF_A_MEMBER = ("epochs", "learning_rate", "loss")
TRAINING = {  # epochs, batch, rate, loss
    "cyclenet": (10, 128, 1e-2, "mse"), "gru": (8, 256, 1e-3, "huber"), "lstm": (8, 256, 1e-3, "huber"),
    "panel": (None, 512, 1e-3, "relative"),
    "linear": (10, 256, 2e-3, "mse"), "nlinear": (10, 256, 2e-3, "mse"), "dlinear": (10, 256, 2e-3, "mse"),
    "rlinear": (10, 256, 5e-3, "mse"),
}  # fmt: skip
OTHERS = (10, 128, 1e-3, "mse")


def resolve_forecast(recipe, encoder, windows: int, lengths: list[int]):
    """The recipe without a None that training reads. Raises `UsageError` for a key that would do nothing.

    windows: of training. lengths: training steps of each series. The closed form uses no key of the training, so they stay None; the
    members of a blend have epochs, rates and losses of their own.
    """
    model = recipe.model
    known("model.preset", model.preset, PRESETS)
    name, members = choose(recipe, encoder.form, windows, encoder.season, encoder.least > 0, lengths)
    known("model.name", name, (*BUILDERS, "blend"))
    check(recipe, name, members, encoder)
    least, most = encoder.seen or (-1.0, 1.0)
    if recipe.predict.non_negative and least < 0:
        raise UsageError(f"predict.non_negative would cut forecasts of series that are negative themselves (down to {least:g}); remove it.")
    chosen = {} if name in CLOSED else training_of(name, encoder, windows, model.preset)
    return config.replace(
        recipe,
        model={"name": name, "members": members},
        train={"refit": True if recipe.train.refit is None else recipe.train.refit}
        | {k: v for k, v in chosen.items() if getattr(recipe.train, k) is None and not (members and k in OF_A_MEMBER)},
        data={"horizon": encoder.horizon, "lookback": encoder.lookback, "season": encoder.season},
        predict={"non_negative": _floor(encoder, least, most) if recipe.predict.non_negative is None else recipe.predict.non_negative},
        export={} if recipe.export.max_metric_drop is not None else {"max_metric_drop": MAX_METRIC_DROP},
    )


def smaller_models(recipe, prepared) -> list[dict]:
    """The members of a blend alone, the largest first; of a net that the recipe names, narrower ones."""
    name = recipe.model.name
    if name is None and recipe.model.members is None and recipe.model.preset == "default":
        return config.open_changes(recipe, [{"model.name": "ets"}, {"model.name": "ridge"}])
    taken = name in BUILDERS and "units" in inspect.signature(BUILDERS[name]).parameters
    return config.open_changes(recipe, [{"model.units": units} for units in (64, 32, 16, 8)] if taken else [])


def _floor(encoder, least: float, most: float) -> bool:
    """Whether forecasts are cut at zero: no training value is negative, and zero is no farther from them than they are from each other."""
    return least >= 0 and not encoder.offset and not encoder.own_offset and (encoder.form == "panel" or least <= most - least)


def member_training(recipe, name: str, encoder, windows: int) -> dict:
    """What the recipe leaves open for one member of a resolved blend."""
    own = training_of(name, encoder, windows, recipe.model.preset)
    return {key: own[key] for key in OF_A_MEMBER if getattr(recipe.train, key) is None}


def training_of(name: str, encoder, windows: int, preset: str) -> dict:
    """How a single model is trained."""
    epochs, batch, rate, loss = TRAINING.get(name, OTHERS)
    batch = max(8, min(batch, windows // 8))
    if encoder.form == "panel":
        epochs, loss = max(2, round(PANEL_STEPS / max(1, windows // batch))), "relative"
    else:
        epochs = max(epochs or OTHERS[0], min(60, round(300 * batch / max(windows, 1))))
        loss = "mae" if loss == "relative" else loss
    return {
        "epochs": max(1, round(epochs * PRESETS[preset])),
        "batch_size": batch,
        "learning_rate": rate,
        "loss": loss,
        "schedule": "cosine",
        "optimizer": "adam",
        "warmup": 0.0,
        "weight_decay": 0.0,
        "clip_norm": 1.0,
        "ema": 0.0,
        "patience": 0,
        "label_smoothing": 0.0,
    }
