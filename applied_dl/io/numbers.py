"""How a column of numbers is written, learned from its training cells: decimal style, units, texts and values that mean missing."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from msgspec import Struct

from applied_dl.io.cells import ALMOST, EITHER, as_levels, as_numbers, is_mark, number_style
from applied_dl.io.quantities import split_quantity
from applied_dl.io.units import learn_units, parse_quantities

MOST_WORDS = 3  # different texts of a column of numbers that may mean missing although no list contains them
VALUES = 10  # different numbers from which such words mean missing
ROWS = 50  # cells from which a sentinel can be distinguished from a number
BOTH_MARKS = "some cells have a decimal point and some a decimal comma; both are read as decimal marks"
NINES = re.compile(r"-?9{2,}(\.9+|\.0+)?$")
BOTH = 0.01  # least share of the cells with a percent sign, and of those without, that are of two scales
RARE = 0.002  # least share of the cells that a sentinel has


class NumberFormat(Struct, frozen=True, kw_only=True):
    """How a column of numbers is written.

    `style` is plain, thousands, comma or either; `units` the factor of each unit, empty for bare numbers; `units_apart` whether they are of
    different kinds, so that the unit is a feature of its own; `missing` are texts and `sentinels` numbers that mean missing in this column,
    besides the marks that mean it in every column; infinite numbers are among the texts, as "inf".
    """

    style: str = "plain"
    units: dict[str, float] = {}
    units_apart: bool = False
    missing: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()


def learn_format(cells: pl.Series, mark: str | None = None, words: bool = True) -> tuple[NumberFormat, float]:
    """The format in which most non-empty cells of a column are numbers, and the share of them that are numbers or marks.

    Args:
        mark: the decimal mark of the file.
        words: whether up to `MOST_WORDS` repeated texts, such as `Varies with device`, may mean missing. Lists of marks apply in any case.
    """
    filled = cells.drop_nulls()
    style, share = number_style(filled, mark)
    if filled.dtype == pl.String and share >= ALMOST and _percents_and_shares(filled, style):
        return NumberFormat(style=style, units={"": 1.0, "%": 0.01}), share
    if words and filled.dtype.is_float() and (infinite := filled.filter(filled.is_infinite())).len():
        form = NumberFormat(style=style, missing=tuple(infinite.unique().cast(pl.String).sort()))  # such as quotients by zero
        return form, 1 - len(read_numbers(filled, form)[1]) / len(filled)
    if filled.dtype != pl.String or not len(filled) or (share == 1.0 and not _several_currencies(filled)):
        return NumberFormat(style=style), share
    rest = filled.filter(~is_mark(filled))
    if not len(rest):
        return NumberFormat(style=style), 0.0
    has_digit = rest.str.contains(r"\d")
    if not has_digit.any():  # words
        return NumberFormat(style=style), 1 - len(rest) / len(filled)
    missing, digits = _missing_words(rest.filter(~has_digit)) if words else (), rest.filter(has_digit)
    if not missing or len(digits) < len(rest) / 2 or digits.n_unique() < VALUES:
        missing, digits = (), rest
    style, share = number_style(digits, mark)
    form = NumberFormat(style=style, missing=missing)
    if share < ALMOST and _both_marks(digits):
        form = NumberFormat(style=EITHER, missing=missing)
    elif (share < 1.0 or _several_currencies(digits)) and (learned := learn_units(digits)) is not None:
        units, apart = learned
        form = NumberFormat(style=_style_of_quantities(digits, mark), units=units, units_apart=apart, missing=missing)
    return form, 1 - len(read_numbers(cells, form)[1]) / len(filled)


def _missing_words(words: pl.Series) -> tuple[str, ...]:
    """A few repeated texts; a text that occurs once is more likely a mistake."""
    counted = words.value_counts().rows()
    return tuple(sorted(text for text, _ in counted)) if len(counted) <= MOST_WORDS and all(count > 1 for _, count in counted) else ()


def read_numbers(cells: pl.Series, form: NumberFormat) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64, NaN where empty, missing or wrong; and the rows of the wrong cells."""
    if form.units and cells.dtype == pl.String:
        values, _ = parse_quantities(cells, form.units, lambda texts: as_numbers(texts, form.style)[0])
        wrong = np.flatnonzero(np.isnan(values) & cells.is_not_null().to_numpy())
    else:
        values, wrong = as_numbers(cells, form.style)
    if len(wrong) and (cells.dtype == pl.String or cells.dtype.is_float()):
        texts = as_levels(cells[wrong])
        wrong = wrong[~(is_mark(texts) | texts.is_in(list(form.missing))).to_numpy()]
    if form.sentinels:
        values = np.where(np.isin(values, form.sentinels), np.nan, values)
    return values, wrong


