"""Tables of texts as rows of cells: CSV, TSV, JSON, JSON lines, Parquet or Excel, the first four also compressed.

The separator of a `.csv` is seen from its lines; a first row of names is a header; fields of nested JSON objects are columns with dotted
names (`data.text`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.delimited import delimited_rows
from applied_dl.io.preamble import preamble_lines
from applied_dl.text.columns import BODIES, TITLES, joined, normal, place_of, text_places
from applied_dl.text.decoding import Reading, decoded, suffix_of
from applied_dl.text.json_rows import flattened, json_rows

DELIMITED, JSON, WHOLE = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet", ".xlsx", ".xls", ".ods")
TABLES = (*DELIMITED, *JSON, *WHOLE)
SEPARATORS = (",", ";", "\t", "|")
ONE = "\x1f"  # separates the cells of a table of one column: no cell holds it
HEAD = 100  # lines from which the separator and the header are seen
LONGEST_NAME, LONGEST_HEADING = 40, 4  # characters and words of a column's name
TEXTS = "texts"  # the key of a JSON object that holds a list of paraphrases
RECORDS = 50_000  # rows of a Parquet column read at a time
ROWS = 8192  # of a batch
HEADS = frozenset(
    [*BODIES, *TITLES, "id", "label", "labels", "category", "class", "target", "tag", "tags", "topic", "sentiment", "intent", "anchor",
     "positive", "negative", "score", "rating", "date", "author", "user"]
)  # fmt: skip


class Table(Struct, kw_only=True):
    """`rows` of cells under `header` (empty where the file has none); `sets` where the rows are lists of paraphrases."""

    path: str
    header: list[str] = field(default_factory=list)
    rows: list[list] = field(default_factory=list)
    sets: bool = False
    warnings: list[str] = field(default_factory=list)


def is_table(source: str | Path) -> bool:
    """Whether a source is a file that is read as a table."""
    return Path(source).is_file() and suffix_of(Path(source)) in TABLES


def read_table(source: str | Path, known: tuple[str, ...] = ()) -> Table:
    """All rows of a table.

    Args:
        source: its path.
        known: names of columns that the recipe asks for; a first row that holds one is a header.

    Raises:
        DataError: where it cannot be read or holds no rows.
    """
    path = Path(source)
    if not path.is_file():
        raise DataError(f"There is no table at {str(source)!r}; expected a CSV, TSV, JSON, JSONL, Parquet or Excel file.")
    reading = Reading()
    if suffix_of(path) in WHOLE:
        frame = _frame(path)
        table = Table(path=str(path), header=list(frame.columns), rows=[list(row) for row in frame.rows()])
    else:
        table = Table(path=str(path))
        for part in table_batches(path, known, reading):
            table.header, table.sets = part.header, part.sets
            table.rows += part.rows
        if suffix_of(path) in JSON and not table.sets:  # keys that were not seen in the rows before
            width = len(table.header)
            table.rows = [row if len(row) == width else [*row, *[None] * (width - len(row))] for row in table.rows]
    table.warnings += reading.warnings()
    if not table.rows:
        raise DataError(f"The table {str(path)!r} holds no rows.")
    return table


def table_batches(path: Path, known: tuple[str, ...] = (), reading: Reading | None = None, count: int = ROWS) -> Iterator[Table]:
    """The rows of a table in batches, in order and in constant memory; those of a workbook and of a JSON list are read whole.

    Args:
        path: of the table.
        known: names of columns that the recipe asks for; a first row that holds one is a header.
        reading: counts what was read.
        count: rows of a batch, at most.

    Returns:
        Tables under the header of the rows so far: a column keeps its place, and keys that JSON objects have further on come after.

    Raises:
        DataError: where the file cannot be read.
    """
    reading = Reading() if reading is None else reading
    if suffix_of(path) in WHOLE:
        yield from _frame_batches(path, count)
    elif suffix_of(path) in JSON:
        yield from _json_batches(path, reading, count)
    else:
        rows = (row for row in _delimited(path, reading) if any(cell.strip() for cell in row))
        yield from with_header(path, rows, known, count)


def with_header(path: Path, rows: Iterator[list[str]], known: tuple[str, ...], count: int = ROWS) -> Iterator[Table]:
    """Rows of cells as tables of at most `count` rows, whose names are in the first row where that is a header."""
    some = list(itertools.islice(rows, HEAD))
    head = has_header(some, known)
    header = _header(some[0]) if head else []
    rows = itertools.chain(some[head:], rows)
    while part := list(itertools.islice(rows, count)):
        yield Table(path=str(path), header=header, rows=part)


def text_column(path: Path, column: str | tuple[str, ...] | None, reading: Reading) -> Iterator[str]:
    """The texts of a table, a row each and in constant memory; an empty text for a row without one.

    Args:
        path: of the table.
        column: names the column, or several that are joined; seen from the table where it is None.
        reading: counts what was read.

    Raises:
        DataError: where the column is missing, or cannot be seen.
    """
    suffix = suffix_of(path)
    if suffix == ".parquet":
        yield from _parquet_column(path, column, reading)
    elif suffix in WHOLE:
        frame = _frame(path)
        yield from _chosen_texts(path, list(frame.columns), [list(row) for row in frame.rows()], column)
    elif suffix in JSON:
        objects = ((number, flattened(row) if isinstance(row, dict) else row) for number, row in json_rows(path, reading))
        some = list(itertools.islice(objects, HEAD))
        names: dict[str, None] = {}
        for number, row in some:
            if not isinstance(row, dict):
                raise DataError(f"{str(path)!r}, row {number}: expected a JSON object, received {type(row).__name__}.")
            names |= dict.fromkeys(key for key, value in row.items() if isinstance(value, str) or key == column)
        header = list(names)
        places = chosen_places(str(path), header, [[row.get(name) for name in header] for _, row in some], column)
        for number, row in itertools.chain(some, objects):
            if not isinstance(row, dict):
                raise DataError(f"{str(path)!r}, row {number}: expected a JSON object, received {type(row).__name__}.")
            yield one_line([row.get(header[i]) for i in places])
    else:
        rows = (row for row in _delimited(path, reading) if row)
        some = list(itertools.islice(rows, HEAD))
        head = bool(some) and has_header(some, _names(column))
        header = _header(some[0]) if head else [f"column_{i + 1}" for i in range(max(map(len, some), default=0))]
        places = chosen_places(str(path), header, some[head:], column)
        for row in itertools.chain(some[head:], rows):
            yield one_line([row[i] if i < len(row) else "" for i in places])


def chosen_places(path: str, header: list[str], rows: list[list], column: str | tuple[str, ...] | None, leave_out=()) -> list[int]:
    """The places of the text columns: those that are named, else those that the table shows. Raises `DataError` where there are none."""
    if column is not None:
        places = [(name, place_of(name, header)) for name in _names(column)]
        for name, place in places:
            if place is None:
                raise DataError(f"{path!r} has no text column {name!r}.{nearest(name, header or ['(none)'])}")
        return [place for _, place in places]
    if len(header) - len(leave_out) == 1:
        return [i for i in range(len(header)) if i not in leave_out]
    places = text_places(header, rows, leave_out)
    if not places:
        listed = ", ".join(header[:8])
        raise DataError(f"{path!r} has {len(header)} columns ({listed}); name the one that holds the text: data.column.")
    return places


def has_header(rows: list[list[str]], known: tuple[str, ...] = ()) -> bool:
    """Whether the first of some rows names the columns: short names, of which none comes again as a cell below."""
    if not rows:
        return False
    head = [cell.strip() for cell in rows[0]]
    if {*known} & {*head}:
        return True
    if not all(len(cell) < LONGEST_NAME and not is_number(cell) for cell in head):
        return False
    if any(i < len(row) and row[i].strip() == cell for row in rows[1:] for i, cell in enumerate(head) if cell):
        return False
    if any(normal(cell) in HEADS for cell in head) or all(len(cell.split()) <= 1 for cell in head):
        return True
    below = [[row[i].strip() for row in rows[1:] if i < len(row) and row[i].strip()] for i in range(len(head))]
    unlike = [
        sum(map(is_number, cells)) > 0.9 * len(cells) or _mean_words(cells) > 2 * len(cell.split())
        for cell, cells in zip(head, below)
        if cells
    ]
    return any(unlike) and all(len(cell.split()) <= LONGEST_HEADING for cell in head)


def separator_of(lines: list[str]) -> str:
    """What separates the cells of the first lines of a `.csv`: what the first line has, as often as most of the others."""

    def agreement(mark: str) -> tuple[float, int]:
        counts = [_outside_quotes(line).count(mark) for line in lines]
        return (sum(count == counts[0] for count in counts) / len(counts), counts[0]) if counts[0] else (0.0, 0)

    lines = [line for line in lines if line.strip()]
    best = max(SEPARATORS, key=agreement) if lines else ","
    if lines and agreement(",")[1] and agreement(best)[0] < 1.1 * agreement(",")[0]:
        return ","
    return best if lines and agreement(best)[1] else ","


def _outside_quotes(line: str) -> str:
    return "".join(part for i, part in enumerate(line.split('"')) if i % 2 == 0)


def _delimited(path: Path, reading: Reading) -> Iterator[list[str]]:
    lines = decoded(path, reading, cut=False)
    some = list(itertools.islice(lines, HEAD))
    if some and some[0].lower().startswith("sep=") and len(some[0].strip()) == 5:  # a line that Excel writes and reads
        mark, some = some[0].strip()[4], some[1:]
    else:
        above = 0 if _bare(some) else preamble_lines("".join(f"{line}\n" for line in some), SEPARATORS)
        some, reading.skipped = some[above:], above
        mark = "\t" if suffix_of(path) != ".csv" else ONE if _bare(some) else separator_of(some)
    return _whole_rows(delimited_rows(path, itertools.chain(some, lines), mark, reading), mark, reading)


def _bare(lines: list[str]) -> bool:
    """Whether lines are texts alone, under the name of their column."""
    return bool(lines) and normal(lines[0].strip().strip('"')) in HEADS and not any(mark in lines[0] for mark in SEPARATORS)


def _whole_rows(rows: Iterator[list[str]], mark: str, reading: Reading) -> Iterator[list[str]]:
    """Rows without those that name the columns again, with the text whole where it is not in quotes and holds what separates cells."""
    first = next(rows, [])
    yield first
    names = [normal(cell) for cell in first]
    named = sum(name in HEADS for name in names) >= min(2, len(names))
    bodies = [name for name in BODIES if name in names] if named else []
    for row in rows:
        surplus = len(row) - len(first)
        if surplus > 0 and bodies and any(cell.strip() for cell in row[len(first) :]):
            place = names.index(bodies[0])
            row = [*row[:place], mark.join(row[place : place + surplus + 1]), *row[place + surplus + 1 :]]
            reading.joined += 1
        if not named or row != first:
            yield row


def _header(row: list[str]) -> list[str]:
    return [cell.strip() or f"column_{i + 1}" for i, cell in enumerate(row)]


def _json_batches(path: Path, reading: Reading, count: int) -> Iterator[Table]:
    """Objects, whose columns are those of all rows by first appearance, or lists of texts; a file holds one kind of row."""
    places: dict[str, int] = {}
    lists = None
    numbered = json_rows(path, reading)
    while some := list(itertools.islice(numbered, count)):
        rows: list = []
        for number, row in some:
            if isinstance(row, dict) and isinstance(row.get(TEXTS), list):
                row = row[TEXTS]
            if not isinstance(row, (dict, list)):
                raise DataError(f"{str(path)!r}, row {number}: expected a JSON object or a list of texts, received {type(row).__name__}.")
            if lists not in (None, isinstance(row, list)):
                here, before = ("a list of texts", "an object") if lists is False else ("an object", "a list of texts")
                raise DataError(
                    f"{str(path)!r}, row {number}: {here} where the rows before are each {before}; write all rows the same way."
                )
            lists = isinstance(row, list)
            if not lists:
                row = flattened(row)
                for name in row:
                    places.setdefault(name, len(places))
            rows.append(row)
        if not lists:
            rows = [[row.get(name) for name in places] for row in rows]
        yield Table(path=str(path), header=list(places), rows=rows, sets=lists is True)


def _frame_batches(path: Path, count: int) -> Iterator[Table]:
    import polars as pl

    whole = pl.scan_parquet(path) if suffix_of(path) == ".parquet" else _frame(path).lazy()
    start = 0
    try:
        while len(part := whole.slice(start, count).collect()):
            yield Table(path=str(path), header=list(part.columns), rows=[list(row) for row in part.rows()])
            start += count
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error


def _frame(path: Path):
    import polars as pl

    try:
        if suffix_of(path) == ".parquet":
            return pl.read_parquet(path)
        return pl.read_excel(path)
    except ImportError as error:
        raise DataError(f"The workbook {str(path)!r} needs the package fastexcel: pip install fastexcel.") from error
    except Exception as error:  # fastexcel raises errors of its own
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error


def _parquet_column(path: Path, column, reading: Reading) -> Iterator[str]:
    import polars as pl

    try:
        table = pl.scan_parquet(path)
        schema = table.collect_schema()
        names = [name for name, kind in schema.items() if name in _names(column) or kind == pl.String]
        head = table.select(names).head(HEAD).collect()
        places = chosen_places(str(path), names, [list(row) for row in head.rows()], column)
        reading.bytes += path.stat().st_size
        start, chosen = 0, [pl.col(names[i]).cast(pl.String) for i in places]
        while len(rows := table.select(chosen).slice(start, RECORDS).collect()):
            yield from (one_line(list(row)) for row in rows.rows())
            start += RECORDS
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error


def _chosen_texts(path: Path, header: list[str], rows: list[list], column) -> Iterator[str]:
    places = chosen_places(str(path), header, rows, column)
    for row in rows:
        yield one_line([row[i] for i in places])


def one_line(cells: list) -> str:
    """The cells of a row's text columns as one line."""
    return " ".join(joined(cells).split("\n"))


def _mean_words(cells: list[str]) -> float:
    return sum(len(cell.split()) for cell in cells) / len(cells)


def _names(column) -> tuple[str, ...]:
    return () if column is None else (column,) if isinstance(column, str) else tuple(column)


def is_number(cell: str) -> bool:
    """Whether a cell is a number in programming notation."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
