"""The values a tabular recipe leaves open, by the size of the table. Chosen on validation rows alone, on other tables than yours."""

from __future__ import annotations

from applied_dl import config
from applied_dl.errors import UsageError, nearest
from applied_dl.models.call import known_settings
from applied_dl.models.tabular import BUILDERS
from applied_dl.tasks.tabular_fit import OPTIONS
from applied_dl.train.losses import SMOOTHED

SMALL = 2000  # training rows under which a linear net goes along: it is often the best there
MEMBERS = {"small": ("linear", "tabm", "tabm"), "best": ("tabm", "tabm", "tabm", "mlp")}
BINS = ("quantile_bins", "target_bins")  # members of an ensemble take them in turn
MAX_LOSS = 0.005
LOSSES = {
    True: ("crossentropy", "focal", "categorical_hinge", "squared_hinge", "hinge", "binary_crossentropy"),
    False: ("mse", "mae", "huber", "quantile", "gaussian_nll"),
}
TRAINING = {  # epochs, learning rate, weight decay
    "linear": (60, 2e-2, 1e-3), "mlp": (40, 1e-3, 2e-2), "resnet": (40, 1e-3, 2e-2), "tabm": (64, 5e-3, 3e-4),
}  # fmt: skip
STEPS = 2500  # of a training, at the least: small tables are shown more often
MOST_EPOCHS = 300
WIDTH = 12  # of a piecewise-linear embedding


def name_of(recipe, rows: int) -> str:
    """The recipe's net, or the one that suits the size of the table."""
    if recipe.model.name:
        return recipe.model.name
    if recipe.model.members is not None or recipe.model.preset == "best":
        return "ensemble"
    if recipe.model.preset == "fast":
        return "mlp"
    return "ensemble" if rows < SMALL else "tabm"


def settle_tabular(recipe, encoder, rows: int):
    """The recipe without a None that training reads. Raises `UsageError` for a key that would do nothing."""
    name = name_of(recipe, rows)
    _check(recipe, name, encoder)
    classes, members = bool(encoder.labels), None
    if name == "ensemble":
        members = recipe.model.members or MEMBERS["small" if rows < SMALL else "best"]
        for member in members:
            known_settings(BUILDERS[member], {key: getattr(recipe.model, key) for key in OPTIONS if member != "linear"})
    else:
        known_settings(BUILDERS[name], {key: getattr(recipe.model, key) for key in OPTIONS})
    leader = "tabm" if members and "tabm" in members else members[0] if members else name  # the others' own are in `member_settings`
    chosen = training_of(leader, rows) | {"loss": LOSSES[classes][0]}
    numbers = None if members else _numbers(recipe, name, 0)
    width = recipe.preprocess.embedding
    return config.replace(
        recipe,
        data={"kind": "classification" if classes else "regression", "target": encoder.target},
        preprocess={
            "scale": recipe.preprocess.scale or ("standard" if name == "linear" else "robust"),
            "numbers": recipe.preprocess.numbers or numbers,
            "embedding": width or (WIDTH if (numbers or "bins").endswith("bins") else None),
        },
        model={"name": name, "members": members},
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None},
        export={} if recipe.export.max_loss is not None else {"max_loss": MAX_LOSS},
    )


def member_settings(recipe, name: str, place: int, rows: int):
    """The recipe of one member of a settled ensemble: its own net, its own embedding of numbers, its own rate where it is linear."""
    options = dict.fromkeys(OPTIONS) if name == "linear" else {}
    own = training_of(name, rows)
    rates = {key: own[key] for key in ("epochs", "learning_rate", "weight_decay", "patience")} if name != "tabm" else {}
    return config.replace(
        recipe, model={"name": name, "members": None, **options}, train=rates, preprocess={"numbers": _numbers(recipe, name, place)}
    )


def _numbers(recipe, name: str, place: int) -> str:
    pre = recipe.preprocess
    if name == "linear" or pre.components:
        return "plain"
    return pre.numbers or BINS[place % len(BINS)]


def training_of(name: str, rows: int) -> dict:
    """How a net is trained."""
    epochs, rate, decay = TRAINING.get(name, TRAINING["tabm"])
    batch = max(16, min(256, 2 ** max(0, (rows // 20).bit_length() - 1)))
    epochs = min(MOST_EPOCHS, max(epochs, round(STEPS * batch / max(rows, 1))))
    return {
        "epochs": epochs, "batch_size": batch, "learning_rate": rate, "weight_decay": decay, "schedule": "cosine", "warmup": 0.0,
        "optimizer": "adamw", "clip_norm": 1.0, "ema": 0.0, "patience": max(16, epochs // 4), "label_smoothing": 0.0,
    }  # fmt: skip


def _check(recipe, name: str, encoder) -> None:
    """Refuse what contradicts itself or would do nothing."""
    classes, train, pre, score = bool(encoder.labels), recipe.train, recipe.preprocess, recipe.score
    if train.loss is not None and train.loss not in LOSSES[classes]:
        kind = "classes" if classes else "a number"
        raise UsageError(f"train.loss = {train.loss!r} does not fit {kind}.{nearest(train.loss, LOSSES[classes])}")
    if train.label_smoothing and (train.loss or LOSSES[classes][0]) not in SMOOTHED:
        raise UsageError(
            f"train.label_smoothing has no meaning for the loss {train.loss or LOSSES[classes][0]!r}; it is for {', '.join(SMOOTHED)}."
        )
    if not classes:
        for key, value, idle in (
            ("train.class_weights", train.class_weights, None),
            ("preprocess.balance", pre.balance, "none"),
            ("score.threshold", score.threshold, None),
        ):
            if value != idle:
                raise UsageError(f"{key} is for classes; the target {encoder.target!r} is a number (data.kind says otherwise).")
    if score.threshold and len(encoder.labels) != 2:
        raise UsageError(f"score.threshold is for two classes; the target {encoder.target!r} has {len(encoder.labels)}.")
    if pre.balance != "none" and train.class_weights is not None:
        raise UsageError("preprocess.balance and train.class_weights do the same thing; give one of them.")
    if recipe.model.members is not None and name != "ensemble":
        raise UsageError(f"model.members is for model.name = 'ensemble'; the model is {name!r}.")
    if pre.components is not None and pre.numbers not in (None, "plain"):
        raise UsageError(
            f"preprocess.components replaces the numbers by their principal components; preprocess.numbers = {pre.numbers!r} has none left."
        )
    if pre.embedding is not None and (pre.numbers or "").endswith("bins") is False and pre.numbers is not None:
        raise UsageError(f"preprocess.embedding is the width of a piecewise-linear embedding; preprocess.numbers is {pre.numbers!r}.")
    for key in ("freeze", "depth_rates"):
        if getattr(train, key) is not None:
            raise UsageError(f"train.{key} is for transfer learning; a table's net learns from nothing.")
