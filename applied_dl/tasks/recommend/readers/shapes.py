"""Tables of events in other shapes as one event a row: a matrix of users and items, baskets with all items of a user in a cell."""

from __future__ import annotations

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.nested import OBJECTS
from applied_dl.io.tables import Table

MARKS = ("|", ";", ",")
LISTED = 0.3  # share of the rows that must list several items
ONCE = 0.95  # share of different users from which on each has one row
FEWEST = 5  # rows that show it, and columns of items
MOST_LEVELS = 20  # different values of a matrix


def basket_mark(table: Table, user: str, item: str) -> str | None:
    """What separates the items of a cell, where each user has one row with several items; None for events.

    Raises `DataError` where a cell holds objects.
    """
    users, items = table.frame[user], table.frame[item]
    if items.dtype != pl.String or len(items) < FEWEST or users.n_unique() < ONCE * len(users):
        return None
    if items.str.contains(OBJECTS).any():
        raise DataError(f"{table.source}: the column {item!r} holds objects; write a row for each user and item, with an id or name alone.")
    return next((mark for mark in MARKS if items.str.contains(mark, literal=True).sum() >= LISTED * len(items)), None)


def unpacked(table: Table, column: str, mark: str) -> Table:
    """The table with a row for each item of the cells of a column."""
    lists = table.frame[column].str.strip_chars("[]{}() ").str.split(mark)
    rows = np.repeat(np.arange(len(table)), lists.list.len().fill_null(1).to_numpy())
    items = lists.explode().str.strip_chars(" '\"")
    long = table.take(rows)
    return replace(long, frame=long.frame.with_columns(items.alias(column)))


def is_matrix(table: Table) -> bool:
    """Whether the first column names users, each once, and all others hold ratings or counts of an item each: few values in half steps."""
    first, *others = table.columns
    users = table.frame[first]
    if len(others) < FEWEST or len(users) < FEWEST or users.n_unique() < len(users):
        return False
    values = _numbers(table, others).unpivot()["value"]
    written = table.frame.select(pl.col(others).is_not_null().sum()).sum_horizontal()[0]
    levels = values.drop_nulls().unique()
    if values.is_not_null().sum() < written or not 2 <= len(levels) <= MOST_LEVELS:
        return False
    return bool(((levels * 2) % 1 == 0).all())


def melted(table: Table) -> Table:
    """A matrix as events: the columns user, item and rating, without empty cells."""
    first, *others = table.columns
    values = _numbers(table, others).with_columns(table.frame[first].cast(pl.String).alias("user"))
    frame = values.unpivot(index="user", variable_name="item", value_name="rating").drop_nulls("rating")
    return replace(table, frame=frame, places=None, short={})


def _numbers(table: Table, columns: list[str]) -> pl.DataFrame:
    return table.frame.select(pl.col(columns).cast(pl.Float64, strict=False))
