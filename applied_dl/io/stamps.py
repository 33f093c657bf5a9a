"""Text, dates and numbers of a time column → moments, and values on the clock's grid. Each correction is reported in a note."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.io.clock import MONTHS, NEAR, Clock, moment

OFF_GRID = 0.05  # share of the stamps of a series that may lie beside the grid and are moved to the nearest step
ZONED = r"\d(?:[Zz]|([+-])(\d\d):?(\d\d))$"  # of a time of day: in UTC, or with its offset


class Moments(NamedTuple):
    """`stamps` as `datetime64[us]`, in UTC where `zoned`, or as int64 row numbers; how they are written; what that may be wrong in."""

    stamps: np.ndarray
    zoned: bool
    form: str = ""
    note: str = ""


def moments(column, where: str, form: str = "") -> Moments | None:
    """A polars column of times; None where it holds none. form: how the training data wrote them, tried first.

    Raises `DataError` where most cells are times and one is not.
    """
    import polars as pl

    kind = column.dtype
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        zone = getattr(kind, "time_zone", None)
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else column
        return Moments(_complete(plain.cast(pl.Datetime("us")), column, where), bool(zone))
    if kind.is_integer():
        return _whole(column, where, form)
    return _text(column, where, form) if kind == pl.String else None


def _text(column, where: str, form: str) -> Moments | None:
    import polars as pl

    from applied_dl.io.dates import parse_any, written

    found, guessed = parse_any(column, form) if form else None, False
    if found is None or found.null_count() > len(found) / 2:
        best = written(column)
        if best is None or best.share < 0.5:
            return None
        form, guessed = best.form, best.guessed
        found = parse_any(column, form)
    zoned = column.str.contains(":") & column.str.contains(ZONED)
    if zoned.any():
        parts = column.str.extract_groups(ZONED).struct.unnest()
        sign = parts.to_series(0).replace_strict({"+": 1, "-": -1}, default=0, return_dtype=pl.Int64)
        minutes = sum(parts.to_series(i + 1).cast(pl.Int64).fill_null(0) * n for i, n in enumerate((60, 1)))
        found = found - pl.Series(sign.fill_null(0) * minutes * 60_000_000).cast(pl.Duration("us"))
        found = found.to_frame("t").select(pl.when(zoned).then(pl.col("t"))).to_series()
    note = ""
    if guessed:
        order = "month, then day" if form.startswith("%m") else "day, then month"
        note = f"{where}: {column[0]!r} in {column.name!r} is read as {order}, and no cell says otherwise; write dates as 2024-01-31 if not"
    return Moments(_complete(found, column, where), bool(zoned.any()), form, note)


def _whole(column, where: str, form: str) -> Moments:
    """Whole numbers: dates as 20240131 or 202401, seconds or milliseconds since 1970, or the numbers of rows."""
    import polars as pl

    from applied_dl.io.dates import parse, since_1970, whole_form

    form = form if form in ("%Y%m%d", "%Y%m") else whole_form(column)
    if form:
        return Moments(_complete(parse(column.cast(pl.String), form), column, where), False, form)
    if unit := since_1970(column):
        found = _complete(pl.from_epoch(column, unit).cast(pl.Datetime("us")), column, where)
        what = {"s": "seconds", "ms": "milliseconds"}[unit]
        return Moments(found, True, "", f"{where}: {column.name!r} is read as {what} since 1970 (the first: {moment(found[0])})")
    return Moments(_complete(column, column, where).astype(np.int64), False)


def _complete(parsed, column, where: str) -> np.ndarray:
    if parsed.null_count():
        row = int(parsed.is_null().arg_max())
        raise DataError(
            f"{where}, column {column.name!r}, row {row + 2}: expected a time, received {column[row]!r}; "
            "correct it, or name the time column with data.time."
        )
    return parsed.to_numpy()


def check_rising(stamps: np.ndarray, name: str, where: str, rows: np.ndarray) -> None:
    """Refuse time that runs backwards."""
    steps = np.diff(stamps.astype(np.int64))
    back = np.flatnonzero(steps < 0)
    if len(back):
        i = int(back[0])
        hour = len(back) <= 2 + len(stamps) // 1000 and stamps.dtype.kind == "M" and -steps[i] <= 3600 * 10**6
        raise DataError(
            f"{where}, series {name!r}, row {rows[i + 1] + 2}: time runs backwards ({moment(stamps[i + 1])} after {moment(stamps[i])}); "
            + (
                "where clocks were put back an hour, write the stamps in UTC or with their offset (+01:00)."
                if hour
                else "sort the file by time, and look for day and month the wrong way round."
            )
        )


def on_grid(
    stamps: np.ndarray, columns: np.ndarray, clock: Clock, name: str, where: str, *, duplicates: str = "mean", irregular: str = "refuse"
) -> tuple[int, np.ndarray, list[str]]:
    """Rows (T, C) at `stamps` → first step, rows on every step of the grid (NaN where there is none), notes of what was done."""
    place = clock.place(stamps)
    steps = np.rint(place)
    off = np.abs(place - steps) > (NEAR if clock.unit != "step" else 1e-6)
    jitter = ~off & (np.abs(place - steps) > 1e-6)
    notes = []
    if irregular == "resample":
        steps = np.floor(place + 1e-6)
    elif off.any():
        if off.mean() > OFF_GRID:
            i = int(off.argmax())
            raise DataError(
                f"{where}, series {name!r}: {off.mean():.0%} of the stamps are off the grid of {clock.name!r} (the first: "
                f'{moment(stamps[i])}); set data.irregular = "resample", or the right data.frequency.'
            )
        notes.append(f"series {name!r}: {off.sum()} stamps off the grid of {clock.name!r} were moved to the nearest step")
    if jitter.any() and irregular != "resample":
        notes.append(f"series {name!r}: {jitter.sum()} stamps a little beside the grid of {clock.name!r} were moved onto it")
    steps = steps.astype(np.int64)
    gaps = np.diff(steps)
    if irregular != "resample" and len(gaps) > 3 and np.median(gaps[gaps > 0] if (gaps > 0).any() else [1]) > 1:
        raise DataError(
            f"{where}, series {name!r}: mixed frequencies: its stamps are mostly {int(np.median(gaps))} steps of {clock.name!r} apart; "
            'forecast it on its own, or set data.frequency and data.irregular = "resample".'
        )
    repeated = int((gaps == 0).sum())
    within = int(((gaps == 0) & (np.diff(stamps.astype(np.int64)) > 0)).sum()) if clock.unit in MONTHS and irregular != "resample" else 0
    if within > OFF_GRID * len(steps):
        i = int(((gaps == 0) & (np.diff(stamps.astype(np.int64)) > 0)).argmax())
        raise DataError(
            f"{where}, series {name!r}: mixed frequencies: {within + 1} of {len(steps)} stamps share a step of {clock.name!r} with another "
            f'(the first: {moment(stamps[i])} and {moment(stamps[i + 1])}); give a value a step, or set data.irregular = "resample".'
        )
    if repeated and irregular != "resample":
        i = int((gaps == 0).argmax())
        if duplicates == "refuse":
            raise DataError(
                f"{where}, series {name!r}: {repeated} stamps occur more than once (the first: {moment(stamps[i])}); expected one value "
                "a step."
            )
        notes.append(
            f"series {name!r}: {repeated} repeated stamps (the first: {moment(stamps[i])}) were replaced by the mean of their values"
        )
    first, length = int(steps[0]), int(steps[-1] - steps[0]) + 1
    if length > 100 * len(steps) + 1000:
        raise DataError(
            f"{where}, series {name!r}: {len(steps)} stamps span {length:,} steps of {clock.name!r}; expected fewer gaps; check the stamps "
            f"({moment(stamps[0])} to {moment(stamps[-1])})."
        )
    if length == len(steps) and not repeated:
        return first, columns, notes
    known = ~np.isnan(columns)
    total, count = np.zeros((length, columns.shape[1])), np.zeros((length, columns.shape[1]))
    np.add.at(total, steps - first, np.where(known, columns, 0.0))
    np.add.at(count, steps - first, known)
    return first, np.where(count > 0, total / np.maximum(count, 1), np.nan), notes
