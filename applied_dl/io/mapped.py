"""Arrays mapped from files: memory that the system lends, and that is given back before it counts."""

from __future__ import annotations

import mmap
from collections.abc import Callable

import numpy as np

MOST_MAPPED = 2**28  # bytes of pages that are read before they are given back
AROUND = 2**16  # bytes that the system maps around each row that is read; with large pages in its cache it maps more


def release(array: np.ndarray) -> None:
    """Give the pages of a mapped file back; they are read again when needed."""
    base = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def row_reader(array: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function of row numbers (B,) that returns these rows (B, …) of a mapped array and keeps few of its pages in memory."""
    each, read = AROUND + array.nbytes // max(1, len(array)), 0

    def rows(index: np.ndarray) -> np.ndarray:
        nonlocal read
        found = np.ascontiguousarray(array[index])
        read += len(index) * each
        if read > MOST_MAPPED:
            release(array)
            read = 0
        return found

    return rows
