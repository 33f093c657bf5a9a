"""Texts as moments: the forms that people write dates and times in, and how texts of a form are read."""

from __future__ import annotations

import datetime
from collections.abc import Callable

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
    *COMPACT, "quarter", "week", "month", "half", "years",
)  # fmt: skip
FORMS = (*ISO, *("%Y-%m-%d" + half for half in HALVES), *(day + clock for day in DAYS for clock in CLOCKS), *PARTS)
SWAPPED = {form.replace(a, b): form for a, b in (("%m/%d", "%d/%m"), ("%m-%d-", "%d-%m-")) for form in FORMS if form.startswith(a)}
ZONE = r"\s?([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"
MIDNIGHT = r"([ T])24(:00(?::00(?:\.0+)?)?)$"
DAY = datetime.timedelta(days=1)
CLEAR = r"(?:q|t|qtr|quarter|quartal|kwartaal|kwartał|кв|квартал|tr|trim|trimestre|trimester)\.?"
NAMED = rf"(?:{CLEAR}|k\.?)"  # K1 2024, as in Danish and Swedish
BETWEEN = r"[-/ ',]*(?:of |de |del )?"
NTH = r"(?:st|nd|rd|th|er|[eè]re|[eè]me|e|[ºª°.]|-?й)?"
FOURTH = r"[1-4]|i{1,3}|iv"
QUARTER = (  # FY2019Q3 is a quarter of a fiscal year
    rf"(?i)^(?:(?:fy ?)?(?P<y>\d{{4}})[-/ :,]*{NAMED}[ ]?(?P<q>{FOURTH})"
    rf"|{NAMED}[ ]?(?P<r>{FOURTH})[-/ ,'.]*(?:fy ?'?|of |de )?(?P<z>\d{{4}})|k(?P<c>{FOURTH})[-/'](?P<d>\d\d)"  # K1 50 is a code
    rf"|{CLEAR}[ ]?(?P<a>{FOURTH})[-/ ,'.]*(?:fy ?'?|of |de )?(?P<b>\d\d)|fy ?'?(?P<f>\d{{2}})[-/ ]*q(?P<g>[1-4])"
    rf"|(?P<s>{FOURTH}){NTH}[- ]?(?:{NAMED}{BETWEEN}(?P<x>\d{{4}})|{CLEAR}{BETWEEN}(?P<e>\d\d))"
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
TWO_YEARS = r"(?i)^(?:fy ?)?(?P<y>\d{4})[-/–](?P<z>\d{2}|\d{4})$"  # 2019/20, a year that begins in one and ends in the next
HALF = r"(?i)^(?:(?P<y>\d{4})[-/ ]?[hs](?P<h>[12])|[hs](?P<g>[12])[-/ ]?(?P<z>\d{4}))$"
SHAPES = {
    "%Y%m%d": r"^(19|20)\d{6}$", "%Y%m": r"^(19|20)\d{4}$", "%Y%m%d%H%M%S": r"^(19|20)\d{12}$", "%Y%m%d%H%M": r"^(19|20)\d{10}$",
    "%Y%m%dT%H%M%S": r"^(19|20)\d{6}T\d{6}$", "%Y%m%dT%H%M": r"^(19|20)\d{6}T\d{4}$", "%Y%m%d %H:%M": r"^(19|20)\d{6} \d\d?:\d\d$",
    "%Y%m%d %H:%M:%S": r"^(19|20)\d{6} \d\d?:\d\d:\d\d$", "%Y-%j": r"^\d{4}-\d{3}$", "quarter": QUARTER, "week": WEEK, "month": MONTH,
    "half": HALF, "years": TWO_YEARS,
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
CANONICAL = ("%Y-%m-%d", "%Y-%m")  # 2024年3月5日 becomes 2024-3-5
MIXED = " | "  # between the forms of a column that mixes several


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
    text = canonical(text) if reads_names(form) else text
    bare = text.str.replace(ZONE, "") if "%H" in form else text
    if "%H" in form and (ends := bare.str.contains(MIDNIGHT)).any():  # 24:00 ends the day
        found = parse(bare.str.replace(MIDNIGHT, "${1}00$2"), form)
        return found + ends.fill_null(False).cast(pl.Int64) * pl.Series([DAY], dtype=pl.Duration("us"))
    if form in ("quarter", "week", "month", "half", "years"):
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


def reads_names(form: str) -> bool:
    """Whether names of months, halves of the day or Asian marks are replaced before texts are read in this form."""
    return "%b" in form or "%p" in form or form in CANONICAL


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
    """The first day of quarters, weeks, months, halves and years as text, and the form of that text."""
    cut = text.str.extract_groups(SHAPES[form]).struct.unnest()
    first: Callable[..., pl.Expr] = lambda *names: pl.coalesce([pl.col(name) for name in names])  # noqa: E731
    if form == "week":
        made = first("y", "z") + "-W" + first("w", "v").str.zfill(2) + "-" + pl.col("d").fill_null("1")
        return cut.select(made).to_series(), "%G-W%V-%u"
    if form == "month":
        return cut.select(first("y", "z") + "-" + first("m", "n") + "-1").to_series(), "%Y-%m-%d"
    if form == "years":
        follows = (pl.col("y").cast(pl.Int64) + 1 - pl.col("z").cast(pl.Int64)) % 100 == 0  # else it is a month
        return cut.select(pl.when(follows).then(pl.col("y") + "-1-1")).to_series(), "%Y-%m-%d"
    if form == "half":
        month = (first("h", "g").cast(pl.Int8) * 6 - 5).cast(pl.String)
        return cut.select(first("y", "z") + "-" + month + "-1").to_series(), "%Y-%m-%d"
    year = first("y", "z", "x", "f", "v", "b", "d", "e")
    year = pl.when(year.str.len_chars() == 4).then(year).when(year < "70").then("20" + year).otherwise("19" + year)
    month = (first("q", "r", "s", "g", "w", "a", "c").str.to_lowercase().replace(ROMAN).cast(pl.Int8) * 3 - 2).cast(pl.String)
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
