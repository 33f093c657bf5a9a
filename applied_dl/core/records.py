"""The records that steps hand to each other: encoded rows in three parts, what reading them learned, and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct, field


class Part(Struct, frozen=True, kw_only=True):
    """Rows as the exported file eats them.

    `inputs` maps each input name of the serving graph to an array (N, …); `target` is (N, …) in the user's own units (or integer
    class codes), None where a task has none; `weight` is (N,) or None; `extra` holds what scoring and plots need beside them;
    `warnings` what a person should know of a source that was read for scoring alone.
    """

    inputs: dict[str, np.ndarray]
    target: np.ndarray | None = None
    weight: np.ndarray | None = None
    extra: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, rows) -> Part:
        """The same part with only these rows; arrays in `extra` that have one entry a row are cut too."""
        n = len(self)
        cut = lambda a: a[rows] if isinstance(a, np.ndarray) and a.ndim and len(a) == n else a  # noqa: E731
        return Part(
            inputs={name: array[rows] for name, array in self.inputs.items()},
            target=None if self.target is None else self.target[rows],
            weight=None if self.weight is None else self.weight[rows],
            extra={name: cut(value) for name, value in self.extra.items()},
        )


class Prepared(Struct, frozen=True, kw_only=True):
    """Everything `prepare` learned: the fitted encoder, the three parts, and what a person should know about the data.

    `facts` are plain JSON-ready numbers and texts for the card (rows, classes, duplicates, unreadable files); `state` is
    the task's own struct of what `build` and `fit` need besides (means, bins, PCA axes); `fingerprint` is the sha256 of the data.
    """

    encoder: object
    train: Part
    validation: Part
    test: Part
    fingerprint: str
    facts: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    state: Any = None


HIGHER_IS_BETTER = {"accuracy", "top5_accuracy", "auc", "f1", "map", "r2", "spearman", "analogy", "recall_at_k", "recall_at_10", "mrr",
                    "coverage"}  # fmt: skip
BOUNDED = HIGHER_IS_BETTER  # metrics between 0 and 1: a loss is a difference; of the others (errors) it is a share


class Scores(Struct, frozen=True, kw_only=True):
    """Metrics by name, 95 % intervals by name, which metric decides (`main`), and that metric by slice of the rows."""

    main: str
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    slices: dict[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return self.metrics[self.main]

    def drop_against(self, reference: Scores) -> float:
        """How much worse than `reference`: a difference for metrics in 0..1, a share of the reference for errors."""
        sign = -1.0 if self.main in HIGHER_IS_BETTER else 1.0
        difference = sign * (self.value - reference.value)
        return difference if self.main in BOUNDED else difference / max(abs(reference.value), 1e-12)
