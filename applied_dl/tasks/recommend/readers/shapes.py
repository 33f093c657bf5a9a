"""Tables of events in other shapes as one event a row: a matrix of users and items, baskets with all items of a user in a cell."""

from __future__ import annotations

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.nested import OBJECTS
from applied_dl.io.tables import Table
from applied_dl.tasks.recommend.readers.columns import names_items

MARKS = ("|", ";", ",")
LISTED = 0.3  # share of the rows that must list several items
REPEATED = 0.2  # share of the items that must be in several of them
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
    return next((mark for mark in MARKS if _are_lists(items, mark)), None)


def _are_lists(items: pl.Series, mark: str) -> bool:
    """Whether many cells hold a mark, and what stands between marks comes again in other cells, unlike the halves of "Film 7, The"."""
    if items.str.contains(mark, literal=True).sum() < LISTED * len(items):
        return False
    parts = items.drop_nulls().unique().str.strip_chars("[]{}() ").str.split(mark).explode().str.strip_chars(" '\"")
    return (parts.value_counts()["count"] > 1).sum() >= REPEATED * parts.n_unique()


def unpacked(table: Table, column: str, mark: str) -> Table:
    """The table with a row for each item of the cells of a column."""
    lists = table.frame[column].str.strip_chars("[]{}() ").str.split(mark)
    rows = np.repeat(np.arange(len(table)), lists.list.len().fill_null(1).to_numpy())
    items = lists.explode().str.strip_chars(" '\"")
    long = table.take(rows)
    return replace(long, frame=long.frame.with_columns(items.alias(column)))


def is_matrix(table: Table) -> bool:
    """Whether the first column names users (or items), each once, and all others hold ratings or counts: few values in half steps."""
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
    """A matrix as events: the columns user, item and rating, without empty cells; a first column named like items has the items."""
    first, *others = table.columns
    row, column = ("item", "user") if names_items(first) else ("user", "item")
    values = _numbers(table, others).with_columns(table.frame[first].cast(pl.String).alias(row))
    frame = values.unpivot(index=row, variable_name=column, value_name="rating").drop_nulls("rating")
    return replace(table, frame=frame, places=None, short={})


def _numbers(table: Table, columns: list[str]) -> pl.DataFrame:
    return table.frame.select(pl.col(columns).cast(pl.Float64, strict=False))
