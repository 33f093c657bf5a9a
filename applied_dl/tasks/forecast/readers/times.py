"""The column of times of a table: found by its values, or put together from a date and a clock, or from year, month and day columns."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.month_names import MONTHS
from applied_dl.io.stamps import moments
from applied_dl.tasks.forecast.series import Columns

TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds", "day", "week", "month", "quarter", "year", "stamp")
WORDS = {  # of a column's name, without accents, by what its values are
    "year": "year yr jahr annee ano anno jaar rok ar yyyy",
    "quarter": "quarter qtr quartal trimestre trimester kwartaal kvartal kwartal q",
    "month": "month mon mnth monat mois mes mese maand manad maned miesiac mm",
    "week": "week wk weeknum kw woche semaine semana settimana vecka uke tydzien",
    "day": "day dom mday tag jour dia giorno dag dzien dd",
    "clock": "hour hr hh time clock uhrzeit stunde zeit uhr heure hora ora uur tijd godzina tid klokkeslett",
}
OTHER_TIME_WORDS = (
    "date datetime timestamp ts ds stamp epoch unix unixtime unixtimestamp dt period datum zeitpunkt zeitstempel fecha fechahora data "
    "horodatage czas дата время 日期 时间 日付 날짜 created at"
)
WEEKDAY_WORDS = "weekday dow dayofweek wday wochentag jour_semaine diasemana"
RANGES = {"year": (1500, 2200), "quarter": (1, 4), "month": (1, 12), "week": (1, 53), "day": (1, 31), "clock": (0, 24)}
CLOCK = (  # a time of day, or the one that an interval such as 00:00-01:00 begins with
    r"^\s*(\d{1,2})[:.hH](\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*"
    r"(?:(?:-|–|to|bis)\s*\d{1,2}[:.hH]\d{2}(?::\d{2})?\s*(?:[AaPp]\.?[Mm]\.?)?\s*)?$"
)
OFFSET = r"^\s*(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?\s*$"  # from UTC, such as +01:00
OFFSET_WORDS = {"offset", "utc", "gmt", "tz", "timezone", "zone", "zeitzone"}
SLOT_WORDS = {"he", "hour", "ending", "interval", "period", "slot", "sp", "tp", "stunde", "periode", "periodo", "intervall", "intervalo"}
SLOTS = {(0, 23): "clock", (1, 24): "slots 24", (1, 48): "slots 48", (1, 96): "slots 96"}  # numbers of one day → role
REPEATED = 0.7  # of the rows have a date of their own, at most, where a second column holds the time of day

ROLES = {word: role for role, words in WORDS.items() for word in words.split()}
TIME_WORDS = {*ROLES, *OTHER_TIME_WORDS.split()}


def name_words(name: str) -> list[str]:
    """A column name in lower-case words without accents: `Order Date` and `orderDate` → order, date."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart.lower()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def named_like_time(name: str) -> bool:
    """Whether a name has a word that names times."""
    return any(word in TIME_WORDS for word in name_words(name))


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
    stamps, form = _joined(table, parts, columns.form, where)
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
    likely = [n for n in sorted(texts, key=lambda n: n not in named) if _text_times(table[n])]
    counted = [n for n in free if table[n].dtype.is_numeric() and _numeric_times(table[n], n in named)]
    first = next(iter((*temporal, *likely, *sorted(counted, key=lambda n: n not in named))), None)
    if first is not None:
        return first
    return next((n for n in named if n.lower() in TIME_NAMES and not table[n].dtype.is_float() and _counts_up(table[n])), None)


def _text_times(column) -> bool:
    if _clock_texts(column):
        return False
    try:
        return moments(column.drop_nulls().head(200), "") is not None
    except DataError:
        return True


def _numeric_times(column, named: bool) -> bool:
    from applied_dl.io.numeric_times import numeric_form

    values = column.drop_nulls().to_numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    return len(values) >= 0.95 * len(column) and numeric_form(values, named) is not None


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
    if time is not None and (offset := next((n for n in free if _is_offset(table, n)), None)):
        rest = table.drop(offset)
        return [*(_parts(rest, columns, time) or [("date", time)]), ("offset", offset)]
    if time is not None and not is_role(table, time, "year"):
        if table[time].n_unique() > REPEATED * table.height or not _whole_days(table[time], columns.form):
            return []
        clock = next((n for n in free if _is_clock(table, n)), None)
        slots = None if clock else _slots(table, time, free)
        return [("date", time), ("clock", clock)] if clock else [("date", time), slots] if slots else []
    year = time if time is not None else next((n for n in free if is_role(table, n, "year")), None)
    if year is None or (time is not None and table[time].n_unique() > REPEATED * table.height):
        return []
    found = {role: next((n for n in free if n != year and is_role(table, n, role)), None) for role in ("quarter", "month", "week", "day")}
    clock = next((n for n in free if _is_clock(table, n)), None)
    if found["month"]:
        parts = [("year", year), ("month", found["month"])] + ([("day", found["day"])] if found["day"] else [])
        return parts + ([("clock", clock)] if clock and found["day"] else [])
    if found["quarter"] or found["week"]:
        role = "quarter" if found["quarter"] else "week"
        return [("year", year), (role, found[role])]
    return []


