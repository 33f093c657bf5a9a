"""Forecasting: the history of one or many series in, the next steps with calibrated intervals out."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import ops

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.core.metrics import forecasting as metric
from applied_dl.core.records import Fitted, Part, Prepared, Scores
from applied_dl.exporting.evaluate import outputs_of
from applied_dl.exporting.serving import Serving
from applied_dl.report import plots as draw
from applied_dl.tasks.forecast.baselines import classical_forecasts
from applied_dl.tasks.forecast.card import describe_card, describe_data, worst_examples
from applied_dl.tasks.forecast.defaults import resolve_forecast, smaller_models
from applied_dl.tasks.forecast.encoder import Block, SeriesEncoder, blocks
from applied_dl.tasks.forecast.encoder import load as load_encoder
from applied_dl.tasks.forecast.encoder import save as save_encoder
from applied_dl.tasks.forecast.fit.effect_choice import effect_of
from applied_dl.tasks.forecast.fit.intervals import learned, margins, quantile_bases, quantile_margins, spread_out, uncrossed
from applied_dl.tasks.forecast.fit.net import build_one, fit_forecast
from applied_dl.tasks.forecast.fit.refit import is_closed, refit_blend, refit_closed, refit_network
from applied_dl.tasks.forecast.models.intervals import Margin
from applied_dl.tasks.forecast.models.windows import Standardize
from applied_dl.tasks.forecast.readers.prepare import own_quantiles, prepare_series
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.readers.windows import aligned_part, panel_part
from applied_dl.tasks.forecast.scores import score
from applied_dl.tasks.forecast.selection import CLOSED
from applied_dl.training.ensembles import average, fit_members

SHOWN = 6  # windows of the first batch
FEW = 10  # true values of a step, of which a share says nothing

trained_by_keras = True


def prepare(recipe, cache: Path) -> Prepared:
    """Read, split in time order and cut windows; means and deviations come from the training steps."""
    return prepare_series(recipe, cache=cache)


def resolve_defaults(recipe, prepared):
    """Every open value of the recipe, chosen for the form and the size of the data."""
    return resolve_forecast(recipe, prepared.encoder, len(prepared.state.starts["train"]), [len(known) for known in prepared.state.known])


def build(recipe, prepared) -> keras.Model:
    """Raw windows by name → forecast (B, H, D): standardised for an aligned set, in the user's units for a panel."""
    if recipe.model.name == "blend":
        return average([build_one(recipe, prepared, name, None) for name in recipe.model.members])
    return build_one(recipe, prepared, recipe.model.name, None)


def fit(recipe, prepared, trainer) -> Fitted:
    """Train every member of the ensemble (the closed form and the blend have one), and with `train.refit` once more on all rows.

    The second fit is `extra["refit"]`.
    """
    if effect := effect_of(prepared):
        console.say(
            "covariates",
            f"known ahead, {'multiply' if effect.multiplies else 'add to'} the values{', by a bent line' * bool(effect.knots)}",
        )
    turns = trainer.turns(2 if recipe.train.refit else 1, "fit")
    fitted = _fit(recipe, prepared, next(turns))
    if not fitted.history.rows or (again := next(turns, None)) is None:
        return fitted
    console.say("refit", "the shipped model is fitted again, on all rows")
    if is_closed(recipe):
        shipped = refit_closed(recipe, prepared, again)
    elif recipe.model.name == "blend":
        shipped = refit_blend(recipe, fitted, prepared, again)
    else:
        shipped = refit_network(fitted, prepared, lambda later: _fit(recipe, later, again, "refit-"))
    return fitted._replace(extra={**fitted.extra, "refit": shipped})


def _fit(recipe, prepared, trainer, tag: str = "") -> Fitted:
    if recipe.model.name in (*CLOSED, "blend"):
        return fit_forecast(recipe, prepared, trainer, f"{tag}model")
    return fit_members(recipe, trainer, lambda one, trainer, name: fit_forecast(one, prepared, trainer, f"{tag}{name}"))


def serving(recipe, fitted, prepared) -> Serving:
    """Raw history → forecast with a conformal interval, in the user's units.

    The scored model is calibrated on the validation windows; the one that was fitted again on all rows takes the margins of a model and of
    windows that this model did not learn from (`fit.refit`).
    """
    scored = _with_intervals(recipe, fitted.model, fitted.model, prepared)
    if "refit" not in fitted.extra:
        return restore_serving(recipe, scored, prepared.encoder)
    shipped = _with_intervals(recipe, *fitted.extra["refit"])
    return restore_serving(recipe, shipped, prepared.encoder)._replace(scored=scored)


