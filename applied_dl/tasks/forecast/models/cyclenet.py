"""CycleNet (Lin et al., NeurIPS 2024): a learned cycle is taken off the history and put back on the future; a small core does the rest."""

from __future__ import annotations

import keras
from keras import layers, ops

from applied_dl.tasks.forecast.models.shell import Spec, flat, inputs_of, standardized, swap
from applied_dl.tasks.forecast.models.windows import normalize as normalized


@keras.saving.register_keras_serializable(package="applied_dl")
class Cycle(layers.Layer):
    """A learned table (W, D), read at the phase of each of `steps` steps: phase (B, 1) int32 → (B, steps, D)."""

    def __init__(self, length: int, channels: int, steps: int, **kwargs):
        super().__init__(**kwargs)
        self.length, self.channels, self.steps = length, channels, steps

    def build(self, shape):
        self.table = self.add_weight(shape=(self.length, self.channels), initializer="zeros", name="table")

    def call(self, phase):
        return ops.take(self.table, (phase + ops.arange(self.steps, dtype="int32")[None]) % self.length, axis=0)

    def compute_output_shape(self, shape):
        return (shape[0], self.steps, self.channels)

    def get_config(self):
        return {**super().get_config(), "length": self.length, "channels": self.channels, "steps": self.steps}


def cyclenet(spec: Spec, units: int = 128, dropout: float = 0.3, window: int | None = None, normalize: str = "revin") -> keras.Model:
    """units: 0 for the linear core, else the width of its one hidden layer. window: the steps of history seen (short ones do best)."""
    inputs, size = inputs_of(spec), window or spec.lookback
    z = standardized(spec, inputs["history"])[:, -size:]
    z, undo, _ = normalized(z, normalize, spec.season)
    phase = inputs["phase"] + (spec.lookback - size)
    cycle = Cycle(spec.cycle, spec.channels, size + spec.horizon, name="cycle")(phase)
    x = swap(z - cycle[:, :size])  # (B, D, L)
    if units:
        x = layers.Dropout(dropout)(flat(layers.Dense(units, activation="relu"), x))
    y = swap(flat(layers.Dense(spec.horizon), x)) + cycle[:, size:]
    return keras.Model(inputs, undo(y), name="cyclenet")
