"""The column by which rows follow each other (`data.order`), as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_moments, as_numbers, moment_style, number_style


def order_values(cells: pl.Series, source: str, mark: str | None) -> np.ndarray:
    """(N,) of a column of numbers or dates. Raises `DataError` where a cell is neither; `mark` is the decimal mark."""
    style, share = number_style(cells, mark)
    values = as_numbers(cells, style)[0] if share == 1.0 else None
    if values is None and (found := moment_style(cells)):
        values = as_moments(cells, found.form)[0]
    if values is None or np.isnan(values).any():
        raise DataError(f"{source}: the column {cells.name!r} (data.order) must hold a number or a date in every row.")
    return values
