"""What covariates known ahead do to the values: they add to them or multiply them; how it is taken off values, in numpy as in the graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.tasks.forecast.models.effect import MOST


class Effect(NamedTuple):
    """kernel: (F, D) of the standardised covariates, or (F (1 + knots), D) with bends. multiplies: whether the sum is the logarithm of
    a factor; else it is a distance in standardised units, of a panel in shares of its history's mean size."""

    kernel: np.ndarray
    multiplies: bool
    knots: tuple[float, ...] = ()


def known_series(prepared, all_steps: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values (T, D) of each block in the user's units, and the standardised covariates of the same steps (T, F): of the known steps, or of
    all."""
    state = prepared.state
    center, scale = (np.array(values) for values in state.units["future"])
    lengths = [len(block) for block in state.blocks] if all_steps else [len(known) for known in state.known]
    return [(block.values[:end].astype(np.float64), (block.future[:end] - center) / scale) for block, end in zip(state.blocks, lengths)]


def without_effect(encoder, values: np.ndarray, known: np.ndarray, effect: Effect, size=None) -> np.ndarray:
    """Values (…, T, D) without what their covariates (…, T, F) explain. size: of a panel's values, by default their mean."""
    found = moved_by(known, effect)
    if effect.multiplies:
        return values / np.exp(np.clip(found, -MOST, MOST))
    return values - found * unit_of(encoder, values, size)


def recent_size(values: np.ndarray, steps: int) -> np.ndarray:
    """(T, D): the mean size of the last `steps` values up to each, of the first ones of as many as there are."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(np.abs(values), axis=0)])
    ends = np.maximum(np.arange(len(values)) + 1, min(steps, len(values)))
    starts = np.maximum(ends - steps, 0)
    return (total[ends] - total[starts]) / (ends - starts)[:, None]


def moved_by(known: np.ndarray, effect: Effect) -> np.ndarray:
    """(…, T, D) of covariates (…, T, F)."""
    return bent(known, effect.knots) @ effect.kernel


def bent(known: np.ndarray, knots: tuple[float, ...]) -> np.ndarray:
    """Covariates (…, F) → (…, F (1 + knots)): themselves, and what of each lies above each knot."""
    return np.concatenate([known, *(np.maximum(known - knot, 0) for knot in knots)], axis=-1)


def unit_of(encoder, values: np.ndarray, size=None):
    """What an effect that adds is measured in: the scale of an aligned set, the mean size of a panel's values."""
    if encoder.form != "panel":
        return np.array(encoder.scale)
    return np.abs(values).mean(axis=-2, keepdims=True) if size is None else size
