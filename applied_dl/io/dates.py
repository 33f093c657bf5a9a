"""Texts as moments: the forms that people write dates and times in, which of them a column is written in, and day or month first."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from applied_dl.io.month_names import DAY_BEFORE, canonical

ISO = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
)  # fmt: skip
HALVES = (" %I:%M:%S %p", " %I:%M %p")
CLOCKS = ("", " %H:%M:%S%.f", " %H:%M", *HALVES)
DAYS = (
    "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%m-%d-%y", "%d-%m-%y",
    "%Y.%m.%d", "%y/%m/%d", "%y-%m-%d", "%y.%m.%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d %Y", "%Y %b %d", "%d %b %y", "%b %d %y",
)  # fmt: skip
COMPACT = ("%Y%m%d", "%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d%H%M", "%Y%m%dT%H%M", "%Y%m")
PARTS = (
    "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%Y.%m", "%m.%Y", "%B %Y", "%b %Y", "%Y %b", "%b %y", "%b %d %H:%M:%S %Y", "%Y-%j", "%Y-%m-%d %H",
    *COMPACT, "quarter", "week", "month", "half",
)  # fmt: skip
FORMS = (*ISO, *("%Y-%m-%d" + half for half in HALVES), *(day + clock for day in DAYS for clock in CLOCKS), *PARTS)
SWAPPED = {form.replace(a, b): form for a, b in (("%m/%d", "%d/%m"), ("%m-%d-", "%d-%m-")) for form in FORMS if form.startswith(a)}
ZONE = r"\s?([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"
MIDNIGHT = r"([ T])24(:00(?::00(?:\.0+)?)?)$"
DAY = datetime.timedelta(days=1)
NAMED = r"(?:q|t|k|qtr|quarter|quartal|kwartaal|kwartał|кв|квартал|tr|trim|trimestre|trimester)\.?"
NTH = r"(?:st|nd|rd|th|er|[eè]re|[eè]me|e|[ºª°.]|-?й)?"
FOURTH = r"[1-4]|i{1,3}|iv"
QUARTER = (  # FY2019Q3 is a quarter of a fiscal year
    rf"(?i)^(?:(?:fy ?)?(?P<y>\d{{4}})[-/ :,]*{NAMED}[ ]?(?P<q>{FOURTH})"
    rf"|{NAMED}[ ]?(?P<r>{FOURTH})[-/ ,'.]*(?:fy ?'?|of |de )?(?P<z>\d{{4}}|\d{{2}})|fy ?'?(?P<f>\d{{2}})[-/ ]*q(?P<g>[1-4])"
    rf"|(?P<s>{FOURTH}){NTH}[- ]?{NAMED}[-/ ',]*(?:of |de |del )?(?P<x>\d{{4}}|\d{{2}})"
    rf"|(?P<v>\d{{4}})[-/ ,]+(?P<w>{FOURTH}){NTH}[- ]?{NAMED})$"
)
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
WEEK = (
    r"(?i)^(?:(?P<y>\d{4})[-/ ]*(?:w|kw|wk|week)[ ]?(?P<w>\d\d?)(?:-?(?P<d>[1-7]))?"
    r"|(?:w|kw|wk|week)[ .\-]*(?P<v>\d\d?)[-/ ,]*(?P<z>\d{4}))$"
)
MONTH = (  # 2019M01, M01 2019, as statistical offices write it; M3 2019 is a car
    r"(?i)^(?P<y>\d{4})[-/ ]?m(?P<m>0?[1-9]|1[0-2])$|^m(?P<n>0[1-9]|1[0-2])[-/ ](?P<z>\d{4})$"
)
HALF = r"(?i)^(?:(?P<y>\d{4})[-/ ]?[hs](?P<h>[12])|[hs](?P<g>[12])[-/ ]?(?P<z>\d{4}))$"
SHAPES = {
    "%Y%m%d": r"^(19|20)\d{6}$", "%Y%m": r"^(19|20)\d{4}$", "%Y%m%d%H%M%S": r"^(19|20)\d{12}$", "%Y%m%d%H%M": r"^(19|20)\d{10}$",
    "%Y%m%dT%H%M%S": r"^(19|20)\d{6}T\d{6}$", "%Y%m%dT%H%M": r"^(19|20)\d{6}T\d{4}$", "%Y%m%d %H:%M": r"^(19|20)\d{6} \d\d?:\d\d$",
    "%Y%m%d %H:%M:%S": r"^(19|20)\d{6} \d\d?:\d\d:\d\d$", "%Y-%j": r"^\d{4}-\d{3}$", "quarter": QUARTER, "week": WEEK, "month": MONTH,
    "half": HALF,
}  # fmt: skip
INTERVAL = (  # its end: 01.02.2024 00:00 - 00:15, 2024-02-01T00:00Z/2024-02-01T01:00Z, 2024-01-01 - 2024-01-07
    r"(?i)(\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:z|utc|gmt|[+-]\d\d:?\d\d)?)(?:\s+(?:[-–—]|to|bis)\s+|/)\S[^/]*\d:\d\d.*$"
    r"|^(\d+[./-]\d+[./-]\d+)\s+(?:[-–—]|to|bis)\s+\d+[./-]\d+[./-]\d+$"
)
OFFSETS = {  # of names of zones that mean one offset nearly everywhere
    "WET": "+00:00", "WEST": "+01:00", "CET": "+01:00", "CEST": "+02:00", "MEZ": "+01:00", "MESZ": "+02:00", "EET": "+02:00",
    "EEST": "+03:00", "MSK": "+03:00", "EST": "-05:00", "EDT": "-04:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00",
    "PST": "-08:00", "PDT": "-07:00", "JST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00",
}  # fmt: skip
NAMED_ZONE = rf"(\d)\s?\(?({'|'.join(OFFSETS)})\)?$"
AROUND = (  # what stands before and behind a moment → what is left: a weekday, [Europe/Berlin], the GMT of GMT+0100,
    # the brackets and colon of a log, the comma of 1/31/2024, 12:00:00 AM, the dot of 10.15
    (DAY_BEFORE, "${1}"), (r"(\d[^(\[]*?)\s*[(\[（]\D+[)\]）]$", "${1}"), (r"(?:UTC|GMT)([+-]\d\d)", "${1}"),
    (r"(:\d\d)\s[A-Z][a-z]+/[A-Z]\w+$", "${1}"), (r"^\[(.+)\]$", "${1}"),
    (r"(?i)^(?:w/[ce]|week (?:commencing|beginning|starting|ending|of)):?\s*(\d)", "${1}"),
    (r"(\d),\s*(\d{1,2}[:.]\d\d)", "${1} ${2}"), (r"(\d)_(\d\d:)", "${1} ${2}"), (r"(\d{4}):(\d\d:\d\d:\d\d)", "${1} ${2}"),
    (r"^(\d+[./-]\d+[./-]\d+) (\d\d?)\.(\d\d)$", "${1} ${2}:${3}"), (r"^(\d+[./-]\d+[./-]\d+) (\d\d?)\s?[hH]$", "${1} ${2}:00"),
    (INTERVAL, "${1}${2}"),
)  # fmt: skip
NOT_BARE = (
    r"^\D|[^\dZz]$|\s\D+\s|:\d\d\S*/|(?:UTC|GMT)[+-]|\d,|_|\d{4}:|\s\d\d?\.\d\d$"  # what all of them have, so that others cost one search
)
FULL_YEAR = r"(^|\D)\d{4}(\D|$)"  # "%Y" would read 1/5/20 as the year 20
MIXED = " | "  # between the forms of a column that mixes several
ALL = 0.99  # share of the cells that several forms must read together
SAMPLE = 50  # cells that a form must fit before the whole column is tried
REGULAR = 0.6  # share of the steps of a grid that hold a moment, from which it is one
APART = 0.2  # share of its grid that one order of day and month must fill more than the other


TOKENS = {"%Y": r"\d{4}", "%B": "[A-Za-z]{3,}", "%b": "[A-Z][a-z][a-z]", "%p": "[AaPp][Mm]", "%.f": r"(\.\d+)?"}  # others: \d or \d\d


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """What texts of a form look like, so that few forms are tried."""
    if form in SHAPES:
        return re.compile(SHAPES[form])
    shape = re.sub(r"%\.f|%\w|[.]", lambda found: TOKENS.get(found[0], r"\d\d?" if "%" in found[0] else r"\."), form)
    return re.compile(shape + ("" if "%H" not in form else r"(\s?([Zz]|UTC|GMT|[+-]\d\d(:?\d\d)?))?") + "$")


class Written(NamedTuple):
    """How a column of moments is written: a form of `FORMS`, the share of its cells that fit, and whether the order of day and month is
    a guess."""

    form: str
    share: float
    guessed: bool


def parse(text: pl.Series, form: str) -> pl.Series:
    """Texts of one form as moments.

    Args:
        text: Strings.
        form: One of `FORMS`. Forms with `%b` read month names of many languages (`month_names.canonical`).

    Returns:
        Datetime[us] without a zone (the clock on the wall); null where a cell does not have the form.
    """
    if MIXED in form:
        found = [parse(text, one) for one in form.split(MIXED)]
        return pl.select(pl.coalesce(found)).to_series().alias(text.name)
    text = canonical(text) if "%b" in form or "%p" in form or form in CANONICAL else text
    bare = text.str.replace(ZONE, "") if "%H" in form else text
    if "%H" in form and (ends := bare.str.contains(MIDNIGHT)).any():  # 24:00 ends the day
        found = parse(bare.str.replace(MIDNIGHT, "${1}00$2"), form)
        return found + ends.fill_null(False).cast(pl.Int64) * pl.Series([DAY], dtype=pl.Duration("us"))
    if form in ("quarter", "week", "month", "half"):
        bare, form = _first_day(bare, form)
    shape = SHAPES.get(form) or (FULL_YEAR if "%Y" in form else None)
    if shape:
        fits = bare.str.contains(shape)
        bare = bare.to_frame("t").select(pl.when(fits).then(pl.col("t"))).to_series()
    if form == "%Y-%m-%d %H":
        bare, form = bare + ":00", form + ":%M"
    elif form != "%G-W%V-%u" and "%d" not in form and "%j" not in form:
        bare, form = "1 " + bare, "%d " + form
    kind = pl.Date if not any(part in form for part in ("%H", "%I")) else pl.Datetime("us")
    return bare.str.strptime(kind, form, strict=False).cast(pl.Datetime("us"))


CANONICAL = ("%Y-%m-%d", "%Y-%m")  # 2024年3月5日 becomes 2024-3-5


def bare_moments(text: pl.Series) -> pl.Series:
    """Moments without what people write around them: a weekday, the end of an interval, the name of a zone, which becomes its offset.

    Example:
        >>> bare_moments(pl.Series(["Mo, 05.02.2024", "05.02.2024 00:00 - 00:15", "05.02.2024 00:00 CET"])).to_list()
        ['05.02.2024', '05.02.2024 00:00', '05.02.2024 00:00+01:00']
    """
    if not text.str.contains(NOT_BARE).any():
        return text
    zones = text.str.extract(NAMED_ZONE, 2)
    if zones.null_count() < len(zones):
        named = text.str.replace(NAMED_ZONE, "${1}") + zones.replace_strict(OFFSETS, return_dtype=pl.String)
        text = named.fill_null(text)
    for pattern, left in AROUND:
        text = text.str.replace(pattern, left)
    return text


def _first_day(text: pl.Series, form: str) -> tuple[pl.Series, str]:
    """The first day of quarters, weeks, months and halves as text, and the form of that text."""
    cut = text.str.extract_groups({"quarter": QUARTER, "week": WEEK, "month": MONTH, "half": HALF}[form]).struct.unnest()
    first: Callable[..., pl.Expr] = lambda *names: pl.coalesce([pl.col(name) for name in names])  # noqa: E731
    if form == "week":
        made = first("y", "z") + "-W" + first("w", "v").str.zfill(2) + "-" + pl.col("d").fill_null("1")
        return cut.select(made).to_series(), "%G-W%V-%u"
    if form == "month":
        return cut.select(first("y", "z") + "-" + first("m", "n") + "-1").to_series(), "%Y-%m-%d"
    if form == "half":
        month = (first("h", "g").cast(pl.Int8) * 6 - 5).cast(pl.String)
        return cut.select(first("y", "z") + "-" + month + "-1").to_series(), "%Y-%m-%d"
    year = first("y", "z", "x", "f", "v")
    year = pl.when(year.str.len_chars() == 4).then(year).when(year < "70").then("20" + year).otherwise("19" + year)
    month = (first("q", "r", "s", "g", "w").str.to_lowercase().replace(ROMAN).cast(pl.Int8) * 3 - 2).cast(pl.String)
    return cut.select(year + "-" + month + "-1").to_series(), "%Y-%m-%d"


def parse_any(text: pl.Series, form: str) -> pl.Series:
    """As `parse`, and ISO 8601 beside the column's own form, without what stands around a moment (`bare_moments`)."""
    text = bare_moments(text)
    found = parse(text, form)
    for other in ISO:
        if found.null_count() == text.null_count():
            break
        found = found.fill_null(parse(text, other)) if other != form else found
    return found


