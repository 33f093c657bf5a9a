"""What a sample of a table larger than memory keeps for validation and test, and which rows of a batch are therefore no training rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from msgspec import Struct

from applied_dl.io.cells import as_levels, places
from applied_dl.io.identifiers import repeats_by_chance
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import TableEncoder
from applied_dl.tasks.tabular.readers.order import OrderForm, order_form, order_values


class Sampled(Struct, frozen=True, kw_only=True):
    """Some rows of a file, and how many it has."""

    table: Table
    rows: int


class Start(NamedTuple):
    """The first row that is held out, in the order of `data.order`: how the column is written, its value, and its line in the file."""

    form: OrderForm | None
    value: float
    line: int


class Held(Struct, frozen=True, kw_only=True):
    """What belongs to validation and test.

    Args:
        lines: of their rows in the file, ascending.
        keys: hashes of the cells of those rows that have no equals by chance, ascending.
        columns: those whose cells are hashed, and whether they are numbers.
        groups: the groups of their rows, in the column `data.group`.
        start: the first of their rows, where rows have an order.
    """

    lines: np.ndarray
    keys: np.ndarray
    columns: dict[str, bool]
    groups: tuple[str, ...] = ()
    start: Start | None = None


def held_out(sampled: Sampled, table: Table, rows: np.ndarray, left_out: set[str], data) -> Held:
    """What these rows of the sampled table keep out of training. left_out: columns that copies may differ in."""
    frame, held = table.frame, table.take(rows)
    columns = {name: frame[name].dtype.is_numeric() for name in table.columns if name not in left_out}
    alone = ~repeats_by_chance(frame.select(list(columns)), rows, sampled.rows)
    return Held(
        lines=np.sort(lines_of(held)),
        keys=np.unique(row_keys(held.frame, columns)[alone]),
        columns=columns,
        groups=tuple(as_levels(held.frame[data.group]).fill_null("").unique().sort().to_list()) if data.group else (),
        start=_start(table, rows, data) if data.order and len(rows) else None,
    )


def _start(table: Table, rows: np.ndarray, data) -> Start:
    form = order_form(table.frame[data.order], data.decimal or table.decimal)
    values, lines = order_values(table.frame[data.order], table.source, form)[rows], lines_of(table.take(rows))
    first = np.lexsort((lines, values))[0]
    return Start(form, float(values[first]), int(lines[first]))


def not_trained(table: Table, held: Held, encoder: TableEncoder, data) -> dict[str, np.ndarray]:
    """The rows of a batch that do not train: by reason, whether it holds for each row (N,)."""
    frame, lines = table.frame, lines_of(table)
    found = {
        "held out for validation and test": np.isin(lines, held.lines),
        "equal to rows that are held out": np.isin(row_keys(frame, held.columns), held.keys),
    }
    if data.group:
        found["of groups that are held out"] = as_levels(frame[data.group]).fill_null("").is_in(held.groups).to_numpy()
    if held.start is not None:
        order, first = order_values(frame[data.order], table.source, held.start.form), held.start
        found["after the first row that is held out"] = (order > first.value) | ((order == first.value) & (lines > first.line))
    if encoder.labels:
        found["of a class that the sample lacks: left out"] = places(frame[encoder.target], encoder.labels) == -2
    return found


def row_keys(frame: pl.DataFrame, columns: dict[str, bool]) -> np.ndarray:
    """(N,) uint64: equal for rows with equal cells in these columns. Batches of JSON may hold a column as whole numbers or as others."""
    same = [pl.col(name).cast(pl.Float64 if numbers else pl.String, strict=False) for name, numbers in columns.items()]
    return frame.select(same).hash_rows(seed=0).to_numpy()


def lines_of(table: Table) -> np.ndarray:
    """(N,) the line of each row in its file, as messages name rows."""
    places = table.row_places()
    return np.array([line for _, line in table.sources])[places[:, 0]] + places[:, 1]
