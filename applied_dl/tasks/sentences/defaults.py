"""The values that a sentence recipe leaves open, all chosen on validation rows."""

from __future__ import annotations

from applied_dl.core import config
from applied_dl.core.builders import known_settings
from applied_dl.core.errors import UsageError, nearest, pick
from applied_dl.core.sections import Export, refuse_unused_answers
from applied_dl.tasks.sentences.readers.groups import BALANCES
from applied_dl.tasks.sentences.readers.prepare import row_count
from applied_dl.tasks.sentences.recipe import Fit
from applied_dl.text.bert_files import model_folder, read_facts
from applied_dl.text.models.bert import pretrained
from applied_dl.text.models.static import raw_bytes, static
from applied_dl.text.models.transformer import transformer
from applied_dl.text.subwords import english
from applied_dl.text.vector_files import read_vectors
from applied_dl.training.losses import SMOOTHED
from applied_dl.training.optimizers import refuse_bfloat16, refuse_unused

BUILDERS = {"static": static, "bytes": raw_bytes, "transformer": transformer, "pretrained": pretrained}
OPTIONS = ("dimensions", "pooling", "width", "depth", "heads", "hidden", "positions", "pre_norm", "activation", "dropout")
LIGHT = ("static", "bytes")
OBJECTIVES = ("contrastive", "simcse", "mlm", "classification", "distillation")
VECTOR_OBJECTIVES = ("contrastive", "simcse", "distillation")  # objectives whose loss compares vectors
MULTI_LABEL_LOSSES = ("own", "binary_crossentropy")
LOSSES = ("own", "crossentropy", "focal", "categorical_hinge", "squared_hinge", "hinge", "binary_crossentropy")  # of a classifier
MASK, TEMPERATURE, STRENGTH = 0.15, 0.05, 1.0  # defaults
WIDE = 16_000  # sub-words up to which a table is 512 wide; a larger one is 256 wide
MANY, SMALL_STRENGTH = 100_000, 3.0  # with fewer rows three tokens in ten are dropped at random; from this many on none
PAIRS_SEEN = 900_000  # pairs shown in a whole training of the static model
MAX_METRIC_DROP = 0.01
FEW = 2000  # training texts below which no net is trained beside the linear classifier, which is fitted again on all texts
NET_KEYS = ("epochs", "batch_size", "learning_rate", "optimizer", "schedule", "warmup", "patience", "ema", "weight_decay")  # ask for one


def resolve_sentences(recipe, prepared):
    """The recipe with every open value chosen. Raises `UsageError` for a key that would have no effect."""
    model, learn, encoder = recipe.model, recipe.learn, prepared.encoder
    name = model.name or ("pretrained" if model.weights else "static")
    pick("model.name", name, BUILDERS)
    if (name == "pretrained") != bool(model.weights):
        raise UsageError("model.name = 'pretrained' and model.weights (a local Hugging Face directory, or hf://USER/MODEL) go together.")
    objective = learn.objective or ("distillation" if model.teacher else "classification" if encoder.labels else "contrastive")
    pick("learn.objective", objective, dict.fromkeys(OBJECTIVES))
    known_settings(BUILDERS[name], {key: getattr(model, key) for key in OPTIONS})
    light = name in LIGHT
    table = light and objective in VECTOR_OBJECTIVES and (model.pooling or "mean") == "mean"
    init = (learn.init or _init(prepared.state.english, table, objective)) if light else None
    dimensions = _dimensions(model, name, table, encoder, init)
    _check_model(recipe, name, objective, encoder, dimensions, init)
    _check_text(recipe, name, objective, encoder)
    _check_training(recipe, objective, table, encoder.multi_label)
    rows = row_count(prepared) if objective in ("contrastive", "classification") else len(prepared.train)
    chosen = _table(rows, init) if table else _light(rows) if light else _deep(rows, name)
    if recipe.train.unfreeze_epochs:
        chosen["epochs"] = sum(recipe.train.unfreeze_epochs)
    own = {"name": name}
    if name != "pretrained":
        own["dimensions"] = dimensions
    if objective in VECTOR_OBJECTIVES:
        shorter = _nested(dimensions) if name != "pretrained" else ()
        own["matryoshka"] = model.matryoshka if model.matryoshka is not None else shorter
    if name == "transformer":
        own["width"] = model.width or 256
    blends = name == "static" and objective == "classification"
    if blends:
        own["ngrams"] = model.ngrams is not False
        if own["ngrams"] and rows < FEW and not _asks_for_net(recipe):
            chosen["epochs"] = 0
    augment, strength = recipe.preprocess.augment, recipe.preprocess.strength
    if augment is None:
        augment = ("drop",) if light and (not table or rows < MANY) else ()
        strength = SMALL_STRENGTH if table and augment and strength == STRENGTH else strength
    trained = name != "pretrained" and name != "bytes" and not recipe.preprocess.tokenizer and init != "english"
    return config.replace(
        recipe,
        data=_columns(recipe.data, prepared.state.columns),
        model=own,
        learn={"objective": objective}
        | ({"init": init} if light else {})
        | ({"temperature": learn.temperature or TEMPERATURE} if objective in VECTOR_OBJECTIVES else {}),
        train={key: value for key, value in chosen.items() if getattr(recipe.train, key) is None}
        | ({"refit": _refits(recipe, own["ngrams"], rows)} if blends else {}),
        preprocess={"augment": augment, "strength": strength, "length": encoder.length}
        | ({"vocabulary": encoder.vocabulary} if trained else {}),
        export={
            "max_metric_drop": MAX_METRIC_DROP if recipe.export.max_metric_drop is None else recipe.export.max_metric_drop,
            "variants": _variants(recipe.export.variants),
        },
    )


