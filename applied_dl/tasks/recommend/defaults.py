"""The values that a recipe leaves open, by the kind and the size of the data; keys that would have no effect are refused."""

from __future__ import annotations

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.core.sections import Export
from applied_dl.tasks.recommend.models.closed import MOST_ITEMS
from applied_dl.tasks.recommend.recipe import Model, Train

EXPLICIT = ("biased_mf", "svdpp")  # models of ratings
IMPLICIT = ("best", "ials", "ease", "item_knn", "biased_mf", "two_tower", "neumf")  # models of events
NETS = ("biased_mf", "two_tower", "neumf")  # trained by Keras, on events
EASE_ITEMS = 5_000  # beyond which the default has no matrix of items by items: a file of 100 MB in float32
MOST_SCORED_PAIRS = 5_000  # items whose pairs with a user a neumf scores at once

COMMON = {"seed", "deterministic", "time_limit", "checkpoint_minutes", "log", "precision"}  # keys of [train] that every model has
OWN = {  # keys of [model], [learn] and [train] beside them
    "best": {"dimensions", "confidence", "weighting", "epochs"},
    "ials": {"dimensions", "confidence", "regularization", "weighting", "epochs"},
    "ease": {"regularization", "weighting"},
    "item_knn": {"neighbours", "regularization", "weighting"},
    "svdpp": {"dimensions", "regularization", "epochs", "learning_rate", "patience", "loss"},
    "sampled": {"dimensions", "samples", "epochs", "loss"},
}
MAX_METRIC_DROP = {True: 0.005, False: 0.01}  # of RMSE as a share, of NDCG@10 as a difference


def resolve_recommend(recipe, prepared):
    """The recipe without a None that training reads."""
    encoder = prepared.encoder
    name = recipe.model.name or usual_model(encoder)
    allowed = EXPLICIT if encoder.explicit else IMPLICIT
    if name not in allowed:
        kind, because = prepared.facts["kind"], prepared.facts["kind_because"]
        raise UsageError(
            f"model.name = {name!r} is not for {kind} data ({because}); choose {', '.join(allowed)}, or set data.kind to "
            f"{'implicit' if encoder.explicit else 'explicit'!r}."
        )
    items = len(encoder.items)
    if name in ("ease", "item_knn") and items > MOST_ITEMS:
        raise UsageError(
            f"model.name = {name!r} holds a matrix of items by items, and there are {items:,} items; use 'ials', or raise data.min_item."
        )
    if name == "neumf" and items > MOST_SCORED_PAIRS:
        raise UsageError(f"model.name = 'neumf' runs a net for every one of {items:,} items; use 'two_tower' or 'ials'.")
    if prepared.state.user_features.shape[1] + prepared.state.item_features.shape[1] and name != "two_tower":
        raise UsageError(f"data.user_features and data.item_features would have no effect on model.name = {name!r}; set 'two_tower'.")
    family = family_of(name, encoder.explicit)
    _refuse_unused(recipe, name, family)
    model, learn, train = _open_values(recipe, family, encoder)
    export = {
        "max_metric_drop": MAX_METRIC_DROP[encoder.explicit] if recipe.export.max_metric_drop is None else recipe.export.max_metric_drop,
        "variants": variants(recipe.export.variants),
    }  # fmt: skip
    kind = "explicit" if encoder.explicit else "implicit"
    return config.replace(
        recipe, data={"kind": kind, "split": recipe.data.split or _split(prepared)}, model={"name": name, **model}, learn=learn,
        train=train, export=export,
    )  # fmt: skip


def usual_model(encoder) -> str:
    """For ratings an ensemble of biased factorisations; for events the better of two closed forms, or the one that is small."""
    if encoder.explicit:
        return "biased_mf"
    return "best" if len(encoder.items) <= EASE_ITEMS else "ials"


def family_of(name: str, explicit: bool) -> str:
    """How a model is trained: one of `OWN`, or "net"."""
    if explicit:
        return "sampled" if name == "biased_mf" else name
    return "net" if name in NETS else name


