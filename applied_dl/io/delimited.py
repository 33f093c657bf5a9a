"""Read delimited text row by row, so that a stray quotation mark cannot swallow the rows after it.

A quoted cell ends at a quote before a delimiter or the end of the line; quotes within it are doubled (RFC 4180). Many files, TSV above
all, are not quoted: there a cell may begin with a quote that never ends. Quotes are interpreted only where they balance; other lines are
split at the delimiter.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

from applied_dl.core.errors import DataError

LONGEST_CELL = 2**20  # most characters of a record between two quotes


class QuoteCounts(Protocol):
    """Counts of lines that a warning should mention."""

    stray_quotes: int
    swallowed: int


def delimited_rows(path: Path, text: Iterator[str], delimiter: str, counts: QuoteCounts) -> Iterator[list[str]]:
    """The cells of every row; [] for an empty line.

    Args:
        text: lines without line ends.
        counts: receives the number of stray quotes and of lines within quoted cells.

    Raises `DataError` where a comma-separated line has quotes that do not balance and, read as it stands, too many or too few cells.
    """
    csv.field_size_limit(2**31 - 1)
    number, width = 0, 0
    waiting: deque[str] = deque()
    text = (line.removesuffix("\r") for line in text)
    while (line := _next(waiting, text)) is not None:
        number += 1
        if '"' not in line and "\r" not in line:
            row = line.split(delimiter) if line else []
        else:
            record, lines = _record(line, waiting, text, delimiter)
            row = None if record is None else _parsed(path, number, record, delimiter)
            if row is not None and lines > 1:
                if delimiter == "\t" and any("\n" in cell and "\t" in cell for cell in row):  # whole rows between two stray quotes
                    waiting.extendleft(reversed(record.split("\n")[1:]))
                    row, lines = None, 1
                elif width > 1 and all(len(part.split(delimiter)) == width for part in record.split("\n")):
                    counts.swallowed += 1
            if row is None:
                row = _unquoted(path, number, line, delimiter, width)
                counts.stray_quotes += 1
            number += lines - 1
        width = width or len(row)
        yield row


def _record(line: str, waiting: deque[str], text: Iterator[str], delimiter: str) -> tuple[str | None, int]:
    """The record that begins with a line, over as many lines as its quotes span; None where they do not balance."""
    closed, opened = _grammar(delimiter)
    if closed.fullmatch(line):
        return line, 1
    taken, size, part = [line], len(line), line
    while opened.fullmatch(part) and size <= LONGEST_CELL and (line := _next(waiting, text)) is not None:
        taken.append(line)
        size += len(line) + 1
        part = '"' + line  # the cell that is open goes on
        if closed.fullmatch(part):
            return "\n".join(taken), len(taken)
    waiting.extendleft(reversed(taken[1:]))
    return None, 1


@cache
def _grammar(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Of a whole record, and of one that ends within a cell in quotes."""
    inner = r'"[^"]*+(?:""[^"]*+)*+'
    cell = rf'(?:{inner}"|(?!")[^{delimiter}]*+)'
    return re.compile(rf"{cell}(?:{delimiter}{cell})*+"), re.compile(rf"(?:{cell}{delimiter})*+{inner}")


def _parsed(path: Path, number: int, record: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([record], delimiter=delimiter))
    except csv.Error as error:
        raise DataError(f"{str(path)!r}, line {number}: not a readable table: {error}.") from error


def _unquoted(path: Path, number: int, line: str, delimiter: str, width: int) -> list[str]:
    """The cells of a line whose quotes do not balance: split at the delimiter, or by the csv module where only that gives `width` cells."""
    plain = line.split(delimiter)
    if delimiter == "\t" or not width or len(plain) == width:
        return plain
    lenient = _parsed(path, number, line, delimiter)
    if len(lenient) == width:
        return lenient
    raise DataError(
        f"{str(path)!r}, line {number}: a cell begins with a quotation mark that is never closed; the line has {len(plain)} cells, "
        f"expected {width}. Quote the cell and double the quotes within it, or save the table as TSV."
    )


def _next(waiting: deque[str], text: Iterator[str]) -> str | None:
    return waiting.popleft() if waiting else next(text, None)