def smaller_models(recipe, prepared) -> list[dict]:
    """Shorter vectors, and the net alone; a pretrained encoder has one size."""
    if recipe.model.weights:
        return []
    init = "random" if prepared.encoder.labels else "svd"  # the table in the package has one width
    sizes = [{"model.dimensions": size, "learn.init": init} for size in (128, 64, 32, 16)]
    labelled = prepared.encoder.labels and recipe.model.name in (None, "static")
    return config.open_changes(recipe, [*sizes, *({**size, "model.ngrams": False} for size in sizes if labelled)])


def _refits(recipe, ngrams: bool, rows: int) -> bool:
    """Whether the n-gram classifier is fitted again on all texts. Raises `UsageError` where it is asked for without one."""
    if recipe.train.refit and not ngrams:
        raise UsageError("train.refit fits the n-gram classifier again; model.ngrams is false.")
    return ngrams and rows < FEW if recipe.train.refit is None else recipe.train.refit


def _init(english: bool, table: bool, objective: str) -> str:
    return "english" if english else "svd" if table and objective == "contrastive" else "random"


def _asks_for_net(recipe) -> bool:
    """Whether a key of the recipe has a meaning for a net alone."""
    train, idle = recipe.train, Fit()
    keys = (*NET_KEYS, "loss", "label_smoothing")
    return any(getattr(train, key) != getattr(idle, key) for key in keys) or bool(recipe.preprocess.augment)


def _columns(data, columns: dict[str, tuple[str, ...]]) -> dict:
    """The text and label columns that were found, by which `predict` and `evaluate` read other tables."""
    found = {"column": columns.get("text"), "target": columns.get("labels")}
    return {key: names[0] if len(names) == 1 else names for key, names in found.items() if names and getattr(data, key) is None}


def _dimensions(model, name: str, table: bool, encoder, init: str | None) -> int:
    """Width of the vector: a pretrained model's own; a small table may be wide, since it takes no more bytes than a large narrow one."""
    if name == "pretrained":
        return read_facts(model_folder(model.weights))["width"]
    if name == "transformer":
        return model.dimensions or model.width or 256
    if init == "english":
        width = english().vectors.shape[1]
        if model.dimensions not in (None, width):
            raise UsageError(f"model.dimensions is {model.dimensions}, but the table of learn.init = 'english' has {width}; leave it out.")
        return width
    if init not in (None, "random", "svd"):
        width = read_vectors(init, limit=1)[1].shape[1]
        if model.dimensions not in (None, width):
            raise UsageError(f"model.dimensions is {model.dimensions}, but the vectors of {init!r} have {width}; leave the key out.")
        return width
    return model.dimensions or (512 if table and name == "static" and encoder.vocabulary <= WIDE else 256)


