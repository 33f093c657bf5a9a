"""Small tables: members without gradient steps → out-of-fold predictions → weights → refit on every row.

Each member is fitted without each fold and predicts it. These predictions choose its settings, weigh the members and calibrate the result,
so that no row is lost to a validation part (stacking: Wolpert, 1992; Breiman, 1996). Then the members are fitted to all of the rows: once
without the test rows, which scores that model, and once more with them for the model that is shipped.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import msgspec
import numpy as np
from keras import layers
from threadpoolctl import threadpool_limits

from applied_dl.core import console
from applied_dl.core.records import Fitted, History, Part, Prepared
from applied_dl.core.splits import fold_rows
from applied_dl.tasks.tabular.arrays import matrices, moments, one_hot, standardised
from applied_dl.tasks.tabular.fit.closed import MEMBERS, Rows, Task, crossed_means, mean_tables
from applied_dl.tasks.tabular.fit.cross_validation import Choice, CrossValidated, cross_validate, on_scale
from applied_dl.tasks.tabular.fit.log_scale import log_scale
from applied_dl.tasks.tabular.fit.weights import STORING, worthwhile
from applied_dl.tasks.tabular.models.answers import Logarithm, MeanAnswer
from applied_dl.tasks.tabular.models.flat import Flat, flat_vector
from applied_dl.tasks.tabular.models.numeric import fit_numbers

FOLDS = 5
MOST_COPIES = 0.3  # share of rows that are copies, from which a table was probably joined twice, and copies stay in one fold
STORED = (
    "The exported files hold the training rows as scaled numbers, from which their targets can be computed (member 'kernel'): share them "
    "as you would share the table. model.memory = 0 leaves it out of the default blend; other model.members or another model.name do too."
)
DRY_ROWS = 300  # rows on which a dry run measures the time


class Crossed(NamedTuple):
    """What calibration and the shipped model need.

    known: the rows that the scored model was fitted to (`train`) and those that calibrate it (`validation`). outputs: out-of-fold
    predictions (N, 1, O) of the latter, as the graph gives them. validated: those of the validation part. shipped: the model that was
    fitted again on all rows, or None.
    """

    known: Prepared
    outputs: np.ndarray
    validated: np.ndarray
    shipped: keras.Model | None


def fit_crossed(recipe, prepared, trainer, tag: str, held_out: bool = False) -> Fitted:
    """The members of the recipe, weighed on out-of-fold predictions, as one graph (B, 1, O).

    `held_out` takes the validation part as the only fold and leaves it out of the fitted rows, as the training of a net does.
    `extra["weights"]` holds the weights by member, `extra["crossed"]` what calibration and the shipped model need, `extra["warnings"]` what
    the user is to know of the members.
    """
    names = recipe.model.members or (recipe.model.name,)
    with threadpool_limits(1, user_api="blas"), trainer.preparing(len(prepared.train) + len(prepared.validation), DRY_ROWS) as count:
        known, folds = _known(recipe, prepared, count, held_out)
        features, flat, rows = _features(known)
        task = Task(flat, bool(prepared.encoder.labels), recipe.train.seed)
        held = np.concatenate([outside for _, outside in folds])
        logarithms = None if task.classes or known.state.log else log_scale(rows.y, np.divide(*moments(known)))
        members: dict[str, CrossValidated] = {}
        for name, _ in zip(names, trainer.turns(len(names), "member")):
            members[name] = cross_validate(task, rows, folds, name, logarithms)
            scale = "" if members[name].choice.scale is None else ", fitted to logarithms"
            console.say("member", f"{name}: {_measure(task)} {members[name].loss:.4f} out of fold{scale}, {members[name].seconds:.1f} s")
        weights, loss = worthwhile({name: one.outputs for name, one in members.items()}, rows.y[held], task.classes)
        outputs = _mixed(task, [members[name].outputs for name in weights], list(weights.values()))
        choices = {name: members[name].choice for name in weights}
        fitting = folds[0][0] if recipe.data.validation or held_out else np.arange(len(rows.x))
        model = _whole(task, rows.take(fitting), choices, weights)
        shipped = None
        if recipe.train.refit and len(fitting) == len(rows.x) and not held_out:
            later = _rows(features, known, prepared.test, _units(prepared)[len(prepared.train) + len(prepared.validation) :])
            shipped = _whole(task, Rows(*(np.concatenate(pair) for pair in zip(rows, later))), choices, weights)
            console.say("refit", f"the shipped model is fitted to all {len(rows.x) + len(later.x):,} rows")
    outputs = outputs[:, None].astype(np.float32)
    alone = np.flatnonzero(_alone(rows.units)[held])
    calibrating = msgspec.structs.replace(known, validation=known.train.take(held[alone]))
    crossed = Crossed(calibrating, outputs[alone], outputs[_place(prepared, held)], shipped)
    shares = {name: weights.get(name, 0.0) for name in members}
    notes = [STORED] if STORING in weights else []
    return Fitted(model, _history(members, loss), {"weights": shares, "crossed": crossed, "warnings": notes})


def build_crossed(recipe, prepared) -> keras.Model:
    """The graph of the flat features and a linear model whose weights are 0, for what is known before the members are."""
    known, _ = _known(recipe, prepared, len(prepared.train) + len(prepared.validation))
    features, _, rows = _features(known)
    head = layers.Reshape((1, rows.y.shape[1]))(layers.Dense(rows.y.shape[1], kernel_initializer="zeros")(features.output))
    return keras.Model(features.input, head, name="linear")


def _known(recipe, prepared, count: int, held_out: bool = False) -> tuple[Prepared, list[tuple[np.ndarray, np.ndarray]]]:
    """Training and validation rows as one part, `count` of them, and folds of (fitted, held) row numbers.

    Rows in an order, and rows that the recipe names as validation, are one fold: the training rows predict them.
    """
    both = _joined(prepared.train, prepared.validation)
    split, size = len(prepared.train), len(both)
    units = _units(prepared)[:size]
    if recipe.data.order or recipe.data.validation or held_out:
        folds = [(np.arange(split), np.arange(split, size))]
        if count < size:
            folds = [(np.arange(min(split, count)), np.arange(split, min(size, split + count)))]
    else:
        some = np.sort(np.random.default_rng(recipe.train.seed).permutation(size)[:count])
        both, units = both.take(some), units[some]
        few_copies = not recipe.data.group and len(np.unique(units)) > (1 - MOST_COPIES) * len(units)
        together = None if few_copies else units  # few are natural: new rows will have copies among the known ones as well
        fold = fold_rows(len(both), FOLDS, recipe.train.seed, strata=both.target if prepared.encoder.labels else None, groups=together)
        folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
    state = msgspec.structs.replace(prepared.state, units=units)
    return msgspec.structs.replace(prepared, train=both, validation=both, state=state), folds


def _units(prepared) -> np.ndarray:
    """(N,) ids of the rows of all three parts, which rows that belong together share."""
    count = len(prepared.train) + len(prepared.validation) + len(prepared.test)
    return np.arange(count) if prepared.state.units is None else prepared.state.units


def _joined(a: Part, b: Part) -> Part:
    return Part(inputs={k: np.concatenate([v, b.inputs[k]]) for k, v in a.inputs.items()}, target=np.concatenate([a.target, b.target]))


def _alone(units: np.ndarray) -> np.ndarray:
    """(N,) whether a row has no copy, which calibration would take for a well predicted row; all of them where few have none."""
    unit, size = np.unique(units, return_inverse=True, return_counts=True)[1:]
    alone = size[unit] == 1
    return alone if alone.mean() > 1 - MOST_COPIES else np.ones(len(units), bool)


def _place(prepared, held: np.ndarray) -> np.ndarray:
    """Where the validation rows are among the held ones, in their own order."""
    where = np.full(len(prepared.train) + len(prepared.validation), -1)
    where[held] = np.arange(len(held))
    return where[len(prepared.train) :]


def _features(known: Prepared) -> tuple[keras.Model, Flat, Rows]:
    """The flat features as a model, their columns, and the known rows."""
    encoder, outputs = known.encoder, len(known.encoder.labels) or len(known.encoder.targets)
    x = matrices(encoder, known.train.inputs).get("numbers")
    flat = Flat(numbers=None if x is None else fit_numbers(x, "standard"), levels=encoder.cardinalities,
                width=1 if outputs == 2 and encoder.labels else outputs)  # fmt: skip
    features = flat_vector(flat)
    return features, flat, _rows(features, known, known.train, known.state.units)


def _rows(features: keras.Model, known: Prepared, part: Part, units: np.ndarray) -> Rows:
    """A part as the members take it; `known` gives the scale of the targets."""
    inputs = matrices(known.encoder, part.inputs)
    x = np.asarray(features.predict(inputs, batch_size=1024, verbose=0))
    y = one_hot(part.target, known.encoder) if known.encoder.labels else standardised(known, part.target)
    return Rows(x, inputs.get("codes", np.zeros((len(x), 0), np.int32)), y.astype(np.float64), units)


def _measure(task: Task) -> str:
    return "log loss" if task.classes else "squared error in standard deviations"


def _mixed(task: Task, outputs: list[np.ndarray], weights: list[float]) -> np.ndarray:
    """(N, O) as the graph gives them: the blend, of classes its logarithm."""
    mixed = sum(weight * one for weight, one in zip(weights, outputs))
    return np.log(mixed + 1e-7) if task.classes else mixed


def _whole(task: Task, rows: Rows, choices: dict[str, Choice], weights: dict[str, float]) -> keras.Model:
    """The graph of the blend, its members fitted to these rows."""
    tables, crossed = mean_tables(task, rows.codes, rows.y), crossed_means(task, rows)
    whole = flat_vector(task.flat, tables)
    parts = []
    for name, weight in weights.items():
        number, scale = choices[name]
        answer = MEMBERS[name].chosen(task, on_scale(scale, crossed), number).head(whole.output)
        answer = answer if scale is None else scale.layer(f"exponential_{name}")(answer)
        answer = MeanAnswer(True, name=f"mean_{name}")(answer) if task.classes and len(weights) > 1 else answer
        parts.append(layers.Rescaling(weight, dtype="float32", name=f"weight_{name}")(answer) if len(weights) > 1 else answer)
    if len(parts) == 1:
        return keras.Model(whole.input, parts[0], name="ensemble")
    mixed = layers.Add(name="mixed")(parts)
    return keras.Model(whole.input, Logarithm(name="logarithm")(mixed) if task.classes else mixed, name="ensemble")


def _history(members: dict[str, CrossValidated], loss: float) -> History:
    """One row per member: its loss out of fold."""
    rows = [
        {"epoch": 1, "member": i, "loss": one.loss, "val_loss": one.loss, "seconds": round(one.seconds, 3)}
        for i, one in enumerate(members.values())
    ]
    seconds = sum(one.seconds for one in members.values())
    return History(rows=rows, monitor="val_loss", best_epoch=1, best=loss, stopped="fitted without gradient steps", seconds=seconds)
