"""The baselines of a forecast, from the same origins: seasonal naive, drift, Theta, Holt-Winters."""

from __future__ import annotations

import numpy as np

from applied_dl.tasks.forecast import classical
from applied_dl.tasks.forecast.encoder import Block

LONGEST_SEASON = 60  # Holt-Winters keeps a state per step of the season; longer ones are forecast without it


def classical_forecasts(encoder, blocks: list[Block], known: list[int], origins: list[np.ndarray]) -> dict[str, np.ndarray]:
    """(N, H, D) by method: for each block the forecasts at its origins (steps of the block), fitted on its known steps alone."""
    H, m = encoder.horizon, encoder.season
    slow = m if m <= LONGEST_SEASON else 1
    methods = {
        "seasonal naive": lambda y, at, end: classical.seasonal_naive(y, at, H, m),
        "drift": lambda y, at, end: classical.drift(y, at, H),
        "theta": lambda y, at, end: classical.theta(y, at, H, m, end),
        "holt-winters": lambda y, at, end: classical.holt_winters(y, at, H, slow, end),
    }
    found = {}
    for name, method in methods.items():
        rows = []
        for block, end, at in zip(blocks, known, origins):
            if len(at):
                columns = block.values.astype(np.float64).T
                rows.append(np.stack([method(column, at, end) for column in columns], axis=-1))
        found[name] = np.concatenate(rows).astype(np.float32)
    return found
