"""Tables: regression with prediction intervals, classification with calibrated probabilities."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from applied_dl.core import console
from applied_dl.core.metrics.calibration import conformal, temperature, threshold
from applied_dl.core.records import Fitted, Part, Prepared, Scores
from applied_dl.exporting.answers import with_distance, with_sets
from applied_dl.exporting.serving import Serving
from applied_dl.tasks.tabular.arrays import matrices, moments, row_count, scaled, standardised
from applied_dl.tasks.tabular.baselines import tabular_baselines
from applied_dl.tasks.tabular.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.tabular.columns import TableEncoder
from applied_dl.tasks.tabular.columns import load as load_encoder
from applied_dl.tasks.tabular.columns import save as save_encoder
from applied_dl.tasks.tabular.defaults import is_stepless, member_settings, resolve_tabular, smaller_models
from applied_dl.tasks.tabular.fit.cross import build_crossed, fit_crossed
from applied_dl.tasks.tabular.fit.ensemble import FITS, fit_ensemble
from applied_dl.tasks.tabular.fit.net import build_net, fit_net
from applied_dl.tasks.tabular.models.answers import Decision, Interval, Probabilities, Stack, StackOutputs, mean_shift, spread_line
from applied_dl.tasks.tabular.models.typical import typical
from applied_dl.tasks.tabular.plots import tabular_plots
from applied_dl.tasks.tabular.readers.read import prepare_table, read_part
from applied_dl.tasks.tabular.scores import score_table
from applied_dl.training.ensembles import fit_members

READING_BATCHES = ("mlp", "resnet", "tabm", "realmlp")  # models that train from arrays on disk
PREVIEW_CHARACTERS = 110  # of a row of the preview
SPREAD_FLOOR = 1.0  # share of the validation RMSE to which the disagreement of the members is added

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, understand, split and encode."""
    return prepare_table(recipe, cache)


def resolve_defaults(recipe, prepared):
    """The recipe with every open value chosen for the size of the table."""
    return resolve_tabular(recipe, prepared.encoder, row_count(prepared), prepared.state)


def build(recipe, prepared) -> keras.Model:
    """{"numbers": (B, F), "codes": (B, C)} → (B, members, outputs); for an ensemble, the first member."""
    if is_stepless(recipe.model.name, recipe.model.members):
        return build_crossed(recipe, prepared)
    if recipe.model.name == "ensemble":
        return build_net(member_settings(recipe, recipe.model.members[0], 0, len(prepared.train), bool(prepared.encoder.labels)), prepared)
    return build_net(recipe, prepared)


def fit(recipe, prepared, trainer) -> Fitted:
    """Train the net, under several seeds where the recipe asks for them; models without gradient steps are cross-validated."""
    names = recipe.model.members or (recipe.model.name,)
    if prepared.state.stored is not None and (in_memory := [name for name in names if name not in READING_BATCHES]):
        console.warn(f"{' and '.join(in_memory)}: fitted to the sample of {len(prepared.train):,} rows; nets such as tabm read all rows")
    if is_stepless(recipe.model.name, recipe.model.members):
        return fit_crossed(recipe, prepared, trainer, "model")
    fit_one = {**FITS, "ensemble": fit_ensemble}.get(recipe.model.name, fit_net)
    return fit_members(recipe, trainer, lambda one, trainer, tag: fit_one(one, prepared, trainer, tag))


def serving(recipe, fitted, prepared) -> Serving:
    """Columns by name → the prediction with its interval, or calibrated probabilities; calibrated on predictions of rows not fitted to."""
    crossed = fitted.extra.get("crossed")
    if crossed is None:
        raw = fitted.model.predict(matrices(prepared.encoder, prepared.validation.inputs), batch_size=1024, verbose=0)  # (N, k, outputs)
        return restore_serving(recipe, _served(recipe, fitted.model, prepared, raw, prepared), prepared.encoder)
    scored = _served(recipe, fitted.model, crossed.known, crossed.outputs, prepared)
    if crossed.shipped is None:
        found = restore_serving(recipe, scored, prepared.encoder)
    else:
        shipped = _served(recipe, crossed.shipped, crossed.known, crossed.outputs, prepared)
        found = restore_serving(recipe, shipped, prepared.encoder)._replace(scored=scored)
    return found._replace(validation=_answered(scored, crossed.validated))