def written(cells: pl.Series) -> Written | None:
    """How a column of texts writes its times, in one form or, joined by ` | `, in up to three that leave no doubt about day and month.

    Args:
        cells: Strings, null where empty.

    Returns:
        The form that most of the filled cells have; None where none fits any.
    """
    best, filled = _one_form(cells), cells.drop_nulls()
    while best is not None and 0.2 < best.share < ALL and best.form.count(MIXED) < 2:
        rest = filled.filter(parse_any(filled, best.form).is_null())
        other = _one_form(rest)
        if other is None or other.guessed or other.share < 0.2 or _swapped(other.form, best.form):
            break
        form = best.form + MIXED + other.form
        best = Written(form, 1 - parse_any(filled, form).null_count() / len(filled), best.guessed)
    return best if best is None or MIXED not in best.form or best.share >= ALL else _one_form(cells)


def _swapped(form: str, others: str) -> bool:
    """Whether two forms could read the same cell as different days."""
    numeric: Callable[[str], bool] = lambda one: "%b" not in one and "%B" not in one and "%Y" in one and not one.startswith("%Y")  # noqa: E731
    sign: Callable[[str], str] = lambda one: re.sub(r"%\w", "", one)[:1]  # noqa: E731
    return any(form == other or (numeric(form) and numeric(other) and sign(form) == sign(other)) for other in others.split(MIXED))


