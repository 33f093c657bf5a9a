"""Tables of texts: pairs, triplets, sets of paraphrases, labelled texts, scored pairs; CSV, TSV, JSONL or Parquet, also compressed.

Bytes are read as every text is (`data.corpus`). A first row of single words is a header; rows with a missing cell are left out and
counted.
"""

from __future__ import annotations

import math
from pathlib import Path
from statistics import mode

from msgspec import Struct, field

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.delimited import delimited_rows
from applied_dl.text.corpus import TABLES, TEXT, Reading, decoded, json_rows, kind

KINDS = ("text", "pairs", "triplets", "sets", "labelled")
SIDES = (("anchor", "positive"), ("sentence1", "sentence2"), ("sentence_a", "sentence_b"), ("text1", "text2"), ("query", "document"),
         ("question", "answer"), ("premise", "hypothesis"))  # fmt: skip
NEGATIVE, TEXTS = "negative", "texts"
SCORES = ("score", "similarity", "label")
FEW = 20  # rows for each value of a second column without a header from which on it looks like labels


class Table(Struct, kw_only=True):
    """`rows` of cells under `header` (empty where the file has none); `sets` where the rows are lists of paraphrases."""

    path: str
    header: list[str] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    sets: bool = False
    warnings: list[str] = field(default_factory=list)


def is_table(source: str) -> bool:
    """Whether a source is read as a table."""
    return Path(source).is_file() and kind(Path(source)) in TABLES


def read_table(source: str | Path, known: tuple[str | None, ...] = ()) -> Table:
    """All rows of a table. Raises `DataError` where it cannot be read or holds none.

    known: names of columns that the recipe asks for; a first row that holds one is a header, whatever its words.
    """
    path = Path(source)
    if not path.is_file():
        raise DataError(f"There is no table at {str(source)!r}; expected a CSV, TSV, JSONL or Parquet file.")
    suffix = kind(path)
    if suffix == ".parquet":
        import polars as pl

        try:
            frame = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error
        table = Table(path=str(path), header=list(frame.columns), rows=[list(row) for row in frame.rows()])
    else:
        reading = Reading()
        lines = decoded(path, reading, cut=False)
        if suffix == ".jsonl":
            table = _json(path, lines)
        else:
            table = _delimited(path, delimited_rows(path, lines, "\t" if suffix == ".tsv" else ",", reading), known)
        table.warnings = reading.warnings()
    if not table.rows:
        raise DataError(f"The table {str(path)!r} holds no rows.")
    return table


def guess_kind(table: Table, target: str, column: str | None) -> str:
    """What a table holds, seen from its columns. Raises `DataError` where that would be a bad guess."""
    names = [name.lower() for name in table.header]
    if table.sets or (names == [TEXTS] and isinstance(table.rows[0][0], list)):
        return "sets"
    if _place(target, table) is not None and (_place(column, table) is not None or len(names) == 2 or _place(*TEXT, table) is not None):
        return "labelled"
    if any(set(sides) <= set(names) for sides in SIDES):
        return "triplets" if NEGATIVE in names else "pairs"
    width = _width(table)
    if column is None and width in (2, 3):
        second = {str(row[1]) for row in table.rows if len(row) > 1}
        if width == 2 and len(table.rows) >= FEW * len(second):
            raise DataError(
                f"{table.path!r}: the second column holds only {len(second)} different values in {len(table.rows):,} rows; for labels give "
                "a first line such as text,label (or name them by data.column and data.target), for pairs say data.kind = 'pairs'."
            )
        return "pairs" if width == 2 else "triplets"
    return "text"


