"""Calibration of probabilities and intervals on held-out rows: a temperature, a conformal width, a decision threshold."""

from __future__ import annotations

import numpy as np

PRIOR_ROWS = 10  # weight, in rows, that keeps the factor near 1: a few rows that are all right would make it infinite


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The factor on the logits with the least log loss, from 1/4 to 4 (temperature scaling: Guo et al., 2017).

    Args:
        logits: (N, C).
        truth: (N,) class codes, or (N, C) of 0 and 1 for multi-label.
    """
    if not len(truth):
        return 1.0
    logits = logits.astype(np.float64)

    def loss(factor: float) -> float:
        z = logits * factor
        if truth.ndim == 2:
            value = np.mean(np.logaddexp(0, z) - truth * z)
        else:
            value = np.mean(np.logaddexp.reduce(z, 1) - z[np.arange(len(truth)), truth])
        return float(value + PRIOR_ROWS / len(truth) * np.log(factor) ** 2)

    return float(min(np.geomspace(0.25, 4, 81), key=loss))


def conformal(scores: np.ndarray, coverage: float) -> float:
    """The value that a share `coverage` of new scores stays under: the ⌈(n+1)·coverage⌉-th smallest of scores (N,) (Vovk et al., 2005)."""
    place = int(np.ceil((len(scores) + 1) * coverage - 1e-9))  # the 1e-9: 100 · 0.55 is 55, without a rounding error
    return float(np.sort(scores)[min(place, len(scores)) - 1])


def threshold(truth: np.ndarray, p: np.ndarray, metric: str) -> float:
    """The decision threshold with the best metric.

    Args:
        truth: (N,) 0 or 1.
        p: (N,) probability of class 1.
        metric: accuracy, balanced_accuracy (mean recall of both classes) or f1 (of class 1).

    Returns:
        The smallest probability at which class 1 is predicted.
    """
    cuts = np.unique(np.concatenate([[0.5], np.quantile(p, np.linspace(0.005, 0.995, 199))]))
    true = truth.astype(bool)

    def value(cut: float) -> tuple[float, float]:
        predicted = p >= cut
        hit, false = np.sum(predicted & true), np.sum(predicted & ~true)
        if metric == "f1":
            score = 2 * hit / max(hit + false + true.sum(), 1)
        elif metric == "balanced_accuracy":
            score = (hit / max(true.sum(), 1) + 1 - false / max((~true).sum(), 1)) / 2
        else:
            score = np.mean(predicted == true)
        return float(score), -abs(cut - 0.5)  # of equal ones the threshold nearest to 0.5

    return float(max(cuts, key=value))
