"""Texts from a command line or a program, for the tasks that read text."""

from __future__ import annotations

import sys
from pathlib import Path

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError

LONGEST_NAME = 1024  # a longer argument is a text, not a path
FILES = (".txt", ".text", ".md", ".rst", ".csv", ".tsv", ".parquet", ".jsonl", ".gz", ".bz2", ".xz")
STARTS = ("/", "./", "../", "~/")


def expand_inputs(arguments: list[str], column: str | None = None) -> list[str | Path]:
    """Texts from command-line arguments.

    A file, or a folder written with a slash (a folder "king" must not hide the word), gives its lines, a table its text column, "-" the
    lines of standard input, and anything else itself. An empty line is an input too, so that answers keep their places; what looks like
    the path of a file that does not exist comes back as a path.

    column: the text column of a table, where the table has it; the one that the model was trained on.
    """
    found: list[str | Path] = []
    for text in arguments:
        if text == "-":
            found += [line.rstrip("\n") for line in sys.stdin]
        elif is_path(text):
            found += _lines(text, column)
        else:
            found.append(Path(text) if _like_a_path(text) else text)
    return found


def _lines(source: str, column: str | None) -> list[str]:
    from applied_dl.text.corpus import Reading, lines

    reading = Reading()
    try:
        inside = list(lines(source, column, reading, every=True))
    except DataError:
        if column is None:
            raise
        return _lines(source, None)  # a table without that column
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
    """An input as text, or a sentence that says why it is none. what: it should be, such as "a text"."""
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
        raise UsageError(f"--nearest must be at least 1, received {nearest}.")
