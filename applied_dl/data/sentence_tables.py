"""Tables of texts: pairs, triplets, sets of paraphrases, labelled texts, scored pairs; CSV, TSV, JSONL or Parquet, also compressed.

Handling, stated once: UTF-8 (bytes that are none become the replacement character), NUL bytes become spaces, a first row of single words
is a header, rows with a missing cell are left out and counted.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

from msgspec import Struct, field

from applied_dl.data.corpus import OPENERS, TABLES, kind
from applied_dl.errors import DataError, nearest

KINDS = ("text", "pairs", "triplets", "sets", "labelled")
SIDES = (("anchor", "positive"), ("sentence1", "sentence2"), ("sentence_a", "sentence_b"), ("text1", "text2"), ("query", "document"),
         ("question", "answer"), ("premise", "hypothesis"))  # fmt: skip
NEGATIVE, TEXTS = "negative", "texts"
SCORES = ("score", "similarity", "label")


class Table(Struct, kw_only=True):
    """`rows` of cells under `header` (empty where the file has none); `sets` where the rows are lists of paraphrases."""

    path: str
    header: list[str] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    sets: bool = False


def is_table(source: str) -> bool:
    """Whether a source is read as a table."""
    return Path(source).is_file() and kind(Path(source)) in TABLES


def read_table(source: str | Path) -> Table:
    """All rows of a table. Raises `DataError` where it cannot be read or holds none."""
    path = Path(source)
    if not path.is_file():
        raise DataError(f"There is no table at {str(source)!r}; expected a CSV, TSV, JSONL or Parquet file.")
    suffix = kind(path)
    try:
        if suffix == ".parquet":
            import polars as pl

            frame = pl.read_parquet(path)
            table = Table(path=str(path), header=list(frame.columns), rows=[list(row) for row in frame.rows()])
        else:
            with OPENERS.get(path.suffix.lower(), open)(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
                lines = (line.replace("\0", " ") for line in file)
                table = _json(path, lines) if suffix == ".jsonl" else _delimited(path, lines, "\t" if suffix == ".tsv" else ",")
    except (OSError, EOFError, csv.Error) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error
    if not table.rows:
        raise DataError(f"The table {str(path)!r} holds no rows.")
    return table


def guess_kind(table: Table, target: str, column: str | None) -> str:
    """What a table holds, seen from its columns."""
    names = set(table.header)
    if table.sets or names == {TEXTS}:
        return "sets"
    if target in names and (column in names or len(names) == 2 or "text" in names or "sentence" in names):
        return "labelled"
    if any(set(sides) <= names for sides in SIDES):
        return "triplets" if NEGATIVE in names else "pairs"
    width = len(table.rows[0])
    if column is None and width in (2, 3):
        return "pairs" if width == 2 else "triplets"
    return "text"


def columns(table: Table, kind: str, target: str, column: str | None) -> list[int]:
    """The places of the cells that a kind of table needs. Raises `DataError` where a column is missing."""
    names = table.header
    if kind == "labelled":
        text = column or next((name for name in ("text", "sentence") if name in names), None)
        others = [name for name in names if name != target]
        text = text or (others[0] if len(others) == 1 else None)
        if target not in names or text not in names:
            raise DataError(
                f"{table.path!r}: labelled texts need a text column (data.column) and the label column {target!r}; found: "
                f"{', '.join(names) or 'no header'}.{nearest(target, names) if names and target not in names else ''}"
            )
        return [names.index(text), names.index(target)]
    for sides in SIDES:
        if set(sides) <= set(names):
            wanted = [*sides, NEGATIVE] if kind == "triplets" else list(sides)
            if missing := [name for name in wanted if name not in names]:
                raise DataError(f"{table.path!r} has no column {missing[0]!r}, which {kind} need; found: {', '.join(names)}.")
            return [names.index(name) for name in wanted]
    wide = 3 if kind == "triplets" else 2
    if len(table.rows[0]) < wide:
        raise DataError(f"{table.path!r}: {kind} need {wide} columns, found {len(table.rows[0])}; name them {' and '.join(SIDES[0])}.")
    return list(range(wide))


def read_scored(source: str | Path) -> tuple[list[str], list[str], list[float]]:
    """Sentence, sentence and score of a table, with or without a header. Raises `DataError` for a score that is no number."""
    table = read_table(source)
    names = table.header
    sides = next((s for s in SIDES if set(s) <= set(names)), None)
    score = next((s for s in SCORES if s in names), None)
    places = [names.index(n) for n in (*sides, score)] if sides and score else [0, 1, 2]
    a, b, scores = [], [], []
    for number, row in enumerate(table.rows, 1 + bool(names)):
        if len(row) < 3:
            raise DataError(f"{table.path!r}, row {number}: expected sentence, sentence and score, received {len(row)} cells.")
        first, second, value = (row[i] for i in places)
        try:
            scores.append(float(value))
        except (TypeError, ValueError):
            raise DataError(f"{table.path!r}, row {number}: the score must be a number, received {value!r}.") from None
        a.append(str(first or "").strip())
        b.append(str(second or "").strip())
    return a, b, scores


def _delimited(path: Path, lines, delimiter: str) -> Table:
    csv.field_size_limit(2**31 - 1)
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(cell.strip() for cell in row)]
    head = rows[0] if rows else []
    named = bool(head) and all(len(cell.split()) <= 1 and len(cell) < 40 and not _number(cell) for cell in head)
    header = [cell.strip().lower() for cell in head] if named else []
    return Table(path=str(path), header=header, rows=rows[named:])


def _json(path: Path, lines) -> Table:
    header: list[str] = []
    rows: list[list] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{str(path)!r}, row {number}: not JSON: {error}.") from error
        if isinstance(row, dict) and isinstance(row.get(TEXTS), list):
            row = row[TEXTS]
        if isinstance(row, list):
            rows.append(row)
        elif isinstance(row, dict):
            header = header or list(row)
            rows.append([row.get(name) for name in header])
        else:
            raise DataError(f"{str(path)!r}, row {number}: expected a JSON object or a list of texts, received {type(row).__name__}.")
    return Table(path=str(path), header=header, rows=rows, sets=not header)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
