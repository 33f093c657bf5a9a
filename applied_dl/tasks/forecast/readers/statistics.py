"""What the encoder and the model keep of the training steps: units, offsets, levels of texts, statistics of covariates."""

from __future__ import annotations

import numpy as np

from applied_dl.tasks.forecast.encoder import Block, SeriesEncoder, base
from applied_dl.tasks.forecast.readers.read import Cuts
from applied_dl.tasks.forecast.series import ANY, SeriesSet

FEWEST_OF_A_TEXT = 3  # training rows in which a text of a covariate must occur to have an effect of its own
FAR_FROM_ZERO = 1000.0  # deviations of the mean from zero, beyond which it is subtracted in float64


def units_of(known: list[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    scale = [float(np.nanstd(v)) for v in known]
    return tuple(float(np.nanmean(v)) for v in known), tuple(s if s > 1e-12 else 1.0 for s in scale)


def offsets(known: list[np.ndarray], form: str, notes: list[str]) -> tuple[tuple[float, ...], bool]:
    """What to subtract from the values of an aligned set before float32, or whether each history of a panel loses its own base.

    float32 holds 7 digits: values near 1e9 that differ by 100 would be read in steps of 64.
    """
    ratios = [abs(float(np.nanmean(v))) / (float(np.nanstd(v)) or np.inf) for v in known]
    if max(ratios) <= FAR_FROM_ZERO:
        return (), False
    if form == "panel":
        notes.append(
            "values far from zero: the roundest number below each history is subtracted before the model and added to its forecast"
        )
        return (), True
    offset = [base(v) if ratio > FAR_FROM_ZERO else 0.0 for ratio, v in zip(ratios, known)]
    listed = ", ".join(f"{value:.12g}" for value in offset[:5]) + (", …" if len(offset) > 5 else "")
    notes.append(
        f"values far from zero: {listed} is subtracted before the model and added to its forecasts, because float32 holds 7 digits; where "
        "you run model.tflite without applied_dl, do the same"
    )
    return tuple(offset), False


def note_constant(names, known, notes) -> None:
    still = [name for name, v in zip(names, known) if np.nanmax(v) == np.nanmin(v)]
    if still:
        listed = f"{', '.join(still[:5])}{', …' if len(still) > 5 else ''}"
        notes.append(f"{len(still)} series are constant over their training steps and count in no scaled score: {listed}")


def levels_of(data: SeriesSet) -> tuple[tuple[str, ...], ...]:
    if not data.static:
        return ()
    columns = list(zip(*data.static))
    return tuple(tuple(sorted({str(c) for c in column})) if any(isinstance(c, str) for c in column) else () for column in columns)


def covariate_columns(rows: list[np.ndarray], names: tuple, cuts: Cuts) -> tuple[tuple[str, str], ...]:
    """The covariates that vary in the training rows, each text among them that occurs often enough; empty where there are no texts."""
    if not any(text for _, text in names):
        return ()
    train = np.concatenate([one[:end] for one, end in zip(rows, cuts.train)])
    counts, total = np.nansum(train, axis=0), (~np.isnan(train)).sum(axis=0)
    kept = [not text or min(count, have - count) >= FEWEST_OF_A_TEXT for (_, text), count, have in zip(names, counts, total)]
    for column in {column for column, text in names if text}:
        texts = [i for i, (name, text) in enumerate(names) if name == column and text not in ("", ANY) and kept[i]]
        always = names.index((column, ANY))
        if len(texts) == 2 and not kept[always] and counts[texts].sum() == total[texts[0]]:
            kept[texts[1]] = False  # yes and no: one column says it all
    return tuple(name for name, keep in zip(names, kept) if keep)


def static_center(data: SeriesSet) -> tuple[float, ...]:
    """The mean of every static column of numbers, 0 for texts."""
    columns = [[float(c) for c in column if c is not None and not isinstance(c, str)] for column in zip(*data.static)]
    return tuple(float(np.nanmean(numbers)) if not np.isnan(numbers).all() else 0.0 for numbers in columns)


def covariate_units(encoder: SeriesEncoder, series: list[Block], cuts: Cuts) -> dict:
    """Mean and deviation of the covariates over training steps, of the static numbers over the series; texts stay 0 and 1."""
    units = {}
    for name in ("past", "future"):
        rows = [getattr(block, name)[:end] for block, end in zip(series, cuts.train) if getattr(block, name) is not None]
        if rows:
            rows = np.concatenate(rows)
            scale = np.nanstd(rows, axis=0)
            units[name] = (tuple(map(float, np.nanmean(rows, axis=0))), tuple(float(s) if s > 1e-9 else 1.0 for s in scale))
    if encoder.levels:
        number = np.concatenate([[not levels] * max(1, len(levels)) for levels in encoder.levels])
        rows = np.stack([block.static for block in series]).astype(np.float64)
        scale = rows.std(axis=0)
        units["static"] = (
            tuple(map(float, np.where(number, rows.mean(axis=0), 0.0))),
            tuple(map(float, np.where(number & (scale > 1e-9), scale, 1.0))),
        )
    return units
