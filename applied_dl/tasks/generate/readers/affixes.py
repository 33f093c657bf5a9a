"""What surrounds the numbers and times of a column, such as "$", " kg" or "Z": it is left out to be learned and written again."""

from __future__ import annotations

import re

import polars as pl

from applied_dl.io.cells import is_mark
from applied_dl.io.quantities import CURRENCY

LONGEST = 12  # characters of a unit
AROUND = rf"^((?:{CURRENCY})\s?)?([+-]?\d[\d.,'’ ]*?)(\s?[^\d\s.,][^\d]{{0,{LONGEST}}})?$"
ZONE = r"[T ]\d\d?:\d\d.*?(\s?(?:[Zz]|UTC|GMT|[+-]\d\d:?\d\d))$"
INFINITE = r"(?i)^\s*[+-]?inf(inity)?\s*$"


def affixes(cells: pl.Series) -> tuple[str, str]:
    """The text before and the text after the number of every cell that is filled; ("", "") where they differ or cells are something else.

    Example:
        >>> affixes(pl.Series(["$3.50", "$12.00"]))
        ('$', '')
    """
    filled = _filled(cells)
    if filled is None:
        return "", ""
    parts = filled.str.extract_groups(AROUND).struct.unnest()
    if parts.to_series(1).null_count():
        return "", ""
    before, after = (parts.to_series(i).fill_null("").unique().to_list() for i in (0, 2))
    if len(before) > 1 or len(after) > 1:
        return "", ""
    return before[0], after[0]


def zones(cells: pl.Series) -> list[str]:
    """How the filled cells name their time zones, the most frequent first; empty where some name none."""
    filled = _filled(cells)
    if filled is None:
        return []
    found = filled.str.extract(ZONE)
    return [] if found.null_count() else found.value_counts(sort=True)[found.name].to_list()


def stripped(cells: pl.Series, before: str, after: str) -> pl.Series:
    """Cells without what surrounds their numbers."""
    if cells.dtype != pl.String or not (before or after):
        return cells
    found = cells.str.strip_prefix(before) if before else cells
    return found.str.strip_suffix(after) if after else found


def finite(cells: pl.Series) -> tuple[pl.Series, int]:
    """Cells without infinite numbers, and how many there were."""
    if cells.dtype.is_float():
        infinite = cells.is_infinite().fill_null(False)
    elif cells.dtype == pl.String:
        infinite = cells.str.contains(INFINITE).fill_null(False)
    else:
        return cells, 0
    if not infinite.any():
        return cells, 0
    return cells.to_frame().select(pl.when(~infinite).then(pl.col(cells.name))).to_series(), int(infinite.sum())


def decimals_written(cells: pl.Series, mark: str) -> int:
    """The most digits after the decimal mark of texts."""
    lengths = cells.drop_nulls().str.extract(rf"{re.escape(mark)}(\d+)\D*$").str.len_chars()
    return int(lengths.max() or 0)  # type: ignore[arg-type]


def _filled(cells: pl.Series) -> pl.Series | None:
    """The cells that hold something, as they are written; None for columns that are no texts."""
    if cells.dtype != pl.String:
        return None
    filled = cells.drop_nulls()
    filled = filled.filter(~is_mark(filled)).str.strip_chars()
    return filled if len(filled) else None
