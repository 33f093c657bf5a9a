"""Is the learning rate right? The recipe's rate and the finder's suggestion each train the same few steps from the same weights."""

from __future__ import annotations

import time

import keras
import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.training.batches import plan
from applied_dl.training.diagnostics.case import Case, descend, restoring
from applied_dl.training.diagnostics.finding import Finding
from applied_dl.training.lr_finder import FINDER_STEPS, find
from applied_dl.training.model_parts import all_layers

STEPS = 120
SHORT = 30.0  # seconds that the search for a rate may take whatever the budget
FAR = 8.0  # times off the suggestion from which the recipe's rate is questioned
PROGRESS = 0.25  # of the decrease of the loss that the suggested rate reaches in the same steps
FEWEST_STEPS = 50  # of a whole training
NORM_BATCH = 4


def check_rate(case: Case, budget: float = 60.0) -> list[Finding]:
    """Too high, too low, or too few steps altogether. Leaves the model as it was.

    Other rates are not tried where that would take longer than `budget` seconds (and half a minute).
    """
    found = _steps(case)
    rate = case.settings.learning_rate
    if rate == "auto":
        return found
    start = time.perf_counter()
    with restoring(case.model):
        own = descend(case, STEPS)
    search = (time.perf_counter() - start) / STEPS * FINDER_STEPS
    if len(own) < STEPS:
        return [*found, _high(case, float("inf"), 1.0, f"at the rate {rate:g} the loss is not finite after {len(own)} steps")]
    if search > max(budget, SHORT):
        console.say("doctor", f"other learning rates are not tried, which would take about {search:.0f} s: raise --budget, or use lr-find")
        return found
    try:
        with restoring(case.model):
            advised = find(case.model, case.source, case.settings, loss=case.loss, augment=case.augment, rates=case.rates).chosen
    except DataError:
        return found  # the loss falls at no rate: other checks report why
    if 1 / FAR < rate / advised < FAR:
        return found
    with restoring(case.model):
        other = descend(case, STEPS, advised)
    gained, possible = _progress(own), _progress(other)
    if len(other) < STEPS or possible <= 0.01 * abs(other[0]) or gained >= PROGRESS * possible:
        return found
    observed = f"{STEPS} steps at the rate {rate:g} lower the loss by {gained:.3g}, the same steps at {advised:.2g} by {possible:.3g}"
    ratio = gained / possible
    return [*found, _high(case, ratio, PROGRESS, observed, advised) if rate > advised else _low(ratio, observed, advised)]


def _progress(losses: np.ndarray) -> float:
    return float(losses[0] - np.median(losses[-STEPS // 5 :]))


def _high(case: Case, evidence: float, limit: float, observed: str, advised: float | None = None) -> Finding:
    return Finding(
        name="rate_too_high",
        where="train.learning_rate",
        evidence=evidence,
        limit=limit,
        observed=observed,
        why="every step overshoots the minimum",
        change=f"set train.learning_rate = {advised or case.settings.learning_rate / 30:.1g}",
    )


def _low(evidence: float, observed: str, advised: float) -> Finding:
    return Finding(
        name="rate_too_low",
        where="train.learning_rate",
        evidence=evidence,
        limit=PROGRESS,
        observed=observed,
        why="the training ends long before the weights have converged",
        change=f"set train.learning_rate = {advised:.1g}, or more train.epochs",
    )


def _steps(case: Case) -> list[Finding]:
    """So few steps, or so small batches under batch normalization, that no learning rate would help."""
    cut = plan(case.source.size, case.settings.batch_size)
    total = cut.steps * case.settings.epochs
    found = []
    if total < FEWEST_STEPS:
        found.append(
            Finding(
                name="too_few_steps",
                where="train.batch_size",
                evidence=float(total),
                limit=float(FEWEST_STEPS),
                observed=f"the whole training is {total} steps of {cut.batch:,} rows",
                why="a net needs some hundreds of steps at any learning rate",
                change=f"set train.batch_size = {max(8, cut.batch // 16)}, or raise train.epochs",
            )
        )
    norms = any(isinstance(layer, keras.layers.BatchNormalization) and layer.trainable for layer in all_layers(case.model))
    if norms and cut.batch < NORM_BATCH:
        found.append(
            Finding(
                name="batch_norm_of_few",
                where="train.batch_size",
                evidence=float(cut.batch),
                limit=float(NORM_BATCH),
                observed=f"batch normalization gets {cut.batch} row{'s' * (cut.batch > 1)} at a time",
                why="the mean of so few rows is noise, and differs from the one that prediction uses",
                change='set train.batch_size = 32, or model.norm = "layer"',
            )
        )
    return found
