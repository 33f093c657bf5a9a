"""Several nets as one graph, weighted on validation rows."""

from __future__ import annotations

from functools import partial

import keras
import msgspec
import numpy as np
from keras import layers, ops

from applied_dl.core import config
from applied_dl.core.records import STOPPED, Fitted, History
from applied_dl.tasks.tabular.arrays import matrices, targets
from applied_dl.tasks.tabular.defaults import member_settings
from applied_dl.tasks.tabular.fit.cross import fit_crossed
from applied_dl.tasks.tabular.fit.linear import fit_linear
from applied_dl.tasks.tabular.fit.net import fit_net
from applied_dl.tasks.tabular.fit.retrieval import fit_retrieval
from applied_dl.tasks.tabular.models.answers import Logarithm, MeanAnswer

FITS = {  # the members that `fit_net` does not train
    "linear": fit_linear,
    "retrieval": fit_retrieval,
    "waves": partial(fit_crossed, held_out=True),
    "trees": partial(fit_crossed, held_out=True),
    "kernel": partial(fit_crossed, held_out=True),
}
STEPS = 40  # of the greedy choice: weights are multiples of 1/40


def fit_ensemble(recipe, prepared, trainer, tag: str) -> Fitted:
    """Train `model.members` one after another; the result is one graph (B, 1, outputs), their weighted mean.

    The weights are in `extra["weights"]` of the result.
    """
    fitted = fit_each(recipe, prepared, trainer, tag)
    return weighed(recipe, prepared, fitted) if fitted[0].history.rows else fitted[0]  # a trial or a sweep trains nothing


def fit_each(recipe, prepared, trainer, tag: str) -> list[Fitted]:
    """Train every member with its own settings; fewer where the user stops the training."""
    fitted = []
    for i, (name, turn) in enumerate(zip(recipe.model.members, trainer.turns(len(recipe.model.members), "net"))):
        own = member_settings(recipe, name, i, len(prepared.train), bool(prepared.encoder.labels))
        own = config.replace(own, train={"seed": recipe.train.seed + 101 * i})
        keras.utils.set_random_seed(own.train.seed)
        fitted.append(FITS.get(name, fit_net)(own, prepared, turn, f"{tag}-{i}-{name}"))
        if fitted[-1].history.stopped == STOPPED:
            break
    return fitted


def weighed(recipe, prepared, fitted: list[Fitted]) -> Fitted:
    """One graph of the weighted mean of the members; members of weight 0 are left out."""
    models, classes = [one.model for one in fitted], bool(prepared.encoder.labels)
    x = matrices(prepared.encoder, prepared.validation.inputs)
    outputs = [_mean_output(model.predict(x, batch_size=1024, verbose=0), classes) for model in models]
    simple = recipe.model.members[0] == "linear"
    weights = greedy_weights(outputs, targets(prepared, prepared.validation)[:, 0], recipe.train.loss, classes, simple)
    kept = [(model, weight) for model, weight in zip(models, weights) if weight > 0]
    history = _history([one.history for one in fitted])
    notes = [text for one, weight in zip(fitted, weights) if weight > 0 for text in one.extra.get("warnings", ())]
    return Fitted(_joined(*zip(*kept), classes), history, {"weights": dict(zip(_names(recipe), weights)), "warnings": notes})


def _names(recipe) -> list[str]:
    return [f"{name} {i + 1}" for i, name in enumerate(recipe.model.members)]


def _mean_output(raw: np.ndarray, classes: bool) -> np.ndarray:
    """(N, k, outputs) → (N, outputs): the mean, of probabilities for classes."""
    return np.asarray(ops.softmax(raw, axis=-1)).mean(1) if classes else raw.mean(1)


def greedy_weights(outputs: list[np.ndarray], truth: np.ndarray, loss: str, classes: bool, simple: bool = False) -> list[float]:
    """Ensemble selection: add members one at a time, with repetition, each time the one that lowers the validation loss most.

    Every member is counted once at the start, since on few validation rows chance would choose among them. Where the first member is
    `simple`, the selected weights must beat it by two standard errors; otherwise it gets half of the weight and the others share the rest,
    unless it alone is better than that by one standard error.

    Args:
        outputs: predictions (N, outputs) of each member on validation rows.
        truth: targets (N, outputs), one-hot for classes.

    Returns:
        One weight per member; they sum to 1.

    Reference: Caruana et al., Ensemble Selection from Libraries of Models (2004).
    """

    def rows(weights: np.ndarray) -> np.ndarray:
        mixed = sum(weight * output for weight, output in zip(weights / weights.sum(), outputs))
        if classes:
            return -np.sum(truth * np.log(mixed + 1e-7), axis=-1)
        if loss in ("quantile", "gaussian_nll"):
            return (mixed[:, 1 if loss == "quantile" else 0] - truth[:, 0]) ** 2
        return ((mixed - truth) ** 2).mean(1)

    one = np.eye(len(outputs))
    counts = np.ones(len(outputs))
    while counts.sum() < STEPS:
        tried = [rows(counts + more).mean() for more in one]
        best = int(np.argmin(tried))
        if tried[best] >= rows(counts).mean():
            break
        counts = counts + one[best]
    if simple and len(outputs) > 1 and _gain(rows(one[0]), rows(counts)) < 2:
        halves = one[0] * (len(outputs) - 1) + (1 - one[0])
        counts = one[0] if _gain(rows(halves), rows(one[0])) > 1 else halves
    return [float(w) for w in counts / counts.sum()]


def _gain(before: np.ndarray, after: np.ndarray) -> float:
    """The fall of the mean loss, in standard errors."""
    gain = before - after
    return float(gain.mean() / max(gain.std() / np.sqrt(len(gain)), 1e-12))


def _joined(models: tuple[keras.Model, ...], weights: tuple[float, ...], classes: bool) -> keras.Model:
    inputs = {name: keras.Input(t.shape[1:], dtype=t.dtype, name=name) for name, t in models[0].input.items()}
    parts = []
    for i, (model, weight) in enumerate(zip(models, weights)):
        model.name = f"net_{i}"
        x = model(inputs)
        mean = MeanAnswer(classes, name=f"mean_{i}")(x)  # (B, 1, outputs)
        parts.append(layers.Rescaling(weight, dtype="float32", name=f"weight_{i}")(mean))
    mixed = layers.Add(name="mixed")(parts) if len(parts) > 1 else parts[0]
    return keras.Model(inputs, Logarithm(name="logarithm")(mixed) if classes else mixed, name="ensemble")


def _history(histories: list[History]) -> History:
    """The histories of the members, one after another."""
    rows = []
    for member, history in enumerate(histories):
        offset = rows[-1]["epoch"] if rows else 0
        rows += [{**row, "epoch": row["epoch"] + offset, "member": member} for row in history.rows]
    first = histories[0]
    return msgspec.structs.replace(first, rows=rows, seconds=sum(h.seconds for h in histories), stopped=histories[-1].stopped)
