"""What a column of a table becomes, and what may be known of the table to decide it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from applied_dl.core.plurals import numbered
from applied_dl.io.cells import as_levels
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import Column

BAD = 0.01  # share of the cells of a column of numbers or dates that may be neither
ONE_BAD = 20  # cells of a column among which one may be wrong


class Learned(NamedTuple):
    """Columns that a column of the table becomes, none where it is dropped for the `reason`; notes; and what replaces the encoded inputs of
    the training rows (out-of-fold scores of texts)."""

    columns: tuple[Column, ...] = ()
    reason: str = ""
    note: str = ""
    training: dict[str, np.ndarray] = {}


EMPTY = Learned(reason="empty")


class Known(NamedTuple):
    """What the understanding of a column may use: the training rows of the table, the recipe's data section, their targets (N, K)
    standardised or one-hot, class codes or None, the number of classes, whether it is the only feature, and the names of inputs that are
    taken."""

    table: Table
    train: np.ndarray
    data: object
    y: np.ndarray
    codes: np.ndarray | None
    classes: int
    alone: bool
    taken: set[str]


def few(wrong: np.ndarray, filled: pl.Series) -> bool:
    """Whether so few cells are wrong that they count as empty."""
    return len(wrong) <= max(BAD * len(filled), len(filled) >= ONE_BAD)


def bad_cells(table: Table, cells: pl.Series, train: np.ndarray, wrong: np.ndarray, wanted: str) -> str:
    """The note on cells that count as empty."""
    if not len(wrong):
        return ""
    first = f"{as_levels(cells)[int(wrong[0])]!r} in {table.where(int(train[wrong[0]]))}"
    return f"{numbered(len(wrong), 'cell', 'cells')} cannot be read as {wanted}: taken as empty (the first: {first})"
