"""A table from a file, a database, a frame or rows → its cells, empty ones null, with the source of each row for messages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.cells import decimal_mark
from applied_dl.io.frames import alike, distinct, from_columns, from_pandas, from_rows, tidy
from applied_dl.io.sheets import SQLITE, WORKBOOKS, is_sqlite, read_sqlite, read_workbook
from applied_dl.io.table_files import Sheet, read_cells

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>")
TELLING = "%‰$€£¥<>+="  # marks in names of columns that tell one from another: units, limits and signs
BUILT_IN = ("diabetes", "breast_cancer", "wine")


class Table(Struct, frozen=True):
    """Cells and where they come from.

    `frame` has null where a cell is empty; texts where cells were written as text, else numbers, booleans, dates. `sources` are the files
    and the line of their first row; `places` (N, 2) the file and the row in it of each row (None: one file, all of its rows). `short` maps
    rows with too few cells to their number of cells. `decimal` is the decimal mark that the columns of the file agree on. `cut` is
    whether rows of the file precede the table, and whether rows follow it.
    """

    frame: pl.DataFrame
    sources: tuple[tuple[str, int], ...]
    places: np.ndarray | None = None
    short: dict[int, int] = {}
    decimal: str | None = None
    cut: tuple[bool, bool] = (False, False)

    @property
    def source(self) -> str:
        return ", ".join(dict.fromkeys(name for name, _ in self.sources))

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    def __len__(self) -> int:
        return self.frame.height

    def where(self, row: int) -> str:
        """The name of a row in a message."""
        file, at = (0, row) if self.places is None else self.places[row]
        name, first = self.sources[file]
        return f"{name}, row {at + first}"

    def files(self) -> list[np.ndarray]:
        """The row numbers of each file, in order."""
        return [np.flatnonzero(self.row_places()[:, 0] == i) for i in range(len(self.sources))]

    def take(self, rows: np.ndarray) -> Table:
        """The table with only these rows (row numbers), which keep their names."""
        short = {new: self.short[int(old)] for new, old in enumerate(rows) if int(old) in self.short} if self.short else {}
        return Table(self.frame[rows], self.sources, self.row_places()[rows], short, self.decimal)

    def row_places(self) -> np.ndarray:
        """(N, 2) the file of each row and its number in it."""
        one = np.stack([np.zeros(len(self), np.int64), np.arange(len(self))], axis=1)
        return one if self.places is None else self.places


def join(tables: list[Table]) -> Table:
    """Concatenate tables by rows; a column that one of them lacks is empty there."""
    if len(tables) == 1:
        return tables[0]
    sources: tuple[tuple[str, int], ...] = ()
    places, above = [], 0
    short: dict[int, int] = {}
    for table in tables:
        places.append(table.row_places() + [len(sources), 0])
        sources += table.sources
        short |= {row + above: count for row, count in table.short.items()}
        above += len(table)
    frame = pl.concat(alike([table.frame for table in tables]), how="diagonal")
    marks = {table.decimal for table in tables} - {None}
    return Table(frame, sources, np.concatenate(places), short, marks.pop() if len(marks) == 1 else None)


def with_columns(table: Table, names: Iterable[str]) -> Table:
    """The table with all these columns: one that it lacks is empty in it."""
    missing = [pl.lit(None, pl.String).alias(name) for name in dict.fromkeys(names) if name not in table.frame.columns]
    return replace(table, frame=table.frame.with_columns(missing)) if missing else table


def alike_names(received: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Received → wanted name, where the wanted one is absent and one other differs by capitals, blanks and marks alone.

    Marks that tell columns apart (`TELLING`) count: growth % is not growth, nor price $ price €.

    Example:
        >>> alike_names(["PREIS", "Size (m2)", "x"], ["Preis", "size_m2", "y"])
        {'PREIS': 'Preis', 'Size (m2)': 'size_m2'}
    """
    received, wanted = list(received), list(wanted)
    given, known = set(received), set(wanted)
    absent = [name for name in wanted if name not in given]
    alike: dict[str, list[str]] = {}
    for name in received if absent else ():
        if name not in known:
            alike.setdefault(_letters(name), []).append(name)
    found: dict[str, str] = {}
    for name in absent:
        if (key := _letters(name)) and len(same := alike.get(key, ())) == 1:
            found.setdefault(same[0], name)
    return found


def _letters(name: str) -> str:
    """A name without capitals, blanks and marks, but for those of `TELLING` and between digits: x_1_2 is not x_12."""
    return re.sub(r"(?<!\d)_|_(?!\d)", "", re.sub(rf"(?:[^\w{TELLING}]|_)+", "_", name.casefold()))


