"""Defaults of a tabular recipe by the size of the table. They were chosen on validation rows of public tables."""

from __future__ import annotations

import inspect

from applied_dl.core import config
from applied_dl.core.builders import known_settings
from applied_dl.core.errors import UsageError
from applied_dl.tasks.tabular.models import BUILDERS, OPTIONS
from applied_dl.tasks.tabular.readers.read import TabularState
from applied_dl.tasks.tabular.recipe import Recipe
from applied_dl.tasks.tabular.validate import ANY_TRAIN, LOSSES, check_members_use, check_unused, check_values, numeric_embedding
from applied_dl.training.losses import SMOOTHED

FEW = 4000  # training rows (5,000 with validation rows) up to which models without gradient steps are cross-validated
SMALL = 2000  # training rows below which an ensemble of nets has a linear one, often the best on small tables
STEPLESS = ("linear", "waves", "trees", "kernel")  # the smallest first; the last stores training rows and predicts numbers alone
MEMBERS = {"small": ("linear", "tabm", "tabm"), "best": ("tabm", "tabm", "tabm", "realmlp")}
MOST_OUTPUTS = 20  # classes or targets; of more, trees would take too long
MAX_METRIC_DROP = 0.005
SHARED = {
    "schedule": "cosine", "warmup": 0.0, "optimizer": "adamw", "clip_norm": 1.0, "ema": 0.0, "label_smoothing": 0.0, "beta2": None,
}  # fmt: skip
TRAINING = {  # per net; small tables get more epochs, except for realmlp
    "linear": {"epochs": 60, "learning_rate": 2e-2, "weight_decay": 1e-3},
    "mlp": {"epochs": 40, "learning_rate": 1e-3, "weight_decay": 2e-2},
    "resnet": {"epochs": 40, "learning_rate": 1e-3, "weight_decay": 2e-2},
    "tabm": {"epochs": 64, "learning_rate": 5e-3, "weight_decay": 5e-2},
    "realmlp": {
        "epochs": 256, "learning_rate": 0.2, "weight_decay": 0.02, "schedule": "coslog4", "beta2": 0.95, "clip_norm": 0.0, "patience": 0,
    },
}  # fmt: skip
TRAINING["retrieval"] = {"epochs": 120, "learning_rate": 2e-3, "weight_decay": 1e-2}
BATCH = 1024  # largest batch of retrieval, whose rows are predicted from each other; a quarter of a small table
LARGE_BATCHES = ((10_000_000, 4096), (1_000_000, 1024))  # training rows from which batches are larger
MOST_ROWS_SEEN = 3 * 10**7  # by all epochs of a large table
MOST_COMPARED = 10_000  # training rows of kernel ridge regression, whose cost grows with their cube
MEMORY = 16384  # most training rows that retrieval stores
SMOOTHING, CLASS_RATE = 0.1, 0.04  # of realmlp for classes
STEPS = 2500  # fewest training steps; small tables get more epochs
MOST_EPOCHS = 300
WIDTH = 12  # of a piecewise-linear embedding


def name_of(recipe, rows: int, outputs: int) -> str:
    """The recipe's net, or the one that suits the size of the table."""
    if recipe.model.name:
        return recipe.model.name
    if recipe.model.members is not None or recipe.model.preset == "best":
        return "ensemble"
    if recipe.model.preset == "fast":
        return "mlp"
    if rows < SMALL:
        return "ensemble"
    return "ensemble" if rows <= FEW and outputs <= MOST_OUTPUTS and not net_keys(recipe) else "tabm"


def net_keys(recipe) -> list[str]:
    """The keys of a recipe that only a net trained by gradient steps uses."""
    usual, found = Recipe(), [f"model.{key}" for key in OPTIONS if getattr(recipe.model, key) is not None]
    for section, others in (("train", ANY_TRAIN), ("preprocess", ("target",))):
        mine, plain = getattr(recipe, section), getattr(usual, section)
        found += [f"{section}.{key}" for key in plain.__struct_fields__ if key not in others and getattr(mine, key) != getattr(plain, key)]
    return [key for key in found if not (key == "train.loss" and recipe.train.loss in ("mse", "crossentropy"))]


def is_stepless(name: str, members: tuple[str, ...] | None) -> bool:
    """Whether a model or every member of an ensemble is fitted without gradient steps, by cross-validation."""
    return set(members or (name,)) <= set(STEPLESS) and (members or (name,)) != ("linear",)