def variants(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Without int8 unless it is asked for alone: its ranges are fitted to sums over all items, whose seen ones are far below."""
    return tuple(variant for variant in asked if variant != "int8") if asked == Export().variants else asked


def smaller_models(recipe, prepared) -> list[dict]:
    """Fewer factors."""
    if prepared.encoder.explicit or recipe.model.name not in (None, "best", "ease"):
        return config.open_changes(recipe, [{"model.dimensions": size} for size in (16, 8, 4, 2)])
    sizes = [{"model.name": "ials", "model.dimensions": size} for size in (64, 32, 16, 8)]
    return config.open_changes(recipe, sizes)


def _split(prepared) -> str | None:
    return prepared.facts["split"] if prepared.facts["split"] != "given" else None


def _open_values(recipe, family: str, encoder) -> tuple[dict, dict, dict]:
    model, learn, train = recipe.model, recipe.learn, recipe.train
    explicit = encoder.explicit
    weighting = {} if explicit else {"weighting": model.weighting or "binary"}
    if family == "ease":
        return weighting, {}, {}
    if family == "item_knn":
        return {**weighting, "neighbours": model.neighbours or 100, "regularization": model.regularization or 10.0}, {}, {}
    if family in ("ials", "best"):
        return {"dimensions": model.dimensions or 64, "confidence": model.confidence or 2.0}, {}, {"epochs": train.epochs or 8}
    if family == "sampled":
        return (
            {"dimensions": model.dimensions or 12}, {"samples": learn.samples or 20},
            {"epochs": train.epochs or 80, "loss": "mse"},
        )  # fmt: skip
    if family == "svdpp":
        own = {"epochs": train.epochs or 40, "learning_rate": train.learning_rate or 0.01, "loss": "mse"}
        own["patience"] = 3 if train.patience is None else train.patience
        return {"dimensions": model.dimensions or 16, "regularization": model.regularization or 0.03}, {}, own
    return _net_values(recipe)


def _net_values(recipe) -> tuple[dict, dict, dict]:
    model, learn, train = recipe.model, recipe.learn, recipe.train
    loss = train.loss or "softmax"
    hidden = model.hidden if model.hidden is not None else {"two_tower": (64,), "neumf": (64, 32)}.get(model.name)
    negatives = learn.negatives or {"bce": 8, "bpr": 8}.get(loss, 128)
    usual = {
        "epochs": 30, "batch_size": 512, "learning_rate": 3e-3, "schedule": "cosine", "warmup": 0.05, "optimizer": "adam", "loss": loss,
        "patience": 5, "weight_decay": 0.0, "clip_norm": 0.0, "label_smoothing": 0.0, "ema": 0.0,
    }  # fmt: skip
    chosen = {key: value if getattr(train, key) is None or key == "loss" else getattr(train, key) for key, value in usual.items()}
    return {"dimensions": model.dimensions or 64, "hidden": hidden}, {"negatives": negatives}, chosen


def _refuse_unused(recipe, name: str, family: str) -> None:
    """Refuse keys of `[model]`, `[learn]` and `[train]` that this model does not have."""
    if family == "net":
        _refuse_for_net(recipe, name)
        return
    allowed = COMMON | OWN[family]
    usual = {"model": Model(), "learn": type(recipe.learn)(), "train": Train()}
    for section, plain in usual.items():
        mine = getattr(recipe, section)
        for key in mine.__struct_fields__:
            if key == "name" or key in allowed or getattr(mine, key) == getattr(plain, key):
                continue
            raise UsageError(
                f"{section}.{key} has no meaning for model.name = {name!r} on {'ratings' if family in ('sampled', 'svdpp') else 'events'}."
            )
    if recipe.train.loss not in (None, "mse"):
        raise UsageError(
            f"train.loss = {recipe.train.loss!r} is for events; ratings are learned by 'mse'. Set data.kind = 'implicit' to rank."
        )
    if recipe.train.learning_rate == "auto":
        raise UsageError("train.learning_rate = 'auto' searches the rate of a net; give svdpp a number, such as 0.01.")


def _refuse_for_net(recipe, name: str) -> None:
    model, train = recipe.model, recipe.train
    for key in ("regularization", "confidence", "neighbours", "weighting", *(("hidden",) if name == "biased_mf" else ())):
        if getattr(model, key) is not None:
            raise UsageError(f"model.{key} has no meaning for model.name = {name!r}, which is trained by gradient steps.")
    if recipe.learn.samples is not None:
        raise UsageError(f"learn.samples has no meaning for model.name = {name!r}; it is for biased_mf on ratings.")
    for key, plain in (
        ("ensemble", 1),
        ("snapshots", None),
        ("unfreeze_epochs", None),
        ("layerwise_lr_decay", None),
        ("class_weights", None),
    ):
        if getattr(train, key) != plain:
            raise UsageError(f"train.{key} has no meaning for a recommender.")