def _served(recipe, model: keras.Model, prepared, raw: np.ndarray, disjoint) -> keras.Model:
    """The serving graph of a model (B, k, outputs), calibrated on its outputs `raw` for the validation rows of `prepared`.

    `disjoint` holds training and validation rows that share no row: what is usual is measured on the first and checked on the second.
    """
    encoder = prepared.encoder
    columns = {name: keras.Input((encoder.widths[name],) if name in encoder.widths else (), name=name) for name in encoder.numbers}
    columns |= {name: keras.Input((), dtype="int32", name=name) for name in encoder.codes}
    matrix = {"numbers": _numbers(encoder, columns)} if encoder.numbers else {}
    matrix |= {"codes": Stack(name="codes", dtype="int32")([columns[n] for n in encoder.codes])} if encoder.codes else {}
    x = model(matrix)
    if encoder.labels:
        outputs = _classes(recipe, x, raw, prepared.validation.target)
    elif len(encoder.targets) > 1:
        outputs = StackOutputs(name="answer")([_interval(recipe, raw, prepared, i)(x) for i in range(len(encoder.targets))])
    else:
        outputs = _interval(recipe, raw, prepared)(x)
    served = keras.Model(columns, outputs, name="tabular_serving")
    if encoder.labels:
        p = np.asarray(served.get_layer("probabilities")(raw))
        (served,) = with_sets([served], p, prepared.validation.target, recipe.calibration)
    if recipe.calibration.false_alarms:
        features = typical(matrix, matrices(encoder, disjoint.train.inputs), encoder.cardinalities)
        served = with_distance(served, features, disjoint.train, disjoint.validation, recipe.calibration.false_alarms)
    return served


def _answered(served: keras.Model, raw: np.ndarray) -> dict[str, np.ndarray]:
    """What the last layers of a serving graph make of outputs (N, k, outputs) of its model."""
    names = ("probabilities", "decision", "answer", *(name for name in (one.name for one in served.layers) if name.startswith("answer_")))
    last = [layer for layer in served.layers if layer.name in names]
    if any(layer.name == "probabilities" for layer in last):
        found = {"probabilities": served.get_layer("probabilities")(raw)}
        found |= {"decision": served.get_layer("decision")(found["probabilities"])} if len(last) > 1 else {}
        found |= {"set": served.get_layer("set")(found["probabilities"])} if "set" in served.output_names else {}
    elif len(last) > 1:
        found = served.get_layer("answer")([layer(raw) for layer in last if layer.name != "answer"])
    else:
        found = served.get_layer("answer")(raw)
    return {name: np.asarray(value) for name, value in found.items()}


def _numbers(encoder: TableEncoder, columns: dict):
    """Inputs (B,) and (B, width) side by side, in the order of `encoder.numbers`."""
    scalars = [columns[name] for name in encoder.numbers if name not in encoder.widths]
    vectors = [columns[name] for name in encoder.numbers if name in encoder.widths]
    if not vectors:
        return Stack(name="numbers")(scalars)
    parts = [Stack(name="scalars")(scalars), *vectors] if scalars else vectors
    return keras.layers.Concatenate(name="numbers")(parts) if len(parts) > 1 else parts[0]


def _classes(recipe, x, raw: np.ndarray, truth: np.ndarray) -> dict:
    p = np.asarray(Probabilities()(raw))
    factor = temperature(np.log(p + 1e-7), truth) if recipe.calibration.temperature else 1.0
    layer = Probabilities(factor, name="probabilities")
    outputs = {"probabilities": layer(x)}
    if recipe.calibration.threshold:
        limit = _threshold(truth, np.asarray(layer(raw))[:, 1], recipe.calibration.threshold)
        outputs["decision"] = Decision(limit, name="decision")(outputs["probabilities"])
    return outputs


