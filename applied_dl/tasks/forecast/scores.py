"""The scores of a forecast: errors in published units, coverage and pinball loss of the interval, and both by series and step ahead."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics import forecasting as metric
from applied_dl.core.metrics.intervals import bootstrap_mean
from applied_dl.core.records import Scores, Slice

MOST_SERIES = 20  # of an aligned set that are slices of their own
RANGES = 4  # of the horizon


def score(recipe, outputs, part, encoder, metrics_only: bool = False) -> Scores:
    """Aligned: MSE and MAE in training deviations, as published. Panels: sMAPE, MASE and OWA against Naive 2. Coverage for both."""
    truth, found = np.asarray(part.target, np.float64), outputs["forecast"].astype(np.float64)
    offset = part.extra.get("offset", np.array(encoder.offset) if encoder.offset else 0.0)
    rows: dict[str, np.ndarray] = {}  # of every metric that is a mean over windows
    if encoder.form == "aligned":
        gap = (truth - found) / np.array(encoder.scale)
        rows |= {"mse": metric.row_mean(gap**2), "mae": metric.row_mean(np.abs(gap))}
    scale = part.extra["mase_scale"]
    rows |= {"smape": metric.row_smape(truth + offset, found + offset), "mase": metric.row_mase(truth, found, scale)}
    metrics = {name: float(np.nanmean(values)) for name, values in rows.items()}
    if encoder.form == "aligned":  # weighed by known values, as published
        metrics |= {"mse": float(np.nanmean(gap**2)), "mae": float(np.nanmean(np.abs(gap)))}
    main = "mse" if encoder.form == "aligned" else "mase"
    if encoder.form == "panel" and "naive2" in part.extra:
        reference = metric.smape(truth + offset, part.extra["naive2"] + offset), metric.mase(truth, part.extra["naive2"], scale)
        if min(reference) > 0:
            main, metrics["owa"] = "owa", metric.owa(metrics["smape"], metrics["mase"], *reference)
            rows["owa"] = (rows["smape"] / reference[0] + rows["mase"] / reference[1]) / 2
    if "lower" in outputs:
        unit = np.array(encoder.scale) if encoder.form == "aligned" else metric.known_scale(scale)[:, None]
        low, high = outputs["lower"].astype(np.float64), outputs["upper"].astype(np.float64)
        inside = np.where(np.isnan(truth), np.nan, (truth >= low) & (truth <= high))
        loss = _interval_loss(truth, low, high, *_tails(encoder)) / unit
        rows |= {"coverage": metric.row_mean(inside), "pinball": metric.row_mean(loss)}
        metrics |= {"coverage": float(np.nanmean(inside)), "pinball": float(np.nanmean(loss))}
    order = (main, *(name for name in metrics if name != main))
    metrics = {name: metrics[name] for name in order}
    if metrics_only:
        return Scores(main=main, metrics=metrics)
    known = {name: values[np.isfinite(values)] for name, values in rows.items()}
    if encoder.form == "aligned":
        known = {name: by_block(values, encoder.horizon) for name, values in known.items()}
    intervals = {name: bootstrap_mean(values) for name, values in known.items() if len(values) > 1}  # of one window nothing is known
    slices = _slices(main, outputs, part, encoder)
    return Scores(main=main, metrics=metrics, intervals=intervals, slices=slices)


def _tails(encoder) -> tuple[float, float]:
    """The shares of values that the interval promises to leave below and above it."""
    tail = (1 - encoder.coverage) / 2
    return (encoder.quantiles[0], 1 - encoder.quantiles[-1]) if encoder.quantiles else (tail, tail)


def _interval_loss(truth, low, high, lower: float, upper: float) -> np.ndarray:
    """The mean pinball loss of both limits, which promise to leave the shares `lower` and `upper` outside."""
    below, above = truth - low, truth - high
    return (np.maximum(lower * below, (lower - 1) * below) + np.maximum((1 - upper) * above, -upper * above)) / 2


def _slices(main: str, outputs, part, encoder) -> dict[str, Slice]:
    """The main metric (a panel's as MASE) by series and by range of steps ahead, and the coverage by range."""
    truth, found, scale = np.asarray(part.target, np.float64), outputs["forecast"].astype(np.float64), part.extra["mase_scale"]

    def of(steps, channels) -> float:
        if encoder.form == "panel":
            return metric.mase(truth[:, steps], found[:, steps], scale)
        gap = (truth[:, steps, channels] - found[:, steps, channels]) / np.array(encoder.scale)[channels]
        return float(np.nanmean(gap**2)) if np.isfinite(gap).any() else float("nan")

    own = "mse" if encoder.form == "aligned" else "mase"
    own, every, slices = ("" if main == own else own), slice(None), {}
    if encoder.form == "aligned" and 1 < encoder.channels <= MOST_SERIES:
        for i, name in enumerate(encoder.names):
            slices[f"series {name}"] = Slice(value=of(every, slice(i, i + 1)), rows=len(truth), metric=own)
    for steps in ranges(encoder.horizon):
        text = f"steps {steps.start + 1} to {steps.stop}" if steps.stop - steps.start > 1 else f"step {steps.stop}"
        slices[text] = Slice(value=of(steps, every), rows=len(truth), metric=own)
        if "lower" in outputs:
            inside = (truth[:, steps] >= outputs["lower"][:, steps]) & (truth[:, steps] <= outputs["upper"][:, steps])
            known = ~np.isnan(truth[:, steps])
            share = float(inside[known].mean()) if known.any() else float("nan")
            slices[f"coverage, {text}"] = Slice(value=share, rows=len(truth), metric="coverage")
    return {name: one for name, one in slices.items() if np.isfinite(one.value)}


def ranges(horizon: int) -> list[slice]:
    """The horizon in at most four runs of steps."""
    cuts = np.unique(np.linspace(0, horizon, RANGES + 1).round().astype(int))
    return [slice(int(a), int(b)) for a, b in zip(cuts, cuts[1:])]


def by_block(rows: np.ndarray, horizon: int) -> np.ndarray:
    """Means over runs of `horizon` windows: neighbours share their truths, so single rows are no independent sample."""
    length = max(1, min(horizon, len(rows) // 8))
    count = len(rows) // length
    return rows[: count * length].reshape(count, length).mean(axis=1) if count > 1 else rows
