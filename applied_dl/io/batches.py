"""A table file of any size as batches of rows: each is a few megabytes that another process can read, named as rows of the whole file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.io.encodings import windows_encoding
from applied_dl.io.frames import tidy
from applied_dl.io.json_shapes import with_fields
from applied_dl.io.preamble import preamble_lines
from applied_dl.io.separators import COLONS, HEAD, RUNS, SEPARATORS, UNIT, find_separator
from applied_dl.io.table_files import GZIP, Sheet, kind_of, parse_cells
from applied_dl.io.tables import Table, as_table, with_columns

LINES = (".csv", ".tsv", ".txt", ".data", ".jsonl", ".ndjson")  # files whose rows are lines
BATCH_BYTES = 2**23
PARQUET_ROWS = 65536
LONGEST_ROW = 2**27  # bytes after which a quote that is still open is reported as never closed
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
EMPTY_LINE = re.compile(rb"(?:^|\n)\r?(?=\n)")


class TableBatch(Struct, frozen=True, kw_only=True):
    """Some rows of a table file that have not been read yet; `read` makes them a table.

    Args:
        path: the file.
        line: the line of its first row, as messages name rows.
        cut: whether rows precede it, and whether rows follow it, in the file.
        raw: the lines, of a file of text.
        head: of a CSV, the line above them that names the columns; None of the first batch, which has its own.
        before: how many lines of the file precede `raw`.
        names: columns of the first batch, of JSON lines all keys of the file; one that this batch lacks is empty in it.
        separator, header: of a CSV; None and "guess" where its own first line decides.
        decimal: the decimal mark of the file, where its first batch shows one.
        encoding: of a file that is not UTF-8, where its first batch shows it.
        start, rows: the rows of a Parquet file.
    """

    path: str
    line: int
    cut: tuple[bool, bool]
    raw: bytes = b""
    head: str | None = None
    before: int = 0
    names: tuple[str, ...] = ()
    separator: str | None = None
    header: bool | str | None = "guess"
    decimal: str | None = None
    encoding: str | None = None
    start: int = 0
    rows: int = 0

    def read(self) -> Table:
        """The rows as a table. Raises `DataError` where the file is damaged there."""
        path = Path(self.path)
        try:
            if kind_of(path) == ".parquet":
                sheet = Sheet(tidy(pl.scan_parquet(path).slice(self.start, self.rows).collect()))
            else:
                sheet = parse_cells(self.raw, path, self.separator, self.header, self.head, self.before, self.encoding)
            return with_columns(as_table(sheet, self.path, self.line, self.decimal, self.cut), self.names)
        except pl.exceptions.PolarsError as error:
            raise DataError(f"{self.path!r}, in the rows from line {self.line} on: {error}") from error


def can_batch(path: Path) -> bool:
    """Whether a file can be read in batches: lines of cells or JSON objects in an encoding that keeps line ends, or Parquet."""
    if not path.is_file() or kind_of(path) not in (*LINES, ".parquet"):
        return False
    if kind_of(path) == ".parquet":
        return True
    with _opened(path) as file:
        head = file.read(4096)
    return b"\0" not in head and b"\n" in head and head[:2] not in UTF_16


def table_batches(
    path: Path, size: int = BATCH_BYTES, separator: str | None = None, header: bool | str | None = "guess"
) -> Iterator[TableBatch]:
    """The rows of a file in batches of about `size` bytes, in order.

    How cells are separated, whether the first line names the columns and which decimal mark is used is found in the first batch.

    Args:
        path: A file for which `can_batch` holds.
        size: Bytes of a batch; of a Parquet file, a batch has 65,536 rows.
        separator: Between the cells of a CSV; found by default.
        header: Whether line 1 of a CSV names the columns; as in `table_files.read_cells`.

    Raises:
        DataError: the file is damaged or no table.

    Example:
        >>> sum(len(batch.read()) for batch in table_batches(Path("orders.csv")))
        1000000
    """
    yield from _parquet_batches(path) if kind_of(path) == ".parquet" else _line_batches(path, size, separator, header)


def _parquet_batches(path: Path) -> Iterator[TableBatch]:
    try:
        height = pl.scan_parquet(path).select(pl.len()).collect().item()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {str(error).splitlines()[0]}.") from error
    for start in range(0, height, PARQUET_ROWS):
        rows = min(PARQUET_ROWS, height - start)
        yield TableBatch(path=str(path), line=start + 2, cut=(start > 0, start + rows < height), start=start, rows=rows)


def _line_batches(path: Path, size: int, separator: str | None, header: bool | str | None) -> Iterator[TableBatch]:
    """The first batch is read here too: it decides how the others are read."""
    parts = _parts(path, size, separator)
    (raw, _), more = next(parts, (b"", 0)), next(parts, None)
    encoding = None if _is_utf8(raw) else windows_encoding(raw)  # a later batch may have few letters that show it
    sheet = parse_cells(raw, path, separator, header, encoding=encoding)
    first = as_table(sheet, str(path), 2)
    lines_of_json = kind_of(path) in (".jsonl", ".ndjson")
    names = (*first.columns, *(_later_keys(path, size, set(first.columns)) if lines_of_json and more is not None else ()))
    line, before = 2 - sheet.bare + sheet.skipped, raw.count(b"\n")
    yield TableBatch(path=str(path), line=line, cut=(False, more is not None), raw=raw, names=names, separator=separator, header=header)
    line += sheet.frame.height
    separator = separator or (RUNS if sheet.separator == " " else sheet.separator)
    head = "" if sheet.bare or sheet.separator is None else _header(sheet)
    while more is not None:
        (raw, rows), more = more, next(parts, None)
        if rows:
            yield TableBatch(
                path=str(path), line=line, cut=(True, more is not None), raw=raw, head=head, before=before, names=names,
                separator=separator, header=not sheet.bare, decimal=first.decimal, encoding=encoding,
            )  # fmt: skip
        line, before = line + rows, before + raw.count(b"\n")


def _later_keys(path: Path, size: int, known: set[str]) -> Iterator[str]:
    """The keys of JSON lines that those of the first batch lack: without a look at them, a batch does not know what it lacks itself."""
    seen = set(known)
    for raw, _ in _parts(path, size, None):
        for line in raw.split(b"\n"):
            if seen.issuperset(keys := _keys(line)):
                continue
            try:
                found = as_table(parse_cells(line, path), str(path), 2).columns
            except DataError:  # the reader of its batch says which line is damaged
                continue
            yield from (name for name in found if name not in known)
            known.update(found)
            seen.update(keys)


def _keys(line: bytes) -> Iterable[str]:
    """The keys of an object of JSON, those of objects within as `size.width`; none of what is no object."""
    try:
        found = OBJECT.decode(line)
        if any(raw[:1] == b"{" for raw in map(bytes, found.values())):
            return with_fields(json.loads(line))
        return found
    except (msgspec.DecodeError, UnicodeDecodeError):  # also NaN, and text in Windows-1252
        pass
    try:
        found = json.loads(line.decode("utf-8", "replace"))
    except ValueError:
        return ()
    return with_fields(found) if isinstance(found, dict) else ()


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _header(sheet: Sheet) -> str:
    """The first line of every later batch: the names of the columns."""
    if sheet.separator == COLONS:
        return COLONS.join(sheet.frame.columns) + "\n"
    line = io.StringIO()
    csv.writer(line, delimiter=sheet.separator or ",", lineterminator="\n").writerow(sheet.frame.columns)
    return line.getvalue()


def _delimiter(separator: str | None) -> str:
    return {RUNS: " ", COLONS: UNIT}.get(separator or "", separator or ",")


def _opened(path: Path) -> Any:
    with open(path, "rb") as file:
        zipped = file.read(2) == GZIP
    return gzip.open(path, "rb") if zipped else open(path, "rb")


def _parts(path: Path, size: int, separator: str | None) -> Iterator[tuple[bytes, int]]:
    """The bytes of a file, cut where rows end, with the number of rows (lines that are not empty) of each part."""
    with _opened(path) as file:
        block = file.read(size)
        if kind_of(path) not in (".jsonl", ".ndjson"):
            text = block[:HEAD].decode("latin-1")
            separator = _delimiter(separator or find_separator(text.split("\n", preamble_lines(text, SEPARATORS))[-1]))
        while block:
            following = file.read(size)
            place, rows = _rows_end(block if following else block.rstrip(b"\r\n") + b"\n", separator)
            place = place if following else len(block)
            if following and not place and len(block) > LONGEST_ROW:
                raise DataError(f"The table {str(path)!r}: a row is longer than {LONGEST_ROW // 2**20} MB; is a quote not closed?")
            if place:
                yield block[:place], rows
            block = block[place:] + following


def _empty_lines(block: bytes) -> int:
    """How many lines of a block are empty; most blocks have none, which is seen a hundred times as fast as they are counted."""
    some = b"\n\n" in block or b"\n\r\n" in block or block.startswith((b"\n", b"\r\n"))
    return len(EMPTY_LINE.findall(block)) if some else 0


def _rows_end(block: bytes, separator: str | None) -> tuple[int, int]:
    """Where the last whole row of a block ends, and the number of rows until there. `separator` of a CSV, whose quoted cells may hold
    line ends; None where every line is a row."""
    if separator is None or b'"' not in block:
        place = block.rfind(b"\n") + 1
        return place, block.count(b"\n", 0, place) - _empty_lines(block[:place])
    lines = [line + "\n" for line in block.decode("latin-1").split("\n")[:-1]]
    reader = csv.reader(lines, delimiter=separator, strict=True)
    done = rows = 0
    try:
        for cells in reader:
            done, rows = reader.line_num, rows + bool(cells)
    except csv.Error as error:
        if "end of data" not in str(error):  # the reader of this batch will say which line is damaged
            done = len(lines)
    return sum(map(len, lines[:done])), rows
