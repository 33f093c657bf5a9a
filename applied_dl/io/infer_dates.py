"""Which form a column of texts writes its dates and times in, and whether day or month comes first."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from applied_dl.io.dates import FORMS, MIXED, SHAPES, SWAPPED, bare_moments, parse, parse_any, reads_names
from applied_dl.io.month_names import canonical

ALL = 0.99  # share of the cells that several forms must read together
SAMPLE = 50  # cells that a form must fit before the whole column is tried
REGULAR = 0.6  # share of the steps of a grid that hold a moment, from which it is one
APART = 0.2  # share of its grid that one order of day and month must fill more than the other
FEWEST_YEARS = 3  # 2009/10, 2010/11 and 2011/12 are years
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
        form: sum(count for cell, name, count in shapes.values() if _pattern(form).match(name if reads_names(form) else cell))
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
    if "years" in equal and len(filled) >= FEWEST_YEARS:  # months that are all one more than their year are none
        return Written("years", share, False)
    others = [form for form in equal if form != best and SWAPPED.get(form) != best and SWAPPED.get(best) != form]
    ordered = _order(filled, best, share)
    return _year_first(filled, ordered, [form for form in others if form.startswith("%y")]) if best.find("%y") > 0 else ordered


def _year_first(filled: pl.Series, best: Written, others: list[str]) -> Written:
    """24-01-31 is no 24th of January 2031 where the year in front gives times that rise on a grid and the year behind does not."""
    if not others:
        return best
    last, first = (parse(filled, form).drop_nulls().to_numpy() for form in (best.form, others[0]))
    better = (_rising(first), _regular(first)) > (_rising(last), _regular(last))
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
    for a, b in (tuple(map(_rising, known)), tuple(map(_regular, known))):
        if abs(a - b) > APART and max(a, b) > REGULAR:
            return Written(second if b > a else first, share, False)
    return Written(first, share, True)


def _rising(moments: np.ndarray) -> float:
    """1.0 where the times rise from row to row, or fall, as in a file with the newest row first."""
    steps = np.diff(moments)
    return float((steps >= np.timedelta64(0)).all() or (steps <= np.timedelta64(0)).all())


def _regular(moments: np.ndarray) -> float:
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
