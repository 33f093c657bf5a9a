"""Scores with intervals, in numpy alone. Each metric function takes (truth, prediction) and is tested against scikit-learn."""

from applied_dl.metrics.scores import BOUNDED, HIGHER_IS_BETTER, Scores

__all__ = ["BOUNDED", "HIGHER_IS_BETTER", "Scores"]
