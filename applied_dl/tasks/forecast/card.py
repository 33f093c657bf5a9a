"""What the model card of a forecaster says that no other task's does. No TensorFlow."""

from __future__ import annotations

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport, describe_numbers
from applied_dl.report.card import TaskCard
from applied_dl.report.wording import interval_text, percent, rounded
from applied_dl.tasks.forecast.encoder import SeriesEncoder

EXAMPLES = 5  # windows of the table of the largest errors


def describe_card(manifest: Manifest) -> TaskCard:
    """The texts of the card, from the manifest alone."""
    horizon = manifest.facts.get("horizon", "next")
    return TaskCard(
        kind=f"A forecaster of the next {horizon} steps with intervals",
        pipeline_tag="time-series-forecasting",
        summary=_summary(manifest),
        example='predictor.predict(["history.csv"])  # [{"series", "times", "forecast", "lower", "upper"}]',
        remedy="a longer history, or columns that are known ahead (`data.future_covariates`), are the first things to try",
        error_plots=("fan_2.png", "fan_1.png", "error_by_step.png"),
        captions={
            **{f"fan_{i}.png": "A test window: history, forecast with its interval, and the values that followed" for i in (1, 2, 3)},
            "error_by_step.png": "Mean absolute error by step of the horizon, of the model and two baselines",
            "coverage_by_step.png": "Share of true values inside the interval by step of the horizon, and the intended share",
        },
    )


def _summary(manifest: Manifest) -> str:
    test, intervals = manifest.metrics.get("test", {}), manifest.intervals.get("test", {})
    count = manifest.rows.get("test")
    windows = f"{count:,} held-out windows" if count else "the held-out windows"
    parts = []
    if test.get("mase") is not None:
        ends = interval_text(intervals.get("mase"))
        parts.append(
            f"On {windows} the **mean absolute error is {rounded(test['mase'], intervals.get('mase'))} times that of a seasonal naive "
            f"forecast** on the training steps (MASE{f', 95% interval {ends}' if ends else ''})"
        )
    elif test.get(manifest.main) is not None:
        parts.append(f"On {windows} the **{manifest.main} is {rounded(test[manifest.main], intervals.get(manifest.main))}**")
    if test.get("coverage") is not None:
        promised = (manifest.recipe.get("calibration") or {}).get("coverage")
        expected = f", {percent(promised)} were promised" if promised else ""
        parts.append(f"its intervals contain {percent(test['coverage'])} of the true values{expected}")
    return "; ".join(parts) + "." if parts else ""


def worst_examples(outputs, part, encoder: SeriesEncoder, facts: dict) -> list[dict]:
    """The test windows with the largest mean absolute error, in units of the data: series, first step, error, mean true value.

    Args:
        outputs: of the serving graph on the test windows, by name; `forecast` is (N, H, D).
        part: the test windows.
        encoder: of the series.
        facts: of the manifest; not used.
    """
    gap = np.abs(outputs["forecast"].astype(np.float64) - part.target)  # (N, H, D)
    panel = np.asarray(part.extra["mase_scale"]).reshape(len(gap), -1)[:, :1, None]
    scale = np.asarray(encoder.scale) if encoder.form == "aligned" else panel
    error = (np.where(np.isnan(gap), 0.0, gap) / np.where(scale > 0, scale, np.nan)).mean(axis=1)  # (N, D), NaN of a constant series
    order = np.argsort(-np.nan_to_num(error.max(axis=1), nan=-1.0), kind="stable")
    rows: list[dict] = []
    chosen: list[tuple] = []
    for i in order:
        channel = int(np.nan_to_num(error[i], nan=-1.0).argmax())
        series = int(part.extra["series"][i]) if encoder.form == "panel" else channel
        origin = int(part.extra["origin"][i])
        if any(series == other and abs(origin - at) < encoder.horizon for other, at in chosen):
            continue  # neighbouring windows share most of their steps
        chosen.append((series, origin))
        rows.append(
            {
                "series": encoder.names[series],
                "from": encoder.clock.text(np.array([origin]))[0],
                "mean absolute error": float(np.nanmean(gap[i, :, channel])),
                "mean true value": float(np.nanmean(part.target[i, :, channel])),
                "mean forecast": float(np.mean(outputs["forecast"][i, :, channel])),
            }
        )
        if len(rows) == EXAMPLES:
            break
    return rows


DESCRIBED = 50  # series


def describe_data(prepared) -> list[ColumnReport]:
    """The clock, every series (up to 50), and the covariates."""
    encoder, facts = prepared.encoder, prepared.facts
    span = f"every {facts['frequency']}, from {facts['from']} to {facts['to']}, season {facts['season']}"
    reports = [ColumnReport(name=encoder.columns.time or "row order", kind="time", read_as=span, key="data.time")]
    series = [
        describe_numbers(name, block.truth[:, i], kind="series", key="data.target")
        for block in prepared.state.blocks
        for i, name in enumerate(block.names)
    ]
    if len(series) > DESCRIBED:
        series = [*series[:DESCRIBED], ColumnReport(name=f"and {len(series) - DESCRIBED} more series", kind="series")]
    columns = encoder.columns
    for kind, names in (("past", columns.past), ("future", columns.future), ("static", columns.static)):
        series += [ColumnReport(name=name, kind=f"{kind} covariate", key=f"data.{kind}_covariates") for name in names]
    return reports + series
