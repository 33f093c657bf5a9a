"""Label sets and distances: their thresholds from validation rows, and what they measure on others."""

from __future__ import annotations

import msgspec
import numpy as np

from applied_dl.core.metrics.intervals import bootstrap_mean, wilson
from applied_dl.core.records import Scores

MARGIN = 1e-3  # share below the exact threshold from which a label is in the set: rounding in another precision must not decide it


ENOUGH = 20  # test rows of a label, below which its own coverage says little


def set_thresholds(p: np.ndarray, truth: np.ndarray, coverage: float, by_class: bool = False) -> np.ndarray:
    """The probability (C,) from which each label belongs to the set, so that a share `coverage` of new sets hold the true label.

    Split conformal prediction: the threshold is the ⌊(n+1)(1 − coverage)⌋-th smallest probability of the true labels of n rows (Sadinle,
    Lei and Wasserman, Least ambiguous set-valued classifiers, 2019). With too few rows to promise the coverage it is 0: every label is in.

    Args:
        p: (N, C) probabilities on rows that the model was not trained on.
        truth: (N,) class codes, or (N, C) of 0 and 1 where a row may have several labels; each of them counts.
        coverage: between 0 and 1.
        by_class: hold the coverage among the rows of each class (Mondrian: Vovk et al., 2005), not only over all rows.
    """
    rows, labels = np.nonzero(truth) if truth.ndim == 2 else (np.arange(len(truth)), truth)
    own = p[rows, labels].astype(np.float64)
    if by_class:
        return np.array([_threshold(own[labels == label], coverage) for label in range(p.shape[1])], np.float32)
    return np.full(p.shape[1], _threshold(own, coverage), np.float32)


def _threshold(own: np.ndarray, coverage: float) -> float:
    place = int(np.floor((len(own) + 1) * (1 - coverage) + 1e-9))
    return float(np.sort(own)[place - 1]) * (1 - MARGIN) if place else 0.0


def distance_threshold(distances: np.ndarray, false_alarms: float) -> float:
    """The distance that a share `false_alarms` of new ordinary rows exceeds; the largest of (N,) where N is too small to tell."""
    place = int(np.ceil((len(distances) + 1) * (1 - false_alarms) - 1e-9))
    return float(np.sort(distances)[min(place, len(distances)) - 1])


def with_answers(scores: Scores, outputs: dict[str, np.ndarray], truth: np.ndarray, metrics_only: bool) -> Scores:
    """Scores with those of the graph's `set` and `distance` behind them, where it has such outputs."""
    metrics = {**scores.metrics, **answer_metrics(outputs, truth)}
    if metrics_only or len(metrics) == len(scores.metrics):
        return msgspec.structs.replace(scores, metrics=metrics)
    return msgspec.structs.replace(scores, metrics=metrics, intervals={**scores.intervals, **answer_intervals(outputs, truth)})


def answer_metrics(outputs: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, float]:
    """What a graph's `set` (N, C) and `distance` (N, 1) measure on rows.

    Coverage and mean size of the sets, the coverage of the label that is covered least of those with enough rows, share of false alarms.
    """
    metrics: dict[str, float] = {}
    if "set" in outputs:
        covered, labels = _covered(outputs["set"], truth), np.nonzero(truth)[1] if truth.ndim == 2 else truth
        metrics["set_coverage"] = float(np.mean(covered))
        counts = np.bincount(labels)
        if (counts >= ENOUGH).any():
            shares = np.bincount(labels, covered) / np.maximum(counts, 1)
            metrics["lowest_set_coverage"] = float(shares[counts >= ENOUGH].min())
        metrics["set_size"] = float(_inside(outputs["set"]).sum(1).mean())
    if "distance" in outputs:
        metrics["false_alarms"] = float(np.mean(outputs["distance"] > 1))
    return metrics


def answer_intervals(outputs: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, tuple[float, float]]:
    """95% intervals of `answer_metrics`."""
    intervals: dict[str, tuple[float, float]] = {}
    if "set" in outputs:
        covered = _covered(outputs["set"], truth)
        intervals["set_coverage"] = wilson(int(covered.sum()), len(covered))
        intervals["set_size"] = bootstrap_mean(_inside(outputs["set"]).sum(1))
    if "distance" in outputs:
        intervals["false_alarms"] = wilson(int((outputs["distance"] > 1).sum()), len(truth))
    return intervals


def _inside(sets: np.ndarray) -> np.ndarray:
    inside: np.ndarray = sets > 0.5
    return inside


def _covered(sets: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Whether each true label is in the set of its row."""
    rows, labels = np.nonzero(truth) if truth.ndim == 2 else (np.arange(len(truth)), truth)
    covered: np.ndarray = _inside(sets)[rows, labels]
    return covered
