"""Errors of forecasts. Arrays are (N, H) or (N, H, D): forecasts, steps, channels. A truth of NaN was not observed and is left out."""

from __future__ import annotations

import numpy as np

MIN_CHANGE = 1e-12  # seasonal change of a series; with less it counts as constant


def mae(truth: np.ndarray, forecast: np.ndarray) -> float:
    """Mean absolute error."""
    return float(np.nanmean(np.abs(truth - forecast)))


def row_smape(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """(N, …) → (N,) symmetric mean absolute percentage error in percent, as in M3 and M4: 200 |y - f| / (|y| + |f|); 0/0 counts as 0."""
    size = np.abs(truth) + np.abs(forecast)
    share = np.where(size > 0, 200 * np.abs(truth - forecast) / np.where(size > 0, size, 1), 0.0)
    share = np.where(np.isnan(truth), np.nan, share)
    return row_mean(share)


def smape(truth: np.ndarray, forecast: np.ndarray) -> float:
    """Mean of `row_smape`."""
    return float(np.nanmean(row_smape(truth, forecast)))


def row_mase(truth: np.ndarray, forecast: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(N,) mean absolute error divided by `scale` (N,) or (N, D), the in-sample error of the seasonal naive (Hyndman and Koehler, 2006).

    NaN for a constant series, whose scale is 0.
    """
    gap = np.abs(truth - forecast) / np.expand_dims(known_scale(scale), 1)
    return row_mean(gap)


def known_scale(scale: np.ndarray) -> np.ndarray:
    """The scales of MASE, NaN for constant series, whose error would be divided by 0."""
    return np.where(np.asarray(scale) > MIN_CHANGE, scale, np.nan)


def row_mean(rows: np.ndarray) -> np.ndarray:
    """(N, …) → (N,) means without NaN; a row of NaN only gives NaN, without a warning."""
    rows = rows.reshape(len(rows), -1)
    count = (~np.isnan(rows)).sum(axis=1)
    return np.where(count > 0, np.nansum(rows, axis=1) / np.maximum(count, 1), np.nan)


def mase(truth: np.ndarray, forecast: np.ndarray, scale: np.ndarray) -> float:
    """Mean of `row_mase`."""
    return float(np.nanmean(row_mase(truth, forecast, scale)))


def mase_scale(history: np.ndarray, season: int) -> float:
    """Mean |x[t] - x[t - season]| of a history (T,); of single steps where it is shorter than a season, NaN left out."""
    lag = season if len(history) > season else 1
    change = np.abs(history[lag:] - history[:-lag])
    return float(np.nanmean(change)) if np.isfinite(change).any() else float("nan")


def owa(smape_: float, mase_: float, naive_smape: float, naive_mase: float) -> float:
    """M4's overall weighted average: the mean of both errors as shares of the reference's (Naive 2)."""
    return float((smape_ / naive_smape + mase_ / naive_mase) / 2)
