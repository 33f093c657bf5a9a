"""The effect of covariates within short stretches of the known steps, from which level, line and season are projected out.

Of values and covariates alike (Frisch & Waugh, 1933), so that a growing level or a promotion that is always on Fridays is not taken for it.
A factor solves the moment condition of a Poisson regression (Santos Silva & Tenreyro, 2006), which zeros do not disturb as logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.tasks.forecast.models.effect import MOST

PENALTY = 1e-3  # share of the covariates' variance that is added to it
STEPS = 6  # of Newton's method
LEAST = 0.1  # of a stretch's mean that its expected values are at least
MOST_ROWS = 200_000  # that are estimated from, of a large set
FOLDS = 4  # of time: the effect on one is estimated from the others


class Stretches(NamedTuple):
    """Values (C, T, D) and covariates (C, T, F) without level, line and season (and the former with them), their folds (C,)."""

    values: np.ndarray
    known: np.ndarray
    nuisance: np.ndarray
    fold: np.ndarray


def stretches(series: list, length: int, season: int, line: bool) -> Stretches:
    """The newest whole stretches of every series; of many every so many."""
    values, known, fold = [], [], []
    for y, x in series:
        count = len(y) // length
        first = len(y) - count * length
        values.append(y[first:].reshape(count, length, y.shape[1]))
        known.append(x[first:].reshape(count, length, x.shape[1]))
        fold.append((FOLDS * (first + length * (np.arange(count) + 0.5)) / len(y)).astype(int))
    y, x, folds = np.concatenate(values), np.concatenate(known), np.concatenate(fold)
    every = max(1, len(y) * length // MOST_ROWS)
    t = np.arange(length)
    columns = [np.ones((length, 1))]
    if line:
        columns += [(t[:, None] - t.mean()) / length, np.eye(season)[t % season][:, 1:]]
    nuisance = np.linalg.qr(np.concatenate(columns, axis=1))[0]
    return Stretches(y[::every], x[::every], nuisance, folds[::every])


def _smooth(nuisance: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What level, line and season explain of rows (C, T, ·)."""
    return np.matmul(nuisance, np.matmul(nuisance.T, rows))


def solve(found: Stretches, pick: np.ndarray, unit, multiplies: bool) -> np.ndarray:
    """The kernel (F, D) from the stretches that `pick` (C,) marks. unit: (D,) of the values; None takes each stretch's mean size."""
    y, x = found.values[pick], found.known[pick]
    apart = x - _smooth(found.nuisance, x)
    ridge = PENALTY * apart.shape[0] * apart.shape[1] * np.eye(x.shape[2])
    size = np.abs(y).mean(axis=1, keepdims=True) + 1e-12  # (C, 1, D)
    if not multiplies:
        rows = y / (size if unit is None else unit)
        rows = rows - _smooth(found.nuisance, rows)
        flat = apart.reshape(-1, x.shape[2])
        return np.linalg.solve(flat.T @ flat + ridge, flat.T @ rows.reshape(len(flat), -1)).astype(np.float32)
    kernel = np.zeros((x.shape[2], y.shape[2]))
    for channel in range(y.shape[2]):
        rows, mean = y[..., channel : channel + 1], size[..., channel : channel + 1]
        own = np.zeros(x.shape[2])
        for _ in range(STEPS):
            clean = rows / np.exp(np.clip(x @ own, -MOST, MOST))[..., None] / mean
            base = _smooth(found.nuisance, clean)
            weight = np.maximum(base, LEAST)
            gram = np.einsum("ctf,ctg->fg", apart * weight, apart, optimize=True) + ridge
            own = own + np.clip(np.linalg.solve(gram, np.einsum("ctf,ct->f", apart, (clean - base)[..., 0]) - ridge @ own), -1, 1)
        kernel[:, channel] = own
    return kernel.astype(np.float32)
