"""Training a forecaster: the closed form, one network, or a blend weighed on validation, always one graph at the end."""

from __future__ import annotations

import inspect

import keras
import numpy as np
from keras import ops
from msgspec.structs import replace

from applied_dl.core import console
from applied_dl.core.builders import call
from applied_dl.core.errors import DataError
from applied_dl.core.records import Fitted, History
from applied_dl.layers.backend import constant
from applied_dl.tasks.forecast.defaults import MEMBER_SIZES, SHORT_WINDOW
from applied_dl.tasks.forecast.encoder import Block
from applied_dl.tasks.forecast.fit.blend import fit_blend
from applied_dl.tasks.forecast.fit.effect import Effect, known_series, recent_size, without_effect
from applied_dl.tasks.forecast.fit.effect_choice import effect_of
from applied_dl.tasks.forecast.fit.smoothing import fit_ets
from applied_dl.tasks.forecast.gaps import lengthen
from applied_dl.tasks.forecast.models import BUILDERS, Spec, fit_ridge
from applied_dl.tasks.forecast.models.ets import Smoothing, window_of
from applied_dl.tasks.forecast.models.windows import gather_windows, normalize, panel_scale
from applied_dl.tasks.forecast.selection import CLOSED
from applied_dl.training.losses import loss as named_loss
from applied_dl.training.source import Source, resident


