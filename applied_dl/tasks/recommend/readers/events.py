"""A table of events of any size → arrays: who, what, how much, when. Files are read in batches, so memory grows with the events alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.io.batches import can_batch, table_batches
from applied_dl.io.cells import as_numbers, number_style
from applied_dl.io.tables import Table, read_table
from applied_dl.tasks.recommend.encoder import id_text
from applied_dl.tasks.recommend.readers.builtin import BUILT_IN, built_in
from applied_dl.tasks.recommend.readers.columns import find_columns

UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # a number above the first is a time since 1970 in the second parts of a second


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


def read_events(
    source: Any, asked: dict[str, str | None], users: Ids | None = None, items: Ids | None = None, kind: str | None = None
) -> Events:
    """Read events.

    Args:
        source: a built-in name, a file, or whatever `io.tables.read_table` takes.
        asked: columns by role, None where they are to be found.
        users, items: ids so far; those of another file of the same data, or of an encoder.
        kind: of the values, where the recipe says it.

    Raises:
        DataError: no events, or cells that cannot be read.
        UsageError: columns that cannot be recognised.
    """
    users, items = users or Ids(), items or Ids()
    parts: list[tuple[np.ndarray, ...]] = []
    columns: dict[str, str] = {}
    notes: list[str] = []
    empty = 0
    for table in _tables(source):
        if not columns:
            columns, notes = find_columns(table.columns, asked, table.source)
        who, what = users.of(table.frame[columns["user"]]), items.of(table.frame[columns["item"]])
        keep = (who >= 0) & (what >= 0)
        empty += int((~keep).sum())
        values, wrong = _values(table, columns.get("value"))
        keep &= ~wrong
        parts.append((who[keep], what[keep], values[keep], _times(table, columns.get("time"))[keep]))
    who, what, values, times = (np.concatenate(column) if parts else np.zeros(0) for column in zip(*parts))
    read = sum(map(len, (part[0] for part in parts)))
    if not read:
        raise DataError(f"{source!r} has no event with both a user and an item; expected rows of {', '.join(columns.values())}.")
    if empty:
        notes.append(f"{empty:,} events without a user or an item, or with an unknown one, are left out")
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
    """The rows of a source in parts."""
    if isinstance(source, str) and source in BUILT_IN:
        yield read_table(built_in(source))
    elif isinstance(source, str | Path) and can_batch(Path(source).expanduser()):
        for batch in table_batches(Path(source).expanduser()):
            yield batch.read()
    else:
        yield read_table(source, header="guess")


def _values(table: Table, name: str | None) -> tuple[np.ndarray, np.ndarray]:
    """(N,) the values, and which rows have none. Raises `DataError` where the column holds no numbers."""
    if name is None:
        return np.ones(len(table), np.float32), np.zeros(len(table), bool)
    cells = table.frame[name]
    if cells.dtype == pl.Boolean:
        cells = cells.cast(pl.Float32)
    style, _ = number_style(cells, table.decimal)
    values, wrong = as_numbers(cells, style)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{table.where(row)}, column {name!r}: expected a number (a rating or a count), received {cells[row]!r}; correct it, or name "
            "another column with data.value."
        )
    return values.astype(np.float32), ~np.isfinite(values)


def _times(table: Table, name: str | None) -> np.ndarray:
    """(N,) seconds; numbers since 1970 in any unit become seconds, an empty time comes first."""
    if name is None:
        return np.zeros(len(table))
    cells = table.frame[name]
    if cells.dtype == pl.String:
        numbers = cells.cast(pl.Float64, strict=False)
        if numbers.null_count() == cells.null_count():
            cells = numbers
    if cells.dtype.is_numeric():
        values = cells.cast(pl.Float64).fill_null(-np.inf).to_numpy().copy()
        for above, parts in UNITS:
            values[values > above] /= parts
        return values
    from applied_dl.io.stamps import moments

    found = moments(cells, table.source)
    if found is None:
        raise DataError(
            f"{table.source}, column {name!r}: expected times, received {cells.drop_nulls()[0]!r}; name another with data.time."
        )
    return found.stamps.astype("datetime64[us]").astype(np.int64) / 1e6
