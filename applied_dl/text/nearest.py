"""Exact search for the nearest vectors, in blocks of queries and of rows: memory does not grow with either."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import UsageError

QUERIES, CELLS = 256, 2**22  # compared at a time: queries, and scores in all


def nearest_rows(queries: np.ndarray, table: np.ndarray, count: int, leave_out=None) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each query (N, D) the rows of `table` (M, D) of greatest inner product and the products, best first; ties: the earlier row.

    At most `count` each; `leave_out` lists rows that each query excludes.
    Raises `UsageError` for queries of another shape, NaN or infinity in them, and a count below 1.
    """
    queries = np.asarray(queries, np.float32)
    if count < 1:
        raise UsageError(f"The count of nearest must be at least 1, received {count}.")
    if queries.ndim != 2 or (len(table) and queries.shape[1] != table.shape[1]):
        wide = table.shape[1] if len(table) else "D"
        raise UsageError(f"Queries must be an array of shape (N, {wide}), a row each, received shape {queries.shape}.")
    if not np.isfinite(queries).all():
        raise UsageError("Queries must be finite numbers, received NaN or infinity.")
    found = []
    for start in range(0, len(queries), QUERIES):
        asked = queries[start : start + QUERIES]
        out = [list(rows) for rows in leave_out[start : start + QUERIES]] if leave_out else [[]] * len(asked)
        found += _block(asked, table, min(count, len(table)), out)
    return found


def _block(queries: np.ndarray, table: np.ndarray, count: int, leave_out: list[list[int]]):
    places, best = np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
    size = max(1, CELLS // max(1, len(queries)))
    for first in range(0, len(table), size):
        scores = queries @ table[first : first + size].T
        for row, out in zip(scores, leave_out):
            row[[p - first for p in out if first <= p < first + size]] = -np.inf
        kept = np.argpartition(scores, -count, axis=1)[:, -count:] if count < scores.shape[1] else np.arange(scores.shape[1])[None]
        best = np.concatenate([best, np.take_along_axis(scores, np.broadcast_to(kept, (len(scores), kept.shape[1])), 1)], 1)
        places = np.concatenate([places, np.broadcast_to(kept + first, (len(scores), kept.shape[1]))], 1)
        order = np.lexsort((places, -best), axis=1)[:, :count]
        places, best = np.take_along_axis(places, order, 1), np.take_along_axis(best, order, 1)
    return [(p[known], s[known]) for p, s, known in zip(places, best, best > -np.inf)]