def _check_model(recipe, name: str, objective: str, encoder, dimensions: int, init: str | None) -> None:
    """Refuse models and objectives that do not go together."""
    model, learn = recipe.model, recipe.learn
    if objective == "classification" and not encoder.labels:
        raise UsageError("learn.objective = 'classification' needs labelled texts: a table with a text column and the column data.target.")
    if encoder.multi_label and objective != "classification":
        raise UsageError(f"learn.objective = {objective!r} needs one label per text; these texts have several: use 'classification'.")
    if objective == "distillation" and not model.teacher:
        raise UsageError("learn.objective = 'distillation' needs model.teacher, a local Hugging Face directory.")
    if model.teacher:
        if objective != "distillation":
            raise UsageError(f"model.teacher is for learn.objective = 'distillation'; the objective is {objective!r}.")
        read_facts(model_folder(model.teacher))
    if name in LIGHT and (objective == "mlm" or learn.pretrain):
        raise UsageError("Masked-language-model training needs tokens that see each other: model.name = 'transformer'.")
    if name in LIGHT and model.pooling == "cls":
        raise UsageError(f"model.pooling = 'cls' takes the first token alone, which in {name!r} does not see the others: use 'mean'.")
    linear = name == "static" and objective == "classification" and model.ngrams is not False
    if recipe.train.epochs == 0 and name != "pretrained" and init != "english" and not linear:
        raise UsageError(
            "train.epochs = 0 takes a pretrained encoder (model.weights) or table (learn.init = 'english') as it is; "
            f"{name!r} must be trained."
        )
    if recipe.train.epochs == 0 and objective in ("classification", "mlm") and not linear:
        raise UsageError(f"train.epochs = 0 trains nothing, and learn.objective = {objective!r} needs a new head to be trained.")
    if learn.init is not None and name not in LIGHT:
        raise UsageError(f"learn.init is for a table ({', '.join(LIGHT)}); model.name is {name!r}.")
    for key, value in (("model.ngrams", model.ngrams), ("train.refit", recipe.train.refit)):
        if value and (name != "static" or objective != "classification"):
            raise UsageError(f"{key} is for labelled texts and model.name = 'static'.")
    if learn.init not in (None, "random", "svd") and name == "bytes":
        raise UsageError("learn.init = FILE or 'english' needs the words of a tokenizer; model.name = 'bytes' hashes them: use 'static'.")
    if learn.pretrain and objective == "mlm":
        raise UsageError("learn.pretrain trains as learn.objective = 'mlm' does; give train.epochs instead.")
    if learn.mask != MASK and objective != "mlm" and not learn.pretrain:
        raise UsageError("learn.mask is for masked-language-model training (learn.objective = 'mlm' or learn.pretrain).")
    if objective not in VECTOR_OBJECTIVES:
        for key, value in (("learn.temperature", learn.temperature), ("model.matryoshka", model.matryoshka)):
            if value is not None:
                raise UsageError(f"{key} is for {', '.join(VECTOR_OBJECTIVES)}; learn.objective is {objective!r}.")
    for shorter in model.matryoshka or ():
        if not 1 < shorter < dimensions:
            raise UsageError(f"model.matryoshka names shorter vectors: each must be between 2 and {dimensions - 1}, received {shorter}.")


def _check_text(recipe, name: str, objective: str, encoder) -> None:
    """Refuse keys of the data and the tokenizer that would have no effect."""
    data, pre = recipe.data, recipe.preprocess
    pick("data.balance", data.balance, dict.fromkeys(BALANCES))
    own = {"bytes": "model.name = 'bytes' needs no tokenizer", "pretrained": "a pretrained encoder brings its own tokenizer"}.get(name)
    if own and pre.tokenizer:
        raise UsageError(f"preprocess.tokenizer has no meaning here: {own}.")
    table = "learn.init = 'english' brings its own" if recipe.learn.init == "english" else None
    if reason := own or table or ("preprocess.tokenizer is used as it is" if pre.tokenizer else None):
        for key, idle in (("subwords", "wordpiece"), ("vocabulary", None), ("lowercase", True)):
            if getattr(pre, key) != idle:
                raise UsageError(f"preprocess.{key} is for a tokenizer that is trained; {reason}.")
    if pre.augment and objective == "mlm":
        raise UsageError("preprocess.augment has no meaning for learn.objective = 'mlm', which masks tokens by learn.mask.")
    if pre.strength != STRENGTH and (objective == "mlm" or not (pre.augment or (pre.augment is None and name in LIGHT))):
        raise UsageError("preprocess.strength scales preprocess.augment, which is empty here.")
    if objective == "simcse" and name in LIGHT and pre.augment == ():
        raise UsageError(f"learn.objective = 'simcse' needs two views of a text; {name!r} has no dropout: give preprocess.augment.")
    if data.balance != "none" and objective != "classification":
        raise UsageError(f"data.balance is for learn.objective = 'classification'; the objective is {objective!r}.")
    for key in ("similarity", "similarity_validation"):
        if encoder.labels and getattr(data, key):
            raise UsageError(f"data.{key} scores pairs; labelled texts are scored by their labels.")


