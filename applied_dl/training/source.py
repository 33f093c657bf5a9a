"""Where batches come from: a size, and one function from row numbers to a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from applied_dl.core.mapped import row_reader
from applied_dl.layers.backend import JAX, constant, take

LARGEST_RESIDENT = 2**30  # bytes of the mapped arrays of a source, above which they stay on disk and are read a batch at a time


class Source(NamedTuple):
    """Rows of which batches are made.

    Args:
        size: number of rows.
        gather: `gather(index (B,) integers)` returns `(inputs by name, target)` or `(inputs, target, weight)`, batched, in the graph.
        ready: whether a batch takes no more work than gathering, so that preparing it ahead of its step saves nothing. Under JAX `gather`
            is called outside the graph where it is False.
    """

    size: int
    gather: Callable[[Any], tuple]
    ready: bool = True


def resident(inputs: dict[str, np.ndarray], target: np.ndarray, weight: np.ndarray | None = None) -> Source:
    """A source over arrays in memory: one gather per batch, never a Python loop per row. Mapped arrays that are large stay on disk."""
    arrays = [*inputs.values(), target, *(() if weight is None else (weight,))]
    mapped = [isinstance(array, np.memmap) for array in arrays]
    large = sum(array.nbytes for array, one in zip(arrays, mapped) if one) > LARGEST_RESIDENT
    columns = [_column_on_disk(array) if large and one else _column(array) for array, one in zip(arrays, mapped)]
    names = list(inputs)

    def gather(index):
        (*values,) = (column(index) for column in columns)
        features = dict(zip(names, values))
        return (features, *values[len(names) :])

    return Source(len(target), gather, ready=not large)


def _column(array: np.ndarray):
    table = constant(array)
    return lambda index: take(table, index)


def _column_on_disk(array: np.ndarray):
    rows = row_reader(array)
    if JAX:
        return lambda index: rows(np.asarray(index))
    import tensorflow as tf

    kind, shape = tf.as_dtype(array.dtype), array.shape[1:]

    def read(index):
        batch = tf.numpy_function(rows, [index], kind, stateful=False)
        return tf.ensure_shape(batch, (index.shape[0], *shape))  # as in memory, so that the graph and its rounding are the same

    return read