def resolve_tabular(recipe, encoder, rows: int, state: TabularState):
    """The recipe with every open value chosen. Raises `UsageError` for a key that would have no effect."""
    outputs = len(encoder.labels) or len(encoder.targets)
    name = name_of(recipe, rows, outputs)
    classes = bool(encoder.labels)
    members = members_of(recipe, rows, outputs, classes) if name == "ensemble" else None
    nets = members or (name,)
    _check_preset(recipe, rows, outputs)
    check_values(recipe, name, nets, encoder)
    check_unused(recipe, nets, encoder)
    if "kernel" in nets and rows > MOST_COMPARED:
        raise UsageError(f"'kernel' compares each row with all others, up to {MOST_COMPARED:,} training rows; received {rows:,}; use tabm.")
    stepless = is_stepless(name, members)
    if recipe.train.refit and (not stepless or recipe.data.test or recipe.data.validation):
        why = "the recipe names the files of the parts" if stepless else f"{', '.join(dict.fromkeys(nets))} are trained by gradient steps"
        raise UsageError(f"train.refit would have no effect: {why}; remove it.")
    if stepless:
        return _resolve_stepless(recipe, name, members, classes, encoder, state)
    if members:
        check_members_use(recipe, members)
    else:
        known_settings(BUILDERS[name], {key: getattr(recipe.model, key) for key in OPTIONS})
    loss = recipe.train.loss or LOSSES[classes][0]
    chosen = training_of(leader_of(members) if members else name, rows, classes) | {"loss": loss}
    if loss not in SMOOTHED:
        chosen["label_smoothing"] = 0.0
    numbers = None if members else numeric_embedding(recipe, name, 0)
    width = recipe.preprocess.embedding
    return config.replace(
        recipe,
        data=_known_data(classes, encoder),
        preprocess={
            "scale": recipe.preprocess.scale or (None if members else _scale(name)),
            "numeric_embedding": recipe.preprocess.numeric_embedding or numbers,
            "embedding": width or (WIDTH if (numbers or "bins").endswith("bins") else None),
            "pairwise_bins": recipe.preprocess.pairwise_bins if members else _pairs(recipe, name, numbers),
            "target": recipe.preprocess.target or (None if classes else "log" if state.log else "plain"),
        },
        model={"name": name, "members": members, "memory": recipe.model.memory or (MEMORY if "retrieval" in nets else None)},
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None},
        export={} if recipe.export.max_metric_drop is not None else {"max_metric_drop": MAX_METRIC_DROP},
    )


def _resolve_stepless(recipe, name: str, members, classes: bool, encoder, state: TabularState):
    """Every open value of a model without gradient steps. Raises `UsageError` for a key that is for a net."""
    if keys := net_keys(recipe):
        raise UsageError(f"{keys[0]} would have no effect: {', '.join(members or (name,))} take no gradient steps; remove it.")
    refit = recipe.train.refit if recipe.train.refit is not None else not (recipe.data.test or recipe.data.validation)
    return config.replace(
        recipe,
        data=_known_data(classes, encoder),
        preprocess={"target": recipe.preprocess.target or (None if classes else "log" if state.log else "plain")},
        model={"name": name, "members": members},
        train={"loss": LOSSES[classes][0], "refit": refit},
        export={} if recipe.export.max_metric_drop is not None else {"max_metric_drop": MAX_METRIC_DROP},
    )


def _known_data(classes: bool, encoder) -> dict:
    names = tuple(target.name for target in encoder.targets)
    return {"kind": "classification" if classes else "regression", "target": encoder.target if len(names) == 1 else names}


def members_of(recipe, rows: int, outputs: int, classes: bool) -> tuple[str, ...]:
    """The models of an ensemble: the recipe's, or those that suit the table, and retrieval where a memory is asked for."""
    if recipe.model.members:
        return recipe.model.members
    best, free = recipe.model.preset == "best", outputs <= MOST_OUTPUTS and not net_keys(recipe)
    if rows <= FEW and free:
        stepless = STEPLESS[:-1] if classes or recipe.model.memory == 0 else STEPLESS
        chosen = stepless + MEMBERS["best"] if best else stepless
    else:
        chosen = (("linear",) if rows < SMALL else ()) + MEMBERS["best"] if best or rows >= SMALL else MEMBERS["small"]
    return chosen + (("retrieval",) if recipe.model.memory else ())


