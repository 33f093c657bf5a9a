"""The column by which rows follow each other (`data.order`), as numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_moments, as_numbers, moment_style, number_style


class OrderForm(NamedTuple):
    """How the column is written: the style of numbers, or the form of dates."""

    style: str
    dates: bool


def order_form(cells: pl.Series, mark: str | None) -> OrderForm | None:
    """How a column of numbers or dates is written, None where it holds neither; `mark` is the decimal mark."""
    style, share = number_style(cells, mark)
    if share == 1.0 and not _wrong(as_numbers(cells, style)[0]):
        return OrderForm(style, dates=False)
    found = moment_style(cells)
    return OrderForm(found.form, dates=True) if found else None


def order_values(cells: pl.Series, source: str, form: OrderForm | None) -> np.ndarray:
    """(N,) of a column in this form. Raises `DataError` where a cell is neither a number nor a date."""
    values = None
    if form is not None:
        values = (as_moments(cells, form.style) if form.dates else as_numbers(cells, form.style))[0]
    if values is None or _wrong(values):
        raise DataError(f"{source}: the column {cells.name!r} (data.order) must hold a number or a date in every row.")
    return values


def _wrong(values: np.ndarray) -> bool:
    return bool(np.isnan(values).any())
