"""The recipe sections that every task shares: how to train, how to export, and what a person adds to the model card.

A value of `None` means "chosen for the model and the data"; the task replaces it before training, and the bundle's recipe holds the
number that was used. The descriptions are what `applied-dl new` writes above each key.
"""

from typing import Annotated, Any, Literal, Union, get_args

from msgspec import Meta, Struct

from applied_dl.core.errors import UsageError


def about(kind: Any, text: str, **limits: Any) -> Any:
    """A recipe key's type with its one-line description, and limits such as `ge=0` on its number."""
    if limits:
        parts = get_args(kind) or (kind,)
        kind = Union[tuple(Annotated[part, Meta(**limits)] if part in (int, float) else part for part in parts)]  # noqa: UP007
    return Annotated[kind, Meta(description=text)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    """One section of a recipe."""


Schedule = Literal["one_cycle", "cosine", "cosine_restarts", "coslog4", "exponential", "step", "plateau", "constant"]
Optimizer = Literal["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax", "nadam", "adafactor",
                    "ftrl", "lamb", "lion", "muon"]  # fmt: skip
OPTIMIZERS = ", ".join(get_args(Optimizer))
Precision = Literal["float32", "mixed_bfloat16", "auto"]
Format = Literal["saved_model", "tflite"]
Variant = Literal["fp32", "fp16", "dynamic", "int8_weights", "int8"]


TimeLimit = about(
    str | float | None,
    'time for the whole command, export included, such as "60s", "10min" or "1.5h": epochs and members are planned to fit',
    gt=0,
)


class Train(Section, frozen=True, kw_only=True):
    epochs: about(int | None, "passes over the training rows", ge=1) = None
    batch_size: about(int | Literal["all"] | None, 'rows per step: a number, or "all" (full-batch gradient descent)', ge=1) = None
    learning_rate: about(float | Literal["auto"] | None, 'peak learning rate, or "auto" to run the learning-rate finder first', gt=0) = None
    schedule: about(Schedule | None, "one_cycle, cosine, cosine_restarts, coslog4, exponential, step, plateau or constant") = None
    warmup: about(float | None, "share of the steps spent warming up", ge=0, lt=1) = None
    optimizer: about(Optimizer | None, OPTIMIZERS) = None
    momentum: about(float | None, "momentum of sgd, momentum, nesterov and rmsprop", ge=0, lt=1) = None
    beta2: about(float | None, "decay of the running mean of squared gradients (adam, adamw, nadam, adamax, lamb)", ge=0, lt=1) = None
    weight_decay: about(float | None, "decoupled weight decay (never on biases and norms)", ge=0) = None
    clip_norm: about(float | None, "largest global gradient norm (0 never clips)", ge=0) = None
    loss: about(str | None, "loss by name; the task's own by default") = None
    label_smoothing: about(float | None, "label smoothing: share of each label that is spread over all classes", ge=0, lt=1) = None
    class_weights: about(Literal["balanced"] | dict[str, float] | None, '"balanced", or a weight for each class by name') = None
    ema: about(float | None, "decay of the moving average of the weights (0 turns it off)", ge=0, lt=1) = None
    swa: about(
        float | None,
        "stochastic weight averaging: share of the last epochs whose weights are averaged; suits constant and cyclic schedules",
        gt=0,
        lt=1,
    ) = None
    l1: about(float | None, "L1 penalty on the kernels, in the loss", gt=0) = None
    l2: about(float | None, "L2 penalty on the kernels, in the loss (weight_decay is decoupled from it)", gt=0) = None
    patience: about(int | None, "early stopping: epochs without a better validation score before training stops (0: never)", ge=0) = None
    max_norm: about(float | None, "max-norm constraint: largest norm of the incoming weights of each unit", gt=0) = None
    precision: about(Precision, "float32, mixed_bfloat16, or auto (bfloat16 where it is faster on this hardware)") = "auto"
    ensemble: about(int, "number of seeds that are trained and averaged in one graph", ge=1) = 1
    snapshots: about(
        int | None, "snapshot ensemble: number of learning-rate cycles, whose final models are averaged in one graph", ge=2
    ) = None
    unfreeze_epochs: about(
        tuple[Annotated[int, Meta(ge=1)], ...] | None, "transfer learning: epochs of each unfreezing stage, e.g. [3, 5]"
    ) = None
    layerwise_lr_decay: about(
        float | None,
        "transfer learning: factor on the learning rate for each quarter of the backbone farther from the head, e.g. 0.5",
        gt=0,
        le=1,
    ) = None
    time_limit: TimeLimit = None
    backend: about(
        Literal["tensorflow", "jax"], "which of Keras' backends trains: tensorflow, or jax (extra [scale]) in a process of its own"
    ) = "tensorflow"
    seed: about(int, "seed of splits, weights, order of rows and augmentation", ge=0, lt=2**31) = 0
    deterministic: about(bool, "the same seed on the same machine gives the same weights, bit for bit") = True
    log: about(Literal["tensorboard", "mlflow"] | None, "follow the training: tensorboard (in OUT.logs/) or mlflow") = None
    checkpoint_minutes: about(float, "minutes between checkpoints for --resume; each is written at the end of an epoch", ge=0) = 1.0


class Answers(Section, frozen=True, kw_only=True):
    """Keys of `[calibration]` that every task with labels or numbers shares."""

    coverage: about(
        float, "share of new rows whose number should lie within lower..upper, or whose label should be in the set", gt=0, lt=1
    ) = 0.9
    sets: about(
        bool | Literal["by_class"], 'labels: give the set of probable labels, for the coverage over all rows, or "by_class" of each label'
    ) = True
    false_alarms: about(
        float, "share of ordinary rows that may be reported as unlike the training data; 0 leaves the distance out", ge=0, lt=1
    ) = 0.02


def refuse_unused_answers(calibration: Answers, labels: bool, numbers: bool) -> None:
    """Raise `UsageError` for keys of `Answers` that would have no effect.

    Args:
        calibration: the section of the recipe.
        labels: the model predicts labels.
        numbers: the model predicts numbers with intervals.
    """
    usual, sets = Answers(), labels and bool(calibration.sets)
    for key, used, why in (
        ("sets", labels, "only labels come in sets"),
        ("coverage", sets or numbers, "the model gives neither intervals nor sets"),
        ("false_alarms", labels or numbers, "texts without labels have no distance from the training data"),
    ):
        if not used and getattr(calibration, key) != getattr(usual, key):
            raise UsageError(f"calibration.{key} would have no effect: {why}; remove it.")


class Export(Section, frozen=True, kw_only=True):
    formats: about(tuple[Format, ...], "saved_model and tflite") = ("saved_model", "tflite")
    variants: about(
        tuple[Variant, ...], "TFLite precisions to try; the smallest file that passes is chosen: fp32, fp16, dynamic, int8_weights, int8"
    ) = ("fp32", "fp16", "dynamic", "int8_weights", "int8")
    max_metric_drop: about(float | None, "largest drop of the task metric, against the Keras model, that a file may have", ge=0) = None
    budget: about(
        str | None,
        'what the TFLite file may cost, its size and the time for one row with one thread, such as "50 kB, 1 ms": a precision and, where '
        "needed, a smaller model are chosen to fit",
    ) = None
    metadata: about(bool, "write standard TFLite metadata (labels, normalisation) into the files") = True


class Tune(Section, frozen=True, kw_only=True):
    trials: about(int, "number of trainings of `applied-dl tune`", ge=1) = 30
    space: about(dict[str, dict], 'by dotted key: {low = 1e-4, high = 0.1, log = true} or {choices = ["a", "b"]}') = {}


class Card(Section, frozen=True, kw_only=True):
    title: about(str, "title of the model card") = ""
    description: about(str, "what the model is for") = ""
    license: about(str, "license of the model, as an SPDX identifier") = ""
    author: about(str, "who is responsible for the model") = ""
    limits: about(str, "known limits, and uses to avoid") = ""
