"""What part of a time a column holds: year, quarter, month, week, day, a time of day, the slot of a day, an offset from UTC."""

from __future__ import annotations

import re

from applied_dl.io.month_names import MONTHS
from applied_dl.tasks.forecast.readers.time_names import ROLES, name_words

RANGES = {"year": (1500, 2200), "quarter": (1, 4), "month": (1, 12), "week": (1, 53), "day": (1, 31), "clock": (0, 24)}
SHORT_YEARS = (40, 99)  # two digits of 1940 to 1999
CLOCK = (  # a time of day, or the one that an interval such as 00:00-01:00 begins with
    r"^\s*(\d{1,2})[:.hH](\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*"
    r"(?:(?:-|–|to|bis)\s*\d{1,2}[:.hH]\d{2}(?::\d{2})?\s*(?:[AaPp]\.?[Mm]\.?)?\s*)?$"
)
OFFSET = r"^\s*(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?\s*$"  # from UTC, such as +01:00
OFFSET_WORDS = {"offset", "utc", "gmt", "tz", "timezone", "zone", "zeitzone"}
SLOT_WORDS = {"he", "hour", "ending", "interval", "period", "slot", "sp", "tp", "stunde", "periode", "periodo", "intervall", "intervalo"}
SLOTS = {(0, 23): "clock", (1, 24): "slots 24", (1, 48): "slots 48", (1, 96): "slots 96"}  # numbers of one day → role


def is_role(table, name: str, role: str) -> bool:
    """Whether a column is named like a part of a date and holds such numbers (or names of months)."""
    import polars as pl

    words, column = name_words(name), table[name]
    if not any(ROLES.get(word) == role for word in words) or not column.len() or column.null_count() > 0.05 * column.len():
        return False
    if column.dtype == pl.String:
        return role in PART_NUMBERS and all(PART_NUMBERS[role](cell) for cell in column.drop_nulls().unique().to_list())
    known = column.drop_nulls()
    if not column.dtype.is_numeric() or not (known == known.round(0)).all():
        return False
    ranges = [RANGES[role], *([SHORT_YEARS] if role == "year" else [])]
    return any(bool(((known >= low) & (known <= high)).all()) for low, high in ranges)


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


def slots_of_day(table, time: str, free: list[str]) -> tuple[str, str] | None:
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


def is_offset(table, name: str) -> bool:
    """Whether a column holds how far the clock of each row is from UTC."""
    import polars as pl

    column = table[name]
    if not OFFSET_WORDS & set(name_words(name)) or column.dtype != pl.String or not column.len() or column.null_count():
        return False
    return bool(column.str.contains(OFFSET).all())


def is_clock(table, name: str) -> bool:
    """Whether a column holds times of day."""
    import polars as pl

    column = table[name]
    if column.dtype == pl.Time or (column.dtype == pl.String and clock_texts(column)):
        return column.n_unique() > 1
    return column.n_unique() > 1 and (is_role(table, name, "clock") or (_named_clock(name) and hour_minute(column)))


def _named_clock(name: str) -> bool:
    return any(ROLES.get(word) == "clock" for word in name_words(name))


def hour_minute(column) -> bool:
    """Whether whole numbers, or texts of digits, are times such as 0, 30, 100 and 2330 (or 0030)."""
    import polars as pl

    whole = column.cast(pl.Int64, strict=False) if column.dtype == pl.String or column.dtype.is_integer() else None
    if whole is None or not len(whole) or whole.null_count():
        return False
    return bool(whole.max() > 96 and whole.min() >= 0 and whole.max() <= 2400 and (whole % 100 < 60).all())


def clock_texts(column) -> bool:
    """Whether all texts are times of day, such as 14:30 or 2:30 pm."""
    filled = column.drop_nulls()
    return bool(len(filled)) and bool(filled.head(200).str.contains(CLOCK).all())
