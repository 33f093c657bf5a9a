"""The file of a table → its cells, as texts for a CSV; what is wrong with it is reported by line. CSV, TSV, Parquet, JSON, also gzipped."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.encodings import decoded
from applied_dl.io.frames import distinct, from_rows, tidy
from applied_dl.io.json_shapes import rows_of
from applied_dl.io.preamble import preamble_lines
from applied_dl.io.separators import (
    COLONS,
    HEAD,
    RUNS,
    SAMPLE_ROWS,
    SEPARATORS,
    UNIT,
    csv_reader,
    find_separator,
    has_row_names,
    single_blanks,
)
from applied_dl.io.side_tables import without_side_tables

SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".parquet", ".jsonl", ".ndjson", ".json")
GZIP = b"\x1f\x8b"  # the first bytes of a gzipped file
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
MAGIC = {
    b"PK\x03\x04": "a workbook or a zip archive (a workbook is named .xlsx or .ods)", b"\xd0\xcf\x11\xe0": "an old workbook (name it .xls)",
    b"%PDF": "a PDF", b"\x89PNG": "an image", b"PAR1": "a Parquet file (name it .parquet)",
}  # fmt: skip


class Sheet(NamedTuple):
    """Cells as written; the rows (from 0) of a CSV with fewer cells than its first line, and their number of cells; `bare` where no line
    names the columns; the separator of a CSV; the lines above the table that were skipped."""

    frame: pl.DataFrame
    short: dict[int, int] = {}
    bare: bool = False
    separator: str | None = None
    skipped: int = 0


def read_cells(path: Path, separator: str | None = None, header: bool | str | None = None) -> Sheet:
    """The cells of a file.

    Args:
        header: whether line 1 of a CSV names the columns; None: yes, unless it holds data with numbers, and refused where its texts
            look like data; "guess": as it looks.

    Raises:
        DataError: the file is damaged or no table.
        UsageError: a separator of several characters.
    """
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; expected one table ({', '.join(SUFFIXES)}).")
    try:
        if kind_of(path) == ".parquet":
            return Sheet(tidy(pl.read_parquet(path)))
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == GZIP else raw
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {str(error).splitlines()[0]}.") from error
    sheet = parse_cells(raw, path, separator, header)
    unnamed = [name for i, name in enumerate(sheet.frame.columns, 1) if name == f"column_{i}" and not sheet.bare]
    frame = without_side_tables(sheet.frame, unnamed, repr(str(path)))
    if frame.width == sheet.frame.width:
        return sheet
    width = 1 + max(map(sheet.frame.columns.index, frame.columns))
    return sheet._replace(frame=frame, short={row: count for row, count in sheet.short.items() if count < width})


def kind_of(path: Path) -> str:
    """The suffix of a table file, in lower case and without `.gz`."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def parse_cells(
    raw: bytes,
    path: Path,
    separator: str | None = None,
    header: bool | str | None = None,
    head: str | None = None,
    before: int = 0,
    encoding: str | None = None,
) -> Sheet:
    """The cells of a file of text.

    Args:
        raw: the content of `path`, or some of its lines below its header.
        head: of such lines, the line that names the columns, or an empty text; None where `raw` begins as the file does, maybe with lines
            above the table.
        before: how many lines of the file precede `raw`, for messages.
        encoding: of a file that is not UTF-8, where other lines have shown it.

    Raises:
        DataError: the file is damaged or no table.
        UsageError: a separator of several characters.
    """
    if head is None:
        _check_begin(raw, path)
    text = (head or "") + decoded(raw, path, before, encoding)
    if head is None and not text.strip(" \t\r\n\v\f"):
        raise DataError(f"The table {str(path)!r} is empty; expected a header and rows.")
    before -= (head or "").count("\n")
    if kind_of(path) in (".jsonl", ".ndjson", ".json"):
        try:
            return Sheet(from_rows(_json_rows(text, path, before)))
        except DataError as error:
            raise error if str(path) in str(error) else DataError(f"The table {str(path)!r}, {error}") from error
    skipped = preamble_lines(text[:HEAD], SEPARATORS if separator in (None, RUNS) else (separator,)) if head is None else 0
    if skipped:
        lines = text.split("\n", skipped)
        shown = next((line.strip() for line in lines[:skipped] if line.strip()), "")
        console.warn(f"{str(path)!r}: {skipped} line{'s' * (skipped > 1)} above the table skipped ({shown[:60]!r})")
        text = lines[skipped]
    return _from_csv(text, path, separator, header, before + skipped)._replace(skipped=skipped)


def _check_begin(raw: bytes, path: Path) -> None:
    """Raises `DataError` where a file is of another kind."""
    if what := next((what for magic, what in MAGIC.items() if raw.startswith(magic)), None):
        raise DataError(f"The table {str(path)!r} is {what}; save it as CSV in UTF-8.")


def _json_rows(text: str, path: Path, before: int) -> list[Any]:
    if kind_of(path) == ".json" and (whole := _document(text)) is not None:
        return rows_of(whole)
    if text.lstrip().startswith("["):
        numbered = [(before + 1, text)]
    else:
        numbered = [(number, line) for number, line in enumerate(text.split("\n"), before + 1) if line.strip()]
    found = []
    for number, line in numbered:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError as error:
            at = number + error.lineno - 1
            raise DataError(
                f"The table {str(path)!r} is not valid JSON (one object a line, or a list of objects), line {at}: {error.msg}."
            ) from error
        except RecursionError as error:
            raise DataError(f"The table {str(path)!r}, line {number}: its JSON is nested too deeply; expected one object a row.") from error
    return found[0] if text.lstrip().startswith("[") else found


