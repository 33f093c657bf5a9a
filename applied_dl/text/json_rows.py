"""JSON files as rows: one value per line, or one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.io.json_shapes import rows_of, without_lists_of_one
from applied_dl.text.decoding import Reading, decoded, suffix_of, whole_text


def json_rows(path: Path, reading: Reading) -> Iterator[tuple[int, object]]:
    """Row number and value of a file of JSON lines, or of one JSON document (`rows_of`).

    Raises `DataError` for what is no JSON.
    """
    if suffix_of(path) == ".json":
        try:
            whole = json.loads(whole_text(path, reading))
        except (ValueError, RecursionError):
            pass  # one object per line, under the name of the other format
        else:
            yield from enumerate((part for row in without_lists_of_one(rows_of(whole)) for part in _of_intent(row)), 1)
            return
    for number, line in enumerate(decoded(path, reading, cut=False), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{str(path)!r}, row {number}: not JSON: {error}.") from error


def _of_intent(row: object) -> list:
    """The row, or a row for each of the patterns that a chatbot's intent lists: {"tag": "hello", "patterns": ["Hi", "Good day"]}."""
    if isinstance(row, dict) and "tag" in row and isinstance(row.get("patterns"), list):
        return [{"tag": row["tag"], "text": text} for text in row["patterns"]]
    return [row]
