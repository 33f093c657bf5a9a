"""The values a forecast recipe leaves open, by the form of the data. Chosen on validation windows alone, on other sets than yours."""

from __future__ import annotations

from applied_dl import config
from applied_dl.errors import UsageError, nearest, pick
from applied_dl.models.forecast import BUILDERS

PRESETS = {"fast": 0.5, "default": 1.0, "best": 1.0}  # factors of the epochs; "best" has more members
MAX_LOSS = 0.005
SHORT_WINDOW = 96  # steps that cyclenet sees: longer ones overfit it
MEMBER_SIZES = {"gru": {"units": 64, "patch": 32}, "lstm": {"units": 64, "patch": 32}}  # of a blend: a third of the time, as good there
ENOUGH = 2000  # training windows from which a blend is worth its time
PANEL_STEPS = 1500  # of a panel's training, 512 windows each
MEMBERS = {"default": ("ridge", "cyclenet"), "best": ("ridge", "cyclenet", "cyclenet", "gru", "gru")}
TRAINING = {  # epochs, batch, rate, loss
    "cyclenet": (10, 256, 5e-3, "mse"), "gru": (8, 256, 1e-3, "huber"), "lstm": (8, 256, 1e-3, "huber"),
    "panel": (None, 512, 1e-3, "relative"),
    "linear": (10, 256, 2e-3, "mse"), "nlinear": (10, 256, 2e-3, "mse"), "dlinear": (10, 256, 2e-3, "mse"),
    "rlinear": (10, 256, 5e-3, "mse"),
}  # fmt: skip
OTHERS = (10, 128, 1e-3, "mse")


def name_of(recipe, form: str, windows: int, season: int) -> str:
    """The recipe's model, or the one that suits the data: the panel's network, a blend, or ridge for short series and in a hurry."""
    if recipe.model.name:
        return recipe.model.name
    if form == "panel":
        return "panel"
    return "blend" if recipe.model.preset != "fast" and windows >= ENOUGH and season > 1 else "ridge"


def members_of(recipe, name: str) -> tuple[str, ...]:
    """The models behind a name: a blend's members, or itself."""
    if name != "blend":
        return (name,)
    return recipe.model.members or MEMBERS.get(recipe.model.preset, MEMBERS["default"])


def settle_forecast(recipe, encoder, windows: int):
    """The recipe without a None that training reads."""
    model = recipe.model
    if model.preset not in PRESETS:
        raise UsageError(f"Unknown model.preset {model.preset!r}.{nearest(model.preset, PRESETS)}")
    name = name_of(recipe, encoder.form, windows, encoder.season)
    members = members_of(recipe, name) if name == "blend" else None
    pick("model.name", name, {**BUILDERS, "blend": None})
    for member in members or ():
        pick("a member of model.members", member, BUILDERS)
    if encoder.form == "panel" and (name == "blend" or "cyclenet" in (name, *(members or ()))):
        raise UsageError(
            f"model.name = {name!r} needs series on one common clock; a panel is forecast by 'panel', 'ridge' or a single network."
        )
    chosen = training_of(name, encoder, windows, model.preset)
    _check_loss(recipe.train.loss or chosen["loss"], encoder, name)
    non_negative = recipe.score.non_negative
    return config.replace(
        recipe,
        model={"name": name, "members": members},
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None},
        data={"horizon": encoder.horizon, "lookback": encoder.lookback, "season": encoder.season},
        score={"non_negative": encoder.form == "panel" if non_negative is None else non_negative},
        export={} if recipe.export.max_loss is not None else {"max_loss": MAX_LOSS},
    )


def training_of(name: str, encoder, windows: int, preset: str) -> dict:
    """How a single model is trained."""
    epochs, batch, rate, loss = TRAINING.get(name, OTHERS)
    batch = max(8, min(batch, windows // 8))
    if encoder.form == "panel":
        epochs, loss = max(2, round(PANEL_STEPS / max(1, windows // batch))), "relative"
    else:
        epochs = max(epochs or OTHERS[0], min(60, round(300 * batch / max(windows, 1))))
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


def _check_loss(loss: str, encoder, name: str) -> None:
    known = ("mse", "mae", "huber", "quantile", "gaussian_nll", "relative")
    if loss not in known:
        raise UsageError(f"Unknown train.loss {loss!r} for a forecast.{nearest(loss, known)}")
    if loss in ("quantile", "gaussian_nll") and name in ("blend", "ridge", "cyclenet"):
        raise UsageError(
            f"train.loss = {loss!r} needs a network with several outputs a step; {name!r} has one: its intervals come "
            "from validation errors."
        )
    if loss == "relative" and encoder.form != "panel":
        raise UsageError(
            "train.loss = 'relative' is for panels (data.test_horizons); an aligned set takes mse, mae, huber, quantile or gaussian_nll."
        )
