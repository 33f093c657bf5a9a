"""Series → windows: the same code cuts a training window, a test window and the history a user brings. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct

from applied_dl.core import encoder_files as stored
from applied_dl.core.errors import DataError
from applied_dl.io.clock import Clock
from applied_dl.tasks.forecast.gaps import fill, fill_short_gaps, lengthen
from applied_dl.tasks.forecast.series import ANY, Columns, SeriesSet, pick_columns

CALENDAR = {"hour": 24.0, "weekday": 7.0, "year": 365.2425}  # periods of the calendar's sine and cosine, in hours or days


class SeriesEncoder(Struct, frozen=True, kw_only=True):
    """What turns a file into the input arrays of a forecaster.

    form: "aligned" (all series are the channels of one window) or "panel" (every series is a window of its own).
    center, scale: (D,) mean and deviation of the training rows of an aligned set; they also define the unit of the scaled scores.
    quantiles: those that the model learned, if any.
    offset: (D,) subtracted from the values of an aligned set before they become float32, and added to its forecasts; `own_offset`: of a
    panel the `base` of each history instead. center and scale are those of the values without it.
    least: the fewest steps that a history must have, of a set too short for a validation part; 0 stands for the lookback.
    trend_padding: a panel's histories that are shorter than the lookback are lengthened by their trend, as those of a short set are.
    past_columns, future_columns: the columns of the covariates as `SeriesSet.past_names` names them; empty where all are numbers.
    seen: the least and the largest training value of a panel. levels, static_center: of every static column its texts, or the mean of
    its numbers, which stands for a missing one.
    """

    columns: Columns
    clock: Clock
    form: str
    names: tuple[str, ...]
    lookback: int
    horizon: int
    season: int
    center: tuple[float, ...]
    scale: tuple[float, ...]
    coverage: float
    cycle: int = 0
    calendar: tuple[str, ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()
    static_center: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    max_missing: float = 0.4
    seen: tuple[float, float] | None = None
    least: int = 0
    offset: tuple[float, ...] = ()
    own_offset: bool = False
    trend_padding: bool = False
    past_columns: tuple[tuple[str, str], ...] = ()
    future_columns: tuple[tuple[str, str], ...] = ()

    @property
    def channels(self) -> int:
        return len(self.names) if self.form == "aligned" else 1


class Block(Struct, frozen=True, kw_only=True):
    """Series that share windows: `values` (T, D) without NaN, `truth` (T, D) with them, `start` of the clock, covariates.

    `offset` (D,) was subtracted from values and truth, so that float32 holds what is left.
    """

    names: tuple[str, ...]
    start: int
    values: np.ndarray
    truth: np.ndarray
    past: np.ndarray | None = None
    future: np.ndarray | None = None
    static: np.ndarray | None = None
    offset: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)


def blocks(encoder: SeriesEncoder, data: SeriesSet, known: list[int] | None = None) -> list[Block]:
    """The filled arrays of a series set: one block of an aligned set, one per series of a panel.

    known: by series, the steps whose `base` is subtracted where `own_offset` says so; all of them by default, as of a history to forecast.
    """
    if encoder.form == "aligned":
        missing = [name for name in encoder.names if name not in data.names]
        if missing:
            raise DataError(
                f"The history lacks the series {', '.join(map(repr, missing))}; expected: {', '.join(encoder.names)}; "
                f"received: {', '.join(data.names[:20])}."
            )
        rows = [data.names.index(name) for name in encoder.names]
        if len({(data.starts[i], len(data.values[i])) for i in rows}) > 1:
            raise DataError(
                f"The series {', '.join(encoder.names[:5])} do not cover the same steps; expected one value of each at every step."
            )
        return [_block(encoder, data, rows)]
    return [_block(encoder, data, [i], known[i] if known else None) for i in range(len(data.names))]


def base(values: np.ndarray) -> float:
    """The roundest number below all values that is within ten times their range of them: of 1,000,000,075 … 1,000,000,305 it is 10⁹.

    What people add to a quantity, or a counter starts from, is round; what is left may grow and swing in proportion to itself.
    """
    least, span = float(np.nanmin(values)), float(np.nanmax(values) - np.nanmin(values))
    unit = 10.0 ** np.ceil(np.log10(span or 1.0))
    found = float(np.floor(least / unit) * unit)
    return found if found <= least else found - unit  # the quotient of a tiny negative number is rounded to 0


def _block(encoder: SeriesEncoder, data: SeriesSet, rows: list[int], known: int | None = None) -> Block:
    truth = np.stack([data.values[i] for i in rows], axis=1)
    values = np.stack([fill(data.values[i], encoder.season) for i in rows], axis=1)
    offset = np.array(encoder.offset) if encoder.offset else None
    if encoder.own_offset:
        offset = np.array([base(column[:known]) for column in values.T])
    if offset is not None:
        truth, values = truth - offset, values - offset
    first = rows[0]
    steps = data.starts[first] + np.arange(len(values) + encoder.horizon)
    parts = [calendar(encoder, steps)] if encoder.calendar else []
    if data.future:
        known = fill_short_gaps(pick_columns(data.future[first], data.future_names, encoder.future_columns), encoder.season)[: len(steps)]
        ahead = np.full((len(steps), known.shape[1]), np.nan)
        ahead[: len(known)] = known
        parts.append(ahead)
    past = pick_columns(data.past[first], data.past_names, encoder.past_columns) if data.past else None
    return Block(
        names=tuple(data.names[i] for i in rows),
        start=data.starts[first],
        values=values.astype(np.float32),
        truth=truth.astype(np.float32),
        past=None if past is None else np.stack([fill(c, encoder.season) for c in past.T], axis=1).astype(np.float32),
        future=np.concatenate(parts, axis=1).astype(np.float32) if parts else None,
        static=_static(encoder, data.names[first], data.static[first]) if data.static else None,
        offset=offset,
    )


def _static(encoder: SeriesEncoder, name: str, cells: list) -> np.ndarray:
    """Numbers as they are, the missing ones the training series' mean; texts one-hot over the levels of the training series."""
    out = []
    centers = encoder.static_center or (0.0,) * len(encoder.levels)  # bundles of schema 1 may have none
    for cell, levels, center, column in zip(cells, encoder.levels, centers, encoder.columns.static):
        if levels:
            out += [float(str(cell) == level) for level in levels]
            continue
        try:
            value = center if cell is None else float(cell)
        except ValueError as error:
            raise DataError(f"Series {name!r}: the static column {column!r} must be a number, received {cell!r}.") from error
        out.append(center if np.isnan(value) else value)
    return np.array(out, np.float32)


