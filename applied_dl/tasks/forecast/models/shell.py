"""What every forecaster shares: raw history in, standardise, normalise the window, a core, and all of it undone. TFLite builtins only."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers, ops
from msgspec import Struct

from applied_dl.tasks.forecast.models.effect import split_effect
from applied_dl.tasks.forecast.models.windows import Standardize, add_level, normalize


class Spec(Struct, frozen=True, kw_only=True):
    """The sizes of a forecaster. `center` and `scale` (D,) define its standardised units; `outputs` K values per step: quantiles, or
    (`log_variance`) the mean and the logarithm of the variance; `multiplies`: covariates known ahead are factors, with a bend at
    each of `knots` (see `effect`)."""

    lookback: int
    horizon: int
    channels: int = 1
    season: int = 1
    cycle: int = 0
    outputs: int = 1
    log_variance: bool = False
    multiplies: bool = False
    knots: tuple[float, ...] = ()
    past: int = 0
    future: int = 0
    static: int = 0
    center: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    past_center: tuple[float, ...] = ()
    past_scale: tuple[float, ...] = ()
    future_center: tuple[float, ...] = ()
    future_scale: tuple[float, ...] = ()
    static_center: tuple[float, ...] = ()
    static_scale: tuple[float, ...] = ()


def inputs_of(spec: Spec) -> dict[str, keras.KerasTensor]:
    """The named inputs of every forecaster of a spec."""
    inputs = {"history": keras.Input((spec.lookback, spec.channels), name="history")}
    if spec.past:
        inputs["past"] = keras.Input((spec.lookback, spec.past), name="past")
    if spec.future:
        inputs["future"] = keras.Input((spec.lookback + spec.horizon, spec.future), name="future")
    if spec.static:
        inputs["static"] = keras.Input((spec.static,), name="static")
    if spec.cycle:
        inputs["phase"] = keras.Input((1,), dtype="int32", name="phase")
    return inputs


def forecaster(spec: Spec, core: Callable, how: str, name: str, window: int | None = None) -> keras.Model:
    """Raw inputs by name → standardised forecast (B, H, D), or (B, H, D, K) where `spec.outputs` is K > 1.

    core: normalised history (B, D, window), the inputs (the history among them in the user's units, without the effect) → (B, D, H·K).
    how: see `windows.normalize`. window: the core sees only the last `window` steps. Covariates known ahead act on history and future
    alike: their effect is removed before the core and put back after it; past ones and static ones add a learned term.
    """
    inputs = inputs_of(spec)
    history, put_back = split_effect(spec, inputs)
    z = standardized(spec, history)[:, -(window or spec.lookback) :]
    z, undo, unit = normalize(z, how, spec.season)
    y = core(swap(z), {**inputs, "history": history})
    for term in _side_terms(spec, inputs):
        y = y + term
    y = ops.transpose(ops.reshape(y, (-1, spec.channels, spec.horizon, spec.outputs)), (0, 2, 1, 3))
    variance = y[..., 1:] if spec.log_variance else None
    y = put_back(undo(y[..., 0] if spec.outputs == 1 else y[..., :1] if spec.log_variance else y))
    if variance is not None:  # a level moves the mean alone; a unit widens the deviation as well
        variance = variance if unit is None else add_level(variance, 2.0 * ops.log(ops.expand_dims(unit, -1)))
        y = ops.concatenate([y, variance], axis=-1)
    return keras.Model(inputs, y, name=name)


def standardized(spec: Spec, history):
    """The history in standardised units (B, L, D)."""
    if spec.center is None:
        return history
    return Standardize(spec.center, spec.scale, name="standardize")(history)


def swap(x):
    """(B, T, D) ↔ (B, D, T)."""
    return ops.transpose(x, (0, 2, 1))


def flat(layer: Callable, x):
    """A layer of vectors on every channel: (B, D, L) → (B, D, H). Flat it is a single operator of the exported file, else a dozen."""
    channels = x.shape[1]
    y = layer(ops.reshape(x, (-1, x.shape[2])))
    return ops.reshape(y, (-1, channels, y.shape[-1]))


def _side_terms(spec: Spec, inputs: dict) -> list:
    width, terms = spec.horizon * spec.outputs, []
    if spec.past:
        past = Standardize(spec.past_center, spec.past_scale, name="past_units")(inputs["past"])
        past = layers.Flatten()(past - past[:, -1:])
        past = layers.Dense(16, activation="relu")(past)
        terms.append(
            ops.reshape(layers.Dense(spec.channels * width, kernel_initializer="zeros", name="past_term")(past), (-1, spec.channels, width))
        )
    if spec.static:
        static = Standardize(spec.static_center, spec.static_scale, name="static_units")(inputs["static"])
        static = layers.Dense(16, activation="relu")(static)
        terms.append(
            ops.reshape(
                layers.Dense(spec.channels * width, kernel_initializer="zeros", name="static_term")(static), (-1, spec.channels, width)
            )
        )
    return terms
