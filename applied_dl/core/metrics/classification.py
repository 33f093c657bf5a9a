"""Scores of class probabilities. `truth` (N,) int codes, or (N, C) 0/1 for several labels a row; `probabilities` (N, C)."""

from __future__ import annotations

import numpy as np

SMALLEST = 1e-7


def accuracy(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of rows whose most probable class is the true one; of labels decided rightly at 0.5, for several labels a row."""
    if truth.ndim == 2:
        return float(np.mean((probabilities >= 0.5) == (truth > 0)))
    return float(np.mean(probabilities.argmax(1) == truth))


def top_k_accuracy(truth: np.ndarray, probabilities: np.ndarray, k: int = 5) -> float:
    """Share of rows whose true class is among the `k` most probable."""
    best = np.argpartition(-probabilities, min(k, probabilities.shape[1]) - 1, axis=1)[:, :k]
    return float(np.mean((best == truth[:, None]).any(1)))


def row_log_loss(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Negative log likelihood of each row (N,), in nats."""
    p = np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST)
    if truth.ndim == 2:
        return -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean(1)
    return -np.log(p[np.arange(len(truth)), truth])


def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log likelihood, in nats."""
    return float(row_log_loss(truth, probabilities).mean())


def auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve of a binary truth (N,): the share of pairs ranked rightly, ties half (Mann and Whitney, 1947)."""
    from applied_dl.core.metrics.similarity import ranks

    positive = truth.astype(bool)
    many, few = int(positive.sum()), int((~positive).sum())
    if many == 0 or few == 0:
        return float("nan")
    return float((ranks(scores)[positive].sum() - many * (many + 1) / 2) / (many * few))


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (C, C): row the true class, column the predicted one."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def f1(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Macro F1: the mean over the classes that occur of 2 TP / (2 TP + FP + FN)."""
    classes = probabilities.shape[1]
    if truth.ndim == 2:
        hit = (probabilities >= 0.5).astype(int)
        both, wrong = (hit * truth).sum(0), (hit != truth).sum(0)
    else:
        matrix = confusion_matrix(truth, probabilities.argmax(1), classes)
        both = np.diag(matrix)
        wrong = matrix.sum(0) + matrix.sum(1) - 2 * both
    seen = (both + wrong) > 0
    return float(np.mean(2 * both[seen] / (2 * both[seen] + wrong[seen]))) if seen.any() else 0.0


def mean_average_precision(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over labels of the average precision (N, C): the area under each label's precision-recall steps."""
    found = []
    for label in range(truth.shape[1]):
        order = np.argsort(-probabilities[:, label], kind="stable")
        hits = truth[order, label].astype(bool)
        if hits.any():
            found.append(np.mean((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits]))
    return float(np.mean(found)) if found else float("nan")


def expected_calibration_error(truth: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Guo et al., 2017)."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.abs(np.bincount(place, confidence - right, minlength=bins))
    return float(gap.sum() / max(len(truth), 1))
