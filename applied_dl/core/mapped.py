"""Arrays in files: rows are read from where they stand, and pages of memory that the system lends are given back.

A row that is read through a mapping makes all of a piece of its file resident, which is 2 MB and more where the system keeps files in large
pages: after some thousand rows, that is the whole file. So rows are read by their place in the file.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np

PIECE = 2**25  # bytes of an array that are worked on at a time


def release(array: np.ndarray) -> None:
    """Give the pages of a mapped file back; they are read again when needed."""
    whole = _whole(array)
    base: object = whole.base
    written = isinstance(whole, np.memmap) and whole.mode == "c"  # changes of such a copy are in its pages alone
    if isinstance(base, mmap.mmap) and not written and hasattr(mmap, "MADV_DONTNEED"):
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
    found = _opened(array)
    if found is None:
        return lambda index: np.ascontiguousarray(array[index])
    (file, start), each, shape, dtype = found, array[:1].nbytes, array.shape[1:], array.dtype

    def rows(index: np.ndarray) -> np.ndarray:
        number, pread = file.fileno(), os.pread
        places = (start + index.astype(np.int64) * each).tolist()
        return np.frombuffer(b"".join([pread(number, each, place) for place in places]), dtype).reshape(len(index), *shape)

    return rows


def span_reader(array: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of places and lengths (B,) that returns these pieces of a mapped array (N,) one after the other, without mapping them."""
    found = _opened(array)
    if found is None:
        return lambda begins, sizes: np.concatenate([array[:0], *(array[b : b + n] for b, n in zip(begins.tolist(), sizes.tolist()))])
    (file, start), each, dtype = found, array.itemsize, array.dtype

    def pieces(begins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        number, pread = file.fileno(), os.pread
        asked = zip((sizes.astype(np.int64) * each).tolist(), (start + begins.astype(np.int64) * each).tolist())
        return np.frombuffer(b"".join([pread(number, size, place) for size, place in asked]), dtype)

    return pieces


def _opened(array: np.ndarray) -> tuple[BinaryIO, int] | None:
    """The file of a mapped array, open as long as rows are read, and where in it the array begins; None where it must be read as it is."""
    found = _place(array)
    if found is None or not hasattr(os, "pread"):  # Windows has no reads at a place
        return None
    try:
        return open(found[0], "rb"), found[1]
    except OSError:  # removed since it was mapped: its pages are still there
        return None


def _place(array: np.ndarray) -> tuple[str, int] | None:
    """The file that an array is mapped from and where in it the array begins; None of an array that is not, or whose rows are scattered."""
    whole = _whole(array)
    if not isinstance(whole, np.memmap) or whole.filename is None or whole.mode == "c" or not array.flags.c_contiguous or not array.size:
        return None
    begins = [one.__array_interface__["data"][0] for one in (array, whole)]
    return str(whole.filename), whole.offset + begins[0] - begins[1]


def _whole(array: np.ndarray) -> np.ndarray:
    """The array that this one is a view of, or itself."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
