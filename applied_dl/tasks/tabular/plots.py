"""Plots of a tabular model: training curves, permutation importance, and residuals or confusion and reliability."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from applied_dl.core.metrics import classification as metric
from applied_dl.report import plots as draw
from applied_dl.tasks.tabular.arrays import matrices, targets
from applied_dl.tasks.tabular.models.answers import Probabilities

IMPORTANCE_ROWS, IMPORTANCE_REPEATS = 2000, 3
MOST_BARS = 20


def tabular_plots(fitted, prepared, outputs, folder: Path) -> dict:
    """Write the PNGs; returns the importances (and the weights of an ensemble). `outputs` are predictions on the test rows."""
    encoder, y = prepared.encoder, prepared.test.target
    history = fitted.history
    if "crossed" in fitted.extra:
        losses = [row["val_loss"] for row in history.rows] + [history.best]
        what = "log loss" if encoder.labels else "squared error, in variances of the target"
        draw.bars([*fitted.extra["weights"], "blend"], np.array(losses), folder / "training.png", "Out-of-fold loss of each member", what)
    elif any("member" in row for row in history.rows):
        curves, kept = _by_member(history.rows, history.monitor, list(fitted.extra.get("weights", ())))
        draw.several_trainings(curves, kept, folder / "training.png", "validation loss")
    else:
        draw.training_curves(history.rows, folder / "training.png", history.monitor, history.best_epoch)
    found = importance(fitted.model, prepared, prepared.test if "crossed" in fitted.extra else prepared.validation)
    names = list(found)[:MOST_BARS]
    what = "rise of the loss when the column is shuffled"
    draw.bars(names, np.array([found[name] for name in names]), folder / "importance.png", "Permutation importance", what)
    if encoder.labels:
        p = outputs["probabilities"]
        best = p.argmax(1) if "decision" not in outputs else (outputs["decision"] > 0.5).astype(int)
        draw.confusion(metric.confusion_matrix(y, best, len(encoder.labels)), list(encoder.labels), folder / "confusion.png")
        draw.reliability(p.argmax(1) == y, p.max(1), folder / "reliability.png")
    elif len(encoder.targets) > 1:
        for i, target in enumerate(encoder.targets):
            draw.residuals(y[:, i], outputs["prediction"][:, i], folder / f"residuals_{i + 1}.png", target.name)
    else:
        draw.residuals(y, outputs["prediction"], folder / "residuals.png", encoder.target)
    weights = {name: round(weight, 3) for name, weight in fitted.extra.get("weights", {}).items()}
    return {"importance": found, **({"weights": weights} if weights else {})}


def _by_member(rows: list[dict], monitor: str, names: list[str]) -> tuple[dict[str, np.ndarray], list[int]]:
    """The monitored score by epoch of each member, and its best epoch."""
    curves: dict[str, np.ndarray] = {}
    for member in sorted({row["member"] for row in rows}):
        name = names[member] if member < len(names) else f"member {member + 1}"
        curves[name] = np.array([row[monitor] for row in rows if row["member"] == member])
    return curves, [int(np.argmin(values)) for values in curves.values()]


def importance(model: keras.Model, prepared, part) -> dict[str, float]:
    """Permutation importance (Breiman, 2001), largest first: the rise of the loss when a column of `part`, rows that the model was not
    fitted to, is shuffled."""
    encoder = prepared.encoder
    part = part.take(np.arange(min(len(part), IMPORTANCE_ROWS)))
    y, random = targets(prepared, part), np.random.default_rng(0)

    def loss(inputs) -> float:
        raw = model.predict_on_batch(matrices(encoder, inputs))  # one batch: `predict` builds a data pipeline for each column
        if encoder.labels:
            return metric.log_loss(part.target, np.asarray(Probabilities()(raw)))
        if y.shape[2] > 1:
            return float(np.mean((raw.mean(1) - y[:, 0]) ** 2))
        return float(np.mean((raw.mean(1)[:, 1 if raw.shape[2] == 3 else 0] - y[:, 0, 0]) ** 2))

    plain, found = loss(part.inputs), {}
    inputs: dict[str, list[str]] = {}
    for column in encoder.columns:
        inputs.setdefault(column.name, []).extend(column.inputs)
    for column, names in inputs.items():
        rises = []
        for _ in range(IMPORTANCE_REPEATS):
            order = random.permutation(len(part))
            rises.append(loss({**part.inputs, **{name: part.inputs[name][order] for name in names}}) - plain)
        found[column] = round(float(np.mean(rises)), 5)
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
