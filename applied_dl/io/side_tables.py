"""Small tables beside a table, behind an empty column: legends of its codes, boxes of totals. They are recognised by their rows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from applied_dl.core import console

MOST = 1 / 3  # share of the rows of the table over which a smaller one beside it extends at most
SHOWN = 6  # columns that the warning names


def side_columns(frame: pl.DataFrame, unnamed: Collection[str]) -> list[str]:
    """The columns of smaller tables beside the largest one.

    Empty columns without a name separate the tables. A smaller one extends over few rows of the largest, or has fewer cells and extends
    below its last row; columns that are filled along the whole table belong to it, whatever separates them.

    Args:
        frame: the cells of a sheet; empty ones are null or blank.
        unnamed: the columns without a name.

    Example:
        >>> cells = {"price": [3, 4, 5, 6, 7, 8], "": [None] * 6, "code": ["A", "B"] + [None] * 4}
        >>> side_columns(pl.DataFrame(cells), [""])
        ['code']
    """
    if all(_filled(frame[name]).any() for name in unnamed):
        return []
    filled = np.stack([_filled(cells) for cells in frame], axis=1)  # (N, F)
    separators = np.array([name in unnamed for name in frame.columns]) & ~filled.any(0)
    largest = largest_block(filled, separators)
    first, last = _extent(filled[:, largest])
    found = []
    for block in _blocks(separators):
        above, below = _extent(filled[:, block])
        longer = below > last and filled[:, block].sum() <= filled[:, largest].sum() / 2
        if below >= 0 and (longer or below - above + 1 <= MOST * (last - first + 1)):
            found += [frame.columns[i] for i in block]
    return found


def largest_block(filled: np.ndarray, separators: np.ndarray) -> np.ndarray:
    """The column numbers of the largest of the tables between separators.

    Args:
        filled: (N, F) whether a cell is filled.
        separators: (F,) whether a column separates tables.
    """
    return max(_blocks(separators), key=lambda block: filled[:, block].sum(), default=np.arange(0))


def _blocks(separators: np.ndarray) -> list[np.ndarray]:
    """The numbers of the columns between separators."""
    columns = np.flatnonzero(~separators)
    return [block for block in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if block.size]


def _filled(cells: pl.Series) -> np.ndarray:
    return (cells.is_not_null() & (cells.str.strip_chars() != "") if cells.dtype == pl.String else cells.is_not_null()).to_numpy()


def _extent(filled: np.ndarray) -> tuple[int, int]:
    """The first and the last row (N, F) with a filled cell; (0, -1) where there is none."""
    rows = np.flatnonzero(filled.any(1))
    return (int(rows[0]), int(rows[-1])) if rows.size else (0, -1)


def without_side_tables(frame: pl.DataFrame, unnamed: Collection[str], where: str) -> pl.DataFrame:
    """The table without the smaller tables beside it, which are reported, and without the empty columns between them.

    Args:
        where: the name of the file, for the warning.
    """
    if not (beside := side_columns(frame, unnamed)):
        return frame
    names = ", ".join(map(repr, beside[:SHOWN])) + ", …" * (len(beside) > SHOWN)
    console.warn(f"{where}: left out {names}, a smaller table beside this one (delete the empty column between them to keep it)")
    return frame.drop(*beside, *(name for name in unnamed if name not in beside and not _filled(frame[name]).any()))
