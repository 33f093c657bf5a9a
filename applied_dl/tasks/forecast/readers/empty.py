"""What holds no value in a table of series: rows without a time, numbers that stand for none, and series without any."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.plurals import numbered
from applied_dl.io.numbers import NINES, find_sentinels
from applied_dl.tasks.forecast.readers.tables import numbers
from applied_dl.tasks.forecast.series import Columns

TOTAL = r"(?i)^\s*(grand |sub)?(total|sum|summe|gesamt|somme|suma|totale|totaal)\b"
MOST_EMPTY = 0.05  # share of rows without a time that may be left out


def without_empty_times(table, columns: Columns, where: str):
    """Blank lines, and the totals and footnotes at the end of a sheet, have no time: they are left out where they are few."""
    import polars as pl

    if columns.time is None:
        return table, []
    empty = table[columns.time].is_null()
    totals = pl.Series([False] * table.height, dtype=pl.Boolean)
    if table[columns.time].dtype == pl.String:  # Total, Average, Source: … below the rows
        words = (empty | ~table[columns.time].str.contains(r"\d")).fill_null(True).to_numpy()
        below = table.height - int(np.flatnonzero(~words).max(initial=-1)) - 1
        totals = table[columns.time].str.contains(TOTAL).fill_null(False)  # of a month, between the rows
        empty = empty | totals | pl.Series(np.arange(table.height) >= table.height - below)
    blank = table.select(pl.all_horizontal(pl.col(columns.targets).is_null())).to_series()
    if table[columns.time].dtype == pl.String:  # Downloaded on 2024-01-31, where no time begins with a letter
        worded = table[columns.time].str.contains(r"^[^\W\d_]").fill_null(False)
        empty = empty | (worded & blank) if not (worded & ~blank).any() else empty
    if not empty.any():
        return table, []
    last = int(np.flatnonzero(~empty.to_numpy()).max(initial=-1))
    left_out = empty & (blank | totals | pl.Series(np.arange(table.height) > last))
    if not left_out.any() or left_out.sum() > max(1, MOST_EMPTY * table.height):
        return table, []
    row = int(left_out.arg_max()) + 2
    return table.filter(~left_out), [f"{where}: {numbered(left_out.sum(), 'row', 'rows')} without a time left out (the first: row {row})"]


def with_sentinels(table, columns: Columns, where: str) -> tuple[Columns, list[str]]:
    """The columns with the numbers that stand for no value in the targets and past covariates, such as -999, and a note.

    A 99 may be a busy day.
    """
    found: dict[float, str] = {}
    for name in (*columns.targets, *columns.past):
        if name not in columns.categories:
            some = find_sentinels(numbers(table, name, where, columns.style))
            found |= {value: name for value in some if NINES.match(digits := f"{value:.10g}") and (value < 0 or digits.count("9") > 2)}
    shown = ", ".join(f"{value:g}" for value in found)
    note = f"{where}: {shown} stands for no value (the first column: {next(iter(found.values()), '')!r})"
    return replace(columns, sentinels=tuple(found)), [note] if found else []


def without_sentinels(values: np.ndarray, columns: Columns) -> np.ndarray:
    """Values without the numbers that stand for none."""
    return np.where(np.isin(values, columns.sentinels), np.nan, values) if columns.sentinels else values


def without_values(targets: np.ndarray, groups: list[np.ndarray]) -> list[int]:
    """The series that have no value at all, where others have some."""
    empty = [i for i, rows in enumerate(groups) if np.isnan(targets[rows]).all()]
    return empty if len(empty) < len(groups) else []
