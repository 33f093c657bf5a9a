"""Numbers that are times, recognised by their values: seconds since 1970, Excel days, years with decimals, years, dates as 20240131."""

from __future__ import annotations

import re

import numpy as np

FIRST_YEAR, LAST_YEAR = 1500, 2200
EPOCHS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # units in a second
CENTURY = (1e9, 3e9)  # seconds since 1970: 2001 to 2065
EXCEL = (20_000, 60_000)  # days since 1899-12-30: 1954 to 2064
EXCEL_STEPS = {1, 2, 3, 4, 7, 14, 28, 29, 30, 31, 90, 91, 92, 181, 182, 183, 184, 365, 366}
PER_YEAR = (1, 2, 4, 6, 12, 26, 52, 365, 8766)  # steps in a year that decimals of a year count
SINGLE = 0.02  # of the last digit, by which numbers are off that were stored in single precision: 1947.010010
CYCLES = (7, 12, 24, 48, 52, 96, 168, 336, 365)  # steps in a season of R's series without dates
ORDERED = 0.99  # share of steps in one direction, from which a column without a telling name counts as a clock
BY_PARTS = ("year.month", "year.quarter", "month.year", "year.week")  # 1871.02, 1990.4, 2.1871, 202453
ROUNDED = 0.1  # of a month, by which decimals may be less than it: 1980.16 is March
MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720)  # that logs of spreadsheets count in
YEAR_NAME = re.compile(r"(?i)(?:^|[^a-z])(?:year|yr|jahr|annee|ano|anno|date|datum)(?:[^a-z]|$)")
LEAST_DATES = 10  # numbers that are all dates are no coincidence
SHORT_YEARS = (40, 100)  # two digits of 1940 to 1999; of later years they are months and days too
DIGITS = (8, 6, 10, 12, 14)  # of 20240131, 202401, 2024013110, 202401311015, 20240131101500


def numeric_form(values: np.ndarray, named: bool, name: str = "") -> str | None:
    """How a column of numbers counts time.

    Args:
        values: (N,) finite numbers in the order of the file.
        named: Whether the column is named like a time, or named as the time by the recipe; otherwise its order must speak for it.
        name: Of the column: years of two digits are read where it is named like a year.

    Returns:
        A form for `from_numbers`, None where the numbers are no times. Numbers of rows (1, 2, 3, …) are no times.

    Example:
        >>> numeric_form(np.array([1960.0, 1960.25, 1960.5, 1960.75]), named=True)
        'decimal_year:4'
    """
    values = np.asarray(values, np.float64)
    unique = np.unique(values)
    if len(unique) < (1 if named else 3):
        return None
    turns = np.diff(values)
    turns = turns[turns != 0]
    ordered = len(turns) > 0 and max((turns > 0).mean(), (turns < 0).mean()) >= ORDERED
    steps = np.diff(unique)
    low, high, whole = unique[0], unique[-1], bool((unique == np.rint(unique)).all())
    if whole and (form := _compact(unique, named or ordered)):
        return form
    if form := _short_years(unique, steps, name):
        return form
    if whole and (named or ordered) and _are_weeks(unique):
        return "year.week"
    for unit, size in EPOCHS.items():
        least = 1e8 if named else CENTURY[0]
        if least * size <= low and high <= CENTURY[1] * size and (named or ordered or _regular(steps)):
            return f"epoch:{unit}"
    if named and (form := _cycles(values)):
        return form
    if _months_first(unique, named):
        return "month.year"
    if low >= FIRST_YEAR and high < LAST_YEAR:
        if whole:
            return "year" if named or (ordered and len(unique) == len(values) and (steps == steps[0]).all()) else None
        return _decimal(unique, steps) if named or ordered else None
    if EXCEL[0] <= low and high <= EXCEL[1]:
        typical = len(steps) > 0 and ((np.isin(steps, list(EXCEL_STEPS)).mean() > 0.9 and not (steps == 1).all()) or _of_a_day(steps))
        return "excel" if named or (ordered and typical) else None
    return None


def season_in_times(form: str) -> int | None:
    """Steps of a season, where the times of a file count seasons."""
    kind, _, detail = form.partition(":")
    return int(detail) if kind == "cycle" else None


