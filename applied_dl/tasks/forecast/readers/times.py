"""The column of times of a table: found by its values, or put together from a date and a clock, or from year, month and day columns."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.stamps import are_whole, moments
from applied_dl.tasks.forecast.readers.join_times import join_times
from applied_dl.tasks.forecast.readers.series_columns import series_of_restarts
from applied_dl.tasks.forecast.readers.time_names import TIME_NAMES, named_like_time
from applied_dl.tasks.forecast.readers.time_roles import clock_texts, is_clock, is_offset, is_role, slots_of_day
from applied_dl.tasks.forecast.series import Columns

REPEATED = 0.7  # of the rows have a date of their own, at most, where a second column holds the time of day


def with_times(table, columns: Columns, where: str):
    """The table with one column of times, and the columns with its name in `time` (None where there is none).

    A date and a clock in columns of their own, and year, month and day columns, become one column, named after its parts;
    `Columns.time_parts` keeps which they are, so that `predict` reads the same way.

    Raises:
        DataError: Where a part is missing or a cell of it cannot be read.
    """
    parts = columns.time_parts
    if not parts:
        if columns.time is not None and columns.time not in table.columns:
            raise DataError(f"{where} has no column {columns.time!r}.{nearest(columns.time, table.columns)}")
        time = columns.time or find_time(table, columns)
        parts = _parts(table, columns, time)
        if not parts:
            return table, replace(columns, time=time)
    for _, name in parts:
        if name not in table.columns:
            raise DataError(f"{where} has no column {name!r}; the times of this model come from {', '.join(name for _, name in parts)}.")
    stamps, form = join_times(table, parts, columns.form, where)
    name = " ".join(name for _, name in parts)
    import polars as pl

    times = pl.Series(name, stamps)
    times = times.dt.replace_time_zone("UTC") if "offset" in dict(parts) else times
    joined = table.drop([name for _, name in parts]).insert_column(0, times)
    return joined, replace(columns, time=name, time_parts=tuple(parts), form=form)


def find_time(table, columns: Columns) -> str | None:
    """A column of dates; one that is named like a time and holds texts, then any of texts that are times; last, numbers that count time."""
    import polars as pl

    taken = {columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    free = [name for name in table.columns if name not in taken]
    named = [n for n in free if named_like_time(n)]
    temporal = [n for n in free if table[n].dtype.is_temporal() and table[n].dtype not in (pl.Time, pl.Duration)]
    texts = [n for n in free if table[n].dtype == pl.String]
    share = {n: _text_times(table[n]) for n in texts}
    likely = sorted((n for n in texts if share[n]), key=lambda n: (share[n] < 1, n not in named))
    counted = [n for n in free if table[n].dtype.is_numeric() and _numeric_times(table[n], n in named)]
    first = next(iter((*temporal, *likely, *sorted(counted, key=lambda n: n not in named))), None)
    if first is not None:
        return first
    rows = [n for n in named if n.lower() in TIME_NAMES and are_whole(table[n], texts=True) and not _has_days(table, n, free)]
    named_rows = next((n for n in rows if _counts_up(table[n]) or series_of_restarts(table, n)), None)
    return named_rows or next((n for n in free if _counts_rows_of_series(table, n)), None)


def _counts_rows_of_series(table, name: str) -> bool:
    """Whether whole numbers, whatever their name, count the rows of each series from the same number."""
    if not are_whole(table[name]) or series_of_restarts(table, name) is None:
        return False
    values = table[name].to_numpy()
    steps = np.diff(values)
    return bool((steps[steps > 0] == 1).all() and (values[1:][steps < 0] == values[0]).all())


def _has_days(table, name: str, free: list[str]) -> bool:
    """Whether a column holds months whose days stand in a column of their own, of a year that is not given."""
    return is_role(table, name, "month") and any(other != name and is_role(table, other, "day") for other in free)


def _text_times(column) -> float:
    """How surely texts are times: 1 where all of the first ones are, a half where most are, 0 where none is."""
    if clock_texts(column):
        return 0.0
    try:
        return float(moments(column.drop_nulls().head(200), "") is not None)
    except DataError:
        return 0.5


def _numeric_times(column, named: bool) -> bool:
    from applied_dl.io.numeric_times import numeric_form

    values = column.drop_nulls().to_numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    return len(values) >= 0.95 * len(column) and numeric_form(values, named, column.name) is not None


def _counts_up(column) -> bool:
    """Numbers of rows: they never fall, or each starts again from the beginning as in a file of several series; no month from 1 to 12."""
    import polars as pl

    if column.dtype == pl.String or column.null_count():
        return column.dtype == pl.String
    steps = np.diff(column.to_numpy())
    falls = steps < 0
    return not falls.any() or column.n_unique() > 53 or len(column) <= column.n_unique() * (falls.sum() + 1) * 0.5


def _parts(table, columns: Columns, time: str | None) -> list[tuple[str, str]]:
    """The columns that make up the times, by role; empty where one column is enough."""
    taken = {columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    free = [name for name in table.columns if name not in taken and name != time]
    if time is not None and (offset := next((n for n in free if is_offset(table, n)), None)):
        rest = table.drop(offset)
        return [*(_parts(rest, columns, time) or [("date", time)]), ("offset", offset)]
    if time is not None and not is_role(table, time, "year"):
        if table[time].n_unique() > REPEATED * table.height or not _whole_days(table[time], columns.form):
            return []
        clock = next((n for n in free if is_clock(table, n)), None)
        slots = None if clock else slots_of_day(table, time, free)
        return [("date", time), ("clock", clock)] if clock else [("date", time), slots] if slots else []
    year = time if time is not None else next((n for n in free if is_role(table, n, "year")), None)
    if year is None or (time is not None and table[time].n_unique() > REPEATED * table.height):
        return []
    found = {role: next((n for n in free if n != year and is_role(table, n, role)), None) for role in ("quarter", "month", "week", "day")}
    clock = next((n for n in free if is_clock(table, n)), None)
    if found["month"]:
        parts = [("year", year), ("month", found["month"])] + ([("day", found["day"])] if found["day"] else [])
        return parts + ([("clock", clock)] if clock and found["day"] else [])
    if found["quarter"] or found["week"]:
        role = "quarter" if found["quarter"] else "week"
        return [("year", year), (role, found[role])]
    return []


def _whole_days(column, form: str) -> bool:
    try:
        found = moments(column.drop_nulls().head(2000), "", form)
    except DataError:
        return False
    return found is not None and found.stamps.dtype.kind == "M" and bool((found.stamps == found.stamps.astype("datetime64[D]")).all())
