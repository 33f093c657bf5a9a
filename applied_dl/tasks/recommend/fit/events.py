"""Models of events in closed form: candidates are ranked on the validation part, and the best is fitted to training and validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from applied_dl.core import console
from applied_dl.core.config import replace
from applied_dl.core.records import Fitted, History
from applied_dl.tasks.recommend.fit.als import AlsLoop
from applied_dl.tasks.recommend.fit.ratings import blocked
from applied_dl.tasks.recommend.models.closed import ease, gram, item_knn
from applied_dl.tasks.recommend.models.graph import implicit_factors, similar_items
from applied_dl.tasks.recommend.readers.parts import Log, weigh
from applied_dl.tasks.recommend.scores import outputs_of, user_metrics


class Candidate(NamedTuple):
    """A model that may be chosen: its name and its settings, as keys of `[model]`."""

    name: str
    settings: dict[str, float]

    def __str__(self) -> str:
        return ", ".join([self.name, *(f"{key} {value:g}" for key, value in self.settings.items())])


class Solved(NamedTuple):
    """A fitted model: weights (N, I) → scores (N, I), its matrix, and how it was trained."""

    score: Callable[[np.ndarray], np.ndarray]
    matrix: np.ndarray
    history: History | None


def candidates(recipe, events: int) -> list[Candidate]:
    """What the validation part chooses from: the models and penalties that the recipe leaves open, fewer for many training events."""
    model = recipe.model
    names = ("ease", "ials") if model.name == "best" else (model.name,)
    found = []
    for name in names:
        if name == "item_knn":
            found.append(Candidate(name, {"neighbours": model.neighbours, "regularization": model.regularization}))
            continue
        usual = (USUAL,) if name == "ials" and events > LARGE else PENALTIES[name]
        penalties = [model.regularization] if model.regularization else usual
        found += [Candidate(name, {"regularization": penalty}) for penalty in penalties]
    return found


PENALTIES = {"ease": (50.0, 100.0, 200.0, 400.0, 800.0), "ials": (10.0, 20.0, 40.0)}
LARGE, USUAL = 2_000_000, 20.0  # training events beyond which ials is fitted with one penalty, as each candidate takes long


def fit_events(recipe, prepared, trainer) -> Fitted:
    """Choose and fit; `extra["validation"]` holds the outputs on validation rows of the chosen model before it saw them."""
    encoder, state = prepared.encoder, prepared.state
    log = recipe.model.weighting == "log"
    shape = len(encoder.users), len(encoder.items)

    def solver(events: Log) -> Callable[[Candidate, str], Solved]:
        weight = weigh(events.values, encoder.liked, log)
        keep = weight > 0
        rows = events.users[keep] - 1, events.items[keep] - 1, weight[keep]
        products: list[np.ndarray] = []

        def solve(one: Candidate, tag: str) -> Solved:
            if one.name == "ials":
                return _als(recipe, one, rows, shape, trainer, tag)
            if not products:
                products.append(gram(*rows, shape))
            if one.name == "ease":
                matrix = ease(products[0], one.settings["regularization"])
            else:
                matrix = item_knn(products[0], int(one.settings["neighbours"]), one.settings["regularization"])
            return Solved(lambda weights: weights @ matrix, matrix, None)

        return solve

    tried, rows, found = candidates(recipe, len(state.train)), [], []
    solve, truth = solver(state.train), prepared.validation.extra["relevant"]
    known = np.bincount(state.train.items, minlength=shape[1] + 1) > 0
    for number, one in enumerate(tried):
        start = time.perf_counter()
        solved = solve(one, f"candidate{number}")
        outputs = outputs_of(solved.score, prepared.validation, encoder, known, log)
        found.append(outputs)
        value = float(user_metrics(outputs["items"], truth)["ndcg_at_10"].mean())
        seconds = time.perf_counter() - start
        loss = solved.history.rows[-1]["loss"] if solved.history and solved.history.rows else 1 - value
        rows.append({"epoch": number + 1, "loss": loss, "val_ndcg_at_10": value, **one.settings, "seconds": seconds})
        if len(tried) > 1:
            console.say("candidate", f"{one}: validation NDCG@10 {value:.4f}")
    number = choose(tried, np.stack([user_metrics(outputs["items"], truth)["ndcg_at_10"] for outputs in found]))
    one, outputs, value = tried[number], found[number], rows[number]["val_ndcg_at_10"]
    last = solver(state.fitted)(one, "model")
    model = graph_of(replace(recipe, model={"name": one.name, **_keys(one)}), prepared, last.matrix)
    seconds = sum(row["seconds"] for row in rows)
    history = History(monitor="val_ndcg_at_10", rising=True, rows=rows, best_epoch=number + 1, best=value, seconds=seconds)
    if last.history is not None:
        history.stopped = last.history.stopped
    vectors = np.pad(last.matrix, ((1, 0), (0, 0))) if one.name == "ials" else None
    return Fitted(model, history, {"validation": outputs, "vectors": vectors, "chosen": str(one), "model_name": one.name})


def choose(tried: list[Candidate], values: np.ndarray) -> int:
    """The best candidate, or one of the same model with a larger penalty that is worse by no more than one standard error.

    The rule of one standard error (Breiman et al., 1984): what is better by chance alone is not worth a looser fit.

    Args:
        tried: K candidates.
        values: (K, N) NDCG@10 of each user.
    """
    best = int(values.mean(1).argmax())
    chosen = best
    for number, one in enumerate(tried):
        lost = values[best] - values[number]
        near = lost.mean() <= lost.std() / np.sqrt(len(lost))
        if one.name == tried[best].name and near and one.settings["regularization"] > tried[chosen].settings["regularization"]:
            chosen = number
    return chosen


def _keys(one: Candidate) -> dict:
    return {key: int(value) if key == "neighbours" else value for key, value in one.settings.items()}


def _als(recipe, one: Candidate, rows: tuple, shape: tuple[int, int], trainer, tag: str) -> Solved:
    model, train = recipe.model, recipe.train
    loop = AlsLoop(
        *rows, shape, dimensions=min(model.dimensions, *shape), confidence=model.confidence, regularization=one.settings["regularization"],
        epochs=train.epochs, seed=train.seed, minutes=train.checkpoint_minutes,
    )  # fmt: skip
    history = trainer.run(loop, tag)
    factors = loop.whitened()

    def score(weights: np.ndarray) -> np.ndarray:
        omega = model.confidence * weights
        target = (weights > 0) + omega
        found = np.empty((len(weights), factors.shape[1]))
        for n, (own, right) in enumerate(zip(omega, target @ factors)):
            there = np.flatnonzero(own)
            some = factors[there]
            found[n] = np.linalg.solve(np.eye(len(right)) + some.T @ (own[there, None] * some), right)
        return found @ factors.T

    return Solved(score, factors, history)


def graph_of(recipe, prepared, matrix: np.ndarray | None):
    """The serving graph of `ease`, `item_knn` or `ials`; with zeros where nothing is fitted yet."""
    encoder, seen, model = prepared.encoder, prepared.state.seen, recipe.model
    starts = seen.starts(len(encoder.users))
    sizes = {"events": len(seen), "longest": int(np.diff(starts).max(initial=1)), "liked": encoder.liked, "log": model.weighting == "log"}
    users, items = len(encoder.users), len(encoder.items)
    if model.name == "ials":
        width = min(model.dimensions, users, items) if matrix is None else matrix.shape[1]
        graph = implicit_factors(users, items, dimensions=width, confidence=model.confidence, **sizes)
    else:
        graph = similar_items(users, items, **sizes)
    if matrix is None:
        return graph
    graph.get_layer("seen").assign(starts, seen.items, seen.values)
    layer = graph.get_layer("scores")
    if model.name == "ials":
        layer.fold.factors_.assign(np.pad(matrix, ((1, 0), (0, 0))))
    else:
        layer.similarity_.assign(np.pad(matrix, ((1, 0), (1, 0))))
    graph.get_layer("top").blocked_.assign(blocked(prepared))
    return graph
