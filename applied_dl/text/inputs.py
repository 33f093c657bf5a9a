"""Texts from a command line or a program, for the tasks that read text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError

LONGEST_NAME = 1024  # a longer argument is a text, not a path
FILES = (".txt", ".text", ".md", ".rst", ".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json", ".xlsx", ".gz", ".bz2", ".xz")
STARTS = ("/", "./", "../", "~/")
BATCH = 8192  # texts
WHOLE_FILES = "file"  # a data.column: each file is one text


class Rows(list):
    """The texts of a table's rows, with all of its columns as `frame`, so that answers can be written beside them."""

    def __init__(self, texts: list[str], frame):
        super().__init__(texts)
        self.frame, self.columns = frame, frame.columns


def raw_inputs(encoder) -> list[tuple[str, str]]:
    """Texts."""
    return [("text", "BYTES")]


def as_texts(inputs) -> list:
    """Inputs of a program as a list: the text column of a polars or pandas frame, else the inputs as they are."""
    if isinstance(inputs, list) or not hasattr(inputs, "columns"):
        return inputs
    from applied_dl.io.tables import read_table
    from applied_dl.text.text_columns import chosen_places, one_line

    frame = read_table(inputs).frame
    rows = [list(row) for row in frame.rows()]
    places = chosen_places("The table", frame.columns, rows, None)
    return [one_line([row[i] for i in places]) for row in rows]


def expand_inputs(arguments: list[str], column: str | list[str] | None = None) -> list[str | Path]:
    """Texts from command-line arguments.

    A file, or a folder written with a slash (a folder "king" must not hide the word), gives its lines, a table its text column, "-" the
    lines of standard input, and anything else itself. An empty line is an input too, so that answers keep their places; what looks like
    the path of a file that does not exist comes back as a path.

    column: the text columns that the model was trained on, where a table has them; "file" where each file is one text.
    """
    from applied_dl.text.tables import is_table

    if len(arguments) == 1 and is_path(arguments[0]) and is_table(arguments[0]):
        return _table(arguments[0], column)
    found: list[str | Path] = []
    for text in arguments:
        if text == "-":
            found += [line.rstrip("\n") for line in sys.stdin]
        elif is_path(text):
            found += _table(text, column) if is_table(text) else _files(text) if column == WHOLE_FILES else _lines(text, column)
        else:
            found.append(Path(text) if _like_a_path(text) else text)
    return found


def input_batches(arguments: list[str], column: str | list[str] | None = None) -> Iterator[list]:
    """The texts of `expand_inputs`, some thousands at a time; the lines of a file that is no table are read as they are needed."""
    from applied_dl.text.tables import is_table

    for text in arguments:
        if is_path(text) and Path(text).is_file() and not is_table(text) and column != WHOLE_FILES:
            read = _iter_lines(text)
            while part := list(islice(read, BATCH)):
                yield part
            continue
        found = expand_inputs([text], column)
        for start in range(0, len(found), BATCH):
            part = found[start : start + BATCH]
            yield Rows(part, found.frame[start : start + BATCH]) if isinstance(found, Rows) else part


def _iter_lines(source: str) -> Iterator[str]:
    """The lines of a text file, then what was repaired in it."""
    from applied_dl.text.corpus import lines
    from applied_dl.text.decoding import Reading

    reading = Reading()
    yield from lines(source, reading=reading, every=True)
    for warning in reading.warnings():
        console.warn(f"{source}: {warning}")


def _table(source: str, column: str | list[str] | None) -> Rows:
    """The texts of a table, and the table."""
    from applied_dl.io.frames import from_columns
    from applied_dl.text.columns import place_of
    from applied_dl.text.tables import read_table
    from applied_dl.text.text_columns import chosen_places, one_line

    names = () if column is None else (column,) if isinstance(column, str) else tuple(column)
    table = read_table(source, names)
    width = max(map(len, table.rows))
    header = [*table.header, *(f"column_{i + 1}" for i in range(len(table.header), width))]
    rows = [[*row, *[None] * (width - len(row))] for row in table.rows]
    known = tuple(names) if names and all(place_of(name, header) is not None for name in names) else None
    places = chosen_places(source, header, rows, known)
    for warning in table.warnings:
        console.warn(f"{source}: {warning}")
    frame = from_columns({name: [row[i] for row in rows] for i, name in enumerate(header)})
    return Rows([one_line([row[i] for i in places]) for row in rows], frame)


def _files(source: str) -> list[str]:
    """Each file as one text."""
    from applied_dl.text.corpus import files
    from applied_dl.text.decoding import Reading, whole_text

    return [whole_text(path, Reading()) for path in files(source)]


def _lines(source: str, column: str | list[str] | None) -> list[str]:
    from applied_dl.text.corpus import lines
    from applied_dl.text.decoding import Reading

    reading = Reading()
    try:
        inside = list(lines(source, tuple(column) if isinstance(column, list) else column, reading, every=True))
    except DataError:
        if column is None:
            raise
        return _lines(source, None)  # tables without that column
    if not any(inside):
        raise DataError(f"{source!r} holds no text; expected at least one line that is not empty.")
    for warning in reading.warnings():
        console.warn(f"{source}: {warning}")
    return inside


def is_path(text: str) -> bool:
    """Whether a file of that name, or a folder written with a slash, is there."""
    try:
        return len(text) < LONGEST_NAME and "\0" not in text and (Path(text).is_file() or "/" in text and Path(text).is_dir())
    except (OSError, ValueError):
        return False


def _like_a_path(text: str) -> bool:
    if not text or len(text) >= LONGEST_NAME or any(c.isspace() or c == "\0" for c in text) or "://" in text:
        return False
    return text.lower().endswith(FILES) or ("/" in text.rstrip("/") or text.endswith("/")) and text.startswith(STARTS)


def text_of(item, place: int, what: str) -> tuple[str, str]:
    """An input as text, or an error sentence that says why it is none. what: it should be, such as "a text"."""
    if isinstance(item, bytes):
        item = item.decode("utf-8", errors="replace")
    if isinstance(item, Path):
        return "", f"there is no file {str(item)!r}; give the path of a text or table, or {what}."
    if not isinstance(item, str):
        return "", f"input {place + 1} must be {what}, received {type(item).__name__}."
    return item, ""


def check_nearest(nearest: int | None) -> None:
    """Raises `UsageError` for a count that makes no sense."""
    if nearest is not None and nearest < 1:
        raise UsageError(f"nearest must be at least 1, received {nearest}.")
