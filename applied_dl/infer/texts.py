"""Texts from a command line or a program, for the tasks that read text."""

from __future__ import annotations

import sys
from pathlib import Path

from applied_dl.errors import DataError

LONGEST_NAME = 1024  # a longer argument is a text, not a path


def gather(arguments: list[str]) -> list[str]:
    """A file, or a folder written with a slash (a folder "king" must not hide the word), stands for its lines, a table for its text
    column, "-" for the lines of standard input, and anything else for itself."""
    found: list[str] = []
    for text in arguments:
        if text == "-":
            found += [line.rstrip("\n") for line in sys.stdin]
        elif is_path(text):
            from applied_dl.data.corpus import lines

            inside = list(lines(text))
            if not inside:
                raise DataError(f"{text!r} holds no text; expected at least one line that is not empty.")
            found += inside
        else:
            found.append(text)
    return found


def is_path(text: str) -> bool:
    """Whether a file of that name, or a folder written with a slash, is there."""
    try:
        return len(text) < LONGEST_NAME and "\0" not in text and (Path(text).is_file() or "/" in text and Path(text).is_dir())
    except (OSError, ValueError):
        return False
