"""Arrays in files: rows are read from where they stand, and pages of memory that the system lends are given back.

A row that is read through a mapping makes all of a piece of its file resident, which is 2 MB and more where the system keeps files in large
pages: after some thousand rows, that is the whole file. So rows are read by their place in the file.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator

import numpy as np

PIECE = 2**25  # bytes of an array that are worked on at a time


def release(array: np.ndarray) -> None:
    """Give the pages of a mapped file back; they are read again when needed."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def row_pieces(array: np.ndarray, size: int = PIECE) -> Iterator[np.ndarray]:
    """The rows of an array (N, …) in order, as parts of about `size` bytes; the pages of a mapped one are given back after each."""
    count = max(1, size // max(1, array[:1].nbytes))
    for start in range(0, len(array), count):
        yield array[start : start + count]
        release(array)


def sampled_pieces(array: np.ndarray, count: int, size: int = PIECE) -> Iterator[np.ndarray]:
    """At most `count` rows of an array (N, …), spread evenly over it, as parts of about `size` bytes."""
    rows = np.unique(np.linspace(0, len(array) - 1, min(len(array), count)).astype(int))
    each = max(1, size // max(1, array[:1].nbytes))
    read = row_reader(array)
    for start in range(0, len(rows), each):
        yield read(rows[start : start + each])


def row_reader(array: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function of row numbers (B,), from 0 on, that returns these rows (B, …) of a mapped array without mapping them."""
    found = _place(array)
    if found is None or not hasattr(os, "pread"):  # Windows has no reads at a place
        return lambda index: np.ascontiguousarray(array[index])
    (path, start), shape, dtype = found, array.shape[1:], array.dtype
    file, each = open(path, "rb"), array[:1].nbytes  # noqa: SIM115 — as long as rows are read; also where the file is removed meanwhile

    def rows(index: np.ndarray) -> np.ndarray:
        number, pread = file.fileno(), os.pread
        places = (start + index.astype(np.int64) * each).tolist()
        return np.frombuffer(b"".join([pread(number, each, place) for place in places]), dtype).reshape(len(index), *shape)

    return rows


def _place(array: np.ndarray) -> tuple[str, int] | None:
    """The file that an array is mapped from and where in it the array begins; None of an array that is not, or whose rows are scattered."""
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    if not isinstance(whole, np.memmap) or whole.filename is None or not array.flags.c_contiguous or not array.size:
        return None
    begins = [one.__array_interface__["data"][0] for one in (array, whole)]
    return str(whole.filename), whole.offset + begins[0] - begins[1]
