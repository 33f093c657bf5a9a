"""Tables whose columns are pixels, as MNIST is passed around: a label and 784 numbers in each row, or a cell of numbers."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_levels

LEAST = 64  # pixels of an image
SAMPLE = 50  # rows by which columns of pixels are found


def pixels_of(frame: pl.DataFrame, taken: tuple[str, ...], where: str) -> tuple[np.ndarray, list[str]] | None:
    """The images (N, H, H, 1) uint8 of a table, and its columns of pixels; None where it has none.

    Args:
        frame: a table without columns of file names.
        taken: columns that are no pixels.
        where: the table's name, for messages.

    Raises:
        DataError: the pixels are no square of grey values.
    """
    head = frame.head(SAMPLE)
    for name in frame.columns:
        if name not in taken and all(cell and cell.count(" ") >= LEAST - 1 for cell in as_levels(head[name]).to_list()):
            rows = [cell.split() if cell else [] for cell in as_levels(frame[name]).to_list()]
            if any(len(row) != len(rows[0]) for row in rows) or not all(_is_level(cell) for row in rows[:SAMPLE] for cell in row):
                return None
            return _square(np.array(rows, np.int64), where), [name]
    if frame.width <= LEAST:
        return None
    columns = [name for name in frame.columns if name not in taken and all(map(_is_level, as_levels(head[name]).to_list()))]
    if len(columns) <= LEAST or len(columns) < frame.width - 4:
        return None
    if len(columns) == frame.width and math.isqrt(len(columns) - 1) ** 2 == len(columns) - 1:
        columns = columns[1:]  # the label stands first
    values = frame.select(pl.col(columns).cast(pl.Int64, strict=False)).to_numpy()
    return _square(values, where), columns


def _is_level(cell: str | None) -> bool:
    return cell is not None and cell.isdigit() and len(cell) <= 3 and int(cell) <= 255


def _square(values: np.ndarray, where: str) -> np.ndarray:
    """Rows of grey values as square images."""
    side = math.isqrt(values.shape[1])
    if side * side != values.shape[1]:
        raise DataError(
            f"{where} has {values.shape[1]} pixels in each row, which are no square of grey values; save the images as .npz: "
            "np.savez(path, x=images, y=labels)."
        )
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{where} has pixels of {values.min()} to {values.max()}; expected 0 to 255.")
    return values.astype(np.uint8).reshape(len(values), side, side, 1)