def is_role(table, name: str, role: str) -> bool:
    """Whether a column is named like a part of a date and holds such numbers (or names of months)."""
    import polars as pl

    words, column = name_words(name), table[name]
    if not any(ROLES.get(word) == role for word in words) or not column.len() or column.null_count() > 0.05 * column.len():
        return False
    if column.dtype == pl.String:
        return role in PART_NUMBERS and all(PART_NUMBERS[role](cell) for cell in column.drop_nulls().unique().to_list())
    low, high = RANGES[role]
    known = column.drop_nulls()
    return column.dtype.is_numeric() and bool(((known >= low) & (known <= high) & (known == known.round(0))).all())


def _month_number(cell: str) -> int | None:
    return MONTHS.get((name_words(cell) or [""])[0])


def _in_words(cell: str, role: str) -> int | None:
    """The number in `Q3`, `3Q`, `3rd quarter`, `W07` or `KW 7`."""
    found = re.fullmatch(r"[^\d]{0,12}?(\d{1,2})[^\d]{0,12}", cell.strip())
    return int(found[1]) if found and RANGES[role][0] <= int(found[1]) <= RANGES[role][1] else None


PART_NUMBERS = {  # of cells that are texts, by role
    "month": _month_number,
    "quarter": lambda cell: _in_words(cell, "quarter"),
    "week": lambda cell: _in_words(cell, "week"),
}


def _slots(table, time: str, free: list[str]) -> tuple[str, str] | None:
    """The column of whole numbers that counts the hours, half-hours or quarters of an hour of each day from 1 (or hours from 0): its role
    and name."""
    import polars as pl

    for name in free:
        column = table[name]
        if column.dtype == pl.String:  # 01, 02, …
            column = column.cast(pl.Int64, strict=False)
        if (
            not SLOT_WORDS & set(name_words(name))
            or not column.dtype.is_integer()
            or column.null_count()
            or table.select(time, name).n_unique() < 0.98 * table.height
        ):
            continue
        low, high, count = column.min(), column.max(), column.n_unique()
        days = table[time].n_unique()
        if (low, high) in SLOTS and count == high - low + 1 and table.height >= 0.8 * days * count:
            return SLOTS[low, high], name
    return None


def _is_offset(table, name: str) -> bool:
    """Whether a column holds how far the clock of each row is from UTC."""
    import polars as pl

    column = table[name]
    if not OFFSET_WORDS & set(name_words(name)) or column.dtype != pl.String or not column.len() or column.null_count():
        return False
    return bool(column.str.contains(OFFSET).all())


def _is_clock(table, name: str) -> bool:
    import polars as pl

    column = table[name]
    if column.dtype == pl.Time or (column.dtype == pl.String and _clock_texts(column)):
        return column.n_unique() > 1
    return column.n_unique() > 1 and (is_role(table, name, "clock") or (_named_clock(name) and _hour_minute(column)))


def _named_clock(name: str) -> bool:
    return any(ROLES.get(word) == "clock" for word in name_words(name))


def _hour_minute(column) -> bool:
    """Whether whole numbers, or texts of digits, are times such as 0, 30, 100 and 2330 (or 0030)."""
    import polars as pl

    whole = column.cast(pl.Int64, strict=False) if column.dtype == pl.String or column.dtype.is_integer() else None
    if whole is None or not len(whole) or whole.null_count():
        return False
    return bool(whole.max() > 96 and whole.min() >= 0 and whole.max() <= 2400 and (whole % 100 < 60).all())


def _clock_texts(column) -> bool:
    filled = column.drop_nulls()
    return bool(len(filled)) and bool(filled.head(200).str.contains(CLOCK).all())


def _whole_days(column, form: str) -> bool:
    try:
        found = moments(column.drop_nulls().head(2000), "", form)
    except DataError:
        return False
    return found is not None and found.stamps.dtype.kind == "M" and bool((found.stamps == found.stamps.astype("datetime64[D]")).all())


def _joined(table, parts, form: str, where: str) -> tuple[np.ndarray, str]:
    """The moments of the parts, and the form of the date."""
    by_role = dict(parts)
    if "date" in by_role:
        found = moments(table[by_role["date"]], where, form)
        if found is None or found.stamps.dtype.kind != "M":
            raise DataError(f"{where}: the column {by_role['date']!r} holds no dates (the first: {table[by_role['date']][0]!r}).")
        stamps, form = found.stamps.astype("datetime64[us]"), found.form
    else:
        year = _numbers(table, by_role["year"], where)
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
    elif _hour_minute(column):
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
