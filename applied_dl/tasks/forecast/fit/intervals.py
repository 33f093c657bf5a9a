"""The interval around a forecast: calibrated on validation windows, and corrected where their time was a calmer or a wilder one than usual.

Validation is one stretch of time. Where its errors are larger or smaller than those of the years before, its margins promise too much or
too little for what follows. How far off they are is measured on ridge, which is cheap to fit again: its validation margins beside those of
validation and training windows together, the latter forecast by cross-fitting. On 27 stretches before the tests of ETTh1, ETTh2 and the
exchange rates (benchmarks/forecast/coverage.py) coverage was off its promise by 0.057 on average, 0.068 without the correction, and the
interval score was 0.37 times as large.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from keras import ops

from applied_dl.tasks.forecast.models.closed_form import cross_errors, errors, fit_ridge
from applied_dl.tasks.forecast.models.intervals import Margin, conformal_margin

LARGEST = 60_000  # windows of all channels that the correction is measured on; of more, every so many
FEWEST = 4  # horizons of training windows under which there is no correction
BATCH = 512
FEW = 50  # windows of a panel under which they are no calibration by themselves


LARGEST_LOG = 80.0  # of a variance: its exponential is still a number


def spread_out(recipe, y, encoder):
    """Point forecast, and the interval before calibration: the outer quantiles, the normal's, or the point itself."""
    if len(y.shape) == 3:
        return y, y, y
    if recipe.train.loss == "gaussian_nll":
        deviation = NormalDist().inv_cdf(0.5 + encoder.coverage / 2) * ops.exp(0.5 * ops.clip(y[..., 1], -LARGEST_LOG, LARGEST_LOG))
        return y[..., 0], y[..., 0] - deviation, y[..., 0] + deviation
    found = learned(y, recipe.calibration.quantiles)
    return found[recipe.calibration.quantiles.index(0.5)], found[0], found[-1]


def learned(y, quantiles: tuple[float, ...]) -> list:
    """Learned quantiles (B, H, D, K), 0.5 among them, as K arrays of which none crosses the next."""
    middle = quantiles.index(0.5)
    return uncrossed([y[..., i] for i in range(len(quantiles))], quantiles, y[..., middle])


def uncrossed(limits: list, quantiles: tuple[float, ...], middle) -> list:
    """Limits by quantile (B, H, D) of which none crosses the next, from the median `middle` outwards."""
    found = list(limits)
    for side, no_further in (((i for i, q in enumerate(quantiles) if q > 0.5), ops.maximum),
                             ((i for i, q in reversed(list(enumerate(quantiles))) if q < 0.5), ops.minimum)):  # fmt: skip
        nearest = middle
        for i in side:
            found[i] = nearest = no_further(found[i], nearest)
    return found


def quantile_bases(recipe, y, encoder) -> list:
    """Per quantile of the encoder the forecast before calibration: the point itself, or the normal's quantile."""
    if len(y.shape) == 3:
        return [y] * len(encoder.quantiles)
    if recipe.train.loss == "gaussian_nll":
        deviation = ops.exp(0.5 * ops.clip(y[..., 1], -LARGEST_LOG, LARGEST_LOG))
        return [y[..., 0] + NormalDist().inv_cdf(q) * deviation for q in encoder.quantiles]
    return [y[..., 0]] * len(encoder.quantiles)


def quantile_margins(prepared, layer: Margin, base: np.ndarray, quantile: float, point: bool) -> np.ndarray:
    """The weights (H, D) of a `Margin` that is added to (below the median: subtracted from) the uncalibrated quantile (N, H, D)."""
    e, part = prepared.encoder, prepared.validation
    if quantile == 0.5:
        return np.zeros((e.horizon, base.shape[-1]), np.float32)
    if e.form == "panel" and len(part) < FEW:  # too few to see how skewed the errors are
        excess = np.abs(base - part.target)
        return _of_few(prepared, layer, excess / _spread(layer, part.inputs["history"]), abs(2 * quantile - 1))
    excess = part.target - base if quantile > 0.5 else base - part.target
    found = conformal_margin(excess, _spread(layer, part.inputs["history"]), max(quantile, 1 - quantile), overlapping=_overlapping(e))
    return found * drift(prepared, layer) if point and e.form == "aligned" else found


