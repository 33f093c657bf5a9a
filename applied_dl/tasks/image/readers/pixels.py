"""Tables whose columns are pixels, as MNIST is passed around: a label and 784 numbers in each row, or a cell of numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_levels

LEAST = 64  # pixels of an image
SAMPLE = 50  # rows by which columns of pixels are found
COMMONEST = 0.9  # share of the rows that the commonest label has, at most
DIGITS = re.compile(r"\d+")


def pixels_of(frame: pl.DataFrame, taken: tuple[str, ...], where: str) -> tuple[np.ndarray, list[str]] | None:
    """The images (N, H, H, 1) uint8 of a table, and its columns of pixels; None where it has none.

    Args:
        frame: a table without columns of file names.
        taken: columns that are no pixels.
        where: the table's name, for messages.

    Raises:
        DataError: a pixel is no number of 0 to 255, or the pixels are no square of grey values.
    """
    head = frame.head(SAMPLE)
    for name in frame.columns:
        if name not in taken and all(cell and cell.count(" ") >= LEAST - 1 for cell in as_levels(head[name]).to_list()):
            rows = [cell.split() if cell else [] for cell in as_levels(frame[name]).to_list()]
            if not all(map(_is_level, sum(rows[:SAMPLE], []))):
                return None
            wrong = next((row for row, cells in enumerate(rows) if len(cells) != len(rows[0]) or not all(map(_is_level, cells))), None)
            if wrong is not None:
                raise DataError(f"{where}, row {wrong + 1}: expected {len(rows[0])} whole numbers of 0 to 255 in the cell of {name!r}.")
            return _square(np.array(rows, np.int64), where), [name]
    if frame.width <= LEAST:
        return None
    columns = [name for name in frame.columns if name not in taken and all(map(_is_level, as_levels(head[name]).to_list()))]
    if len(columns) < LEAST or len(columns) < frame.width - 4:
        return None
    if len(columns) == frame.width and math.isqrt(len(columns) - 1) ** 2 == len(columns) - 1:
        label = _label_of(frame, columns)
        columns = [name for name in columns if name != label]
    values = frame.select(pl.col(columns).cast(pl.Int64, strict=False))
    if empty := next((name for name in columns if values[name].null_count()), None):
        row = int(values[empty].is_null().arg_max())
        received = "is empty" if frame[empty][row] in (None, "") else f"is {frame[empty][row]!r}"
        raise DataError(f"{where}, row {row + 1}: the pixel {empty!r} {received}; expected a whole number of 0 to 255.")
    return _square(values.to_numpy(), where), columns


def _label_of(frame: pl.DataFrame, columns: list[str]) -> str:
    """The column of labels among columns of numbers: the first or the last, by a name unlike the others or by its few, frequent values."""
    first, last = columns[0], columns[-1]
    unlike = [end for end, inner in ((first, columns[1]), (last, columns[-2])) if DIGITS.sub("#", end) != DIGITS.sub("#", inner)]
    if len(unlike) == 1:
        return unlike[0]
    counts = {end: frame[end].value_counts(sort=True)["count"] for end in (first, last)}
    labels = [end for end in counts if counts[end][0] <= COMMONEST * frame.height]  # at the border of images nearly all values are equal
    return min(labels, key=lambda end: len(counts[end]), default=first)


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
