"""What separates the cells of a line, as the first lines of a file show it."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

SEPARATORS = (",", ";", "\t", "|")
HEAD = 65536  # bytes by which the separator is guessed
RUNS = "whitespace"  # the separator of files whose cells are separated by any number of blanks
COLONS = "::"  # two characters that separate the cells of MovieLens files; replaced by one that no cell holds
UNIT = "\x1f"
BLANKS = re.compile(r'(?P<cell>(?<!\S)"(?:[^"]|"")*")|(?P<within>(?<=\S)[ \t]+(?=\S))|[ \t]+')
SAMPLE_ROWS = 1000  # rows that show the separator, and whether line 1 is a header


def find_separator(text: str) -> str:
    """The separator that splits the first line into most cells, outside quotes; double colons or runs of blanks where all lines agree."""
    colons = [line.count(COLONS) for line in text.strip()[:HEAD].split("\n")[:SAMPLE_ROWS]]
    if colons[0] and set(colons[: len(colons) - (len(text) > HEAD) or 1]) == {colons[0]}:
        return COLONS
    first = text.lstrip("\r\n")[:HEAD].split("\n")[0]
    bare = "".join(part for i, part in enumerate(first.split('"')) if i % 2 == 0)
    likely = max(SEPARATORS, key=bare.count)
    aligned = "  " in bare.strip() if likely == "\t" and "\t" in bare else likely not in bare
    return RUNS if aligned and _even(text) else likely


def _even(text: str) -> bool:
    """Whether runs of blanks split each of the first lines into the same number of cells, at least two."""
    lines = [line for line in single_blanks(text[:HEAD]).split("\n") if line.strip()][:SAMPLE_ROWS]
    try:
        widths = [len(cells) for cells in csv_reader("\n".join(lines[: len(lines) - (len(text) > HEAD)]), " ")]
    except csv.Error:
        return False
    return bool(widths) and widths[0] > 1 and (len(set(widths)) == 1 or has_row_names(single_blanks(text), " "))


def has_row_names(text: str, separator: str) -> bool:
    """Whether every line has one cell more than line 1: first a name or the number of the row, above which there is no name, as R writes
    them. Lines of another first cell may have a number with a decimal comma instead."""
    lines = text.lstrip("\r\n")[:HEAD].split("\n")[:SAMPLE_ROWS]
    lines = [line for line in lines[: len(lines) - (len(text) > HEAD)] if line.strip()]
    if len(lines) < 3 or lines[0].count(separator) == lines[1].count(separator):
        return False
    try:
        first, *rows = csv_reader("\n".join(lines), separator)
    except csv.Error:
        return False
    counted = all(row[0] == str(i) for i, row in enumerate(rows, 1))
    named = all(re.match(r'"[^\W\d]', line) for line in lines)
    return len(first) > 1 and {len(row) for row in rows} == {len(first) + 1} and (counted or named) and all(row[-1].strip() for row in rows)


def single_blanks(text: str) -> str:
    """Replace each run of blanks and tabs outside quotes by one blank; strip the ends of lines."""
    return BLANKS.sub(lambda found: found["cell"] or (" " if found["within"] else ""), text)


def csv_reader(text: str, separator: str) -> Any:
    """The rows of a text as lists of cells; a quote that is not closed is an error."""
    csv.field_size_limit(2**31 - 1)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
