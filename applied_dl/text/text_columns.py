"""The column of a table that holds the texts: named, or seen from the table; its texts one after the other, in constant memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.json_shapes import with_fields
from applied_dl.text.columns import joined, place_of, text_places
from applied_dl.text.decoding import Reading, suffix_of
from applied_dl.text.delimited import delimited_cells
from applied_dl.text.heads import HEAD, column_names, has_header
from applied_dl.text.json_rows import json_rows
from applied_dl.text.tables import JSON, WHOLE, read_frame

RECORDS = 50_000  # rows of a Parquet column read at a time


def text_column(path: Path, column: str | tuple[str, ...] | None, reading: Reading, sheet: str | None = None) -> Iterator[str]:
    """The texts of a table, a row each and in constant memory; an empty text for a row without one.

    Args:
        path: of the table.
        column: names the column, or several that are joined; seen from the table where it is None.
        reading: counts what was read.
        sheet: of a workbook.

    Raises:
        DataError: where the column is missing, or cannot be seen.
    """
    suffix = suffix_of(path)
    if suffix == ".parquet":
        yield from _parquet_column(path, column, reading)
    elif suffix in WHOLE:
        frame = read_frame(path, sheet)
        yield from _chosen_texts(path, list(frame.columns), [list(row) for row in frame.rows()], column)
    elif suffix in JSON:
        objects = ((number, with_fields(row) if isinstance(row, dict) else row) for number, row in json_rows(path, reading))
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
        rows = (row for row in delimited_cells(path, reading) if row)
        some = list(itertools.islice(rows, HEAD))
        head = bool(some) and has_header(some, _names(column))
        header = column_names(some[0]) if head else [f"column_{i + 1}" for i in range(max(map(len, some), default=0))]
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


def _names(column) -> tuple[str, ...]:
    return () if column is None else (column,) if isinstance(column, str) else tuple(column)