SIZES = (  # for `export.budget`, the largest first
    {"model.name": "tabm", "model.width": 128, "model.heads": 8, "preprocess.bins": 24, "preprocess.embedding": 6},
    {"model.name": "tabm", "model.width": 64, "model.heads": 4, "preprocess.bins": 12, "preprocess.embedding": 4,
     "preprocess.pairwise_bins": False},
    {"model.name": "mlp", "model.width": 32, "model.depth": 2, "preprocess.bins": 8, "preprocess.embedding": 2},
    {"model.name": "mlp", "model.width": 16, "model.depth": 1, "preprocess.numeric_embedding": "plain"},
    {"model.name": "linear"},
)  # fmt: skip


def smaller_models(recipe, prepared) -> list[dict]:
    """Smaller nets than the default, the largest first; of a net that the recipe names, narrower ones that it takes."""
    model = recipe.model
    if model.preset != "default" or model.members is not None or model.memory:
        return []
    if model.name is None:
        numeric = any(column.kind != "category" for column in prepared.encoder.columns)
        sizes = SIZES if numeric else [{k: v for k, v in size.items() if not k.startswith("preprocess.")} for size in SIZES]
        return config.open_changes(recipe, sizes)
    taken = inspect.signature(BUILDERS[model.name]).parameters if model.name in BUILDERS else ()
    narrower: list[dict] = [{"model.width": width} for width in (128, 64, 32, 16)]
    narrower += [{"model.width": 8, "preprocess.numeric_embedding": "plain"}] if model.name != "realmlp" else []
    return config.open_changes(recipe, narrower if "width" in taken else [])


def leader_of(members: tuple[str, ...]) -> str:
    """The member whose training settings the recipe of an ensemble shows."""
    return "tabm" if "tabm" in members else members[0]


def member_settings(recipe, name: str, place: int, rows: int, classes: bool):
    """The recipe of one member of a resolved ensemble: its net, its embedding of numbers, and its training defaults, except for keys that
    the recipe changes from the default of the leader."""
    known = inspect.signature(BUILDERS[name]).parameters if name in BUILDERS else {}
    options = {key: None for key in OPTIONS if key not in known}
    leader, own = training_of(leader_of(recipe.model.members), rows, classes), training_of(name, rows, classes)
    train = {key: value for key, value in own.items() if getattr(recipe.train, key) == leader[key]}
    if recipe.train.loss not in SMOOTHED:
        train["label_smoothing"] = 0.0
    numbers = numeric_embedding(recipe, name, place)
    preprocess = {
        "numeric_embedding": numbers,
        "scale": recipe.preprocess.scale or _scale(name),
        "pairwise_bins": _pairs(recipe, name, numbers),
    }
    return config.replace(recipe, model={"name": name, "members": None, **options}, train=train, preprocess=preprocess)


def _scale(name: str) -> str:
    return "standard" if name == "linear" else "robust"


def _pairs(recipe, name: str, numbers: str) -> bool:
    """Whether sums and differences of numbers get bins: by default in `tabm`, where it was measured."""
    given = recipe.preprocess.pairwise_bins
    return numbers.endswith("bins") and (name == "tabm" if given is None else given)


def training_of(name: str, rows: int, classes: bool) -> dict:
    """Training defaults of a net."""
    own = SHARED | TRAINING.get(name, TRAINING["tabm"])
    most = next((size for least, size in LARGE_BATCHES if rows >= least), 256)
    batch = max(16, min(most, 2 ** max(0, (rows // 20).bit_length() - 1)))
    if name == "realmlp":
        return own | {"batch_size": batch} | ({"learning_rate": CLASS_RATE, "label_smoothing": SMOOTHING} if classes else {})
    if name == "retrieval":
        batch = max(min(BATCH, rows // 4), 1)
    epochs = min(MOST_EPOCHS, max(own["epochs"], round(STEPS * batch / max(rows, 1))))
    epochs = min(epochs, max(1, round(MOST_ROWS_SEEN / rows)))
    return own | {"epochs": epochs, "batch_size": batch, "patience": max(16, epochs // 4)}


def _check_preset(recipe, rows: int, outputs: int) -> None:
    model = recipe.model
    usual = name_of(config.replace(recipe, model={"name": None, "members": None}), rows, outputs)
    if model.preset != "default" and (model.name or ("ensemble" if model.members else usual)) != usual:
        raise UsageError(
            f"model.preset = {model.preset!r} chooses the net, and so does model.{'name' if model.name else 'members'}; give one."
        )