@keras.saving.register_keras_serializable(package="applied_dl")
class Relative(keras.losses.Loss):
    """For unlike series: clipped absolute error in units of the window's spread, plus the clipped error as a share of its size.

    Target (B, H + 2, 1): the truth, then the window's spread and mean size; prediction (B, H, 1). After M4's measures, MASE and sMAPE.
    """

    def __init__(self, share: float = 5.0, name="relative", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.share = share

    def call(self, y_true, y_pred):
        truth, spread, size = y_true[:, :-2], y_true[:, -2:-1], y_true[:, -1:]
        gap = ops.abs(truth - y_pred)
        return ops.mean(ops.minimum(gap / spread, 20.0) + self.share * ops.minimum(gap / size, 2.0), axis=-1)

    def get_config(self):
        return {"share": self.share, "name": self.name, "reduction": self.reduction}


def spec_of(recipe, prepared, effect: Effect | None = None) -> Spec:
    """The sizes of the recipe's models, and how the covariates known ahead act."""
    e, state, sample = prepared.encoder, prepared.state, prepared.test.inputs
    sizes = {name: sample[name].shape[-1] for name in ("past", "future", "static") if name in sample}
    units = {f"{name}_{what}": values for name, pair in state.units.items() for what, values in zip(("center", "scale"), pair)}
    outputs = {"quantile": len(recipe.calibration.quantiles), "gaussian_nll": 2}.get(recipe.train.loss, 1)
    units |= {"center": e.center, "scale": e.scale} if e.form == "aligned" else {}
    return Spec(
        lookback=e.lookback,
        horizon=e.horizon,
        channels=e.channels,
        season=e.season,
        cycle=e.cycle,
        outputs=outputs,
        log_variance=recipe.train.loss == "gaussian_nll",
        multiplies=effect is not None and effect.multiplies,
        knots=effect.knots if effect else (),
        **sizes,
        **units,
    )


def build_one(
    recipe, prepared, name: str, effect: Effect | None, kernels: tuple[np.ndarray, ...] = (), smoothing: Smoothing | None = None
) -> keras.Model:
    """One model by name, with the recipe's widths where it has them; ridge and ets with what was solved for them.

    A network begins with the effect of the covariates known ahead, and learns it further.
    """
    spec, model, builder = spec_of(recipe, prepared, effect), recipe.model, BUILDERS[name]
    known = inspect.signature(builder).parameters
    options = {
        "units": model.units,
        "layers_": model.layers,
        "patch": model.patch,
        "dropout": model.dropout,
        "normalize": _normalize(recipe, prepared, name),
    }
    if model.members:  # widths meant for one member are not forced upon the others
        given = {key: value for key, value in options.items() if value is not None}
        options = {key: value for key, value in (MEMBER_SIZES.get(name, {}) | given).items() if key in known}
    fixed = {
        "cyclenet": {"window": min(SHORT_WINDOW, spec.lookback)},
        "ridge": {"kernels": kernels},
        "ets": {"smoothing": smoothing, "window": window_of(spec.lookback, spec.season)},
    }.get(name, {})
    if "patch" in known:
        options["patch"] = min(options.get("patch") or known["patch"].default, max(1, spec.lookback // 2))
    built = call(builder, options, spec, **fixed)
    if effect is not None and name != "cyclenet":  # which sees no covariates
        built.get_layer("effect").set_weights([effect.kernel])
    return built


def _normalize(recipe, prepared, name: str) -> str | None:
    if name == "ets":
        return None
    if name in CLOSED:  # which brings the shift it chose to one form
        return "panel" if prepared.encoder.form == "panel" else None
    if recipe.model.difference:
        return "difference"
    return recipe.model.normalize or ("panel" if prepared.encoder.form == "panel" else None)


def fit_forecast(recipe, prepared, trainer, tag: str = "model") -> Fitted:
    """The recipe's model, trained; of a blend every member and their weights."""
    if recipe.model.name == "blend":
        return fit_blend(recipe, prepared, trainer, tag, fit_forecast)
    if recipe.model.name == "ridge":
        return fit_closed(recipe, prepared)
    if recipe.model.name == "ets":
        return fit_smoothing(recipe, prepared)
    return _fit_network(recipe, prepared, trainer, tag)


def fit_closed(recipe, prepared, chosen: dict | None = None) -> Fitted:
    """Ridge: no descent, no seed; the covariates known ahead by least squares. chosen: shift and penalties, by default by validation."""
    e, effect = prepared.encoder, effect_of(prepared)
    if e.least and e.form == "aligned":  # its validation windows would be those it is fitted to
        raise DataError(
            f"Series {prepared.state.blocks[0].names[0]!r} has {len(prepared.state.blocks[0])} steps, too few for a validation part, on "
            "which 'ridge' chooses its penalty; give a longer history, a smaller data.horizon, or model.name = 'ets', which needs none."
        )
    found = fit_ridge(
        _windows(prepared, "train", effect),
        _windows(prepared, "validation", effect),
        e.lookback,
        ("last",) if e.form == "panel" else ("last", "mean"),
        chosen,
    )
    model = build_one(recipe, prepared, "ridge", effect, found.factors)
    history = History(
        rows=[{"epoch": 1, "loss": found.error, "val_loss": found.error}], best_epoch=1, best=found.error, stopped="solved in closed form"
    )
    return Fitted(model, history, {"ridge": found})


def fit_smoothing(recipe, prepared) -> Fitted:
    """Exponential smoothing: chosen by rolling origins within the training steps, no descent, no seed."""
    e, state, effect = prepared.encoder, prepared.state, effect_of(prepared)
    series = [block.values[: len(known)].astype(np.float64) for block, known in zip(state.blocks, state.known)]
    if effect:
        series = [without_effect(e, y, known, effect, recent_size(y, e.lookback)) for y, known in known_series(prepared)]
    found = fit_ets(series, e.horizon, e.season, window_of(e.lookback, e.season))
    model = build_one(recipe, prepared, "ets", effect, smoothing=found)
    console.say("ets", ", ".join(found.names[:3]))
    history = History(
        rows=[{"epoch": 1, "loss": found.error, "val_loss": found.error}], best_epoch=1, best=found.error, stopped="solved in closed form"
    )
    return Fitted(model, history, {"smoothing": found})


def _windows(prepared, part: str, effect: Effect | None) -> list[np.ndarray]:
    """Standardised windows (N, L + H) per channel, without the effect of the covariates."""
    e, state = prepared.encoder, prepared.state
    if e.form == "panel":
        rows = getattr(prepared, part)
        both = np.concatenate([rows.inputs["history"], rows.extra["filled"]], axis=1)
        if effect:
            known = (rows.inputs["future"] - np.array(state.units["future"][0])) / np.array(state.units["future"][1])
            size = np.abs(rows.inputs["history"]).mean(axis=1, keepdims=True)
            both = without_effect(e, both, known, effect, size).astype(np.float32)
        level, spread = (np.asarray(a) for a in panel_scale(ops.convert_to_tensor(both[:, : e.lookback]), e.season))
        return [np.clip((both - level) / spread, -30, 30)[..., 0]]
    values = state.blocks[0].values
    if effect:
        values = without_effect(e, *known_series(prepared, all_steps=True)[0], effect)
    values = ((values - np.array(e.center)) / np.array(e.scale)).astype(np.float32)
    begin = state.starts[part][:, 1]
    every = np.lib.stride_tricks.sliding_window_view(values, e.lookback + e.horizon, axis=0)[begin[0] : begin[-1] + 1]
    return [every[:, d] for d in range(values.shape[1])]


def sources(prepared, relative: bool) -> tuple[Source, Source]:
    """Training windows gathered from one resident tensor, and the validation windows."""
    e, state = prepared.encoder, prepared.state
    blocks = [_lengthened(block, pad, e.season) for block, pad in zip(state.blocks, state.pads)]
    units = None if e.form == "panel" else tuple(constant(np.array(values, np.float32)) for values in (e.center, e.scale))

    def target(history, truth):
        if units:
            return (truth - units[0]) / units[1]
        if not relative:
            return truth
        _, spread = panel_scale(history, e.season)
        size = ops.mean(ops.abs(ops.concatenate([history, truth], axis=1)), axis=1, keepdims=True) + 1e-6
        return ops.concatenate([truth, spread, size], axis=1)

    starts = state.starts["train"]
    fitting = Source(len(starts), gather_windows(blocks, starts, e.lookback, e.horizon, target, e.cycle))
    if "validation" in state.starts:
        rows = state.starts["validation"]
        return fitting, Source(len(rows), gather_windows(blocks, rows, e.lookback, e.horizon, target, e.cycle))
    part = prepared.validation
    truth = constant(np.where(np.isnan(part.target), part.inputs["history"][:, -1:], part.target).astype(np.float32))
    history = constant(part.inputs["history"])
    return fitting, resident(part.inputs, np.asarray(target(history, truth)))


def _lengthened(block: Block, pad: int, season: int) -> Block:
    """A block with `pad` more steps on the left."""
    columns = {name: getattr(block, name) for name in ("values", "past", "future")}
    longer = {
        name: np.stack([lengthen(c, len(c) + pad, season) for c in rows.T], axis=1) for name, rows in columns.items() if rows is not None
    }
    return replace(block, start=block.start - pad, **longer)


def _fit_network(recipe, prepared, trainer, tag: str) -> Fitted:
    if not len(prepared.state.starts["train"]):
        raise DataError(
            f"No series has the {prepared.encoder.horizon} steps after its first ones that {recipe.model.name!r} learns from; give a "
            "longer history, a smaller data.horizon, or model.name = 'ets'."
        )
    model = build_one(recipe, prepared, recipe.model.name, effect_of(prepared))
    relative = recipe.train.loss == "relative"
    fitting, validation = sources(prepared, relative)
    loss = Relative() if relative else named_loss(recipe.train.loss, quantiles=recipe.calibration.quantiles)
    history = trainer.train(model, fitting, validation, recipe.train, loss=loss, tag=tag)
    return Fitted(model, history)


__all__ = ["Relative", "build_one", "fit_closed", "fit_forecast", "fit_smoothing", "normalize", "sources", "spec_of"]
