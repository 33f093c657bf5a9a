"""Several numbers in one cell: `10 x 20 x 3 cm`, `120/80`, `(48.137, 11.575)`, `205/55 R16`, `8 st 2 lb`, `88+2`."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import polars as pl

from applied_dl.io.cells import is_mark

NUMBERS = {  # by decimal mark; a sign belongs to a number where no digit or letter stands before it
    ".": re.compile(
        r"(?:(?<![\w.)])[+\-−])?(?:\d{1,2}(?:,\d\d)+,\d{3}(?![\d,])|\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    ),
    ",": re.compile(r"(?:(?<![\w,)])[+\-−])?(?:\d+(?:,\d+)?|,\d+)"),
}
CODES = r"^(?:0\d+-|\d+-0\d\d)"  # 02139-4301 and 58572-072 are codes
DECIMAL_COMMA = r"^[+\-−]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+\s*(?:[^\d\s,.;:x×/+\-–@|(\[][^,;]*)?$"  # 71,8 km/h is one number
BETWEEN = re.compile(  # what may stand between two numbers, without blanks: a unit and a separator
    r"(?:[a-z²³°%\"'.]{0,8}[x/;:+@|([]\(?(?:ca\.?)?|[a-z²³°%\"'.)]{0,8},|[a-z]{0,4}(?:by|outof|of|von|sur|de)|/?z?r|st|lbs?\.?|pounds?|kg)$"
)
PLACE = re.compile(r"(?:point|srid=4326;point)z?$")  # POINT (11.575 48.137), as geographic software writes it
INTERVALS = ("[#,#)", "(#,#]")  # of pandas.cut: a range
SAMPLE = 500  # cells that the form is learned from
MOST = 6  # numbers of one cell
CERTAIN = 0.99  # share of the cells that have the commonest form
FALLING = 0.05  # share of pairs with a hyphen whose second number is the smaller, from which they are results (3-1), not ranges


def learn_measures(cells: pl.Series, mark: str | None = None, one: bool = False) -> tuple[str, str, tuple[str, ...]] | None:
    """The form of a column whose cells hold the same number of numbers, such as `#x#x#cm`.

    Args:
        cells: texts, null where empty.
        mark: the decimal mark of the file; None to try both.
        one: whether the cells are no numbers otherwise, so that one varying number is enough (1:50), and a colon may separate.

    Returns:
        The decimal mark, the form, and the positions (from 1) of the numbers that vary; None where too few vary, or the cells are not
        of one form.
    """
    filled = cells.drop_nulls()
    filled = filled.filter(~is_mark(filled)) if filled.dtype == pl.String else filled
    if filled.dtype != pl.String or not len(filled) or not filled.head(MOST).str.contains(r"\d\D+\d").any():
        return None
    found = [(form.count("#"), other, form) for other in ((mark,) if mark else NUMBERS) if (form := _form(filled, other))]
    if not found:
        return None
    _, mark, form = min(found, key=lambda one: one[0])  # fewer numbers: 10,5 x 20,5 has two
    if mark == "." and filled.str.contains(DECIMAL_COMMA).mean() >= CERTAIN:
        return None
    if _hyphened(form) and filled.str.contains(CODES).mean() > 1 - CERTAIN:
        return None
    values, wrong = read_measures(filled, mark, form)
    if len(wrong) > (1 - CERTAIN) * len(filled):
        return None
    varying = tuple(str(i + 1) for i, column in enumerate(values.T) if len(np.unique(column[np.isfinite(column)])) > 1)
    if len(varying) < 2 - one or (":" in form and not one) or (_hyphened(form) and np.nanmean(values[:, 1] < values[:, 0]) < FALLING):
        return None
    return mark, form, varying


def _form(filled: pl.Series, mark: str) -> str:
    """The form that nearly all cells have; empty where they have none, or one that is no list of measures."""
    sample = filled.head(SAMPLE).to_list()
    form, count = Counter(_form_of(text, mark) for text in sample).most_common(1)[0]
    if count < CERTAIN * len(sample) or not 2 <= form.count("#") <= MOST or form in INTERVALS:
        return ""
    first, *between, _ = form.split("#")
    if re.fullmatch(r"[^\W\d_]", first):  # A12/34 is a code
        return ""
    place = bool(PLACE.match(first.rstrip("("))) and not any(between)
    return form if place or _hyphened(form) or all(BETWEEN.match(part) for part in between) else ""


def _form_of(text: str, mark: str) -> str:
    form = re.sub(r"\s+", "", NUMBERS[mark].sub("#", text)).lower()
    return re.sub(r"(?<=#)([^#]*?)[×*](?=#)", r"\1x", form)


def _hyphened(form: str) -> bool:
    return form in ("#-#", "#–#")


def read_measures(cells: pl.Series, mark: str, form: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) float64, NaN where a cell is empty or has not K numbers; and the rows that have another number of numbers."""
    count, known = form.count("#"), {}
    for text in cells.unique().drop_nulls().to_list():
        numbers = NUMBERS[mark].findall(text)
        if len(numbers) == count:
            plain = (number.replace("−", "-").replace(",", "." if mark == "," else "") for number in numbers)
            known[text] = [float(number) for number in plain]
    empty = [np.nan] * count
    values = np.array([known.get(text, empty) for text in cells.to_list()], np.float64).reshape(len(cells), count)
    return values, np.flatnonzero(np.isnan(values[:, 0]) & (cells.is_not_null() & ~is_mark(cells)).to_numpy())