def _with_intervals(recipe, model: keras.Model, calibrated: keras.Model, prepared) -> keras.Model:
    """The serving graph of a model, its margins from the errors of the model `calibrated` on the validation windows."""
    e, part = prepared.encoder, prepared.validation
    inputs, bases, middle, y = _uncalibrated(recipe, model, e)
    point = len(y.shape) == 3  # its interval begins at the forecast itself
    own = bool(e.quantiles) and recipe.train.loss != "quantile"  # quantiles that the model did not learn
    theirs, their_bases, *_ = _uncalibrated(recipe, calibrated, e)
    found = outputs_of(keras.Model(theirs, list(their_bases)), part.inputs)
    unit, scale = "short" if e.least else "season", e.scale if e.form == "aligned" else None
    margin = lambda name: Margin(e.horizon, e.season, scale, unit, name=name)  # noqa: E731
    if own:
        limits = []
        for i, (q, base, values) in enumerate(zip(e.quantiles, bases, found)):
            layer = margin(f"margin_{i}")
            width = layer(inputs["history"])
            layer.set_weights([quantile_margins(prepared, layer, values, q, point)])
            limits.append(middle if q == 0.5 else base + width if q > 0.5 else base - width)
        limits = uncrossed(limits, e.quantiles, middle)
        answers = {"forecast": middle, "lower": limits[0], "upper": limits[-1], "quantiles": ops.stack(limits, axis=-1)}
    else:
        _, low, high = bases
        layer = margin("margin")
        width = layer(inputs["history"])
        layer.set_weights([margins(prepared, layer, found[1], found[2], point)])
        answers = {"forecast": middle, "lower": ops.minimum(low - width, middle), "upper": ops.maximum(high + width, middle)}
        if recipe.train.loss == "quantile" and (len(e.quantiles) > 3 or own_quantiles(recipe)):  # the inner ones as they were learned
            answers["quantiles"] = ops.stack([_units(e, q, f"quantile_{i}") for i, q in enumerate(learned(y, e.quantiles))], axis=-1)
    if recipe.predict.non_negative and not e.offset and not e.own_offset:
        answers = {name: _not_negative(value, inputs["history"]) for name, value in answers.items()}
    return keras.Model(inputs, answers, name="forecast_serving")


def _not_negative(value, history):
    """Values (B, H, D, …) cut at zero, but not of a series that is negative in its history (B, L, D), as since training."""
    never = ops.min(history, axis=1, keepdims=True) >= 0
    return ops.where(ops.expand_dims(never, -1) if len(value.shape) == 4 else never, ops.relu(value), value)


def _units(e: SeriesEncoder, x, name: str):
    """An aligned set's forecast in the user's units; a panel's is already."""
    return Standardize(e.center, e.scale, invert=True, name=name)(x) if e.form == "aligned" else x


def _uncalibrated(recipe, model: keras.Model, e: SeriesEncoder) -> tuple[dict, list, object, object]:
    """Inputs of a serving graph, the forecast and the limits before calibration in the user's units, their middle, the model's output."""
    inputs = {name: keras.Input(t.shape[1:], dtype=t.dtype, name=name) for name, t in model.input.items()}
    y = model(inputs)
    point = len(y.shape) == 3
    own = bool(e.quantiles) and recipe.train.loss != "quantile"
    bases = quantile_bases(recipe, y, e) if own else spread_out(recipe, y, e)
    if e.cycle:  # an input that the chosen member has no use for stays an input of the file
        bases = [base + 0.0 * ops.expand_dims(ops.cast(inputs["phase"], "float32"), -1) for base in bases]
    if point:
        middle = _units(e, bases[0], "units")
        bases = [middle] * len(bases)
    else:
        names = [f"quantile_base_{i}" for i in range(len(bases))] if own else ["units", "lower_units", "upper_units"]
        bases = [_units(e, base, name) for base, name in zip(bases, names)]
        middle = _units(e, y[..., 0], "units") if own else bases[0]
    return inputs, bases, middle, y


def restore_serving(recipe, model: keras.Model, encoder: SeriesEncoder) -> Serving:
    """The serving graph; recurrent layers are loops in the model itself, so the files hold the graph that was trained."""
    return Serving(model)


def baselines(recipe, prepared) -> dict[str, Scores]:
    """The classical forecasters at every test origin, fitted on the training steps."""
    found = classical_forecasts(prepared.encoder, *_test_origins(prepared))
    return {name: score(recipe, {"forecast": forecast}, prepared.test, prepared.encoder) for name, forecast in found.items()}


