"""Recurrent forecasters as loops that keep only the last state: the graph that trains is the graph that converts.

`keras.layers.GRU` and `LSTM` do not convert to TFLite with a dynamic batch (they need TensorList); `keras.ops.while_loop` over the
steps does, trains as well, and gives the same numbers (tested against Keras' own layers).
"""

from __future__ import annotations

import keras
from keras import layers, ops

from applied_dl.tasks.forecast.models.shell import Spec, forecaster

GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4}


@keras.saving.register_keras_serializable(package="applied_dl")
class Recurrent(layers.Layer):
    """(B, T, F) → last state (B, units). cell: simple_rnn, gru (reset after) or lstm; weights and gate order as in Keras."""

    def __init__(self, cell: str, units: int, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.units = cell, units

    def build(self, shape):
        gates, self.steps = GATES[self.cell], shape[1]
        self.kernel = self.add_weight(shape=(shape[-1], gates * self.units), initializer="glorot_uniform", name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, gates * self.units), initializer="orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight(
            shape=(2, gates * self.units) if self.cell == "gru" else (gates * self.units,), initializer="zeros", name="bias"
        )

    def call(self, x):
        kernel, bias = ops.convert_to_tensor(self.recurrent), ops.convert_to_tensor(self.bias)
        z = ops.matmul(x, self.kernel) + (bias[0] if self.cell == "gru" else bias)  # (B, T, gates·U), all steps at once
        zero = ops.zeros_like(z[:, 0, : self.units])
        step = {"simple_rnn": self._simple, "gru": self._gru, "lstm": self._lstm}[self.cell]
        states = (zero, zero) if self.cell == "lstm" else (zero,)

        if keras.backend.backend() == "jax":  # which differentiates a scan, and no while loop
            states, _ = ops.scan(lambda state, now: (step(now, kernel, bias, *state), None), states, ops.swapaxes(z, 0, 1))
            return states[0]

        def body(t, *state):
            return (t + 1, *step(ops.take(z, t, axis=1), kernel, bias, *state))

        return ops.while_loop(lambda t, *_: t < self.steps, body, (0, *states))[1]

    def _simple(self, z, kernel, bias, h):
        return (ops.tanh(z + ops.matmul(h, kernel)),)

    def _gru(self, z, kernel, bias, h):
        az, ar, an = ops.split(z, 3, axis=-1)
        rz, rr, rn = ops.split(ops.matmul(h, kernel) + bias[1], 3, axis=-1)
        update = ops.sigmoid(az + rz)
        return (update * h + (1 - update) * ops.tanh(an + ops.sigmoid(ar + rr) * rn),)

    def _lstm(self, z, kernel, bias, h, c):
        i, f, g, o = ops.split(z + ops.matmul(h, kernel), 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c

    def compute_output_shape(self, shape):
        return (shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "cell": self.cell, "units": self.units}


def _recurrent(spec: Spec, cell: str, units: int, patch: int, dropout: float, normalize: str) -> keras.Model:
    size = spec.horizon * spec.outputs

    def textbook(x, _):
        z = ops.transpose(x, (0, 2, 1))  # (B, L, D): raw steps, all channels at once
        y = layers.Dense(spec.channels * size)(layers.Dropout(dropout)(Recurrent(cell, units)(z)))
        return ops.reshape(y, (-1, spec.channels, size))

    def patched(x, _):
        count = spec.lookback // patch
        z = ops.reshape(x[..., -count * patch :], (-1, count, patch))  # (B·D, L/p, p): channels share the weights
        z = Recurrent(cell, units)(layers.Dense(units, activation="relu")(z))
        return ops.reshape(layers.Dense(size)(layers.Dropout(dropout)(z)), (-1, spec.channels, size))

    return forecaster(spec, textbook if patch == 1 else patched, normalize, cell)


def simple_rnn(spec: Spec, units: int = 128, patch: int = 24, dropout: float = 0.1, normalize: str = "revin") -> keras.Model:
    """An Elman network over patches of the history; patch 1 is the textbook form over raw steps of all channels."""
    return _recurrent(spec, "simple_rnn", units, patch, dropout, normalize)


def gru(spec: Spec, units: int = 128, patch: int = 24, dropout: float = 0.1, normalize: str = "revin") -> keras.Model:
    """Gated recurrent units over patches, channel by channel (SegRNN's idea, Lin et al. 2023)."""
    return _recurrent(spec, "gru", units, patch, dropout, normalize)


def lstm(spec: Spec, units: int = 128, patch: int = 24, dropout: float = 0.1, normalize: str = "revin") -> keras.Model:
    """Long short-term memory over patches, channel by channel."""
    return _recurrent(spec, "lstm", units, patch, dropout, normalize)


def seq2seq(spec: Spec, units: int = 64, patch: int = 24, dropout: float = 0.1, normalize: str = "revin") -> keras.Model:
    """An encoder over patches; its state, with an embedding of each step ahead, is decoded to one output per step."""

    def core(x, _):
        count = spec.lookback // patch
        z = ops.reshape(x[..., -count * patch :], (-1, count, patch))
        state = layers.Dropout(dropout)(Recurrent("gru", units)(layers.Dense(units, activation="relu")(z)))  # (B·D, U)
        steps = 0 * ops.cast(state[:, :1], "int32") + ops.arange(spec.horizon, dtype="int32")[None]  # (B·D, H)
        place = layers.Embedding(spec.horizon, units)(steps)
        hidden = layers.Dense(units, activation="relu")(ops.expand_dims(state, 1) + place)
        return ops.reshape(layers.Dense(spec.outputs)(hidden), (-1, spec.channels, spec.horizon * spec.outputs))

    return forecaster(spec, core, normalize, "seq2seq")