def _check_training(recipe, objective: str, table: bool, several: bool) -> None:
    """Refuse keys of the training that this objective or its engine does not use."""
    train, name = recipe.train, recipe.model.name or "sentences"
    refuse_bfloat16(train, "sentence encoders")
    if train.ensemble > 1:
        raise UsageError("train.ensemble must be 1 for sentences: vectors of different seeds cannot be averaged.")
    refuse_unused(train, name, ("snapshots",))
    for key in ("unfreeze_epochs", "layerwise_lr_decay"):
        if getattr(train, key) is not None and (not recipe.model.weights or objective == "mlm"):
            raise UsageError(f"train.{key} is for a pretrained encoder (model.weights) without learn.objective = 'mlm'; received {name!r}.")
    if train.unfreeze_epochs and train.epochs not in (None, sum(train.unfreeze_epochs)):
        stages = f"{list(train.unfreeze_epochs)} ({sum(train.unfreeze_epochs)} epochs)"
        raise UsageError(f"train.epochs = {train.epochs} and train.unfreeze_epochs = {stages} differ; give one of them.")
    refuse_unused_answers(recipe.calibration, objective == "classification", False)
    if objective == "classification":
        losses = MULTI_LABEL_LOSSES if several else LOSSES
        if train.loss is not None and train.loss not in losses:
            raise UsageError(
                f"train.loss = {train.loss!r} does not fit {'several labels' if several else 'classes'}.{nearest(train.loss, losses)}"
            )
        for key, value in (("data.balance", recipe.data.balance != "none"), ("train.class_weights", train.class_weights is not None)):
            if several and value:
                raise UsageError(f"{key} is for one label per text; these texts have several.")
        if train.label_smoothing and train.loss not in (None, "own", *SMOOTHED):
            raise UsageError(f"train.label_smoothing has no meaning for the loss {train.loss!r}; it is for {', '.join(SMOOTHED)}.")
        if recipe.data.balance != "none" and train.class_weights is not None:
            raise UsageError("data.balance and train.class_weights do the same thing; give one of them.")
    elif train.loss not in (None, "own") or train.label_smoothing or train.class_weights is not None:
        key = "label_smoothing" if train.label_smoothing else "loss" if train.class_weights is None else "class_weights"
        raise UsageError(f"train.{key} is for learn.objective = 'classification'; the objective is {objective!r}.")
    if table:
        refuse_unused(train, "static")
        refuse_unused(train, "static", ("momentum", "weight_decay", "clip_norm", "ema"))
        if train.optimizer not in (None, "adagrad"):
            raise UsageError(f"train.optimizer must be 'adagrad' here: a table is trained row by row; received {train.optimizer!r}.")


def _nested(dimensions: int | None) -> tuple[int, ...]:
    return tuple(d for d in (dimensions // 2, dimensions // 4) if d >= 16) if dimensions else ()


def _shared() -> dict:
    return {"warmup": None, "clip_norm": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0, "ema": 0.0, "patience": 0, "loss": "own"}


def _table(rows: int, init: str | None) -> dict:
    """Row-wise Adagrad on the table alone; a table that knows English already takes smaller steps."""
    batch = max(8, min(1024, rows // 8))
    return {
        **_shared(), "epochs": max(3, min(10, round(PAIRS_SEEN / rows))), "batch_size": batch,
        "learning_rate": 0.005 if init == "english" else 0.02, "schedule": "one_cycle", "warmup": 0.0, "optimizer": "adagrad",
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


def _variants(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Full int8 only on request: its vectors lose their unit length and are refused after minutes of calibration."""
    return tuple(variant for variant in asked if variant != "int8") if asked == Export().variants else asked