def _document(text: str) -> Any | None:
    """A file that is one JSON object; None for another."""
    try:
        whole = json.loads(text) if text.lstrip().startswith("{") else None
    except (json.JSONDecodeError, RecursionError):
        return None  # an object a line
    return whole


def _from_csv(text: str, path: Path, separator: str | None, header: bool | str | None, before: int) -> Sheet:
    if separator not in (None, RUNS, COLONS) and (len(separator) != 1 or not separator.isascii()):
        raise UsageError(f"data.separator must be one character or {RUNS!r}, received {separator!r}.")
    separator = separator or find_separator(text)
    if separator == COLONS:
        return _from_csv(text.replace(COLONS, UNIT), path, UNIT, header, before)._replace(separator=COLONS)
    if separator == RUNS:
        text, separator = single_blanks(text), " "
    if has_row_names(text, separator):
        text = separator + text.lstrip("\r\n")
    names, blanks, short = _check_lines(text, path, separator, before)
    try:
        frame = (
            None
            if blanks
            else pl.read_csv(
                text.encode(), separator=separator, infer_schema=False, has_header=False, quote_char='"', truncate_ragged_lines=True
            )
        )
    except pl.exceptions.PolarsError:
        frame = None  # such as a quote inside a cell (5" pipe)
    if frame is None:
        one = len(names) == 1  # an empty line is an empty cell
        rows = [
            (row + [""] * (len(names) - len(row)))[: len(names)]
            for row in csv_reader(text.strip("\r\n") if one else text, separator)
            if row or one
        ]
        frame = pl.DataFrame([pl.Series(f"column_{i + 1}", cells, dtype=pl.String) for i, cells in enumerate(zip(*rows))])
    frame.columns = [f"column_{i + 1}" for i in range(frame.width)]
    names = [name or free for name, free in zip(names, frame.columns)]
    like = None if header is True else _like_data(names, frame.slice(1))
    if header is False or (header == "guess" and like):
        return Sheet(frame, short, bare=True, separator=separator)
    if header is None and like and any(NUMBER.match(name) for name in names):
        console.warn(
            f"{str(path)!r} has no header: line 1 looks like data ({like!r}); the columns are column_1 to column_{len(names)} "
            "(data.header = true takes line 1 as their names)"
        )
        return Sheet(frame, short, bare=True, separator=separator)
    if header is None and like:
        raise DataError(
            f"The table {str(path)!r} has no header: line 1 looks like data ({like!r}); set data.header = false where the file has "
            "none (its columns are then column_1, column_2, …), or true where these are the names."
        )
    frame = frame.slice(1).rename(dict(zip(frame.columns, distinct(names, repr(str(path))))))
    return Sheet(frame, {row - 1: count for row, count in short.items()}, separator=separator)


def _check_lines(text: str, path: Path, separator: str, before: int) -> tuple[list[str], int, dict[int, int]]:
    """The cells of the first line, the number of blank lines, and the rows that are short.

    Raises `DataError` with the line of a row with too many cells or of a quote that is never closed."""
    if '"' not in text and "\r" not in (lines := text.replace("\r\n", "\n").removesuffix("\n")):
        counts = [line.count(separator) for line in lines.split("\n") if line]
        if counts and min(counts) == max(counts):  # the usual file, ten times as fast
            first = next(line for line in lines.split("\n") if line)
            return [name.strip() for name in first.split(separator)], lines.count("\n") + 1 - len(counts), {}
    reader, done, row, first, blanks, short = csv_reader(text, separator), 0, -1, None, 0, {}
    try:
        for cells in reader:
            row, blanks = row + bool(cells), blanks + (not cells)
            first = cells if first is None and cells else first
            if cells and len(cells) > len(first) and any(cell.strip() for cell in cells[len(first) :]):
                raise DataError(
                    f"The table {str(path)!r}, line {before + done + 1}: {len(cells)} cells, more cells than the header or first line, "
                    f"which has {len(first)} (separated by {separator!r}; data.separator sets another)."
                )
            if cells and len(cells) < len(first):
                short[row] = len(cells)
            done = reader.line_num
    except csv.Error as error:
        what = "a quote is not closed" if "end of data" in str(error) else f"a quote ends within a cell ({error})"
        raise DataError(f"The table {str(path)!r}, line {before + done + 1}: {what}.") from error
    return [name.strip() for name in first or []], blanks, short


def _like_data(names: list[str], rows: pl.DataFrame) -> str:
    """A cell of line 1 that looks like data, not like a name: one of numbers that do not count up, or a text that its column repeats; an
    empty text where there is none."""
    head = rows.head(SAMPLE_ROWS)
    once = head.filter(~pl.all_horizontal(pl.col(column) == name for name, column in zip(names, head.columns)))  # without the names again
    for name, column in zip(names, head.columns):
        if name and not any(map(str.isdigit, name)) and len(once) and once[column].str.contains(r"\d").all():
            return ""  # a word above numbers or dates is a name
    numbers = [name for name in names if NUMBER.match(name)]
    rising = all(n.isdigit() for n in numbers) and all(int(a) < int(b) for a, b in zip(numbers, numbers[1:]))
    if not rising and not _years(numbers):
        return numbers[0]
    again = [n for n, c in zip(names, head.columns) if n and not NUMBER.match(n) and (head[c].str.strip_chars() == n).any()]
    return again[0] if len(again) > (0 if numbers else 1) else ""


def _years(names: list[str]) -> bool:
    """Whether names are years in descending order."""
    return all(re.fullmatch(r"(19|20)\d\d", name) for name in names) and all(int(a) > int(b) for a, b in zip(names, names[1:]))