def unseen_texts(encoder: SeriesEncoder, data: SeriesSet) -> list[str]:
    """Notes on the texts of covariates that did not occur in the training rows.

    Of yes and no the model keeps one text; the other is its absence and known too.
    """
    known = {*encoder.past_columns, *encoder.future_columns}
    found: dict[str, list[str]] = {}
    for arrays, names in [(data.past, data.past_names), (data.future, data.future_names)]:
        for i, (column, text) in enumerate(names):
            if text not in ("", ANY) and (column, text) not in known and any(np.nansum(array[:, i]) > 0 for array in arrays):
                found.setdefault(column, []).append(text)
    notes = []
    for column, texts in found.items():
        kept = [text for name, text in known if name == column]
        if len(kept) == 1 and kept[0] != ANY:
            if len(texts) > 1:
                notes.append(f"the texts {', '.join(map(repr, texts))} of {column!r} are read alike, as not {kept[0]!r}")
            continue
        notes += [
            f"the text {text!r} of {column!r} did not occur often enough in the training rows; it has no effect of its own"
            for text in texts
        ]
    return notes


def calendar(encoder: SeriesEncoder, steps: np.ndarray) -> np.ndarray:
    """(T, 2 features per period): sine and cosine of the hour of the day, the day of the week and the day of the year."""
    stamps = encoder.clock.stamps(steps)
    day = stamps.astype("datetime64[D]")
    hours = (stamps - day).astype(np.int64) / 3.6e9
    ordinal = day.astype(np.int64)
    year = (day - stamps.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    place = {"hour": hours, "weekday": ordinal + 4 + hours / 24, "year": year + hours / 24}
    angles = [2 * np.pi * place[name] / CALENDAR[name] for name in encoder.calendar]
    return np.stack([wave for angle in angles for wave in (np.sin(angle), np.cos(angle))], axis=1)


def periods(clock: Clock) -> tuple[str, ...]:
    """The calendar features that vary on this clock."""
    if clock.unit == "step":
        return ()
    fast = clock.unit in ("s", "min", "h")
    return (
        (("hour",) if fast else ()) + (("weekday",) if fast or clock.unit in ("d", "b") else ()) + (("year",) if clock.unit != "y" else ())
    )


def inputs_at(encoder: SeriesEncoder, block: Block, ends: np.ndarray) -> dict[str, np.ndarray]:
    """The named inputs (B, …) of the windows whose history ends before step `ends` (B,) of the block.

    Histories shorter than the lookback are lengthened to the left by their first season, of a panel and of a short set.
    Raises `DataError` where an aligned
    history is too short or a covariate known ahead is missing.
    """
    L, H = encoder.lookback, encoder.horizon
    ends = np.asarray(ends)
    short, least = L - int(ends.min()), encoder.least or L
    if int(ends.min()) < least and encoder.form == "aligned":
        what = "" if encoder.least else " (the model's lookback)"
        raise DataError(f"The history of {', '.join(block.names[:3])} has {int(ends.min())} steps, expected at least {least}{what}.")
    pad = max(0, short)
    at = ends[:, None] + pad - L + np.arange(L)  # (B, L)
    found = {
        "history": _short_histories(encoder, block, ends)
        if pad and (encoder.least or encoder.trend_padding)
        else _padded(block.values, pad, encoder.season)[at]
    }
    if block.past is not None:
        found["past"] = _padded(block.past, pad, encoder.season)[at]
    if block.future is not None:
        ahead = ends[:, None] + pad - L + np.arange(L + H)
        known = _padded(block.future, pad, encoder.season)
        found["future"] = known[np.minimum(ahead, len(known) - 1)]
        if np.isnan(found["future"]).any():
            row, step, _ = (int(i[0]) for i in np.nonzero(np.isnan(found["future"])))
            when = encoder.clock.text(np.array([block.start + int(ends[row]) - L + step]))[0]
            raise DataError(
                f"Series {block.names[0]!r}: a column of data.future_covariates ({', '.join(encoder.columns.future)}) has no value at "
                f"{when}; expected one at every step of the history and of the {H} steps ahead, whose rows have an empty target."
            )
    if block.static is not None:
        found["static"] = np.repeat(block.static[None], len(ends), axis=0)
    if encoder.cycle:
        found["phase"] = ((block.start + ends[:, None] - L) % encoder.cycle).astype(np.int32)
    return found


def _short_histories(encoder: SeriesEncoder, block: Block, ends: np.ndarray) -> np.ndarray:
    """(B, L, D) lengthened with the trend of what each history knows, and of nothing that comes after it."""
    L, season = encoder.lookback, encoder.season
    rows = [[lengthen(column[:end], L, season, trend=True)[-L:] for column in block.values.T] for end in ends]
    return np.stack([np.stack(columns, axis=1) for columns in rows])


def _padded(values: np.ndarray, pad: int, season: int) -> np.ndarray:
    if pad == 0:
        return values
    return np.stack([lengthen(column, len(column) + pad, season) for column in values.T], axis=1)


save = stored.save


def load(folder: Path) -> SeriesEncoder:
    """Read `encoder.json`. Raises `DataError` where it is damaged."""
    return stored.read(SeriesEncoder, folder)
