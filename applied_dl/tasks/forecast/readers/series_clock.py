"""The moments of a table's rows, and the clock that they lie on."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.clock import SECONDS, Clock, parse_frequency
from applied_dl.io.infer_clock import infer_clock
from applied_dl.io.stamps import AGGREGATES, OFF_GRID, Moments, moments, off_grid
from applied_dl.tasks.forecast.series import Columns


def row_stamps(table, columns: Columns, where: str, clock: Clock | None) -> Moments:
    """The moment of each row; its number where the table has no column of times."""
    if columns.time is None:
        note = f"{where}: no column of times is found among {', '.join(table.columns[:10])}; its rows are numbered"
        return Moments(_numbered(table, columns), False, note=note)
    column = table[columns.time]
    if clock is not None and clock.unit == "step" and column.dtype.is_integer() and not column.null_count():
        return Moments(column.to_numpy().astype(np.int64), False)
    found = moments(column, where, columns.form)
    if found is None:
        raise DataError(
            f"{where}: the time column {columns.time!r} holds no times (the first: {table[columns.time][0]!r}); "
            "expected dates such as 2024-01-31."
        )
    return found


def _numbered(table, columns: Columns) -> np.ndarray:
    """Rows without a time: their number in the file, or in their series."""
    if columns.layout != "long":
        return np.arange(table.height)
    codes = table[columns.series].rank("dense").fill_null(0).to_numpy()
    order = np.argsort(codes, kind="stable")
    counts = np.unique(codes, return_counts=True)[1]
    place = np.empty(len(codes), np.int64)
    place[order] = np.concatenate([np.arange(n) for n in counts])
    return place


def clock_of(stamps: np.ndarray, columns: Columns, zone: bool, where: str, clock: Clock | None) -> Clock:
    """The clock of distinct, sorted stamps."""
    numbered = np.issubdtype(stamps.dtype, np.integer)
    if clock is not None:
        if (clock.unit == "step") != numbered:
            raise DataError(
                f"{where}: its times are {'numbers' if numbered else 'dates'}, expected the kind of the training data ({clock.name!r})."
            )
        return clock
    if numbered:
        gaps = np.diff(stamps)
        unit, every = parse_frequency(columns.frequency) if columns.frequency else ("step", int(np.median(gaps)) if len(gaps) else 1)
        return Clock(unit="step", every=max(1, every if unit == "step" else 1), origin=str(stamps[0]))
    if columns.frequency:
        unit, every = parse_frequency(columns.frequency)
        origin = _round(stamps[0], unit, every) if columns.irregular == "resample" else stamps[0]
        return Clock(unit=unit, every=every, origin=str(origin), zone=zone)
    return infer_clock(stamps, where, zone)


def on_named_clock(stamps: np.ndarray, columns: Columns, zone: bool, where: str, clock: Clock | None) -> tuple[Columns, list[str]]:
    """Who names a frequency that the distinct, sorted stamps do not keep means the values of each step: they are resampled, with a note."""
    if columns.irregular != "auto":
        return columns, []
    if clock is not None or np.issubdtype(stamps.dtype, np.integer):
        return replace(columns, irregular="refuse"), []
    share = off_grid(stamps, clock_of(stamps, columns, zone, where, clock))
    if share <= OFF_GRID:
        return replace(columns, irregular="refuse"), []
    note = (
        f"{where}: {share:.0%} of the stamps are off the grid of data.frequency = {columns.frequency!r}; each step is the "
        f'{AGGREGATES[columns.duplicates]} of its values (data.duplicates = "sum" adds them up; data.irregular = "refuse" refuses them)'
    )
    return replace(columns, irregular="resample"), [note]


def _round(stamp: np.datetime64, unit: str, every: int) -> np.datetime64:
    """The whole step at or before a stamp: resampled steps begin at round times."""
    if unit not in SECONDS or unit == "w":
        return stamp.astype("datetime64[D]").astype("datetime64[us]")
    size = SECONDS[unit] * every * 10**6
    day = stamp.astype("datetime64[D]").astype("datetime64[us]") if 86400 * 10**6 % size == 0 else np.datetime64(0, "us")
    return day + (stamp - day) // np.timedelta64(size, "us") * np.timedelta64(size, "us")
