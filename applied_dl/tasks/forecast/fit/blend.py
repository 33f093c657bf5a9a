"""A blend: every member trained for itself, then weighed on validation windows, and one graph of those with a weight."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from msgspec.structs import replace

from applied_dl.core import console
from applied_dl.core.metrics.forecasting import known_scale
from applied_dl.core.records import Fitted, History
from applied_dl.exporting.evaluate import outputs_of
from applied_dl.tasks.forecast.defaults import member_training
from applied_dl.tasks.forecast.selection import CLOSED
from applied_dl.training.ensembles import average

CAP = 5.0  # usual errors of the best member: no error of solved members counts more
EXACT = 1e-3  # of a member's mean error: what it forecasts as well as that, such as nights without sun, says nothing about the usual error
SHARPNESS = 16  # weights of solved members fall with this power of their errors; their order by validation says little about later steps
LEAST = 0.05  # weight of a solved member, under which it has none: its error is a fifth larger
PAYS = 0.01  # a blend must have this much less validation error than its best member, or the member is taken alone


def fit_blend(recipe, prepared, trainer, tag: str, fit_one: Callable) -> Fitted:
    """Every member by `fit_one(recipe, prepared, trainer, tag)`, then their weights: least error on validation, summing to one."""
    fitted = []
    for i, (name, turn) in enumerate(zip(recipe.model.members, trainer.turns(len(recipe.model.members), "member"))):
        one = member_recipe(recipe, prepared, i)
        keras.utils.set_random_seed(one.train.seed)
        fitted.append(fit_one(one, prepared, turn, f"{tag}-{i}-{name}"))
        console.say("member", f"{name:<10} validation loss {fitted[-1].history.best:.4f}")
    if not all(one.history.rows for one in fitted):  # a trial or a sweep: nothing was trained
        return Fitted(average([one.model for one in fitted]), next(one.history for one in fitted if not one.history.rows))
    part, e = prepared.validation, prepared.encoder
    outputs = [outputs_of(f.model, part.inputs) for f in fitted]
    solved = False
    if e.form == "panel":  # in the units of its scores, and by their measure
        weights, error, alone = blend_weights(outputs, part.target, known_scale(part.extra["mase_scale"])[:, None], absolute=True)
    else:
        truth = (part.target - np.array(e.center, np.float32)) / np.array(e.scale, np.float32)
        solved = set(recipe.model.members) <= set(CLOSED)
        if solved:
            weights, error, alone = weights_by_error(outputs, truth, _recency(part.extra["origin"], e))
        else:
            weights, error, alone = blend_weights(outputs, truth)
    best = int(np.argmin(alone))
    console.say(
        "blend",
        "  ".join(f"{n} {w:.2f}" for n, w in zip(recipe.model.members, weights))
        + f"   validation error {error:.4f}, best member {alone[best]:.4f}",
    )
    note = {"weights": dict(zip((f"{i}-{n}" for i, n in enumerate(recipe.model.members)), map(float, weights))), "members": fitted}
    if not solved and error > alone[best] * (1 - PAYS):
        return fitted[best]._replace(extra={**fitted[best].extra, **note, "chosen": recipe.model.members[best], "kept": {best: 1.0}})
    kept = [i for i, w in enumerate(weights) if w > 0]
    note["kept"] = {i: float(weights[i]) for i in kept}
    rows = [{**row, "epoch": n + 1} for n, row in enumerate(row for i in kept for row in fitted[i].history.rows if "learning_rate" in row)]
    rows = rows or [{"epoch": 1, "loss": error, "val_loss": error}]  # of members that are solved, not trained
    history = History(rows=rows, best=error, best_epoch=len(rows), seconds=sum(f.history.seconds for f in fitted))
    return Fitted(average([fitted[i].model for i in kept], [float(weights[i]) for i in kept]), history, note)


def member_recipe(recipe, prepared, place: int):
    """The recipe of one member of a blend: its name, its training and a seed of its own."""
    name = recipe.model.members[place]
    open_values = member_training(recipe, name, prepared.encoder, len(prepared.state.starts["train"]))
    settings = replace(recipe.train, seed=recipe.train.seed + 1000 * place, **open_values)
    return replace(recipe, train=settings, model=replace(recipe.model, name=name))


def blend_weights(outputs: list[np.ndarray], truth: np.ndarray, unit=1.0, absolute: bool = False) -> tuple[np.ndarray, float, np.ndarray]:
    """Weights (M,) ≥ 0 that sum to one, with the least mean squared (or absolute) error in `unit`; that error, and each member's own.

    NaN truths and units are left out. The absolute error by least squares weighted anew (Schlossmacher, 1973).
    """
    seen = np.isfinite(truth / unit)
    gaps = np.stack([((out - np.nan_to_num(truth)) / unit)[seen] for out in outputs]).astype(np.float64)  # (M, N)
    weights, measure = _least_squares(gaps @ gaps.T), np.square
    if absolute:
        measure = np.abs
        for _ in range(30):
            size = np.abs(weights @ gaps)
            weights = _least_squares((gaps / np.maximum(size, 1e-3 * size.mean() + 1e-12)) @ gaps.T)
    return weights, float(measure(weights @ gaps).mean()), measure(gaps).mean(axis=1)


def _recency(origins: np.ndarray, encoder) -> np.ndarray:
    """Weights (N,) of origins: half for each four horizons, or eight seasons, that they lie further back than the newest."""
    return 0.5 ** ((origins.max() - origins) / (4 * max(encoder.horizon, 2 * encoder.season)))


def weights_by_error(outputs: list[np.ndarray], truth: np.ndarray, recency: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """As `blend_weights`, of members that are solved, by a high power of their absolute errors. No error counts more than a few usual ones.

    Their validation windows overlap, so that their least error is no safe choice: members that are nearly as good have nearly equal
    weights. A change of level that no member could foresee costs all the same; after it, the one that adapts wins. recency: (N,) weights.
    """
    seen = np.isfinite(truth)
    weight = np.broadcast_to(recency[:, None, None], truth.shape)[seen]
    gaps = np.stack([(out - np.nan_to_num(truth))[seen] for out in outputs]).astype(np.float64)  # (M, N)
    cap = CAP * max(min(_usual(np.abs(row)) for row in gaps), 1e-12)
    loss = lambda rows: np.average(np.minimum(np.abs(rows), cap), axis=-1, weights=weight)  # noqa: E731
    alone = loss(gaps)
    weights = (max(float(alone.min()), 1e-12) / np.maximum(alone, 1e-12)) ** SHARPNESS
    weights = np.where(weights < LEAST * weights.sum(), 0.0, weights)
    weights /= weights.sum()
    return weights, float(loss(weights @ gaps)), alone


def _usual(sizes: np.ndarray) -> float:
    """The median of absolute errors (N,), without those that are next to none."""
    return float(np.median(sizes[sizes >= EXACT * sizes.mean()]))


def _least_squares(gram: np.ndarray) -> np.ndarray:
    """The point w of the simplex with the least w'Gw: the best, over all subsets of members, of the solutions without a negative weight.

    All 2^M - 1 subsets are solved; `validate.MOST_MEMBERS` keeps that below 0.1 s.
    """
    best, least, count = None, np.inf, len(gram)
    for code in range(1, 2**count):
        pick = [i for i in range(count) if code >> i & 1]
        solved = np.linalg.solve(gram[np.ix_(pick, pick)] + 1e-9 * np.trace(gram) * np.eye(len(pick)), np.ones(len(pick)))
        weights = np.zeros(count)
        weights[pick] = solved / solved.sum()
        if (weights >= 0).all() and weights @ gram @ weights < least:
            best, least = weights, float(weights @ gram @ weights)
    return best