def _test_origins(prepared) -> tuple[list[Block], list[int], list[np.ndarray]]:
    e, series, test = prepared.encoder, prepared.state.blocks, prepared.test
    if e.form == "aligned":
        return series, [len(prepared.state.known[0])], [test.extra["origin"] - series[0].start]
    origins = [test.extra["origin"][test.extra["series"] == i] - block.start for i, block in enumerate(series)]
    return series, [int(at[0]) if len(at) else len(block.values) for block, at in zip(series, origins)], origins


def plots(recipe, prepared, fitted, outputs, folder: Path) -> None:
    """Forecast fans, the error and the coverage by step ahead, and the forecasts of successive origins."""
    e, test = prepared.encoder, prepared.test
    if len(fitted.history.rows) > 1:  # the closed form has no epochs
        draw.training_curves(fitted.history.rows, folder / "training.png", fitted.history.monitor, fitted.history.best_epoch)
    shown = min(len(test), 2000)
    rows = np.linspace(0, len(test) - 1, shown).astype(np.int64)
    for number, row in enumerate(np.unique(rows[np.linspace(0, shown - 1, 3).astype(int)])):
        name = e.names[int(test.extra["series"][row])] if e.form == "panel" else e.names[-1]
        history = np.asarray(test.inputs["history"][row])[-4 * e.horizon :, -1]
        draw.fan(
            history,
            test.target[row][:, -1],
            *(outputs[key][row][:, -1] for key in ("forecast", "lower", "upper")),
            folder / f"fan_{number + 1}.png",
            f"{name} from {e.clock.text(np.array([test.extra['origin'][row]]))[0]}",
        )
    unit = np.array(e.scale) if e.form == "aligned" else metric.known_scale(test.extra["mase_scale"])[:, None]
    classical = classical_forecasts(e, *_test_origins(prepared))
    curves = {"model": outputs["forecast"], "seasonal naive": classical["seasonal naive"], "theta": classical["theta"]}
    label = "absolute error in standard deviations\nof the training data" if e.form == "aligned" else "absolute error, scaled (MASE)"
    draw.by_step(
        {name: metric.row_mean((np.abs(f - test.target) / unit).swapaxes(0, 1)) for name, f in curves.items()},
        folder / "error_by_step.png",
        label,
    )
    if np.isfinite(test.target).sum(axis=(0, 2)).min() < FEW:
        return
    inside = np.where(np.isnan(test.target), np.nan, (test.target >= outputs["lower"]) & (test.target <= outputs["upper"]))
    draw.by_step(
        {"measured": metric.row_mean(inside.swapaxes(0, 1)), "promised": np.full(e.horizon, e.coverage)},
        folder / "coverage_by_step.png",
        "share of true values inside",
        "Coverage by horizon step",
    )


def preview(recipe, prepared, path: Path) -> str:
    """Plot training windows: what the model sees, and what it learns to forecast."""
    part = prepared.train.take(np.linspace(0, len(prepared.train) - 1, min(SHOWN, len(prepared.train))).astype(np.int64))
    draw.windows(part.inputs["history"][:, :, -1], part.target[:, :, -1], path, "Training windows")
    return f"{len(part)} windows and the steps that follow them, plotted in {path}"


def load_labeled(recipe, encoder: SeriesEncoder, source: str) -> Part:
    """Every window of another file (the last horizon of every series, of a panel) through the fitted encoder."""
    data = read_series(source, encoder.columns, None if encoder.columns.layout == "rows" else encoder.clock)
    H = encoder.horizon
    series = blocks(encoder, data, [max(len(values) - H, 2) for values in data.values])
    if encoder.form == "panel":
        ends = [np.array([len(block) - H]) if len(block) > H + 1 else np.array([], int) for block in series]
        if not any(map(len, ends)):
            raise DataError(f"{source}: no series has more than {H + 1} steps; expected a history and the {H} steps to score.")
        return panel_part(encoder, series, ends, [int(at[0]) if len(at) else 0 for at in ends])
    block = series[0]
    if len(block) < encoder.lookback + H:
        raise DataError(
            f"{source} has {len(block)} steps, expected at least {encoder.lookback + H}: a history of "
            f"{encoder.lookback} and {H} steps to score."
        )
    scale = np.array([metric.mase_scale(v, encoder.season) for v in block.truth.T])
    return aligned_part(encoder, block, np.arange(encoder.lookback, len(block) - H + 1), scale)


__all__ = [
    "baselines", "build", "describe_card", "describe_data", "fit", "load_encoder", "load_labeled", "plots", "prepare", "preview",
    "resolve_defaults", "restore_serving", "save_encoder", "score", "serving", "smaller_models", "trained_by_keras", "worst_examples",
]  # fmt: skip
