"""What makes probabilities and intervals honest: one temperature, one conformal width, one threshold, each from held-out rows."""

from __future__ import annotations

import numpy as np

PRIOR_ROWS = 10  # a few rows that are all right would ask for infinite certainty: so many rows' weight holds the temperature near 1


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The factor on the logits (N, C) with the least log loss (Guo et al., 2017), from 1/4 to 4. truth: (N,) codes, or (N, C) 0/1."""
    if not len(truth):
        return 1.0
    logits = logits.astype(np.float64)

    def loss(factor: float) -> float:
        z = logits * factor
        if truth.ndim == 2:
            found = np.mean(np.logaddexp(0, z) - truth * z)
        else:
            found = np.mean(np.logaddexp.reduce(z, 1) - z[np.arange(len(truth)), truth])
        return float(found) + PRIOR_ROWS / len(truth) * np.log(factor) ** 2

    return float(min(np.geomspace(0.25, 4, 81), key=loss))


def conformal(scores: np.ndarray, coverage: float) -> float:
    """The score (N,) that at least `coverage` of new rows stay under: the ⌈(n+1)·coverage⌉-th smallest (Vovk et al., 2005)."""
    place = int(np.ceil((len(scores) + 1) * coverage - 1e-9))  # 100 · 0.55 is 55, not a rounding error more
    return float(np.sort(scores)[min(place, len(scores)) - 1])


def threshold(truth: np.ndarray, p: np.ndarray, metric: str) -> float:
    """The probability of the second class (N,) from which it is the answer, where `metric` is best.

    metric: accuracy, balanced_accuracy (mean recall of both classes) or f1 (of the second class).
    """
    cuts = np.unique(np.concatenate([[0.5], np.quantile(p, np.linspace(0.005, 0.995, 199))]))
    true = truth.astype(bool)

    def value(cut: float) -> tuple[float, float]:
        said = p >= cut
        hit, false = np.sum(said & true), np.sum(said & ~true)
        if metric == "f1":
            found = 2 * hit / max(hit + false + true.sum(), 1)
        elif metric == "balanced_accuracy":
            found = (hit / max(true.sum(), 1) + 1 - false / max((~true).sum(), 1)) / 2
        else:
            found = np.mean(said == true)
        return float(found), -abs(cut - 0.5)  # of equals the one nearest to one half

    return float(max(cuts, key=value))
