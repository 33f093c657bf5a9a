"""Scores of an image model with 95% intervals and by class."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics import classification as metric
from applied_dl.core.metrics import regression
from applied_dl.core.metrics.answers import with_answers
from applied_dl.core.metrics.intervals import bootstrap, bootstrap_mean, wilson
from applied_dl.core.records import Part, Scores, Slice
from applied_dl.tasks.image.encoder import ImageEncoder

REPEATS = 200  # resamples of the intervals that have no closed form
TOP5_CLASSES = 10  # number of classes from which top-5 accuracy is reported
SMALLEST_SLICE = 20


def score_images(outputs: dict[str, np.ndarray], part: Part, encoder: ImageEncoder, metrics_only: bool = False) -> Scores:
    """Accuracy, mean F1 of several labels, or root mean squared error, with the other metrics beside it."""
    if not encoder.labels:
        scores = _score_numbers(outputs, part, metrics_only)
    else:
        scores = (_score_lists if encoder.multi_label else _score_classes)(outputs, part, encoder, metrics_only)
    return with_answers(scores, outputs, part.target, metrics_only)


def _score_classes(outputs, part: Part, encoder: ImageEncoder, metrics_only: bool) -> Scores:
    truth, p = part.target, outputs["probabilities"]
    right = p.argmax(1) == truth
    metrics = {"accuracy": metric.accuracy(truth, p), "f1": metric.f1(truth, p), "log_loss": metric.log_loss(truth, p)}
    metrics["ece"] = metric.expected_calibration_error(truth, p)
    if len(encoder.labels) >= TOP5_CLASSES:
        metrics["top5_accuracy"] = metric.top_k_accuracy(truth, p)
    if metrics_only:
        return Scores(main="accuracy", metrics=metrics)
    intervals = {
        "log_loss": bootstrap_mean(metric.row_log_loss(truth, p)),
        "f1": bootstrap(metric.f1, truth, p, repeats=REPEATS),
        "accuracy": wilson(int(right.sum()), len(truth)),
        "ece": bootstrap(metric.expected_calibration_error, truth, p, repeats=REPEATS),
    }
    if "top5_accuracy" in metrics:
        intervals["top5_accuracy"] = wilson(round(metrics["top5_accuracy"] * len(truth)), len(truth))
    rows = {name: truth == i for i, name in enumerate(encoder.labels)}
    slices = {name: Slice(value=float(right[at].mean()), rows=int(at.sum())) for name, at in rows.items() if at.any()}
    return Scores(main="accuracy", metrics=metrics, intervals=intervals, slices=slices)


def _score_lists(outputs, part: Part, encoder: ImageEncoder, metrics_only: bool) -> Scores:
    truth, p = part.target, outputs["probabilities"]
    metrics = {
        "f1": metric.f1(truth, p),
        "map": metric.mean_average_precision(truth, p),
        "accuracy": metric.accuracy(truth, p),
        "log_loss": metric.log_loss(truth, p),
    }
    if metrics_only:
        return Scores(main="f1", metrics=metrics)
    intervals = {
        "log_loss": bootstrap_mean(metric.row_log_loss(truth, p)),
        "f1": bootstrap(metric.f1, truth, p, repeats=REPEATS),
        "map": bootstrap(metric.mean_average_precision, truth, p, repeats=REPEATS),
        "accuracy": bootstrap_mean(((p >= 0.5) == (truth > 0)).mean(1)),
    }
    slices = {
        name: Slice(value=metric.f1(truth[:, [i]], p[:, [i]]), rows=int(truth[:, i].sum()))
        for i, name in enumerate(encoder.labels)
        if truth[:, i].any()
    }
    return Scores(main="f1", metrics=metrics, intervals=intervals, slices=slices)


def _score_numbers(outputs, part: Part, metrics_only: bool) -> Scores:
    y, p = part.target, outputs["prediction"].astype(np.float64)
    square, away = (y - p) ** 2, np.abs(y - p)
    metrics = {"rmse": regression.rmse(y, p), "mae": regression.mae(y, p), "r2": regression.r2(y, p)}
    if "lower" in outputs:
        metrics["coverage"] = regression.coverage(y, outputs["lower"], outputs["upper"])
    if metrics_only:
        return Scores(main="rmse", metrics=metrics)
    intervals = {"rmse": bootstrap_mean(square, transform=np.sqrt), "mae": bootstrap_mean(away)}
    intervals["r2"] = bootstrap(regression.r2, y, p, repeats=REPEATS)
    if "lower" in outputs:
        inside = (y >= outputs["lower"]) & (y <= outputs["upper"])
        intervals["coverage"] = wilson(int(inside.sum()), len(y))
    third = np.searchsorted(np.quantile(p, (1 / 3, 2 / 3)), p)
    rows = {f"the {name} third of the predictions": third == i for i, name in enumerate(("lowest", "middle", "highest"))}
    slices = {
        name: Slice(value=float(np.sqrt(square[at].mean())), rows=int(at.sum())) for name, at in rows.items() if at.sum() >= SMALLEST_SLICE
    }
    return Scores(main="rmse", metrics=metrics, intervals=intervals, slices=slices)
