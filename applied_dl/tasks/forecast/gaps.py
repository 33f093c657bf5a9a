"""Missing values of a series: filled from the past only for the model, and marked so that no score counts them.

A fill that looks ahead (a line across the gap) would leak the future into a history that ends inside the gap; and prediction, which has no
future values, would fill the gap in another way than training. No filled value is ever scored.
"""

from __future__ import annotations

import numpy as np


def fill(values: np.ndarray, season: int = 1) -> np.ndarray:
    """A copy of (T,) without NaN: each missing value continues from the one before as the series did one season earlier.

    x[t] = x[t-1] + (x[t-m] - x[t-m-1]) for season m, x[t-1] where there is no such season yet. Leading NaN take the first known value.
    """
    values = np.array(values, np.float64)
    missing = np.flatnonzero(np.isnan(values))
    if len(missing) == 0 or len(missing) == len(values):
        return values
    first = int(np.argmax(~np.isnan(values)))
    values[:first] = values[first]
    for t in missing[missing > first]:
        step = values[t - season] - values[t - season - 1] if 1 < season < t - first else 0.0
        values[t] = values[t - 1] + step
    return values


def fill_short_gaps(rows: np.ndarray, season: int = 1) -> np.ndarray:
    """Covariates (T, C) whose gaps of up to a season (at least 3 steps) repeat the value before; longer ones stay NaN.

    So the hour that a clock change skips has covariates too. What is missing at the beginning and at the end stays NaN.
    """
    rows = np.array(rows, np.float64)
    for column in rows.T:
        known = np.flatnonzero(~np.isnan(column))
        for before, after in zip(known, known[1:]):
            if 1 < after - before <= max(season, 3) + 1:
                column[before + 1 : after] = column[before]
    return rows


def lengthen(values: np.ndarray, length: int, season: int = 1, trend: bool = False) -> np.ndarray:
    """At least `length` steps: what is missing on the left repeats the first season, or the first value of shorter series.

    trend: each season further to the left differs by the mean change from season to season, so that a trend continues backwards.
    """
    missing = length - len(values)
    if missing <= 0:
        return values
    if trend and len(values) > season:
        change = float(np.mean(values[season:] - values[:-season])) if season > 1 else float(values[-1] - values[0]) / (len(values) - 1)
        back = np.arange(missing, 0, -1)
        seasons = -(-back // season)
        return np.concatenate([values[(-back) % season] - change * seasons, values]).astype(values.dtype)
    cycle = values[:season] if len(values) >= season else values[:1]
    return np.concatenate([np.resize(cycle, -(-missing // len(cycle)) * len(cycle))[-missing:], values])
