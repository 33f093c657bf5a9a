"""Tables inside other files: sheets of Excel and OpenDocument workbooks, and tables or queries of an SQLite database."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import polars as pl

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.side_tables import largest_block, without_side_tables

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
SQLITE = "sqlite:///"
BESIDE = 0.1  # share of the cells of a table that a legend in another sheet has at most
HEAD = 30  # rows of a sheet among which the names of the columns are


def read_workbook(path: Path, sheet: str | None = None) -> tuple[pl.DataFrame, np.ndarray]:
    """One sheet of a workbook, read by fastexcel. Empty rows and columns are left out.

    Returns:
        The cells, and the number (N,) that each row has in the sheet, from 1.

    Raises:
        DataError: fastexcel is not installed, the file is damaged, or several of its sheets may be the table and none is named.
        UsageError: there is no sheet of that name.
    """
    try:
        import fastexcel
    except ImportError as error:
        raise DataError(
            f"Reading {str(path)!r} needs the package fastexcel: pip install 'applied_dl[excel]', or save it as CSV."
        ) from error
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every empty column
    try:
        book = fastexcel.read_excel(str(path))
        names = book.sheet_names
    except Exception as error:  # fastexcel's own errors share no public base class
        raise DataError(f"The workbook {str(path)!r} cannot be read: {str(error).splitlines()[0]}.") from error
    if sheet is not None and sheet not in names:
        raise UsageError(f"{str(path)!r} has no sheet {sheet!r} (data.sheet); it has {', '.join(map(repr, names))}.{nearest(sheet, names)}")
    frames = {name: _sheet(book, name, path) for name in ([sheet] if sheet is not None else names)}
    filled = {name: (frame, rows) for name, (frame, rows) in frames.items() if frame.height and frame.width}
    if not filled:
        raise DataError(f"The workbook {str(path)!r} has no sheet with a header and rows.")
    largest = max(filled, key=lambda name: _cells(filled[name][0]))
    if others := [name for name in filled if name != largest]:
        if not all(_is_beside(filled[name][0], filled[largest][0]) for name in others):
            listed = ", ".join(map(repr, filled))
            raise DataError(f"{str(path)!r} has several sheets: {listed}; name one in data.sheet, or save it as a file of its own.")
        console.warn(
            f"{str(path)!r}: sheet {largest!r} is read; {', '.join(map(repr, others))} hold{'s' * (len(others) == 1)} little beside it "
            "(data.sheet names another one)"
        )
    return filled[largest]


def _cells(frame: pl.DataFrame) -> int:
    return frame.height * frame.width - sum(frame.null_count().row(0))


def _is_beside(frame: pl.DataFrame, table: pl.DataFrame) -> bool:
    """Whether a sheet is a legend or a note beside a table: few cells, in columns of other names."""
    shared = {name.strip().lower() for name in frame.columns} & {name.strip().lower() for name in table.columns}
    return _cells(frame) <= BESIDE * _cells(table) and len(shared) <= frame.width / 2


def _sheet(book: Any, name: str, path: Path) -> tuple[pl.DataFrame, np.ndarray]:
    try:
        frame = book.load_sheet(name, dtype_coercion="coerce").to_polars()
        first, header = _first_and_header(book, name, frame)
        if above := header - first:
            frame = book.load_sheet(name, dtype_coercion="coerce", header_row=header).to_polars()
            console.warn(f"{str(path)!r}, sheet {name!r}: {above} row{'s' * (above > 1)} above the table skipped")
    except Exception as error:
        raise DataError(f"Sheet {name!r} of {str(path)!r} cannot be read: {str(error).splitlines()[0]}.") from error
    unnamed = [column for column in frame.columns if column.startswith("__UNNAMED__")]
    frame = without_side_tables(frame, unnamed, f"{str(path)!r}, sheet {name!r}")
    frame = frame.drop(column for column in unnamed if column in frame.columns and frame[column].null_count() == frame.height)
    frame = frame.rename({c: f"column_{i + 1}" for i, c in enumerate(frame.columns) if c.startswith("__UNNAMED__")})
    rows = np.arange(frame.height) + header + 2
    if not frame.width:
        return frame, rows
    filled = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    return frame.filter(filled), rows[filled.to_numpy()]


def _first_and_header(book: Any, name: str, frame: pl.DataFrame) -> tuple[int, int]:
    """The first row with cells, and the row with the names of the columns, both from 0: the same one, or there is a title above the names,
    with notes and blank rows, which fill less than half of the columns."""
    cells = book.load_sheet(name, header_row=None, n_rows=HEAD, dtype_coercion="coerce", skip_rows=0).to_polars()
    if not cells.width:
        return 0, 0
    filled = np.stack([column.is_not_null().to_numpy() for column in cells], axis=1)  # (N, F)
    first = int(filled.any(1).argmax())
    filled = filled[:, largest_block(filled, ~filled.any(0))]  # a legend beside the table names no columns of it
    counts, half = filled.sum(1), filled.shape[1] / 2
    if frame.width < 2 or counts[first] > half:
        return first, first
    return first, int((counts > half).argmax()) if (counts > half).any() else first


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database, whatever its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def read_sqlite(address: str) -> pl.DataFrame:
    """The rows of `sqlite:///FILE?TABLE` or `sqlite:///FILE?SELECT …`; the table may be left out where there is only one.

    The database is opened for reading only. Raises `DataError` where it or the query cannot be read.
    """
    file, _, query = address.removeprefix(SQLITE).partition("?")
    path = Path(unquote(file)).expanduser()
    if not path.exists():
        raise DataError(f"There is no database at {str(path)!r}; expected sqlite:///FILE?TABLE or sqlite:///FILE?SELECT ….")
    try:
        with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) as connection:
            query = unquote(query).strip().removeprefix("query=").removeprefix("table=") or _only_table(connection, path)
            if " " not in query:
                query = f'SELECT * FROM "{query}"'
            cursor = connection.execute(query)
            names, rows = [item[0] for item in cursor.description or ()], cursor.fetchall()
    except sqlite3.Error as error:
        raise DataError(f"The database {str(path)!r} cannot answer {query!r}: {error}.") from error
    from applied_dl.io.frames import distinct, from_rows

    if not rows:
        raise DataError(f"{address!r} gives no rows.")
    names = distinct(names, address)
    return from_rows([dict(zip(names, row)) for row in rows])


def _only_table(connection: sqlite3.Connection, path: Path) -> str:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
    if len(names) != 1:
        raise DataError(f"{str(path)!r} has {len(names)} tables ({', '.join(names[:10])}); name one: sqlite:///{path}?TABLE.")
    return names[0]
