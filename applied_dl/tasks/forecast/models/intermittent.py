"""Intermittent demand: how often something is needed and how much of it, each smoothed for itself; and the median, which is often zero."""

from __future__ import annotations

import numpy as np
from keras import ops

from applied_dl.tasks.forecast.models.safe import nonzero

TSB = {"tsb_slow": (0.05, 0.05), "tsb": (0.15, 0.05), "tsb_fast": (0.4, 0.1)}  # smoothing of how often, and of how much


def tsb(x, horizon: int, often: float, much: float):
    """Teunter, Syntetos and Babai (2011): the smoothed share of steps with demand, times the smoothed size of a demand.

    Args:
        x: (N, L) windows without a negative value.
        horizon: H, steps ahead; all have the same forecast.
        often: Smoothing constant of the share, over all steps: a part that is no longer needed is forgotten.
        much: Smoothing constant of the size, over the steps with demand.

    Returns:
        (N, H).
    """
    some = ops.cast(x > 0.0, "float32")
    share = ops.matmul(some, _fading(x.shape[1], often))  # (N, 1)
    weights = _fading(x.shape[1], much)
    size = ops.matmul(x, weights) / nonzero(ops.matmul(some, weights))
    return ops.maximum(share * size, 0.0) + np.zeros((1, horizon), np.float32)


def median(x, horizon: int):
    """The median of each window (N, L) at all steps ahead (N, H): the constant with the least absolute error."""
    length = x.shape[1]
    ordered = ops.sort(x, axis=1)
    middle = 0.5 * (ordered[:, (length - 1) // 2] + ordered[:, length // 2])
    return ops.expand_dims(middle, 1) + np.zeros((1, horizon), np.float32)


def _fading(length: int, rate: float) -> np.ndarray:
    """(L, 1) weights that sum to one."""
    weights = (1 - rate) ** np.arange(length)[::-1]
    return (weights / weights.sum()).astype(np.float32)[:, None]
