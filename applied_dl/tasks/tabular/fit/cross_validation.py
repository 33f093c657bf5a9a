"""Cross-validation of one member: its candidates predict rows that they were not fitted to, and the best one is taken."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from applied_dl.tasks.tabular.fit.boosting import softmax
from applied_dl.tasks.tabular.fit.closed import MEMBERS, Rows, Task, crossed_means, mean_tables, with_means
from applied_dl.tasks.tabular.fit.log_scale import LEAST_GAIN, ON_BOTH_SCALES, LogScale
from applied_dl.tasks.tabular.fit.weights import row_losses

SIMILAR = 1.001  # candidates whose loss is within this factor of the lowest are equal: the first, smallest one is taken


class Choice(NamedTuple):
    """How a member is fitted: the number of its candidate, on targets as they are (None) or on their logarithms."""

    number: int
    scale: LogScale | None


class CrossValidated(NamedTuple):
    """A member after cross-validation: its best candidate, its out-of-fold predictions (N, O), its loss, its seconds."""

    choice: Choice
    outputs: np.ndarray
    loss: float
    seconds: float


def cross_validate(task: Task, rows: Rows, folds, name: str, logarithms: LogScale | None) -> CrossValidated:
    """Every candidate of a member on every fold that it was not fitted to, and the best one; on logarithms where it is clearly better."""
    start, y = time.perf_counter(), np.concatenate([rows.y[outside] for _, outside in folds])
    scales = (None,) if logarithms is None or name not in ON_BOTH_SCALES else (None, logarithms)
    held_outputs: list[list[np.ndarray]] = [[] for _ in scales]
    for inside, outside in folds:
        fitted, held = rows.take(inside), rows.take(outside)
        held = with_means(task, held, mean_tables(task, fitted.codes, fitted.y))
        fitted = crossed_means(task, fitted)
        for scale, outputs in zip(scales, held_outputs):
            outputs.append(_answers(task, MEMBERS[name].candidates(task, on_scale(scale, fitted), on_scale(scale, held))))
    found = [_best(scale, _side_by_side(outputs), y, task.classes) for scale, outputs in zip(scales, held_outputs)]
    best = found[-1] if found[-1].loss < (1 - LEAST_GAIN) * found[0].loss else found[0]
    return best._replace(seconds=time.perf_counter() - start)


def on_scale(scale: LogScale | None, rows: Rows) -> Rows:
    """The rows with their targets on the scale on which a member is fitted to them."""
    return rows if scale is None else rows._replace(y=scale.of(rows.y))


def _side_by_side(outputs: list[np.ndarray]) -> np.ndarray:
    """(K, N, O) of the folds' (K, N_fold, O); a fold whose loss stopped falling earlier keeps its last candidate."""
    most = max(len(one) for one in outputs)
    return np.concatenate([np.pad(one, ((0, most - len(one)), (0, 0), (0, 0)), mode="edge") for one in outputs], axis=1)


def _best(scale: LogScale | None, outputs: np.ndarray, y: np.ndarray, classes: bool) -> CrossValidated:
    """The first of the candidates' outputs (K, N, O) whose loss is hardly above the lowest."""
    if scale is None:
        losses = np.array([row_losses(one, y, classes).mean() for one in outputs])
    else:
        losses = np.array([row_losses(scale.adding_up(one, y).exponential(one), y, classes).mean() for one in outputs])
    number = int(np.flatnonzero(losses <= SIMILAR * losses.min())[0])
    one = outputs[number]
    if scale is not None:
        scale = scale.adding_up(one, y)
        one = scale.exponential(one)
    return CrossValidated(Choice(number, scale), one, float(losses[number]), 0.0)


def _answers(task: Task, scores: np.ndarray) -> np.ndarray:
    """Scores of a member as they are blended: probabilities of classes."""
    return softmax(scores) if task.classes else scores
