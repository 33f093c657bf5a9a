"""A table of events of any size → arrays: who, what, how much, when. Files are read in batches, so memory grows with the events alone."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.io.batches import can_batch, table_batches
from applied_dl.io.sheets import SQLITE
from applied_dl.io.tables import Table, read_table
from applied_dl.tasks.recommend.encoder import id_text
from applied_dl.tasks.recommend.readers.builtin import BUILT_IN, built_in
from applied_dl.tasks.recommend.readers.cells import Reading, times_of, values_of
from applied_dl.tasks.recommend.readers.columns import find_columns, names_events
from applied_dl.tasks.recommend.readers.shapes import basket_mark, is_matrix, melted, unpacked

NUMBER = re.compile(r"[\d.,+\-eE]*\d[\d.,+\-eE]*$")
LISTED = 8  # columns that are not read, of a note


class Events(Struct, frozen=True, kw_only=True):
    """Events (N,) in the order of their files.

    Args:
        users, items: rows of `user_ids` and `item_ids`, int32.
        values: float32; ones where there is no such column.
        times: float64 seconds, or the order in the file.
        user_ids, item_ids: as texts, in the order of their first event.
        columns: of the roles, "" where there is none.
        fingerprint: sha256 of all of it.
        notes: what was assumed or left out.
    """

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray
    times: np.ndarray
    user_ids: list[str]
    item_ids: list[str]
    columns: tuple[str, str, str, str]
    fingerprint: str
    notes: list[str]

    def __len__(self) -> int:
        return len(self.users)


class Ids:
    """Ids as row numbers, in the order in which they come. `known`: only these; others are −1."""

    def __init__(self, known: list[str] | None = None):
        self.rows: dict[str, int] = {name: i for i, name in enumerate(known or ())}
        self.closed = known is not None

    def of(self, cells: pl.Series) -> np.ndarray:
        """(N,) int32 row numbers of cells; −1 for an empty one."""
        different = cells.drop_nulls().unique(maintain_order=True)
        found = {}
        for cell in different.to_list():
            text = id_text(cell)
            found[cell] = self.rows.get(text, -1) if self.closed else self.rows.setdefault(text, len(self.rows)) if text else -1
        if not found:
            return np.full(len(cells), -1, np.int32)
        codes = pl.Series(list(found.values()), dtype=pl.Int32)
        return cells.replace_strict(different, codes, default=-1, return_dtype=pl.Int32).to_numpy()


def read_events(source: Any, asked: dict[str, str | None], users: Ids | None = None, items: Ids | None = None) -> Events:
    """Read events.

    Args:
        source: a built-in name, a file, or whatever `io.tables.read_table` takes.
        asked: columns by role, None where they are to be found.
        users, items: ids so far; those of another file of the same data, or of an encoder.

    Raises:
        DataError: no events, or cells that cannot be read.
        UsageError: columns that cannot be recognised.
    """
    users, items = users or Ids(), items or Ids()
    parts: list[tuple[np.ndarray, ...]] = []
    columns: dict[str, str] = {}
    notes: list[str] = []
    so_far, total, without = Reading(), 0, 0
    matrix, mark = False, None
    for table in _tables(source):
        if not columns:
            named = any(name in table.columns for role in ("user", "item") if (name := asked.get(role)))
            matrix = not named and not names_events(table.columns) and is_matrix(table)
            table = melted(table) if matrix else table
            columns, notes = find_columns(table.columns, asked, table.source)
            notes += _unread(table.columns, columns)
            mark = None if matrix else basket_mark(table, columns["user"], columns["item"])
            if matrix:
                row, column = ("item", "user") if table.columns[0] == "item" else ("user", "item")
                notes.append(f"{table.source} is read as a matrix: a row for each {row}, a column for each {column}")
            if mark is not None:
                notes.append(f"{table.source}: a cell of {columns['item']!r} holds several items with {mark!r} between them, an event each")
        elif matrix:
            table = melted(table)
        if mark is not None:
            table = unpacked(table, columns["item"], mark)
        who, what = users.of(table.frame[columns["user"]]), items.of(table.frame[columns["item"]])
        named = (who >= 0) & (what >= 0)
        values, there = values_of(table, columns.get("value"), so_far)
        keep = named & there
        total, without = total + len(table), without + int((~named).sum())
        parts.append((who[keep], what[keep], values[keep], times_of(table, columns.get("time"), so_far)[keep]))
    who, what, values, times = (np.concatenate(column) if parts else np.zeros(0) for column in zip(*parts))
    if not len(who):
        raise DataError(_nothing(source, columns, total, without, users.closed, items.closed))
    if without:
        unknown = ", or with one that the model does not know," if users.closed or items.closed else ""
        notes.append(f"{without:,} of {total:,} events without a user or an item{unknown} are left out")
    notes += so_far.all_notes(columns.get("value", ""), columns.get("time", ""))
    if "time" in columns and len(times) > 1 and (times == times[0]).all():
        notes.append(f"every event has the same time in the column {columns['time']!r}: it is not used")
        del columns["time"]
    if "time" not in columns:
        times = np.arange(len(who), dtype=np.float64)
    digest = hashlib.sha256()
    for array in (who, what, values, times):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update("\0".join([*users.rows, "", *items.rows]).encode("utf-8", "replace"))
    return Events(
        users=who.astype(np.int32), items=what.astype(np.int32), values=values.astype(np.float32), times=times,
        user_ids=list(users.rows), item_ids=list(items.rows),
        columns=(columns["user"], columns["item"], columns.get("value", ""), columns.get("time", "")),
        fingerprint=digest.hexdigest(), notes=notes,
    )  # fmt: skip


def _tables(source: Any) -> Iterator[Table]:
    """The rows of a source in parts; where the first line holds numbers alone, it is no header."""
    if isinstance(source, str) and source in BUILT_IN:
        yield read_table(built_in(source))
    elif isinstance(source, str | Path) and can_batch(path := Path(source).expanduser()):
        first = next(table_batches(path)).read()
        header: str | bool = False if _numbers_alone(first.columns) else "guess"
        for batch in table_batches(path, header=header):
            yield batch.read()
    elif isinstance(source, str | Path) and not str(source).startswith(SQLITE) and not os.path.exists(os.path.expanduser(source)):
        raise DataError(f"There is no table of events at {str(source)!r}; expected a file, or one of: {', '.join(BUILT_IN)}.")
    else:
        table = read_table(source, header="guess")
        yield read_table(source, header=False) if _numbers_alone(table.columns) and isinstance(source, str | Path) else table


def _numbers_alone(columns: list[str]) -> bool:
    return all(NUMBER.match(name) for name in columns)


def _unread(columns: list[str], found: dict[str, str]) -> list[str]:
    """A note on the other columns."""
    rest = [name for name in columns if name not in found.values()]
    more = f" and {len(rest) - LISTED} more" if len(rest) > LISTED else ""
    return [f"columns that are not read: {', '.join(map(repr, rest[:LISTED]))}{more}"] if rest else []


def _nothing(source: Any, columns: dict[str, str], total: int, without: int, *closed: bool) -> str:
    """Why no event is left."""
    if not columns:
        return f"{source!r} has no rows; expected events."
    if without < total:
        return f"{source!r}: no event has a number in the column {columns['value']!r}; name another with data.value."
    of = " and ".join(name for name, known in zip(("users", "items"), closed) if known)
    if of:
        return f"None of the {total:,} events of {source!r} is of {of} that the model knows; give events with the ids of its training."
    return f"{source!r} has no event with both a user and an item; expected rows of {', '.join(columns.values())}."
