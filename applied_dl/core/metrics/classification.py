"""Metrics of class probabilities (N, C). `truth` is (N,) class codes, or (N, C) of 0 and 1 for multi-label rows."""

from __future__ import annotations

import numpy as np

SMALLEST = 1e-7


def accuracy(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of rows whose most probable class is the true one; for multi-label rows, share of correct labels at the threshold 0.5."""
    if truth.ndim == 2:
        return float(np.mean((probabilities >= 0.5) == (truth > 0)))
    return float(np.mean(probabilities.argmax(1) == truth))


def top_k_accuracy(truth: np.ndarray, probabilities: np.ndarray, k: int = 5) -> float:
    """Share of rows whose true class is among the `k` most probable."""
    best = np.argpartition(-probabilities, min(k, probabilities.shape[1]) - 1, axis=1)[:, :k]
    return float(np.mean((best == truth[:, None]).any(1)))


def row_log_loss(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row (N,), in nats."""
    p = np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST)
    if truth.ndim == 2:
        return np.asarray(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean(1))
    return np.asarray(-np.log(p[np.arange(len(truth)), truth]))


def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-likelihood, in nats."""
    return float(row_log_loss(truth, probabilities).mean())


def auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve of a binary truth (N,): share of correctly ranked pairs, ties count half (Mann and Whitney, 1947)."""
    from applied_dl.core.metrics.similarity import ranks

    positive = truth.astype(bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if ones == 0 or zeros == 0:
        return float("nan")
    return float((ranks(scores)[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (C, C): row the true class, column the predicted one."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def f1(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Macro F1: the mean of 2 TP / (2 TP + FP + FN) over the classes that occur."""
    classes = probabilities.shape[1]
    if truth.ndim == 2:
        hit = (probabilities >= 0.5).astype(int)
        both, wrong = (hit * truth).sum(0), (hit != truth).sum(0)
    else:
        matrix = confusion_matrix(truth, probabilities.argmax(1), classes)
        both = np.diag(matrix)
        wrong = matrix.sum(0) + matrix.sum(1) - 2 * both
    occurs = (both + wrong) > 0
    return float(np.mean(2 * both[occurs] / (2 * both[occurs] + wrong[occurs]))) if occurs.any() else 0.0


def mean_average_precision(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over labels of the average precision, the area under the steps of the precision-recall curve. `truth` is (N, C)."""
    values = []
    for label in range(truth.shape[1]):
        order = np.argsort(-probabilities[:, label], kind="stable")
        hits = truth[order, label].astype(bool)
        if hits.any():
            values.append(np.mean((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits]))
    return float(np.mean(values)) if values else float("nan")


def expected_calibration_error(truth: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Guo et al., 2017)."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.abs(np.bincount(place, confidence - right, minlength=bins))
    return float(gap.sum() / max(len(truth), 1))