def margins(prepared, layer: Margin, low: np.ndarray, high: np.ndarray, point: bool) -> np.ndarray:
    """The weights (H, D) of a `Margin`, from the uncalibrated limits of the validation windows. point: both are the forecast itself."""
    e, part = prepared.encoder, prepared.validation
    excess = np.maximum(low - part.target, part.target - high)
    spread = _spread(layer, part.inputs["history"])
    if e.form == "panel" and len(part) < FEW:
        return _of_few(prepared, layer, excess / spread, e.coverage)
    found = conformal_margin(excess, spread, e.coverage, overlapping=_overlapping(e))
    return found * drift(prepared, layer) if point and e.form == "aligned" else found


def _overlapping(encoder) -> bool:
    """Whether the validation windows are the few of a short set, from neighbouring origins within its training steps."""
    return encoder.form == "aligned" and encoder.least > 0


def _of_few(prepared, layer: Margin, scores: np.ndarray, coverage: float) -> np.ndarray:
    """(H, 1) of a panel with too few validation windows for a margin a step of their own.

    Their shape over the steps, and how wide the usual time is beside the validation's, are the seasonal naive's, which needs no fit and
    so can be measured on every training window too; the model's scores (N, H, 1) of all steps together say how large they are.
    """
    e, parts = prepared.encoder, (prepared.train, prepared.validation)
    naive = [np.abs(part.target - _naive(e, part.inputs["history"])) / _spread(layer, part.inputs["history"]) for part in parts]
    usual = np.maximum(conformal_margin(np.concatenate(naive), np.ones((1, 1, 1)), coverage), 1e-9)
    of_all = lambda rows: conformal_margin((rows / usual).reshape(-1, 1, 1), np.ones((1, 1, 1)), coverage)  # noqa: E731
    return usual * of_all(scores) / np.maximum(of_all(naive[1]), 1e-3)


def _naive(encoder, history: np.ndarray) -> np.ndarray:
    """(N, H, 1): the last season of each window again and again."""
    lag = min(encoder.season, encoder.lookback)
    return history[:, encoder.lookback - lag + np.arange(encoder.horizon) % lag]


def drift(prepared, layer: Margin) -> np.ndarray:
    """(H, D): what ridge's margins on validation and training windows together are of those on validation alone; ones for few windows.

    And ones for a short series, whose validation windows are from all of its history: a ridge knows them, and has no errors there.
    """
    e, parts = prepared.encoder, (prepared.train, prepared.validation)
    if e.least or len(prepared.train) < FEWEST * e.horizon:
        return np.ones((e.horizon, e.channels), np.float32)
    every = max(1, round(len(prepared.train) * e.channels / LARGEST))
    spreads = [_spread(layer, part.inputs["history"][::every]) / np.array(e.scale) for part in parts]
    truths = [part.target[::every] for part in parts]
    train, validation = (_windows(e, part.inputs["history"][::every], truth) for part, truth in zip(parts, truths))
    channels = range(e.channels)
    ridge = fit_ridge([train[:, d] for d in channels], [validation[:, d] for d in channels], e.lookback, ("last",))
    found = [cross_errors(train, e.lookback, ridge.chosen["penalty"]), errors(validation, ridge.kernel)]
    found = [np.where(np.isnan(truth), np.nan, np.abs(f.transpose(0, 2, 1))) for f, truth in zip(found, truths)]
    alone = conformal_margin(found[1], spreads[1], e.coverage)
    return conformal_margin(np.concatenate(found), np.concatenate(spreads), e.coverage) / np.maximum(alone, 1e-9)


def _windows(encoder, history: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N, D, L + H) standardised; a missing truth is the last value, and not scored."""
    both = np.concatenate([history, np.where(np.isnan(truth), history[:, -1:], truth)], axis=1)
    return ((both - np.array(encoder.center)) / np.array(encoder.scale)).astype(np.float32).transpose(0, 2, 1)


def _spread(layer: Margin, history: np.ndarray) -> np.ndarray:
    return np.concatenate([ops.convert_to_numpy(layer.spread(ops.array(history[i : i + BATCH]))) for i in range(0, len(history), BATCH)])
