"""Benchmark files of word vectors: human similarity ratings (`word word score`) and analogies (`a b c d`), as published."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.text import corpus
from applied_dl.text.decoding import Reading, decoded


class Benchmark(Struct, frozen=True, kw_only=True):
    """`pairs` of (word, word, score), or `fours` of words."""

    pairs: list[tuple[str, str, float]] = []
    fours: list[tuple[str, str, str, str]] = []

    def questions(self, place: Callable[[str], int | None]) -> np.ndarray:
        """(Q, 4) int64: the questions all of whose words `place` knows."""
        found = [[place(word) for word in four] for four in self.fours]
        return np.array([row for row in found if None not in row], np.int64).reshape(-1, 4)


def is_similarity(source: str) -> bool:
    """Whether a file looks like word, word, score rather than like text."""
    if not Path(source).is_file():
        return False
    rows = [row for _, row in zip(range(5), _rows(source))]
    return bool(rows) and all(len(row) == 3 for row in rows) and any(_number(row[2]) is not None for row in rows)


def is_analogies(source: str) -> bool:
    """Whether a file begins as word2vec's questions do: a heading `: …`, then four words a line."""
    if not Path(source).is_file():
        return False
    line = next((line for line in decoded(Path(source), Reading(), cut=True) if line.strip()), "")
    return line.startswith(":") and all(len(row) == 4 for _, row in zip(range(5), _rows(source)))


def read_benchmark(source: str, kind: str) -> Benchmark:
    """Read a file of `kind` similarity or analogies; a heading, lines that begin with `#` or `:` and empty ones are skipped.

    Fields are separated by commas, tabs, semicolons or spaces. Raises `DataError` for any other line.
    """
    pairs, fours = [], []
    wanted = "word, word, score" if kind == "similarity" else "four words"
    for number, row in enumerate(_rows(source), 1):
        score = _number(row[2]) if len(row) == 3 else None
        if kind == "similarity" and score is not None:
            pairs.append((row[0], row[1], score))
        elif kind == "analogies" and len(row) == 4:
            fours.append(tuple(row))
        elif number > 1:  # the first may be a heading
            raise DataError(f"{source!r}, entry {number}: expected {wanted}, received {' '.join(row)[:60]!r}.")
    if not pairs and not fours:
        raise DataError(f"{source!r} holds no line of {wanted}.")
    return Benchmark(pairs=pairs, fours=fours)


def _rows(source: str):
    for path in corpus.files(source):
        for line in decoded(path, Reading(), cut=True):
            line = line.strip()
            if line and line[0] not in "#:":
                parts = re.split(r"[,;\t]", line) if re.search(r"[,;\t]", line) else line.split()
                yield [part.strip() for part in parts]


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if np.isfinite(found) else None
