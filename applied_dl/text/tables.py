"""Tables of texts as rows of cells: CSV, TSV, JSON, JSON lines, Parquet or Excel, the first four also compressed.

The separator of a `.csv` is seen from its lines; a first row of names is a header; fields of nested JSON objects are columns with dotted
names (`data.text`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.io.json_shapes import with_fields
from applied_dl.text.decoding import Reading, suffix_of
from applied_dl.text.delimited import delimited_cells
from applied_dl.text.heads import HEAD, column_names, has_header
from applied_dl.text.json_rows import json_rows

DELIMITED, JSON, WHOLE = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TABLES = (*DELIMITED, *JSON, *WHOLE)
TEXTS = "texts"  # the key of a JSON object that holds a list of paraphrases
ROWS = 8192  # of a batch


class Table(Struct, kw_only=True):
    """`rows` of cells under `header` (empty where the file has none); `sets` where the rows are lists of paraphrases."""

    path: str
    header: list[str] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    sets: bool = False
    warnings: list[str] = field(default_factory=list)


def is_table(source: str | Path) -> bool:
    """Whether a source is a file that is read as a table."""
    return Path(source).is_file() and suffix_of(Path(source)) in TABLES


def read_table(source: str | Path, known: tuple[str, ...] = (), sheet: str | None = None) -> Table:
    """All rows of a table.

    Args:
        source: its path.
        known: names of columns that the recipe asks for; a first row that holds one is a header.
        sheet: of a workbook.

    Raises:
        DataError: where it cannot be read or holds no rows.
    """
    path = Path(source)
    if not path.is_file():
        raise DataError(f"There is no table at {str(source)!r}; expected a CSV, TSV, JSON, JSONL, Parquet or Excel file.")
    reading = Reading()
    if suffix_of(path) in WHOLE:
        frame = read_frame(path, sheet)
        table = Table(path=str(path), header=list(frame.columns), rows=[list(row) for row in frame.rows()])
    else:
        table = Table(path=str(path))
        for part in table_batches(path, known, reading):
            table.header, table.sets = part.header, part.sets
            table.rows += part.rows
        if suffix_of(path) in JSON and not table.sets:  # keys that were not seen in the rows before
            width = len(table.header)
            table.rows = [row if len(row) == width else [*row, *[None] * (width - len(row))] for row in table.rows]
    table.warnings += reading.warnings()
    if not table.rows:
        raise DataError(f"The table {str(path)!r} holds no rows.")
    return table


def table_batches(path: Path, known: tuple[str, ...] = (), reading: Reading | None = None, count: int = ROWS) -> Iterator[Table]:
    """The rows of a table in batches, in order and in constant memory; those of a workbook and of a JSON list are read whole.

    Args:
        path: of the table.
        known: names of columns that the recipe asks for; a first row that holds one is a header.
        reading: counts what was read.
        count: rows of a batch, at most.

    Returns:
        Tables under the header of the rows so far: a column keeps its place, and keys that JSON objects have further on come after.

    Raises:
        DataError: where the file cannot be read.
    """
    reading = Reading() if reading is None else reading
    if suffix_of(path) in WHOLE:
        yield from _frame_batches(path, count)
    elif suffix_of(path) in JSON:
        yield from _json_batches(path, reading, count)
    else:
        rows = (row for row in delimited_cells(path, reading) if any(cell.strip() for cell in row))
        yield from with_header(path, rows, known, count)


def with_header(path: Path, rows: Iterator[list[str]], known: tuple[str, ...], count: int = ROWS) -> Iterator[Table]:
    """Rows of cells as tables of at most `count` rows, whose names are in the first row where that is a header."""
    some = list(itertools.islice(rows, HEAD))
    head = has_header(some, known)
    header = column_names(some[0]) if head else []
    rows = itertools.chain(some[head:], rows)
    while part := list(itertools.islice(rows, count)):
        yield Table(path=str(path), header=header, rows=part)


def _json_batches(path: Path, reading: Reading, count: int) -> Iterator[Table]:
    """Objects, whose columns are those of all rows by first appearance, or lists of texts; a file holds one kind of row."""
    places: dict[str, int] = {}
    lists = None
    numbered = json_rows(path, reading)
    while some := list(itertools.islice(numbered, count)):
        rows: list = []
        for number, row in some:
            if isinstance(row, dict) and isinstance(row.get(TEXTS), list):
                row = row[TEXTS]
            if not isinstance(row, (dict, list)):
                raise DataError(f"{str(path)!r}, row {number}: expected a JSON object or a list of texts, received {type(row).__name__}.")
            if lists not in (None, isinstance(row, list)):
                here, before = ("a list of texts", "an object") if lists is False else ("an object", "a list of texts")
                raise DataError(
                    f"{str(path)!r}, row {number}: {here} where the rows before are each {before}; write all rows the same way."
                )
            lists = isinstance(row, list)
            if not lists:
                row = with_fields(row)
                for name in row:
                    places.setdefault(name, len(places))
            rows.append(row)
        if not lists:
            rows = [[row.get(name) for name in places] for row in rows]
        yield Table(path=str(path), header=list(places), rows=rows, sets=lists is True)


def _frame_batches(path: Path, count: int) -> Iterator[Table]:
    import polars as pl

    whole = pl.scan_parquet(path) if suffix_of(path) == ".parquet" else read_frame(path).lazy()
    start = 0
    try:
        while len(part := whole.slice(start, count).collect()):
            yield Table(path=str(path), header=list(part.columns), rows=[list(row) for row in part.rows()])
            start += count
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error


def read_frame(path: Path, sheet: str | None = None):
    """A Parquet file or a sheet of a workbook as a polars frame. Raises `DataError` where it cannot be read."""
    import polars as pl

    if suffix_of(path) != ".parquet":
        from applied_dl.io.sheets import read_workbook

        return read_workbook(path, sheet)[0]
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error
