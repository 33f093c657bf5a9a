"""Scores of numbers, of several numbers and of classes, with 95% intervals and by slice of the rows."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics import classification as metric
from applied_dl.core.metrics import regression
from applied_dl.core.metrics.answers import with_answers
from applied_dl.core.metrics.intervals import bootstrap, bootstrap_mean, wilson
from applied_dl.core.records import Part, Scores, Slice
from applied_dl.tasks.tabular.columns import ABSENT, FIRST, TableEncoder

REPEATS = 200  # bootstrap resamples where an interval has no closed form
SLICED, MOST_SLICES, SMALLEST_SLICE = 2, 8, 20  # most categories, most levels of one, fewest rows of a slice


def score_table(outputs: dict, part: Part, encoder: TableEncoder, metrics_only: bool = False) -> Scores:
    """Root mean squared error or accuracy, further metrics with intervals, and the main metric by slice of the rows."""
    measure = _score_classes if encoder.labels else _score_targets if len(encoder.targets) > 1 else _score_numbers
    return with_answers(measure(outputs, part, encoder, metrics_only), outputs, part.target, metrics_only)


def _score_numbers(outputs, part, encoder, metrics_only: bool) -> Scores:
    y, p = part.target, outputs["prediction"].astype(np.float64)
    metrics = _regression_metrics(y, p, outputs)
    if metrics_only:
        return Scores(main="rmse", metrics=metrics)
    intervals = _regression_intervals(y, p, outputs)
    square = (y - p) ** 2
    slices = {name: Slice(value=float(np.sqrt(square[at].mean())), rows=int(at.sum())) for name, at in _slices(part, encoder, p).items()}
    return Scores(main="rmse", metrics=metrics, intervals=intervals, slices=slices)


def _regression_metrics(y: np.ndarray, p: np.ndarray, outputs: dict) -> dict[str, float]:
    """Of one target (N,)."""
    metrics = {"rmse": regression.rmse(y, p), "mae": regression.mae(y, p), "r2": regression.r2(y, p)}
    if "lower" in outputs:
        metrics["coverage"] = regression.coverage(y, outputs["lower"], outputs["upper"])
    return metrics


def _regression_intervals(y: np.ndarray, p: np.ndarray, outputs: dict) -> dict[str, tuple[float, float]]:
    """Of the metrics of one target (N,)."""
    intervals = {"rmse": bootstrap_mean((y - p) ** 2, transform=np.sqrt), "mae": bootstrap_mean(np.abs(y - p))}
    intervals["r2"] = bootstrap(regression.r2, y, p, repeats=REPEATS)
    if "lower" in outputs:
        intervals["coverage"] = wilson(int(((y >= outputs["lower"]) & (y <= outputs["upper"])).sum()), len(y))
    return intervals


def _score_targets(outputs, part, encoder, metrics_only: bool) -> Scores:
    """The mean R² of several targets, whose units differ, and the metrics of each target."""

    def mean_r2(y: np.ndarray, p: np.ndarray) -> float:
        return float(np.mean([regression.r2(y[:, i], p[:, i]) for i in range(y.shape[1])]))

    def by_target(measure) -> dict:
        found = {}
        for i, target in enumerate(encoder.targets):
            one = {name: outputs[name][:, i] for name in ("prediction", "lower", "upper") if name in outputs}
            values = measure(part.target[:, i], one["prediction"].astype(np.float64), one)
            found |= {f"{name} of {target.name}": value for name, value in values.items()}
        return found

    p = outputs["prediction"].astype(np.float64)
    metrics = {"r2": mean_r2(part.target, p), **by_target(_regression_metrics)}
    if metrics_only:
        return Scores(main="r2", metrics=metrics)
    intervals = {"r2": bootstrap(mean_r2, part.target, p, repeats=REPEATS), **by_target(_regression_intervals)}
    return Scores(main="r2", metrics=metrics, intervals=intervals)


def _score_classes(outputs, part, encoder, metrics_only: bool) -> Scores:
    y, p = part.target, outputs["probabilities"]
    best = p.argmax(1) if "decision" not in outputs else (outputs["decision"] > 0.5).astype(int)
    right, predicted = best == y, np.eye(p.shape[1])[best]
    metrics = {"accuracy": float(right.mean()), "f1": metric.f1(y, predicted), "log_loss": metric.log_loss(y, p)}
    if p.shape[1] == 2:
        metrics["auc"] = metric.auc(y, p[:, 1])
    metrics["ece"] = metric.expected_calibration_error(y, p)
    if metrics_only:
        return Scores(main="accuracy", metrics=metrics)
    intervals = {"accuracy": wilson(int(right.sum()), len(y)), "f1": bootstrap(metric.f1, y, predicted, repeats=REPEATS)}
    intervals["log_loss"] = bootstrap_mean(metric.row_log_loss(y, p))
    if "auc" in metrics:
        intervals["auc"] = bootstrap(metric.auc, y, p[:, 1], repeats=REPEATS)
    intervals["ece"] = bootstrap(metric.expected_calibration_error, y, p, repeats=REPEATS)
    slices = {name: Slice(value=float(right[at].mean()), rows=int(at.sum())) for name, at in _slices(part, encoder).items()}
    return Scores(main="accuracy", metrics=metrics, intervals=intervals, slices=slices)


def _slices(part, encoder, prediction: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Row masks by slice: levels of the categories with the fewest levels, rows with empty cells, thirds of the predictions; each with
    at least `SMALLEST_SLICE` rows."""
    few = sorted(
        (c for c in encoder.columns if c.kind == "category" and not c.of_unit and len(c.levels) <= MOST_SLICES), key=lambda c: len(c.levels)
    )
    found = {}
    for column in few[:SLICED]:
        codes = part.inputs[column.inputs[0]]
        found |= {f"{column.name} = {level}": codes == i + FIRST for i, level in enumerate(column.levels)}
    empty = np.any([v == ABSENT if v.dtype == np.int32 else np.isnan(v) for v in part.inputs.values() if v.ndim == 1], axis=0)
    if np.ndim(empty) and 0 < empty.sum() < len(empty):
        found["rows with an empty cell"] = empty
    if prediction is not None:
        third = np.searchsorted(np.quantile(prediction, (1 / 3, 2 / 3)), prediction)
        found |= {f"the {name} third of the predictions": third == i for i, name in enumerate(("lowest", "middle", "highest"))}
    return {name: rows for name, rows in found.items() if rows.sum() >= SMALLEST_SLICE}
