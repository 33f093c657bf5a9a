"""Linear forecasters: a matrix from history to horizon, shared by all channels."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.tasks.forecast.models.shell import Spec, flat, forecaster


def ridge(spec: Spec, kernels: tuple[np.ndarray, ...] = (), normalize: str = "last") -> keras.Model:
    """Subtract the last value, one linear map from L to H, add it back.

    kernels: the map as a product of matrices, (L, H) or (L, R) and (R, H), from `closed_form.fit_ridge`; none is a matrix of zeros.
    """
    kernels = kernels or (np.zeros((spec.lookback, spec.horizon * spec.outputs), np.float32),)
    heads = [layers.Dense(k.shape[1], use_bias=False, name=name) for k, name in zip(kernels, ("ridge", "ridge_out"))]

    def core(x, _):
        for head in heads:
            x = flat(head, x)
        return x

    model = forecaster(spec, core, normalize, "ridge")
    for head, kernel in zip(heads, kernels):
        head.set_weights([np.asarray(kernel, np.float32)])
    return model


def linear(spec: Spec, normalize: str = "none") -> keras.Model:
    """One matrix and a bias, nothing else (Zeng et al., AAAI 2023, "Linear")."""
    return forecaster(spec, lambda x, _: flat(layers.Dense(spec.horizon * spec.outputs), x), normalize, "linear")


def nlinear(spec: Spec, normalize: str = "last") -> keras.Model:
    """NLinear (Zeng et al., AAAI 2023): a matrix on the distance to the last value."""
    return linear(spec, normalize)


def rlinear(spec: Spec, normalize: str = "revin") -> keras.Model:
    """RLinear (Li et al., 2023): a matrix between reversible instance normalisation."""
    return linear(spec, normalize)


def dlinear(spec: Spec, normalize: str = "none", kernel: int = 25) -> keras.Model:
    """DLinear (Zeng et al., AAAI 2023): one matrix for the moving average, one for what is left. kernel: steps averaged."""

    def core(x, _):
        width = min(kernel, spec.lookback)
        before, after = (width - 1) // 2, width // 2
        padded = ops.concatenate([ops.repeat(x[..., :1], before, axis=-1), x, ops.repeat(x[..., -1:], after, axis=-1)], axis=-1)
        flat = ops.reshape(padded, (-1, spec.lookback + width - 1, 1))
        trend = ops.reshape(layers.AveragePooling1D(width, 1)(flat), (-1, spec.channels, spec.lookback))
        size = spec.horizon * spec.outputs
        return layers.Dense(size, name="trend")(trend) + layers.Dense(size, name="rest")(x - trend)

    return forecaster(spec, core, normalize, "dlinear")
