"""The values a sentence recipe leaves open. Chosen on validation rows alone."""

from __future__ import annotations

from applied_dl import config
from applied_dl.errors import UsageError, pick

MODELS = ("static", "bytes", "transformer", "pretrained")
OBJECTIVES = ("contrastive", "simcse", "mlm", "classification", "distillation")
SEEN = 2_000_000  # pairs shown in a whole training of the static model
MAX_LOSS = 0.01


def settle_sentences(recipe, prepared):
    """The recipe without a None that training reads."""
    model, learn, encoder = recipe.model, recipe.learn, prepared.encoder
    name = model.name or ("pretrained" if model.weights else "static")
    pick("model.name", name, dict.fromkeys(MODELS))
    if (name == "pretrained") != bool(model.weights):
        raise UsageError("model.name = 'pretrained' and model.weights (a local Hugging Face directory) go together.")
    objective = learn.objective or ("distillation" if model.teacher else "classification" if encoder.labels else "contrastive")
    pick("learn.objective", objective, dict.fromkeys(OBJECTIVES))
    if objective == "classification" and not encoder.labels:
        raise UsageError("learn.objective = 'classification' needs labelled texts: a table with a text column and the column data.target.")
    if objective == "distillation" and not model.teacher:
        raise UsageError("learn.objective = 'distillation' needs model.teacher, a local Hugging Face directory.")
    if name in ("static", "bytes") and (objective == "mlm" or learn.pretrain):
        raise UsageError("Masked-language-model training needs tokens that see each other: model.name = 'transformer'.")
    light = name in ("static", "bytes")
    table = light and objective in ("contrastive", "simcse", "distillation") and (model.pooling or "mean") == "mean"
    rows = len(prepared.state["rows"]) if objective in ("contrastive", "classification") else len(prepared.train)
    chosen = _table(rows) if table else _light(rows) if light else _deep(rows, name)
    dimensions = None if name == "pretrained" else model.dimensions or (256 if light else model.width or 256)
    own = {"dimensions": dimensions, "name": name, "matryoshka": model.matryoshka if model.matryoshka is not None else _nested(dimensions)}
    if name == "transformer":
        own["width"] = model.width or 256
    augment = recipe.preprocess.augment
    if augment is None:
        augment = ("drop",) if light else ()
    return config.replace(
        recipe,
        model=own,
        learn={"objective": objective, "temperature": learn.temperature or 0.05},
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None},
        preprocess={"augment": augment, "length": encoder.length, "vocabulary": encoder.vocabulary},
        export={} if recipe.export.max_loss is not None else {"max_loss": MAX_LOSS},
    )


def _nested(dimensions: int | None) -> tuple[int, ...]:
    return tuple(d for d in (dimensions // 2, dimensions // 4) if d >= 16) if dimensions else ()


def _shared() -> dict:
    return {"warmup": None, "clip_norm": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0, "ema": 0.0, "patience": 0, "loss": "own"}


def _table(rows: int) -> dict:
    """Row-wise Adagrad on the table alone."""
    batch = max(8, min(1024, rows // 8))
    return {
        **_shared(), "epochs": max(3, min(10, round(SEEN / rows))), "batch_size": batch, "learning_rate": 0.02, "schedule": "one_cycle",
        "warmup": 0.0, "optimizer": "adagrad",
    }  # fmt: skip


def _light(rows: int) -> dict:
    """A table trained densely: a classifier on few labelled texts."""
    batch = max(8, min(128, rows // 20))
    return {
        **_shared(),
        "epochs": 20,
        "batch_size": batch,
        "learning_rate": 5e-3,
        "schedule": "one_cycle",
        "optimizer": "adam",
        "patience": 4,
    }


def _deep(rows: int, name: str) -> dict:
    batch = max(8, min(64, rows // 8))
    fine = name == "pretrained"
    return {
        **_shared(), "epochs": 1 if fine and rows > 20_000 else 3 if fine else 5, "batch_size": batch,
        "learning_rate": 2e-5 if fine else 5e-4, "schedule": "one_cycle", "warmup": 0.1, "optimizer": "adamw", "weight_decay": 0.01,
        "clip_norm": 1.0,
    }  # fmt: skip
