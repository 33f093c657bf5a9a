"""Tables whose columns are times: a row for each year and a column for each month, a row for each date and a column for each hour, a row
for each month and a column for each year, or a row for each series and a column for each date."""

from __future__ import annotations

import re

from applied_dl.core.errors import DataError
from applied_dl.io.month_names import MONTHS
from applied_dl.io.stamps import moments
from applied_dl.tasks.forecast.readers.series_columns import named_like_series
from applied_dl.tasks.forecast.readers.time_names import name_words, named_like_time
from applied_dl.tasks.forecast.readers.time_roles import is_role
from applied_dl.tasks.forecast.readers.times import find_time
from applied_dl.tasks.forecast.series import Columns

STEPS = (15, 30, 60)  # minutes of the columns of a day
LONGEST_YEAR = 16  # rows of months and their totals, at most
SUMMARY = (
    r"(?i)^\s*(?:(?:grand |sub)?total|sum|summe|gesamt|somme|suma|totale|average|avg|mean|mittel|moyenne|promedio|media|annual|year)\b"
)
SHORTEST_DATED = 4  # columns named like dates that a file with a row for each series has at the least


def year_rows(table, columns: Columns, where: str):
    """A table with a row for each year and a column for each month (Jan … Dec, or 1 … 12) or quarter (Q1 … Q4) → a row for each value.

    Further columns of numbers, such as the mean of the year, are left out: they would be forecast as series of their own.

    Returns:
        The table, with the columns `month` or `quarter` and `value`, and a note; both as they were where the layout is another.
    """
    import polars as pl

    taken = {columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    year = next((name for name in table.columns if name not in taken and is_role(table, name, "year")), None)
    if year is None or columns.layout == "rows":
        return table, []
    for role, count in (("month", 12), ("quarter", 4)):
        places = {name: _part_of_year(name, role) for name in table.columns if name != year}
        parts = {name: place for name, place in places.items() if place is not None}
        if sorted(parts.values()) != list(range(1, count + 1)) or taken & set(parts) or _are_flags(table, parts):
            continue
        rest = [name for name in table.columns if name not in parts and name != year]
        keys = [name for name in rest if name in taken or table[name].dtype == pl.String]
        _check_names([year, *keys], (role, "value"), where)
        long = table.unpivot(list(parts), index=[year, *keys], variable_name=role, value_name="value")
        long = long.with_columns(pl.col(role).replace_strict(parts, return_dtype=pl.Int64)).sort(*keys, year, role)
        left_out = [name for name in rest if name not in keys]
        more = f"; {', '.join(left_out)} is left out" if left_out else ""
        return long, [f"{where}: a row for each {year} and a column for each {role} are read as one series by {role}{more}"]
    return table, []


def _are_flags(table, names) -> bool:
    """Whether columns hold nothing but 0 and 1: which month each row is of."""
    return all(table[name].dtype.is_numeric() and set(table[name].drop_nulls().unique()) <= {0, 1} for name in names)


def hour_columns(table, columns: Columns, where: str):
    """A table with a row for each date and a column for each hour, half-hour or quarter of an hour of it (00:00 … 23:00, H1 … H24) → a row
    for each value.

    Returns:
        The table, with the columns `time` and `value`, and a note; both as they were where the layout is another.
    """
    import polars as pl

    taken = {columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    minutes = {name: place for name in table.columns if (place := _minute_of_day(name)) is not None}
    first, step = min(minutes.values(), default=0), 1440 // max(len(minutes), 1)
    if step not in STEPS or sorted(minutes.values()) != [first + i * step for i in range(len(minutes))] or taken & set(minutes):
        return table, []
    begins = {name: f"{(place - first) // 60:02d}:{(place - first) % 60:02d}" for name, place in minutes.items()}
    rest = [name for name in table.columns if name not in minutes]
    date = find_time(table.select(rest), columns)
    keys = [name for name in rest if name == date or name in taken or table[name].dtype == pl.String]
    if first not in (0, step) or date is None or (len(keys) == 1 and table[date].n_unique() < table.height):
        return table, []
    _check_names(keys, ("time", "value"), where)
    long = table.with_row_index("\0").unpivot(list(minutes), index=["\0", *keys], variable_name="time", value_name="value")
    long = long.with_columns(pl.col("time").replace_strict(begins)).sort("\0", "time").drop("\0")
    left_out = [name for name in rest if name not in keys]
    more = f"; {', '.join(left_out)} is left out" if left_out else ""
    return long, [f"{where}: a row for each {date} and a column for each time of day are read as one series{more}"]


def month_rows(table, columns: Columns, where: str):
    """A table with a row for each month or quarter and a column for each year → a row for each value; rows of totals are left out."""
    import polars as pl

    taken = {columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    years = _date_names([name for name in table.columns if name not in taken])
    if columns.layout == "rows" or len(years) < 2 or len(years) + 1 < table.width or any(isinstance(year, str) for year in years.values()):
        return table, []
    part = next((name for name in table.columns if name not in years), None)
    if part is None or part in taken or table.height > LONGEST_YEAR:
        return table, []
    rows = table.filter(~table[part].cast(pl.String).str.contains(SUMMARY).fill_null(True))
    for role, count in (("month", 12), ("quarter", 4)):
        if rows.height == count and is_role(rows, part, role) and rows[part].n_unique() == count:
            _check_names([part], ("year", "value"), where)
            order = {year: i for i, year in enumerate(sorted(years, key=years.get))}
            long = rows.with_row_index("\0").unpivot(list(years), index=["\0", part], variable_name="year", value_name="value")
            long = long.sort(pl.col("year").replace_strict(order), "\0").with_columns(pl.col("year").replace_strict(years)).drop("\0")
            return long, [f"{where}: a row for each {part} and a column for each year are read as one series by {role}"]
    return table, []


def _minute_of_day(name: str) -> int | None:
    """The time that a column is named after, in minutes: 13:30, 13h, H14 or Hour 14 (in hours)."""
    if found := re.fullmatch(r"\s*(\d{1,2})[:hH.](\d{2})(?::00)?\s*(?:[-–]\s*\d{1,2}[:hH.]\d{2})?\s*", name):
        return int(found[1]) * 60 + int(found[2])
    found = re.fullmatch(r"(?i)\s*(?:h|he|hr|hour|hora|stunde|heure|uur|ora)[ _]?(\d{1,2})\s*|\s*(\d{1,2})[ _]?(?:h|hr|uhr)\s*", name)
    return 60 * int(found[1] or found[2]) if found else None


def dated_columns(table, columns: Columns, where: str):
    """A table with a row for each series and a column for each date or year → a row for each value.

    The texts of a row name its series: the first column of texts that is different in each row, or all of them together; without texts, the
    whole numbers of a column that is named like series. Further columns of numbers, such as the place on a map, are left out.

    Returns:
        The table, with the columns `date` or `year`, the name of the series, and `value`, and a note; as they were for another layout.
    """
    import polars as pl

    texts = [name for name in table.columns if table[name].dtype == pl.String and not _date_names([name])]
    texts = texts or [name for name in table.columns if _are_numbers_of_series(table[name])][:1]
    parts = _date_names([name for name in table.columns if name not in texts])
    if (
        columns.layout == "rows"
        or not texts
        or any(map(named_like_time, texts))
        or len(parts) < SHORTEST_DATED
        or {columns.time, *columns.targets} & set(parts)
    ):
        return table, []
    key = columns.series if columns.series in texts else next((n for n in texts if table[n].n_unique() == table.height), None)
    if key is None or (columns.series and columns.series not in texts):
        key = " ".join(texts)
        names = pl.concat_str([pl.col(name).fill_null("") for name in texts], separator=" ").str.strip_chars()
        table = table.with_columns(names.alias(key))
        if table[key].n_unique() < table.height:
            return table.select(c for c in table.columns if c != key or key in texts), []
    role = "year" if all(isinstance(value, int) for value in parts.values()) else "date"
    _check_names([key], (role, "value"), where)
    left_out = [name for name in table.columns if name not in parts and name not in (key, *texts)]
    frame = table.select(key, *parts).rename({key: "\0"})
    long = frame.unpivot(list(parts), index="\0", variable_name=role, value_name="value").rename({"\0": key})
    long = long.with_columns(pl.col(role).replace_strict(parts)) if role == "year" else long
    more = f"; {', '.join(left_out[:10])} is left out" if left_out else ""
    return long, [f"{where}: a row for each {key} and a column for each {role} are read as {table.height} series{more}"]


def _are_numbers_of_series(column) -> bool:
    return bool(column.dtype.is_integer() and named_like_series(column.name) and column.n_unique() == len(column))


def _check_names(kept: list[str], new: tuple[str, str], where: str) -> None:
    """Raise `DataError` where a kept column has the name of one that is made of the header."""
    for name in kept:
        if name in new:
            raise DataError(
                f"{where}: the times are in the header, and are read into columns {new[0]!r} and {new[1]!r}, but there is a column "
                f"{name!r} already; rename it."
            )


def _date_names(names: list[str]) -> dict[str, int | str]:
    """The columns whose names are years (1960, or 1960 [YR1960]) or, where there are none, dates; empty where few of them are."""
    import polars as pl

    years = {name: int(found[1]) for name in names if (found := re.fullmatch(r"[YyXx]?(1[5-9]\d\d|20\d\d|21\d\d)(?: \[YR\d{4}\])?", name))}
    if years:
        return years if len(set(years.values())) == len(years) >= len(names) / 2 else {}
    dated = [name for name in names if re.search(r"\d", name) and len(name) >= 6]
    try:
        found = moments(pl.Series("name", dated), "") if dated else None
    except DataError:
        return {}
    if found is None or found.stamps.dtype.kind != "M" or len(dated) < len(names) / 2:
        return {}
    return {name: name for name in dated}


def _part_of_year(name: str, role: str) -> int | None:
    """The month or quarter that a column is named after."""
    words = name_words(name)
    if len(words) != 1:
        return None
    if role == "quarter":
        found = re.fullmatch(r"q?([1-4])|([1-4])q", words[0])
        return int(found[1] or found[2]) if found else None
    return int(words[0]) if words[0].isdecimal() and 1 <= int(words[0]) <= 12 else MONTHS.get(words[0])