def _threshold(truth: np.ndarray, p: np.ndarray, name: str) -> float:
    """The probability of the second class from which it is predicted. f1 is measured for the rarer class."""
    if truth.mean() <= 0.5:
        return threshold(truth, p, name)
    return 1.0 - threshold(1 - truth, 1.0 - p, name)


def _interval(recipe, raw: np.ndarray, prepared, column: int | None = None) -> Interval:
    """The last layer; its width is such that `calibration.coverage` of the validation targets lie within the interval.

    raw: (N, k, outputs) predictions on validation rows; column: which of several targets.
    """
    kind = {"quantile": "quantile", "gaussian_nll": "normal"}.get(recipe.train.loss, "mean")
    state, place = prepared.state, column or 0
    mean, deviation = (float(values[place]) for values in moments(prepared))
    learned = scaled(prepared, prepared.train.target).reshape(len(prepared.train), -1)[:, place]
    y = standardised(prepared, prepared.validation.target)[:, place]
    floor = SPREAD_FLOOR * float(np.sqrt(np.mean((raw[:, :, place].mean(1) - y) ** 2))) if kind == "mean" else 1.0
    own = {
        "kind": kind, "mean": mean, "deviation": deviation, "low": float(learned.min()), "high": float(learned.max()),
        "floor": floor or 1.0, "log": state.log, "least": state.least, "column": column,
    }  # fmt: skip
    name = "answer" if column is None else f"answer_{column + 1}"
    if kind == "mean":
        own["start"], own["slope"] = spread_line(y, np.asarray(Interval(**own).spread(raw)[0]))
    center, below, above = (np.asarray(v) for v in Interval(**own).spread(raw))
    if kind == "quantile":
        margin = conformal(np.maximum(center - below - y, y - center - above), recipe.calibration.coverage)
        return Interval(**own, margin=margin, name=name)
    factor = conformal(np.abs(y - center) / np.maximum(below, 1e-9), recipe.calibration.coverage)
    shift = mean_shift(y, center, deviation) if state.log and kind == "mean" and recipe.train.loss == "mse" else 0.0
    return Interval(**own, factor=factor, shift=shift, name=name)


def restore_serving(recipe, model: keras.Model, encoder: TableEncoder) -> Serving:
    """The serving graph; its inputs are the columns."""
    return Serving(model)


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """Root mean squared error or accuracy, further metrics with intervals, and the main metric by slice of the rows."""
    return score_table(outputs, part, encoder, metrics_only)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """Scores of the mean or the majority class, of ridge or logistic regression, and of gradient-boosted trees."""
    return tabular_baselines(prepared, lambda outputs: score(recipe, outputs, prepared.test, prepared.encoder))


def plots(recipe, prepared, fitted, outputs, folder: Path) -> dict:
    """Write the PNGs: training curves, permutation importance, and residuals or confusion and reliability. Returns the importances."""
    return tabular_plots(fitted, prepared, outputs, folder)


def preview(recipe, prepared, path: Path) -> str:
    """The first training rows as the encoder read them; no image is drawn (`path` is unused)."""
    part, labels = prepared.train.take(slice(0, 3)), prepared.encoder.labels
    truths = [labels[int(value)] if labels else ", ".join(f"{v:.6g}" for v in np.atleast_1d(value)) for value in part.target]
    scalars = {name: column for name, column in part.inputs.items() if column.ndim == 1}
    vectors = [f"{name} [{column.shape[1]} numbers]" for name, column in part.inputs.items() if column.ndim == 2]
    cells = [", ".join([*(f"{name} {column[row]:.5g}" for name, column in scalars.items()), *vectors]) for row in range(len(part))]
    shown = [row if len(row) <= PREVIEW_CHARACTERS else f"{row[: PREVIEW_CHARACTERS - 1]}…" for row in cells]
    return "\n         ".join(f"{row} → {truth}" for row, truth in zip(shown, truths))


def load_labeled(recipe, encoder, source: str) -> Part:
    """The rows and targets of another table, read with the fitted encoder."""
    return read_part(encoder, source, recipe.data)


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
