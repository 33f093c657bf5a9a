"""Convolutions, mixers and transformers over windows, each in its small published form. Inputs of a core: (B, D, L)."""

from __future__ import annotations

import keras
from keras import layers, ops

from applied_dl.tasks.forecast.models.shell import Spec, forecaster, swap


def tcn(spec: Spec, units: int = 64, layers_: int = 5, dropout: float = 0.1, normalize: str = "revin") -> keras.Model:
    """Temporal convolutional network (Bai et al. 2018): causal, dilated, residual; all channels at once."""

    def core(x, _):
        z = layers.Dense(units)(swap(x))  # (B, L, U)
        for i in range(layers_):
            h = ops.pad(z, ((0, 0), (2 * 2**i, 0), (0, 0)))
            h = layers.Conv1D(units, 3, dilation_rate=2**i, activation="relu")(h)
            z = z + layers.Dense(units)(layers.Dropout(dropout)(h))
        return ops.reshape(
            layers.Dense(spec.channels * spec.horizon * spec.outputs)(z[:, -1]), (-1, spec.channels, spec.horizon * spec.outputs)
        )

    return forecaster(spec, core, normalize, "tcn")


def tsmixer(spec: Spec, units: int = 64, layers_: int = 2, dropout: float = 0.5, normalize: str = "revin") -> keras.Model:
    """TSMixer (Chen et al. 2023): dense layers along time and along channels in turn, residual."""

    def core(x, _):
        for _i in range(layers_):
            h = layers.Dense(spec.lookback, activation="relu")(layers.LayerNormalization()(x))
            x = x + layers.Dropout(dropout)(h)
            h = layers.Dense(units, activation="relu")(swap(layers.LayerNormalization()(x)))
            x = x + swap(layers.Dropout(dropout)(layers.Dense(spec.channels)(h)))
        return layers.Dense(spec.horizon * spec.outputs)(x)

    return forecaster(spec, core, normalize, "tsmixer")


def tide(spec: Spec, units: int = 128, layers_: int = 1, dropout: float = 0.3, normalize: str = "revin") -> keras.Model:
    """TiDE (Das et al. 2023): residual dense encoder and decoder per channel beside a linear skip."""

    def block(x, width):
        h = layers.Dropout(dropout)(layers.Dense(width)(layers.Dense(units, activation="relu")(x)))
        return layers.LayerNormalization()(h + layers.Dense(width)(x))

    def core(x, _):
        size, z = spec.horizon * spec.outputs, x
        for _i in range(layers_):
            z = block(z, units)
        return block(z, size) + layers.Dense(size)(x)

    return forecaster(spec, core, normalize, "tide")


def _attention_block(z, units: int, heads: int, dropout: float):
    h = layers.LayerNormalization()(z)
    z = z + layers.Dropout(dropout)(layers.MultiHeadAttention(heads, units // heads, flash_attention=False)(h, h))
    h = layers.Dense(2 * units, activation="relu")(layers.LayerNormalization()(z))
    return z + layers.Dropout(dropout)(layers.Dense(units)(h))


def patchtst(spec: Spec, units: int = 16, layers_: int = 3, patch: int = 16, dropout: float = 0.2, normalize: str = "revin") -> keras.Model:
    """PatchTST (Nie et al., ICLR 2023): attention between patches of one channel; patches side by side."""

    def core(x, _):
        count = spec.lookback // patch
        z = layers.Dense(units)(ops.reshape(x[..., -count * patch :], (-1, count, patch)))
        z = z + layers.Embedding(count, units)(ops.arange(count, dtype="int32"))
        for _i in range(layers_):
            z = _attention_block(z, units, 4, dropout)
        flat = ops.reshape(z, (-1, spec.channels, count * units))
        return layers.Dense(spec.horizon * spec.outputs)(layers.Dropout(dropout)(flat))

    return forecaster(spec, core, normalize, "patchtst")


def itransformer(spec: Spec, units: int = 128, layers_: int = 2, dropout: float = 0.1, normalize: str = "revin") -> keras.Model:
    """iTransformer (Liu et al., ICLR 2024): every channel is one token; attention between channels."""

    def core(x, _):
        z = layers.Dense(units)(x)  # (B, D, U)
        for _i in range(layers_):
            z = _attention_block(z, units, 4, dropout)
        return layers.Dense(spec.horizon * spec.outputs)(layers.LayerNormalization()(z))

    return forecaster(spec, core, normalize, "itransformer")


def nbeats(spec: Spec, units: int = 128, layers_: int = 3, normalize: str = "panel") -> keras.Model:
    """N-BEATS (Oreshkin et al., ICLR 2020), generic blocks: each takes its backcast off the history and adds its forecast."""

    def core(x, _):
        size, total = spec.horizon * spec.outputs, 0.0
        for _i in range(layers_):
            h = layers.Dense(units, activation="relu")(layers.Dense(units, activation="relu")(x))
            total = total + layers.Dense(size)(h)
            x = x - layers.Dense(spec.lookback)(h)
        return total

    return forecaster(spec, core, normalize, "nbeats")


def panel(spec: Spec, units: int = 512, dropout: float = 0.1, normalize: str = "panel") -> keras.Model:
    """A global network for many unlike series: a learned gate between the last seasons, plus what two dense layers and a matrix add.

    The skips are seasonal naive forecasts (of a longer cycle of seven seasons too, where the history holds one), so an untrained
    model is already one. Made to be trained with the relative loss.
    """

    def core(x, _):
        size, m = spec.horizon * spec.outputs, spec.season
        h = layers.Dropout(dropout)(layers.Dense(units, activation="relu")(x))
        h = h + layers.Dense(units, activation="relu")(h)
        z = layers.Dense(2 * size, kernel_initializer="zeros", name="head")(h)
        gate = ops.sigmoid(z[..., :size])
        slow = 7 * m if 7 * m <= spec.lookback and m >= 24 else 1
        naive = gate * _repeat(x, slow, spec) + (1 - gate) * _repeat(x, min(m, spec.lookback), spec)
        return naive + z[..., size:] + layers.Dense(size, kernel_initializer="zeros", name="matrix")(x)

    return forecaster(spec, core, normalize, "panel")


def _repeat(x, period: int, spec: Spec):
    """The last `period` steps, again and again over the horizon, for each of the K outputs."""
    times = -(-spec.horizon // period)
    again = ops.concatenate([x[..., -period:]] * times, axis=-1)[..., : spec.horizon]
    return ops.repeat(again, spec.outputs, axis=-1) if spec.outputs > 1 else again
