"""Columns that hold parts of a time → one moment for each row."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.io.stamps import moments
from applied_dl.tasks.forecast.readers.time_roles import CLOCK, OFFSET, PART_NUMBERS, hour_minute


def join_times(table, parts, form: str, where: str) -> tuple[np.ndarray, str]:
    """The moments of the parts, and the form of the date."""
    by_role = dict(parts)
    if "date" in by_role:
        found = moments(table[by_role["date"]], where, form)
        if found is None or found.stamps.dtype.kind != "M":
            raise DataError(f"{where}: the column {by_role['date']!r} holds no dates (the first: {table[by_role['date']][0]!r}).")
        stamps, form = found.stamps.astype("datetime64[us]"), found.form
    else:
        year = _numbers(table, by_role["year"], where)
        year = np.where(year < 100, year + 1900, year)
        month = np.ones_like(year)
        if "month" in by_role:
            month = _numbers(table, by_role["month"], where)
        elif "quarter" in by_role:
            month = _numbers(table, by_role["quarter"], where, "quarter") * 3 - 2
        days = ((year - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]")
        if "week" in by_role:  # the Monday of the week that the standard counts: week 1 holds January 4
            fourth = days + 3
            days = fourth - (fourth.astype(np.int64) + 3) % 7 + 7 * (_numbers(table, by_role["week"], where, "week") - 1)
        elif "day" in by_role:
            days = days + (_numbers(table, by_role["day"], where) - 1)
        stamps = days.astype("datetime64[us]")
    if "clock" in by_role:
        stamps = stamps + _seconds(table[by_role["clock"]], where).astype("timedelta64[s]")
    if "offset" in by_role:
        cut = table[by_role["offset"]].str.extract_groups(OFFSET).struct.unnest()
        hours, minutes = (cut.to_series(i).cast(int).fill_null(0).to_numpy() for i in (1, 2))
        sign = np.where((cut.to_series(0) == "-").to_numpy(), -1, 1)
        stamps = stamps - (sign * (hours * 60 + minutes)).astype("timedelta64[m]")
    if slots := next((role for role in by_role if role.startswith("slots")), None):
        minutes = 24 * 60 // int(slots.split()[1])
        stamps = stamps + ((_numbers(table, by_role[slots], where) - 1) * minutes).astype("timedelta64[m]")
    return stamps, form


def _numbers(table, name: str, where: str, role: str = "month") -> np.ndarray:
    import polars as pl

    column = table[name]
    if column.dtype == pl.String and column.str.contains(r"^\d+$").all():
        column = column.cast(pl.Int64)
    elif column.dtype == pl.String:
        column = pl.Series(name, [PART_NUMBERS[role](cell) if cell else None for cell in column.to_list()], dtype=pl.Int64)
    if column.null_count():
        row = int(column.is_null().arg_max())
        raise DataError(f"{where}, column {name!r}, row {row + 2}: expected a part of a date, received {table[name][row]!r}.")
    return column.cast(pl.Int64).to_numpy()


def _seconds(column, where: str) -> np.ndarray:
    """The time of day of each row in seconds; hours that run from 1 to 24 count the end of the hour."""
    import polars as pl

    if column.dtype == pl.Time:
        found = column.cast(pl.Int64) // 10**9
    elif hour_minute(column):
        whole = column.cast(pl.Int64)
        found = whole // 100 * 3600 + whole % 100 * 60
    elif column.dtype == pl.String:
        cut = column.str.extract_groups(CLOCK).struct.unnest()
        hour, minute, second = (cut.to_series(i).cast(pl.Int64) for i in range(3))
        half = cut.to_series(3).str.to_lowercase().str.slice(0, 1)
        hour = pl.DataFrame({"h": hour, "half": half}).select(
            pl.when(pl.col("half") == "p").then(pl.col("h") % 12 + 12).when(pl.col("half") == "a").then(pl.col("h") % 12).otherwise("h")
        ).to_series()  # fmt: skip
        found = hour * 3600 + minute * 60 + second.fill_null(0)
    else:
        found = column.cast(pl.Int64)
        found = (found - (1 if found.max() == 24 and found.min() == 1 else 0)) * 3600
    if found.null_count():
        row = int(found.is_null().arg_max())
        raise DataError(f"{where}, column {column.name!r}, row {row + 2}: expected a time of day such as 14:30, received {column[row]!r}.")
    return found.to_numpy()