def columns(table: Table, kind: str, target: str, column: str | None) -> list[int]:
    """The places of the cells that a kind of table needs. Raises `DataError` where a column is missing."""
    names = table.header
    if kind == "labelled":
        label, text = _place(target, table), _place(column, table) if column else _place(*TEXT, table)
        if text is None and column is None and len(names) == 2 and label is not None:
            text = 1 - label
        if label is None or text is None:
            wanted = target if label is None else column
            raise DataError(
                f"{table.path!r}: labelled texts need a text column (data.column) and the label column {target!r}; found: "
                f"{', '.join(names) or 'no header'}.{nearest(wanted, names) if names and wanted else ''}"
            )
        return [text, label]
    for sides in SIDES:
        if all(_place(side, table) is not None for side in sides):
            wanted = [*sides, NEGATIVE] if kind == "triplets" else list(sides)
            found = [_place(name, table) for name in wanted]
            if None in found:
                raise DataError(
                    f"{table.path!r} has no column {wanted[found.index(None)]!r}, which {kind} need; found: {', '.join(names)}."
                )
            return found
    wide = 3 if kind == "triplets" else 2
    if _width(table) < wide:
        raise DataError(f"{table.path!r}: {kind} need {wide} columns, found {_width(table)}; name them {' and '.join(SIDES[0])}.")
    return list(range(wide))


def read_scored(source: str | Path) -> tuple[list[str], list[str], list[float]]:
    """Sentence, sentence and score of a table, with or without a header. Raises `DataError` for a score that is no finite number."""
    table = read_table(source)
    sides = next((s for s in SIDES if all(_place(side, table) is not None for side in s)), None)
    score = _place(*SCORES, table)
    places = [*(_place(side, table) for side in sides), score] if sides and score is not None else [0, 1, 2]
    a, b, scores = [], [], []
    for number, row in enumerate(table.rows, 1 + bool(table.header)):
        if len(row) <= max(places):
            raise DataError(f"{table.path!r}, row {number}: expected sentence, sentence and score, received {len(row)} cells.")
        first, second, value = (row[i] for i in places)
        scores.append(_number(value))
        if scores[-1] is None:
            raise DataError(f"{table.path!r}, row {number}: the score must be a finite number, received {value!r}.")
        a.append(" ".join(str(first or "").split()))
        b.append(" ".join(str(second or "").split()))
    return a, b, scores


def _place(*wanted) -> int | None:
    """`_place(name, …, table)`: the column of the first name that the table has, by any case where not by its own."""
    *names, table = wanted
    low = [name.lower() for name in table.header]
    for name in names:
        if name in table.header:
            return table.header.index(name)
        if name is not None and name.lower() in low:
            return low.index(name.lower())
    return None


def _width(table: Table) -> int:
    """How many cells most rows have."""
    return mode(map(len, table.rows))


def _delimited(path: Path, rows, known: tuple[str | None, ...]) -> Table:
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    head = [cell.strip() for cell in rows[0]] if rows else []
    named = all(len(cell.split()) <= 1 and len(cell) < 40 and _number(cell) is None for cell in head) or bool({*known} & {*head})
    return Table(path=str(path), header=head if named else [], rows=rows[named and bool(head) :])


def _json(path: Path, lines) -> Table:
    """Objects, whose columns are those of all rows by first appearance, or lists of texts; a file holds one kind of row."""
    places: dict[str, int] = {}
    rows: list = []
    lists = None
    for number, row in json_rows(path, lines):
        if isinstance(row, dict) and isinstance(row.get(TEXTS), list):
            row = row[TEXTS]
        if not isinstance(row, (dict, list)):
            raise DataError(f"{str(path)!r}, row {number}: expected a JSON object or a list of texts, received {type(row).__name__}.")
        if lists not in (None, isinstance(row, list)):
            here, before = ("a list of texts", "an object") if lists is False else ("an object", "a list of texts")
            raise DataError(f"{str(path)!r}, row {number}: {here} where the rows before are each {before}; write all rows the same way.")
        lists = isinstance(row, list)
        if not lists:
            for name in row:
                places.setdefault(name, len(places))
        rows.append(row)
    if lists is False:
        rows = [[row.get(name) for name in places] for row in rows]
    return Table(path=str(path), header=list(places), rows=rows, sets=lists is True)


def _number(cell) -> float | None:
    """A finite number, or None."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
