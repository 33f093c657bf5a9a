"""What a recipe of tables may not ask for: keys without effect, numbers outside their limits, parts that do not go together."""

from __future__ import annotations

import inspect

from applied_dl.core.builders import known_settings
from applied_dl.core.errors import UsageError, nearest
from applied_dl.core.sections import refuse_unused_answers
from applied_dl.tasks.tabular.models import BUILDERS, OPTIONS
from applied_dl.tasks.tabular.recipe import Recipe
from applied_dl.training.losses import SMOOTHED
from applied_dl.training.optimizers import refuse_bfloat16

ANY_TRAIN = (
    "refit",
    "seed",
    "deterministic",
    "precision",
    "log",
    "checkpoint_minutes",
    "time_limit",
)  # keys of [train] that every model uses
BINS = ("quantile_bins", "target_bins")  # members of an ensemble alternate
STORING = ("retrieval", "kernel")  # models whose file holds training rows
EMBEDDED = {"realmlp": "periodic", "retrieval": "target_bins"}
NO_RETRIEVAL = ("quantile", "gaussian_nll", "hinge", "squared_hinge", "categorical_hinge", "binary_crossentropy")
LOSSES = {
    True: ("crossentropy", "focal", "categorical_hinge", "squared_hinge", "hinge", "binary_crossentropy"),
    False: ("mse", "mae", "huber", "quantile", "gaussian_nll"),
}


def check_members_use(recipe, members: tuple[str, ...]) -> None:
    """Raises `UsageError` for a setting that no member uses."""
    for key in OPTIONS:
        value = getattr(recipe.model, key)
        if value is not None and not any(key in inspect.signature(BUILDERS[one]).parameters for one in members if one in BUILDERS):
            known_settings(BUILDERS[next(one for one in members if one in BUILDERS)], {key: value})


def numeric_embedding(recipe, name: str, place: int) -> str:
    pre = recipe.preprocess
    if name == "linear" or pre.components:
        return "plain"
    return pre.numeric_embedding or EMBEDDED.get(name) or BINS[place % len(BINS)]


def check_unused(recipe, nets: tuple[str, ...], encoder) -> None:
    """Raises `UsageError` for a key that this table or model does not use."""
    pre, calibration, usual = recipe.preprocess, recipe.calibration, Recipe()
    kinds = {column.kind for column in encoder.columns}
    numbers = {numeric_embedding(recipe, net, place) for place, net in enumerate(nets)} if kinds - {"category"} else set()
    binned = any(how.endswith("bins") for how in numbers)
    for key, given, used, why in (
        ("preprocess.bins", pre.bins != usual.preprocess.bins, binned, "no number of this model has bins (preprocess.numeric_embedding)"),
        ("preprocess.embedding", pre.embedding is not None, binned, "no number of this model has bins (preprocess.numeric_embedding)"),
        ("preprocess.one_hot", pre.one_hot != usual.preprocess.one_hot, "category" in kinds, "the table has no categories"),
        ("calibration.temperature", not calibration.temperature, bool(encoder.labels), "a number has no probabilities"),
        ("calibration.quantiles", calibration.quantiles != usual.calibration.quantiles, recipe.train.loss == "quantile",
         "they are learned with train.loss = 'quantile'; the limits of other losses are set by calibration.coverage"),
    ):  # fmt: skip
        if given and not used:
            raise UsageError(f"{key} would have no effect: {why}; remove it.")
    refuse_unused_answers(calibration, bool(encoder.labels), not encoder.labels)
    low, middle, high = calibration.quantiles
    if not (0 < low < 0.5 == middle < high < 1):
        raise UsageError(
            f"calibration.quantiles must be three, rising, with 0.5 in the middle, between 0 and 1; received {list(calibration.quantiles)}."
        )


