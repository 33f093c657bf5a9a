"""The scores of one set of predictions, and what one set has lost against another."""

from __future__ import annotations

from msgspec import Struct, field

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

    def loss_against(self, reference: Scores) -> float:
        """How much worse than `reference`: a difference for metrics in 0..1, a share of the reference for errors."""
        sign = -1.0 if self.main in HIGHER_IS_BETTER else 1.0
        difference = sign * (self.value - reference.value)
        return difference if self.main in BOUNDED else difference / max(abs(reference.value), 1e-12)
