"""Covariates known ahead in the graph: what they explain is taken off the history, and put back on the forecast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from keras import layers, ops

from applied_dl.tasks.forecast.models.windows import Standardize, add_level

MOST = 3.0  # logarithm of the largest factor


def bent(known, knots: tuple[float, ...]):
    """Standardised covariates (…, F) → (…, F (1 + knots)): themselves, and what of each lies above each knot.

    Degrees below 15 cost heating, those above 22 cooling: a line has only one slope.
    """
    return ops.concatenate([known, *(ops.relu(known - knot) for knot in knots)], axis=-1) if knots else known


def split_effect(spec, inputs: dict) -> tuple[object, Callable]:
    """History without the effect (B, L, D) in the user's units, and the function that puts the effect on a forecast (B, H, D) or
    (B, H, D, K) in the units of the model.

    The effect is one map of the covariates, linear or with a bend at each of `spec.knots`; where `spec.multiplies`, its exponential is a
    factor. Else it is added: to the standardised values of an aligned set, to a panel's in shares of the window's mean size, so that
    series of unlike size share it.
    """
    history = inputs["history"]
    if not spec.future:
        return history, lambda y: y
    known = Standardize(spec.future_center, spec.future_scale, name="known_ahead")(inputs["future"])
    known = bent(known, spec.knots)
    effect = layers.Dense(spec.channels, use_bias=False, kernel_initializer="zeros", name="effect")(known)  # (B, L + H, D)
    fit = lambda part, y: ops.expand_dims(part, -1) if len(y.shape) == 4 else part  # noqa: E731
    aligned = spec.scale is not None
    if spec.multiplies:
        factor = ops.exp(ops.clip(effect, -MOST, MOST))
        ahead = factor[:, spec.lookback :]

        def put_back(y):
            y = y * fit(ahead, y)
            if not aligned:
                return y
            shift = (np.array(spec.center) / np.array(spec.scale)).astype(np.float32)  # of the standardised values from zero
            return add_level(y, fit((ahead - 1.0) * shift, y))

        return history / factor[:, : spec.lookback], put_back
    if aligned:
        unit = np.array(spec.scale, np.float32)
        return history - effect[:, : spec.lookback] * unit, lambda y: add_level(y, fit(effect[:, spec.lookback :], y))
    size = ops.mean(ops.abs(history), axis=1, keepdims=True)
    return history - effect[:, : spec.lookback] * size, lambda y: add_level(y, fit(effect[:, spec.lookback :] * size, y))
