"""The records that the steps of a training pass on: encoded rows in three parts, what `prepare` learned, and scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, field


class Part(Struct, frozen=True, kw_only=True):
    """Encoded rows, as the exported file takes them.

    Args:
        inputs: arrays (N, …) by input name of the serving graph.
        target: (N, …) in the user's own units, or (N,) integer class codes, or (N, C) of 0 and 1 for multi-label; None for tasks
            without a target.
        weight: (N,) sample weights, or None.
        extra: what scores and plots need besides, for example the texts of the rows; arrays with N entries belong to the rows.
        warnings: notes about a source that was read for scoring alone.
    """

    inputs: dict[str, np.ndarray]
    target: np.ndarray | None = None
    weight: np.ndarray | None = None
    extra: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, rows: Any) -> Part:
        """The part with only these rows (indices or a mask); arrays in `extra` with one entry per row are cut too."""
        n = len(self)

        def cut(value: Any) -> Any:
            return value[rows] if isinstance(value, np.ndarray) and value.ndim and len(value) == n else value

        return Part(
            inputs={name: array[rows] for name, array in self.inputs.items()},
            target=None if self.target is None else self.target[rows],
            weight=None if self.weight is None else self.weight[rows],
            extra={name: cut(value) for name, value in self.extra.items()},
        )


class Prepared(Struct, frozen=True, kw_only=True):
    """Everything that `prepare` learned from the data.

    Args:
        encoder: the task's fitted encoder, which turns raw inputs into arrays without TensorFlow.
        train, validation, test: the three parts.
        fingerprint: sha256 of the data, to notice a source that changed.
        facts: JSON-ready numbers and texts for the model card (rows, classes, duplicates, unreadable files).
        warnings: one sentence for each thing that the owner of the data should know.
        state: the task's own struct of what `build` and `fit` need besides (means, bins, PCA axes).
    """

    encoder: object
    train: Part
    validation: Part
    test: Part
    fingerprint: str
    facts: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    state: Any = None

    @property
    def rows(self) -> dict[str, int]:
        """How many rows (of series: windows) each part has. Those that are trained on, of which `train` may hold a sample."""
        trained = self.facts.get("windows", self.facts.get("training_rows", len(self.train)))
        return {"train": int(trained), "validation": len(self.validation), "test": len(self.test)}  # type: ignore[call-overload]


STOPPED = "stopped by hand"
EXPLODED = "the loss was not finite"
TIME_UP = "train.time_limit was up"


class History(Struct, kw_only=True):
    """What happened in a training: one row per epoch (`epoch`, `loss`, metrics, `val_*`, `learning_rate`, `seconds`).

    `rows` is empty where nothing was trained: in a dry run and under the learning-rate finder.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    monitor: str = "val_loss"
    rising: bool = False  # whether a larger `monitor` is better, though it is none of the metrics of `core.metrics`
    best_epoch: int = 0
    best: float = float("nan")
    stopped: str = "all epochs done"
    seconds: float = 0.0


class Fitted(NamedTuple):
    """A trained Keras model (best weights), its history, and whatever the task needs to build its serving graph."""

    model: Any  # a keras.Model; core imports no Keras
    history: History
    extra: dict[str, Any] = {}


SHARED_RISING = {"accuracy", "top5_accuracy", "auc", "f1", "map", "r2", "spearman", "analogy", "recall_at_k", "recall_at_10", "mrr",
                 "coverage"}  # fmt: skip


def rises(metric: str, rising: Iterable[str] = ()) -> bool:
    """Whether a larger value of a metric is better; the others are errors.

    A metric that rises lies between 0 and 1, and its drop is a difference; that of an error is relative.

    Args:
        metric: its name; `val_` before it is ignored.
        rising: names of a task's own metrics that rise, beside those of `core.metrics`.
    """
    name = metric.removeprefix("val_")
    return name in SHARED_RISING or name in rising


class Slice(Struct, frozen=True, kw_only=True):
    """The metric on some of the rows.

    Args:
        value: of the metric, on these rows alone.
        rows: how many they are.
        metric: its name, where it is not the main metric.
    """

    value: float
    rows: int
    metric: str = ""


class Scores(Struct, frozen=True, kw_only=True):
    """The score of some outputs.

    Args:
        main: the metric that decides.
        metrics: all metrics by name.
        intervals: 95% intervals (low, high) by metric, where there is one.
        slices: a metric on parts of the rows, by the name of the part.
        rising: the task's own metrics of which a larger value is better, beside those of `core.metrics`.
        neutral: metrics of which neither a larger nor a smaller value is better.
    """

    main: str
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    slices: dict[str, Slice] = field(default_factory=dict)
    rising: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()

    def rises(self, metric: str | None = None) -> bool:
        """Whether a larger value is better, of a metric or of the main one."""
        return rises(metric or self.main, self.rising)

    @property
    def value(self) -> float:
        """The main metric."""
        return self.metrics[self.main]

    def drop_against(self, reference: Scores, unseen: float = 0.0) -> float:
        """How much worse than `reference`: a difference for metrics between 0 and 1, a share of the reference for errors.

        Args:
            reference: the score to compare with.
            unseen: the error on rows that the model was not fitted to, where the reference is of rows that it was; of the two errors the
                larger one counts.
        """
        sign = -1.0 if self.rises() else 1.0
        difference = sign * (self.value - reference.value) + 0.0  # no -0.0
        return difference if self.rises() else difference / max(abs(reference.value), abs(unseen), 1e-12)
