"""The values that a generate recipe leaves open, by the kind and the number of the examples."""

from __future__ import annotations

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.tasks.generate.models import GENERATORS, OF_TABLES
from applied_dl.tasks.generate.readers.tables import is_table

STEPS = 6000  # of two nets on many images; fewer examples are seen more often
FEWEST_STEPS = 2000
MANY, SOME = 5000, 1000  # training rows of a table
MAX_METRIC_DROP = 0.05  # of an error, relative
NOT_FOR_TWO_NETS = (  # keys of [train] that only Keras fit reads
    "optimizer", "momentum", "beta2", "weight_decay", "clip_norm", "loss", "label_smoothing", "class_weights", "swa", "l1", "l2",
    "patience", "max_norm", "snapshots", "unfreeze_epochs", "layerwise_lr_decay",
)  # fmt: skip
NOT_FOR_COLUMNS = ("loss", "label_smoothing", "class_weights", "snapshots", "unfreeze_epochs", "layerwise_lr_decay")
TWO_NETS = {"schedule": "cosine", "warmup": 0.0, "optimizer": "adam", "loss": "relativistic", "weight_decay": 0.0, "clip_norm": 0.0,
            "label_smoothing": 0.0, "patience": 0}  # fmt: skip
COLUMNS = {"schedule": "cosine", "warmup": 0.05, "optimizer": "adamw", "loss": "cross_entropy", "weight_decay": 0.01, "clip_norm": 1.0,
           "label_smoothing": 0.0, "patience": 8, "ema": 0.0}  # fmt: skip
MODEL_KEYS = {
    "residual": ("latent", "width", "blocks"), "dcgan": ("latent", "width"), "autoregressive": ("width", "dropout"),
    "row_gan": ("latent", "width"),
}  # fmt: skip
OF_DATA = {"images": ("conditional", "image_size", "channels"), "tables": ("target", "ignore", "categorical", "separator", "header",
                                                                          "decimal", "sheet")}  # fmt: skip


def name_model(recipe):
    """The recipe with its model named. Raises `UsageError` for one of the other kind of data, or for keys that would do nothing."""
    table, name = is_table(recipe.data), recipe.model.name
    name = name or ("autoregressive" if table else "residual")
    if (name in OF_TABLES) != table:
        raise UsageError(
            f"model.name = {name!r} is for {'tables' if name in OF_TABLES else 'images'}, and {recipe.data.source!r} "
            f"{'is a table' if table else 'holds images'}; choose {' or '.join(OF_TABLES if table else GENERATORS)}."
        )
    for key in ("latent", "width", "blocks", "dropout"):
        if getattr(recipe.model, key) is not None and key not in MODEL_KEYS[name]:
            raise UsageError(f"model.{key} has no meaning for the model {name!r}; it accepts: {', '.join(MODEL_KEYS[name])}.")
    other = OF_DATA["images" if table else "tables"]
    for key in other:
        if getattr(recipe.data, key) not in (None, ()):
            raise UsageError(f"data.{key} is for {'images' if table else 'tables'}, and {recipe.data.source!r} is none; remove it.")
    if not table and (recipe.preprocess.bins or recipe.preprocess.levels):
        raise UsageError("preprocess.bins and preprocess.levels are for tables, and the data are images; remove them.")
    if table and recipe.score.trunk:
        raise UsageError("score.trunk is for images, and the data is a table; remove it.")
    if name == "autoregressive" and recipe.learn.gamma is not None:
        raise UsageError("learn.gamma is for two nets that learn from each other; 'autoregressive' is one net. Remove it.")
    return config.replace(recipe, model={"name": name})


def resolve_generate(recipe, prepared):
    """The recipe without a None that training reads."""
    recipe, rows = name_model(recipe), len(prepared.train)
    name, train = recipe.model.name, recipe.train
    two = name != "autoregressive"
    for key in NOT_FOR_TWO_NETS if two else NOT_FOR_COLUMNS:
        if getattr(train, key) not in (None, (TWO_NETS if two else COLUMNS).get(key)):
            raise UsageError(f"train.{key} has no meaning for the model {name!r}; remove it.")
    if train.ensemble > 1:
        raise UsageError("train.ensemble has no meaning for generators: the mean of several images is none of them; remove it.")
    if train.precision == "mixed_bfloat16":
        raise UsageError("train.precision = 'mixed_bfloat16' is not for generators, whose gradient penalties need float32; remove it.")
    if two and train.backend == "jax":
        raise UsageError(
            "train.backend = 'jax' has no meaning for two nets that learn from each other, which TensorFlow trains; remove it."
        )
    if two and train.learning_rate == "auto":
        raise UsageError("train.learning_rate = 'auto' has no meaning for two nets that learn from each other; give a number.")
    chosen = _two_nets(rows, train.batch_size) if two else _columns(rows)
    narrow = 128 if rows >= MANY else 64 if rows >= SOME else 32  # units of one column after the other: few rows are soon memorised
    model = {"width": narrow, "dropout": 0.2}
    if two:
        model = {"latent": prepared.encoder.form.latent, "width": 256 if name == "row_gan" else 32}
    model |= {"blocks": 1} if name == "residual" else {}
    return config.replace(
        recipe,
        model={key: value for key, value in model.items() if getattr(recipe.model, key) is None},
        learn={"gamma": 1.0} if two and recipe.learn.gamma is None else {},
        train={key: value for key, value in chosen.items() if getattr(train, key) is None},
        export={} if recipe.export.max_metric_drop is not None else {"max_metric_drop": MAX_METRIC_DROP},
    )


def _two_nets(rows: int, asked: int | str | None) -> dict:
    batch = max(4, min(32, rows // 4))
    size = rows if asked == "all" else asked or batch
    steps = max(FEWEST_STEPS, min(STEPS, rows // 4))
    return {**TWO_NETS, "epochs": max(1, round(steps / max(1, rows // size))), "batch_size": batch, "learning_rate": 7e-4, "ema": 0.998}


def _columns(rows: int) -> dict:
    batch = max(16, min(256, rows // 16))
    return {**COLUMNS, "epochs": max(10, min(100, round(225_000 / max(rows, 1)))), "batch_size": batch, "learning_rate": 1e-3}


def smaller_models(recipe, prepared) -> list[dict]:
    """Narrower nets."""
    width = resolve_generate(recipe, prepared).model.width
    return config.open_changes(recipe, [{"model.width": size} for size in (192, 128, 96, 64, 48, 24, 16, 12, 8, 4) if size < width])