def check_values(recipe, name: str, nets: tuple[str, ...], encoder) -> None:
    """Raises `UsageError` for keys that contradict each other or the table."""
    classes, train, pre = bool(encoder.labels), recipe.train, recipe.preprocess
    calibration = recipe.calibration
    if train.loss is not None and train.loss not in LOSSES[classes]:
        kind = "classes" if classes else "a number"
        raise UsageError(f"train.loss = {train.loss!r} does not fit {kind}.{nearest(train.loss, LOSSES[classes])}")
    if train.label_smoothing and (train.loss or LOSSES[classes][0]) not in SMOOTHED:
        raise UsageError(
            f"train.label_smoothing does not apply to the loss {train.loss or LOSSES[classes][0]!r}; it is for {', '.join(SMOOTHED)}."
        )
    if not classes:
        for key, value, idle in (
            ("train.class_weights", train.class_weights, None),
            ("preprocess.balance", pre.balance, "none"),
            ("calibration.threshold", calibration.threshold, None),
        ):
            if value != idle:
                raise UsageError(f"{key} is for classes; the target {encoder.target!r} is a number (data.kind changes that).")
    if classes and "kernel" in nets:
        raise UsageError(f"'kernel' predicts numbers, and the target {encoder.target!r} has classes; use linear, waves, trees or a net.")
    if len(encoder.targets) > 1 and (train.loss in ("quantile", "gaussian_nll") or "retrieval" in nets):
        what = "model.name = 'retrieval'" if "retrieval" in nets else f"train.loss = {train.loss!r}"
        raise UsageError(f"{what} is for one target, received {len(encoder.targets)} (data.target); train one model for each.")
    if calibration.threshold and len(encoder.labels) != 2:
        raise UsageError(f"calibration.threshold is for two classes; the target {encoder.target!r} has {len(encoder.labels)}.")
    if pre.balance != "none" and train.class_weights is not None:
        raise UsageError("preprocess.balance and train.class_weights do the same thing; give one of them.")
    if recipe.model.members is not None and name != "ensemble":
        raise UsageError(f"model.members is for model.name = 'ensemble'; the model is {name!r}.")
    if recipe.model.memory == 0 and (storing := [net for net in nets if net in STORING]):
        raise UsageError(f"model.memory = 0 stores no training rows, and {storing[0]!r} is made of them; remove one of the two.")
    if recipe.model.memory and "retrieval" not in nets:
        raise UsageError(f"model.memory is for the net 'retrieval'; the model is {', '.join(nets)}.")
    if "retrieval" in nets and train.loss in NO_RETRIEVAL:
        raise UsageError(f"train.loss = {train.loss!r} does not work with 'retrieval', which predicts the mean of training targets.")
    if "retrieval" in nets and pre.balance == "over":
        raise UsageError("preprocess.balance = 'over' repeats rows, and 'retrieval' would predict a row from its own copy; set 'under'.")
    if train.snapshots and name in ("ensemble", "retrieval"):
        raise UsageError(f"train.snapshots does not work with model.name = {name!r}, which is trained in several runs; set train.ensemble.")
    if pre.components is not None and pre.numeric_embedding not in (None, "plain"):
        raise UsageError(
            "preprocess.components replaces the numbers by their principal components; "
            f"preprocess.numeric_embedding = {pre.numeric_embedding!r} has none left."
        )
    if pre.embedding is not None and (pre.numeric_embedding or "").endswith("bins") is False and pre.numeric_embedding is not None:
        raise UsageError(
            f"preprocess.embedding is the width of a piecewise-linear embedding; preprocess.numeric_embedding is {pre.numeric_embedding!r}."
        )
    refuse_bfloat16(train, "tables")
    if pre.pairwise_bins and all(not numeric_embedding(recipe, net, 0).endswith("bins") for net in nets):
        raise UsageError(
            "preprocess.pairwise_bins gives bins to sums and differences of numbers; "
            "these numbers have no bins (preprocess.numeric_embedding)."
        )
    for key in ("unfreeze_epochs", "layerwise_lr_decay"):
        if getattr(train, key) is not None:
            raise UsageError(f"train.{key} is for transfer learning; a tabular net starts from random weights.")