def read_units(cells: pl.Series, form: NumberFormat) -> pl.Series:
    """The unit of each cell, null where it has no number."""
    return parse_quantities(as_levels(cells), form.units, lambda texts: as_numbers(texts, form.style)[0])[1]


def _several_currencies(cells: pl.Series) -> bool:
    if not cells.head(ROWS).str.contains(r"[$€£¥₹]").any():
        return False
    return cells.str.extract(r"([$€£¥₹])").drop_nulls().n_unique() > 1


def _both_marks(cells: pl.Series) -> bool:
    """Whether a column has decimals with a point (12.5) and with a comma (12,50), and no marks between thousands."""
    point, comma = (cells.str.contains(rf"^[+\-−]?\d+{mark}(?:\d\d?|\d{{4,}})$").sum() for mark in ("[.]", ","))
    return min(point, comma) > 1 and len(as_numbers(cells, EITHER)[1]) <= (1 - ALMOST) * len(cells)


def _percents_and_shares(cells: pl.Series, style: str) -> bool:
    """Whether some cells are percentages (45%) and all others, which are not whole, are shares from 0 to 1 (0.45)."""
    percent = cells.str.ends_with("%").to_numpy()
    if not BOTH * len(cells) <= percent.sum() <= (1 - BOTH) * len(cells):
        return False
    values = np.abs(as_numbers(cells, style)[0])
    shares, percents = values[~percent & np.isfinite(values)], values[percent & np.isfinite(values)]
    return len(shares) > 0 < len(percents) and bool(shares.max() <= 1 < np.median(percents) and (shares % 1 > 0).any())


def _style_of_quantities(cells: pl.Series, mark: str | None) -> str:
    parts = [split_quantity(text) for text in cells.unique(maintain_order=True).head(5000).to_list()]
    numbers = [number for part in parts if part is not None for number in part.numbers]
    return number_style(pl.Series("number", numbers, dtype=pl.String), mark)[0] if numbers else "plain"


def find_sentinels(values: np.ndarray) -> tuple[float, ...]:
    """Numbers that mean missing, such as −999: repeated, far from all the others, and either all nines or the only negative value.

    values: (N,), NaN where missing.
    """
    known = values[np.isfinite(values)]
    found: list[float] = []
    while len(found) < 3:
        unique, counts = np.unique(known, return_counts=True)
        if len(known) < ROWS or len(unique) < VALUES:
            break
        ends = [(unique[0], counts[0], unique[1], unique[1:]), (unique[-1], counts[-1], unique[-2], unique[:-1])]
        kept = [value for value, count, nearest, rest in ends if count >= max(3, RARE * len(known)) and _is_sentinel(value, nearest, rest)]
        if not kept:
            break
        found += [float(value) for value in kept]
        known = known[~np.isin(known, kept)]
    return tuple(found)


def _is_sentinel(value: float, nearest: float, rest: np.ndarray) -> bool:
    nines = bool(NINES.match(f"{value:.10g}"))
    if value <= -9 and rest[0] >= 0 and (nines or value % 100 == 0):
        return True
    return nines and abs(value - nearest) > rest[-1] - rest[0]