def from_numbers(values: np.ndarray, form: str) -> np.ndarray:
    """Numbers of a form of `numeric_form` as `datetime64[us]`; not a time (NaT) where a number is not finite or does not have the form."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    kind, _, detail = form.partition(":")
    if kind == "short":
        century, _, rest = detail.partition(":")
        return from_numbers(values + int(century) * (10**6 if rest == "compact:8" else 100), rest)
    found = np.full(len(values), np.datetime64("NaT"), "datetime64[us]")
    v = values[known]
    if kind == "epoch":
        found[known] = np.rint(v / EPOCHS[detail] * 1e6).astype(np.int64).astype("datetime64[us]")
    elif kind == "excel":
        seconds = np.rint(v * 86400).astype(np.int64)
        found[known] = np.datetime64("1899-12-30", "us") + seconds.astype("timedelta64[s]")
    elif kind == "compact":
        found[known] = _from_compact(v, int(detail))
    elif kind == "year":
        found[known] = (v.astype(np.int64) - 1970).astype("datetime64[Y]")
    elif kind == "year.month":
        code = np.rint(v * 100).astype(np.int64)
        found[known] = ((code // 100 - 1970) * 12 + code % 100 - 1).astype("datetime64[M]")
    elif kind == "year.quarter":
        code = np.rint(v * 10).astype(np.int64)
        found[known] = ((code // 10 - 1970) * 12 + (code % 10 - 1) * 3).astype("datetime64[M]")
    elif kind == "year.week":  # week 1 holds January 4
        code = np.rint(v).astype(np.int64)
        fourth = (code // 100 - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3
        found[known] = fourth - (fourth.astype(np.int64) + 3) % 7 + 7 * (code % 100 - 1)
    elif kind == "month.year":
        code = np.rint(v * 10**4).astype(np.int64)
        found[known] = ((code % 10**4 - 1970) * 12 + code // 10**4 - 1).astype("datetime64[M]")
    else:
        found[known] = _from_decimal(v, detail)
    return found


def _are_weeks(unique: np.ndarray) -> bool:
    """Whether whole numbers are years and weeks, such as 202401 to 202452: more than the months of a year, and no 202454."""
    year, week = unique // 100, unique % 100
    return bool((year >= 1900).all() and (year < 2100).all() and (week >= 1).all() and (week <= 53).all() and (week > 12).any())


def _cycles(values: np.ndarray) -> str | None:
    """Numbers of seasons with decimals, as R writes the times of a series without dates: 1.0, 1.142857, … are the days of weeks."""
    steps = np.diff(values)
    if len(steps) < 2 or values[0] < 1 or values[-1] >= FIRST_YEAR or (steps <= 0).any():
        return None
    count = round(1 / float(steps.mean()))
    even = (np.abs(steps * count - 1) < 1e-6).all()
    return f"cycle:{count}" if even and count in CYCLES and len(values) >= 2 * count else None


def _short_years(unique: np.ndarray, steps: np.ndarray, name: str) -> str | None:
    """Years of two digits, whole or with decimals (73, 95.25), as the last two of 1940 to 1999."""
    low, high = SHORT_YEARS
    if len(unique) < 3 or unique[0] < low or unique[-1] >= high or not YEAR_NAME.search(name):
        return None
    if (unique == np.rint(unique)).all():
        return None if "date" in name.lower() else "short:19:year"
    form = _decimal(unique + 1900, steps)
    return form and f"short:19:{form}"


def _short_dates(unique: np.ndarray) -> str | None:
    """Dates whose year has two digits, such as 800131, where they are no months such as 202401."""
    if len(unique) < LEAST_DATES or unique[0] < 10**5 or unique[-1] >= 10**6:
        return None
    century = 19 if unique[0] >= SHORT_YEARS[0] * 10**4 else 20
    if century == 20 and unique[-1] >= SHORT_YEARS[0] * 10**4:
        return None
    dates = _from_compact(unique + century * 10**6, 8)
    if np.isnat(dates).any() or ((unique % 100 <= 12).all() and not np.isnat(_from_compact(unique, 6)).any()):
        return None
    return f"short:{century}:compact:8"


def _compact(unique: np.ndarray, likely: bool) -> str | None:
    """20240131 by itself; 202401, 202401311015 and 20240131101500 where the column is likely a time."""
    if likely and (form := _short_dates(unique)):
        return form
    digits = len(str(int(unique[-1]))) if unique[-1] < 1e15 else 0
    if digits not in DIGITS or len(str(int(unique[0]))) != digits or (digits == 6 and not likely):
        return None
    found = _from_compact(unique, digits)
    year = found.astype("datetime64[Y]").astype(np.int64) + 1970
    return f"compact:{digits}" if not np.isnat(found).any() and ((year >= 1900) & (year < 2100)).all() else None


def _from_compact(values: np.ndarray, digits: int) -> np.ndarray:
    number = values.astype(np.int64)
    clock = {10: 100, 12: 10**4, 14: 10**6}.get(digits, 1)
    date, time = number // clock, number % clock
    time = time * {10: 10**4, 12: 100, 14: 1}.get(digits, 0)
    date = date * 100 + 1 if digits == 6 else date
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    hour, minute, second = time // 10_000, time // 100 % 100, time % 100
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    fits = (month >= 1) & (month <= 12) & (days.astype("datetime64[M]") == months) & (hour < 24) & (minute < 60) & (second < 60)
    found = days.astype("datetime64[us]") + (hour * 3600 + minute * 60 + second).astype("timedelta64[s]")
    return np.where(fits & (day >= 1), found, np.datetime64("NaT"))


def _decimal(unique: np.ndarray, steps: np.ndarray) -> str | None:
    """Years with decimals: 1960.25 for the second quarter; 1871.02 for February where no number ends above .12, 1960.2 for the second
    quarter where all end in .1 to .4."""
    code = np.rint(unique * 100).astype(np.int64)
    months = code % 100
    if (np.abs(unique * 100 - code) < SINGLE).all() and set(months) <= set(range(1, 13)) and len(set(months)) > 10:
        return "year.month"
    code = np.rint(unique * 10).astype(np.int64)
    if (np.abs(unique * 10 - code) < SINGLE).all() and set(code % 10) == {1, 2, 3, 4}:
        return "year.quarter"
    if not len(steps):
        return None
    rate = 1 / np.median(steps)
    count = min(PER_YEAR, key=lambda n: abs(np.log(rate / n)))
    whole = np.abs(steps * count - np.rint(steps * count)) < 0.2
    if abs(rate / count - 1) > 0.1 or whole.mean() < 0.9:
        return None
    if count != 52:
        return f"decimal_year:{count}"
    weekdays = (_day_of(unique).astype(np.int64) + 3) % 7
    return f"decimal_year:52:{np.bincount(weekdays).argmax()}"


def _day_of(values: np.ndarray) -> np.ndarray:
    year = np.floor(values).astype(np.int64)
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    length = ((year - 1969).astype("datetime64[Y]").astype("datetime64[D]") - start).astype(np.int64)
    return start + np.rint((values - year) * length).astype(np.int64)


def _from_decimal(values: np.ndarray, detail: str) -> np.ndarray:
    count, _, weekday = detail.partition(":")
    count = int(count)
    if count <= 12:  # decimals are rounded: 0.0833 is February, and as 0.08 too
        slot = np.floor(values * count + ROUNDED).astype(np.int64)
        return (slot * (12 // count) - 1970 * 12).astype("datetime64[M]").astype("datetime64[us]")
    if count == 8766:
        year = np.floor(values).astype(np.int64)
        start = (year - 1970).astype("datetime64[Y]").astype("datetime64[s]")
        length = ((year - 1969).astype("datetime64[Y]").astype("datetime64[s]") - start).astype(np.int64)
        return (start + np.rint((values - year) * length / 3600).astype(np.int64) * 3600).astype("datetime64[us]")
    days = _day_of(values)
    if weekday:  # rounding moves a week's day by one
        days = days + (int(weekday) - (days.astype(np.int64) + 3) % 7 + 3) % 7 - 3
    return days.astype("datetime64[us]")


def _months_first(unique: np.ndarray, named: bool) -> bool:
    """Whether all numbers are a month, a point and a year, as 01.2012 is read; in a column that is not named like a time, of several years
    in a row, which 1.2, 2.2, 3.2 are not."""
    code = np.rint(unique * 10**4)
    month, year = code // 10**4, code % 10**4
    fits = (month >= 1) & (month <= 12) & (year >= 1900) & (year < 2100)
    if not (np.abs(unique * 10**4 - code) < 1e-6).all() or not fits.all():
        return False
    years = np.unique(year)
    return named or (len(years) > 1 and bool((np.diff(years) == 1).all()))


def _of_a_day(steps: np.ndarray) -> bool:
    """Whether most steps are whole multiples of one that divides a day, in minutes."""
    minutes = float(np.median(steps)) * 1440
    unit = min(MINUTES, key=lambda n: abs(n - minutes))
    places = steps * 1440 / unit
    return abs(minutes - unit) < 0.02 * unit and float((np.abs(places - np.rint(places)) < 0.02).mean()) > 0.9


def _regular(steps: np.ndarray) -> bool:
    """Whether most steps are multiples of the median one."""
    middle = np.median(steps) if len(steps) else 0
    return bool(middle > 0 and (np.abs(steps / middle - np.rint(steps / middle)) < 0.02).mean() > 0.9)
