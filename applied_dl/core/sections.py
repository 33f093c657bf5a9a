"""The recipe sections that every task shares: how to train, how to export, and what a person adds to the model card.

A value of `None` means "chosen for the model and the data"; the task replaces it before training, and the bundle's recipe holds the
number that was used. The descriptions are what `applied-dl new` writes above each key.
"""

from typing import Annotated, Any, Literal, Union, get_args

from msgspec import Meta, Struct


def about(kind: Any, text: str, **limits: Any) -> Any:
    """A recipe key's type with its one-line description, and limits such as `ge=0` on its number."""
    if limits:
        parts = get_args(kind) or (kind,)
        kind = Union[tuple(Annotated[part, Meta(**limits)] if part in (int, float) else part for part in parts)]  # noqa: UP007
    return Annotated[kind, Meta(description=text)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    """A frozen part of a recipe."""


Schedule = Literal["one_cycle", "cosine", "cosine_restarts", "coslog4", "exponential", "step", "plateau", "constant"]
Optimizer = Literal["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adamax", "nadam", "adafactor",
                    "ftrl", "lamb", "lion", "muon"]  # fmt: skip
OPTIMIZERS = ", ".join(get_args(Optimizer))
Precision = Literal["float32", "mixed_bfloat16", "auto"]
Format = Literal["saved_model", "tflite"]
Variant = Literal["fp32", "fp16", "dynamic", "int8_weights", "int8"]


class Train(Section, frozen=True, kw_only=True):
    epochs: about(int | None, "passes over the training rows", ge=1) = None
    batch_size: about(int | Literal["all"] | None, 'rows per step: a number, 1 (stochastic) or "all" (batch gradient descent)', ge=1) = None
    learning_rate: about(float | Literal["auto"] | None, 'peak step size, or "auto" to run the learning-rate finder first', gt=0) = None
    schedule: about(Schedule | None, "one_cycle, cosine, cosine_restarts, coslog4, exponential, step, plateau or constant") = None
    warmup: about(float | None, "share of the steps spent warming up", ge=0, lt=1) = None
    optimizer: about(Optimizer | None, OPTIMIZERS) = None
    momentum: about(float | None, "momentum of sgd, momentum, nesterov and rmsprop", ge=0, lt=1) = None
    beta2: about(float | None, "decay of the mean square of the gradients (adam, adamw, nadam, adamax, lamb)", ge=0, lt=1) = None
    weight_decay: about(float | None, "decoupled weight decay (never on biases and norms)", ge=0) = None
    clip_norm: about(float | None, "largest global gradient norm (0 never clips)", ge=0) = None
    loss: about(str | None, "loss by name; the task's own by default") = None
    label_smoothing: about(float | None, "share of the label spread over all classes", ge=0, lt=1) = None
    class_weights: about(Literal["balanced"] | dict[str, float] | None, '"balanced", or a weight for each class') = None
    ema: about(float | None, "decay of the moving average of the weights (0 turns it off)", ge=0, lt=1) = None
    swa: about(float | None, "share of the last epochs whose weights are averaged; for a schedule that stays up", gt=0, lt=1) = None
    l1: about(float | None, "penalty on the absolute weights of kernels", gt=0) = None
    l2: about(float | None, "penalty on the squared weights of kernels (in the gradient; weight_decay is beside it)", gt=0) = None
    patience: about(int | None, "epochs without a better validation score before training stops (0 never stops early)", ge=0) = None
    max_norm: about(float | None, "largest norm of each unit's incoming weights", gt=0) = None
    precision: about(Precision, "float32, mixed_bfloat16 or auto (bfloat16 where the hardware and the model gain)") = "auto"
    ensemble: about(int, "how many seeds are trained and averaged in one graph", ge=1) = 1
    snapshots: about(int | None, "cut one training into so many cycles and average their ends in one graph", ge=2) = None
    unfreeze_epochs: about(
        tuple[Annotated[int, Meta(ge=1)], ...] | None, "transfer learning: epochs per stage of unfreezing, e.g. [3, 5]"
    ) = None
    layerwise_lr_decay: about(
        float | None, "transfer learning: factor of the learning rate for each deeper quarter of the trunk, e.g. 0.5", gt=0, le=1
    ) = None
    seed: about(int, "the one seed of splits, weights, order and augmentation", ge=0, lt=2**31) = 0
    deterministic: about(bool, "same seed, same machine: the same weights, bit for bit") = True
    log: about(Literal["tensorboard", "mlflow"] | None, "follow the training: tensorboard (in OUT.logs/) or mlflow") = None
    checkpoint_minutes: about(float, "how often, at the least, a finished epoch is kept for --resume", ge=0) = 1.0


class Export(Section, frozen=True, kw_only=True):
    formats: about(tuple[Format, ...], "saved_model and tflite") = ("saved_model", "tflite")
    variants: about(tuple[Variant, ...], "TFLite precisions to try, smallest wins: fp32, fp16, dynamic, int8_weights, int8") = (
        "fp32",
        "fp16",
        "dynamic",
        "int8_weights",
        "int8",
    )
    max_metric_drop: about(float | None, "largest loss of the task metric against Keras that a file may have", ge=0) = None
    metadata: about(bool, "write standard TFLite metadata (labels, normalisation) into the files") = True


class Tune(Section, frozen=True, kw_only=True):
    trials: about(int, "how many trainings `applied-dl tune` makes in all", ge=1) = 30
    space: about(dict[str, dict], 'by dotted key: {low = 1e-4, high = 0.1, log = true} or {choices = ["a", "b"]}') = {}


class Card(Section, frozen=True, kw_only=True):
    title: about(str, "title of the model card") = ""
    description: about(str, "what the model is for, in the author's words") = ""
    license: about(str, "licence of the model, as a SPDX name") = ""
    author: about(str, "who answers for the model") = ""
    limits: about(str, "known limits and uses to avoid, in the author's words") = ""
