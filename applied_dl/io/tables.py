"""A table from a file, a frame or rows → its cells, empty ones null, each row by its name for messages."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.cells import decimal_mark
from applied_dl.io.frames import alike, from_columns, from_pandas, from_rows, tidy, twin
from applied_dl.io.table_files import Sheet, read_cells

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>")
BUILT_IN = ("diabetes", "breast_cancer", "wine")


class Table(Struct, frozen=True):
    """Cells (null where empty; texts where they were written, else numbers, truths, dates), and where they come from, for messages:
    `sources` are the files and the line of their first row, `places` (N, 2) the file and the row in it of each row (None: one file, all
    of its rows). `short`: how many cells the rows have that have too few. `decimal`: the mark that the numbers of the file agree on."""

    frame: pl.DataFrame
    sources: tuple[tuple[str, int], ...]
    places: np.ndarray | None = None
    short: dict[int, int] = {}
    decimal: str | None = None

    @property
    def source(self) -> str:
        return ", ".join(dict.fromkeys(name for name, _ in self.sources))

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    def __len__(self) -> int:
        return self.frame.height

    def where(self, row: int) -> str:
        """How a row is named in a message."""
        file, at = (0, row) if self.places is None else self.places[row]
        name, first = self.sources[file]
        return f"{name}, row {at + first}"

    def take(self, rows: np.ndarray) -> Table:
        """Some rows (row numbers), which keep their names."""
        short = {new: self.short[int(old)] for new, old in enumerate(rows) if int(old) in self.short} if self.short else {}
        return Table(self.frame[rows], self.sources, self._places()[rows], short, self.decimal)

    def _places(self) -> np.ndarray:
        one = np.stack([np.zeros(len(self), np.int64), np.arange(len(self))], axis=1)
        return one if self.places is None else self.places


def join(tables: list[Table]) -> Table:
    """One table under the other; a column that one lacks is empty there."""
    if len(tables) == 1:
        return tables[0]
    sources, places, short, above = (), [], {}, 0
    for table in tables:
        places.append(table._places() + [len(sources), 0])
        sources += table.sources
        short |= {row + above: count for row, count in table.short.items()}
        above += len(table)
    frame = pl.concat(alike([table.frame for table in tables]), how="diagonal")
    marks = {table.decimal for table in tables} - {None}
    return Table(frame, sources, np.concatenate(places), short, marks.pop() if len(marks) == 1 else None)


def read_table(source, separator: str | None = None, header: bool | str | None = None) -> Table:
    """A built-in name, a path, a polars or pandas frame, a dict of columns or a list of rows. Raises `DataError` with one sentence."""
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        if str(source) in BUILT_IN:
            return _built_in(str(source))
        sheet = _from_file(Path(source).expanduser(), separator, header)
        return _checked(sheet, str(source), 2 - sheet.bare)
    if isinstance(source, pl.DataFrame):
        frame = tidy(source)
    elif hasattr(source, "iloc"):
        frame = from_pandas(source)
    elif isinstance(source, dict):
        rows = all(isinstance(v, list | tuple | pl.Series) or getattr(v, "ndim", 0) == 1 for v in source.values())
        frame = from_columns(source) if rows and source else from_rows([source])
    else:
        frame = from_rows(list(source))
    return _checked(Sheet(frame), "the table", first=0)


def _from_file(path: Path, separator: str | None, header: bool | str | None) -> Sheet:
    if not os.path.exists(path):  # which, unlike `Path.exists`, bears a name that is too long
        hint = nearest(str(path), BUILT_IN) if "/" not in str(path) and not path.suffix else ""
        raise DataError(f"There is no table at {str(path)!r}; expected a built-in name ({', '.join(BUILT_IN)}) or a file.{hint}")
    return read_cells(path, separator, header)


def _checked(sheet: Sheet, source: str, first: int) -> Table:
    """Texts stripped, missing ones null; refuses a table without rows, columns or names."""
    frame, names = sheet.frame, [name.strip() for name in sheet.frame.columns]
    if (name := twin(names)) is not None:
        raise DataError(f"{source} has two columns of the name {name!r}; rename one.")
    if frame.width and frame.columns != names:
        frame = frame.rename(dict(zip(frame.columns, names)))
    if not frame.width or not frame.height:
        raise DataError(f"{source} has {frame.height} rows and {frame.width} columns; expected a header and at least one row.")
    text = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(pl.when(text.str.to_lowercase().is_in(MISSING)).then(None).otherwise(text).name.keep())
    return Table(frame, ((source, first),), short=sheet.short, decimal=decimal_mark(frame, sheet.separator))


def _built_in(name: str) -> Table:
    """Real data that scikit-learn brings: diabetes (Efron et al., 2004), breast cancer (Wolberg, 1995) and wine (Forina, 1991)."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    frame = pl.DataFrame({label: data.data[:, i] for i, label in enumerate(map(str, data.feature_names))})
    truth = data.target if name == "diabetes" else [str(data.target_names[i]) for i in data.target]
    return Table(frame.with_columns(pl.Series("target", truth)), ((name, 0),))