def _one_form(cells: pl.Series) -> Written | None:
    """How a column of texts writes its times.

    Args:
        cells: Strings, null where empty.

    Returns:
        The form that most of the filled cells have; None where none fits any.
    """
    filled = cells.drop_nulls()
    if not len(filled):
        return None
    some = bare_moments(filled.gather_every(max(1, len(filled) // SAMPLE)))
    names = canonical(some)
    shapes: dict[str, list[Any]] = {}  # cells that differ in their digits alone are tried once
    for cell, name in zip(some.to_list(), names.to_list()):
        entry = shapes.setdefault(re.sub(r"\d", "0", cell), [cell, name, 0])
        entry[2] += 1
    fits = {
        form: sum(count for cell, name, count in shapes.values() if _pattern(form).match(name if _reads_names(form) else cell))
        for form in FORMS
    }
    likely = sorted((form for form in FORMS if fits[form]), key=lambda form: -fits[form])
    if not likely:  # most texts
        return None
    filled = bare_moments(filled)
    best, share, equal = None, 0.0, []
    for form in likely[:6]:
        fit = 1 - parse(filled, form).null_count() / len(filled)
        equal += [form] if fit and fit == share else []
        if fit > share:
            best, share, equal = form, fit, [form]
    if best is None:
        return None
    others = [form for form in equal if form != best and SWAPPED.get(form) != best and SWAPPED.get(best) != form]
    ordered = _order(filled, best, share)
    return _year_first(filled, ordered, [form for form in others if form.startswith("%y")]) if best.find("%y") > 0 else ordered


def _reads_names(form: str) -> bool:
    return "%b" in form or "%p" in form or form in CANONICAL


def _year_first(filled: pl.Series, best: Written, others: list[str]) -> Written:
    """24-01-31 is no 24th of January 2031 where the year in front gives times that rise on a grid and the year behind does not."""
    if not others:
        return best
    last, first = (parse(filled, form).drop_nulls().to_numpy() for form in (best.form, others[0]))
    better = (_rising(first), regular(first)) > (_rising(last), regular(last))
    return Written(others[0], best.share, False) if better else best


def _order(filled: pl.Series, form: str, share: float) -> Written:
    """Day or month first: the one that more cells allow, else the one whose moments rise or lie on a grid, else a guess."""
    other = SWAPPED.get(form) or next((swapped for swapped, one in SWAPPED.items() if one == form), None)
    if other is None:
        return Written(form, share, False)
    first, second = sorted((form, other), key=lambda one: one in SWAPPED)  # month first
    found = [parse(filled, one) for one in (first, second)]
    shares = [1 - moments.null_count() / len(filled) for moments in found]
    if shares[0] != shares[1]:
        at = int(shares[1] > shares[0])
        return Written((first, second)[at], shares[at], False)
    known = [moments.drop_nulls().to_numpy() for moments in found]
    if np.array_equal(*known):
        return Written(first, share, False)
    for a, b in (tuple(map(_rising, known)), tuple(map(regular, known))):
        if abs(a - b) > APART and max(a, b) > REGULAR:
            return Written(second if b > a else first, share, False)
    return Written(first, share, True)


def _rising(moments: np.ndarray) -> float:
    """1.0 where the times rise from row to row, or fall, as in a file with the newest row first."""
    steps = np.diff(moments)
    return float((steps >= np.timedelta64(0)).all() or (steps <= np.timedelta64(0)).all())


def regular(moments: np.ndarray) -> float:
    """The share of the steps of a grid that hold a moment, of days or of months, whichever is larger."""
    moments = np.unique(moments)
    if len(moments) < 3:
        return 0.0
    months = np.unique(moments.astype("datetime64[M]"))
    places = [moments.astype(np.int64)] + ([months.astype(np.int64)] if len(months) == len(moments) else [])
    return max(_filled(np.diff(place)) for place in places)


def _filled(gaps: np.ndarray) -> float:
    values, counts = np.unique(gaps, return_counts=True)
    step = values[counts.argmax()]
    return float(((gaps % step == 0).sum() + 1) / (gaps.sum() / step + 1))


def whole_form(cells: pl.Series) -> str | None:
    """The form of whole numbers, or of texts of digits, all of which are dates or times: `%Y%m%d`, `%Y%m` or those with a clock."""
    filled = cells.drop_nulls().cast(pl.String)
    forms = [form for form in ("%Y%m%d", "%Y%m", "%Y%m%d%H%M", "%Y%m%d%H%M%S") if len(filled) and not parse(filled, form).null_count()]
    return forms[0] if forms else None