def read_table(source: Any, separator: str | None = None, header: bool | str | None = None, sheet: str | None = None) -> Table:
    """Read a table.

    Args:
        source: a built-in name; the path of a CSV, TSV, Excel, OpenDocument, Parquet or JSON file; `sqlite:///FILE?TABLE` or
            `sqlite:///FILE?SELECT …`; a polars or pandas frame; an Arrow table, a DuckDB relation or a Hugging Face dataset; a dict of
            columns; or a list of rows (dicts).
        separator: between the cells of a CSV; found by default.
        header: whether line 1 of a CSV names the columns; as in `read_cells`.
        sheet: of a workbook; the first by default where it is the only one that is not empty.

    Raises:
        DataError: the source is damaged, empty or no table.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        if str(source) in BUILT_IN:
            return _built_in(str(source))
        if str(source).startswith(SQLITE):
            return as_table(Sheet(tidy(read_sqlite(str(source)))), str(source), first=1)
        path = _existing(Path(source).expanduser())
        if is_sqlite(path):
            address = f"{SQLITE}{path}"
            return as_table(Sheet(tidy(read_sqlite(address))), address, first=1)
        if path.suffix.lower() in WORKBOOKS:
            cells, rows = read_workbook(path, sheet)
            return replace(as_table(Sheet(tidy(cells)), str(source), first=0), places=np.stack([np.zeros_like(rows), rows], axis=1))
        if sheet is not None:
            raise UsageError(f"data.sheet = {sheet!r} is for workbooks ({', '.join(WORKBOOKS)}); {str(source)!r} is none. Remove it.")
        written = read_cells(path, separator, header)
        return as_table(written, str(source), 2 - written.bare + written.skipped)
    return as_table(Sheet(_from_object(source)), "the table", first=0)


def _from_object(source: Any) -> pl.DataFrame:
    """A frame from what Python libraries hand over; libraries are recognised by their methods, not imported."""
    if isinstance(source, pl.DataFrame):
        return tidy(source)
    if isinstance(source, pl.LazyFrame):
        return tidy(source.collect())
    if hasattr(source, "iloc"):
        return from_pandas(source)
    if isinstance(source, dict):
        if source and all(hasattr(part, "column_names") and hasattr(part, "features") for part in source.values()):
            raise DataError(f"Received a dict of datasets ({', '.join(map(str, source))}); give one, such as datasets['train'].")
        columns = all(isinstance(v, list | tuple | pl.Series) or getattr(v, "ndim", 0) == 1 for v in source.values())
        return from_columns(source) if columns and source else from_rows([source])
    for method in ("to_polars", "pl"):  # Hugging Face datasets; DuckDB relations
        if callable(getattr(source, method, None)):
            try:
                return tidy(getattr(source, method)())
            except ImportError:
                continue
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):  # of Arrow, and all that export its columns
        return tidy(pl.DataFrame(source))
    for method in ("to_arrow", "arrow", "to_arrow_table"):
        if callable(getattr(source, method, None)):
            return tidy(pl.DataFrame(getattr(source, method)()))
    if callable(getattr(source, "to_pandas", None)):
        return from_pandas(source.to_pandas())
    if not hasattr(source, "__iter__"):
        raise DataError(f"Expected a table (a path, a frame, a dict of columns or a list of rows), received {type(source).__name__}.")
    return from_rows(list(source))


def _existing(path: Path) -> Path:
    if not os.path.exists(path):  # unlike `Path.exists`, it does not raise for a name that is too long
        hint = nearest(str(path), BUILT_IN) if "/" not in str(path) and not path.suffix else ""
        raise DataError(f"There is no table at {str(path)!r}; expected a built-in name ({', '.join(BUILT_IN)}) or a file.{hint}")
    return path


def as_table(sheet: Sheet, source: str, first: int, decimal: str | None = None, cut: tuple[bool, bool] = (False, False)) -> Table:
    """Cells with texts stripped and missing ones null.

    Args:
        sheet: the cells of a file.
        source: its name.
        first: the line of its first row.
        decimal: the decimal mark of the file; found in these cells by default.
        cut: whether rows of the file precede these, and whether rows follow them.

    Raises:
        DataError: there are no rows or no columns.
    """
    frame, names = sheet.frame, distinct([name.strip() for name in sheet.frame.columns], source)
    if frame.width and frame.columns != names:
        frame = frame.rename(dict(zip(frame.columns, names)))
    if not frame.width or not frame.height:
        raise DataError(f"{source} has {frame.height} rows and {frame.width} columns; expected a header and at least one row.")
    text = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(pl.when(text.str.to_lowercase().is_in(MISSING)).then(None).otherwise(text).name.keep())
    return Table(frame, ((source, first),), short=sheet.short, decimal=decimal or decimal_mark(frame, sheet.separator), cut=cut)


def _built_in(name: str) -> Table:
    """Data sets bundled with scikit-learn: diabetes (Efron et al., 2004), breast cancer (Wolberg, 1995) and wine (Forina, 1991)."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    frame = pl.DataFrame({label: data.data[:, i] for i, label in enumerate(map(str, data.feature_names))})
    truth = data.target if name == "diabetes" else [str(data.target_names[i]) for i in data.target]
    return Table(frame.with_columns(pl.Series("target", truth)), ((name, 0),))
