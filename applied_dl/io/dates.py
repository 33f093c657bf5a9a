"""Texts as moments: the forms that people write dates and times in, which of them a column is written in, and day or month first."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

ISO = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
)  # fmt: skip
CLOCKS = ("", " %H:%M:%S%.f", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
DAYS = ("%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d %B %Y", "%B %d, %Y")
PARTS = ("%Y-%m", "%Y/%m", "%m/%Y", "%B %Y", "%Y%m%d", "%Y%m", "quarter", "week")
FORMS = (*ISO, *(day + clock for day in DAYS for clock in CLOCKS), *PARTS)
SWAPPED = {form.replace(a, b): form for a, b in (("%m/%d", "%d/%m"), ("%m-%d-", "%d-%m-")) for form in FORMS if form.startswith(a)}
ZONE = r"([Zz]|[+-]\d\d:?\d\d)$"
QUARTER = r"^(?:(?P<y>\d{4})[-/ ]?[Qq](?P<q>[1-4])|[Qq](?P<r>[1-4])[-/ ]?(?P<z>\d{4}))$"
SHAPES = {"%Y%m%d": r"^(19|20)\d{6}$", "%Y%m": r"^(19|20)\d{4}$", "quarter": QUARTER, "week": r"^\d{4}-?W\d\d$"}
FULL_YEAR = r"(^|\D)\d{4}(\D|$)"  # "%Y" would read 1/5/20 as the year 20
SAMPLE = 50  # cells that a form must look like before the whole column is tried
REGULAR = 0.6  # share of the steps of a grid that hold a moment, from which it is one
APART = 0.2  # share of its grid that one order of day and month must fill more than the other
KNOWN_ERAS = ((1e9, 3e9, "s"), (1e12, 3e12, "ms"))  # whole numbers that are seconds or milliseconds since 1970: 2001 to 2065


TOKENS = {"%Y": r"\d{4}", "%B": "[A-Za-z]{3,}", "%p": "[AaPp][Mm]", "%.f": r"(\.\d+)?"}  # the others are one or two digits


@cache
def _pattern(form: str) -> re.Pattern:
    """What texts of a form look like, so that few forms are tried."""
    shape = SHAPES.get(form) or re.sub(r"%\.f|%\w|[.]", lambda found: TOKENS.get(found[0], r"\d\d?" if "%" in found[0] else r"\."), form)
    return re.compile(shape.strip("^$") + ("" if form in SHAPES or "%H" not in form else r"([Zz]|[+-]\d\d:?\d\d)?") + "$")


class Written(NamedTuple):
    """How a column of moments is written: a form of `FORMS`, the share of its cells that fit, and whether the order of day and month is
    a guess."""

    form: str
    share: float
    guessed: bool


def parse(text: pl.Series, form: str) -> pl.Series:
    """Datetime[us] without a zone: the clock on the wall; null where a cell is not of that form."""
    bare = text.str.replace(ZONE, "") if "%H" in form else text
    shape = SHAPES.get(form) or (FULL_YEAR if "%Y" in form else None)
    if shape:
        fits = bare.str.contains(shape)
        bare = bare.to_frame("t").select(pl.when(fits).then(pl.col("t"))).to_series()
    if form == "quarter":
        cut = bare.str.extract_groups(QUARTER).struct.unnest()
        year, quarter = cut["y"].fill_null(cut["z"]), cut["q"].fill_null(cut["r"])
        bare, form = year + "-" + (quarter.cast(pl.Int8) * 3 - 2).cast(pl.String) + "-1", "%Y-%m-%d"
    elif form == "week":
        bare, form = bare.str.replace("-?W", "-W") + "-1", "%G-W%V-%u"
    elif "%d" not in form:
        bare, form = "1 " + bare, "%d " + form
    kind = pl.Date if not any(part in form for part in ("%H", "%I")) else pl.Datetime("us")
    return bare.str.strptime(kind, form, strict=False).cast(pl.Datetime("us"))


def parse_any(text: pl.Series, form: str) -> pl.Series:
    """As `parse`, and ISO 8601 beside the column's own form."""
    found = parse(text, form)
    for other in ISO:
        if found.null_count() == text.null_count():
            break
        found = found.fill_null(parse(text, other)) if other != form else found
    return found


def written(cells: pl.Series) -> Written | None:
    """The form that most of the cells of a column of texts fit; None where none fits any."""
    filled = cells.drop_nulls()
    if not len(filled):
        return None
    some = filled.gather_every(max(1, len(filled) // SAMPLE)).to_list()
    fits = {form: sum(map(bool, map(_pattern(form).match, some))) for form in FORMS}
    likely = sorted((form for form in FORMS if fits[form]), key=lambda form: -fits[form])
    best, share = None, 0.0
    for form in likely[:6]:
        fits = 1 - parse(filled, form).null_count() / len(filled)
        if fits > share:
            best, share = form, fits
        if share == 1.0:
            break
    if best is None:
        return None
    return _order(filled, best, share)


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
    return float((np.diff(moments) >= np.timedelta64(0)).all())


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
    return float((len(gaps) + 1) / (gaps.sum() / values[counts.argmax()] + 1))


def whole_form(cells: pl.Series) -> str | None:
    """The form of whole numbers, or of texts of digits, all of which are dates: `%Y%m%d`, or `%Y%m`."""
    filled = cells.drop_nulls().cast(pl.String)
    forms = [form for form in ("%Y%m%d", "%Y%m") if len(filled) and not parse(filled, form).null_count()]
    return forms[0] if forms else None


def since_1970(cells: pl.Series) -> str | None:
    """The unit, "s" or "ms", of whole numbers that are all times of this century counted from 1970."""
    low, high = cells.min(), cells.max()
    return next((unit for least, most, unit in KNOWN_ERAS if low is not None and least <= low and high <= most), None)
