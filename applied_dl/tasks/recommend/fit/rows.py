"""The rows of a table of factors, each solved by its own events: what alternating least squares and Gibbs sampling repeat."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from applied_dl.training.compiled import compiled_freely

CHUNK = 256  # rows of one call


class Grouped(NamedTuple):
    """Events by row: `starts` (R + 1,) of each row's events, `other` (N,) the row on the other side, `order` of the events in the log."""

    starts: np.ndarray
    other: np.ndarray
    order: np.ndarray


def grouped(rows: np.ndarray, other: np.ndarray, count: int) -> Grouped:
    """Events (N,) grouped by their rows of a table with `count` rows."""
    order = np.argsort(rows, kind="stable")
    return Grouped(np.searchsorted(rows[order], np.arange(count + 1)), other[order].astype(np.int64), order)


@compiled_freely
def solve_range(first, last, starts, other, weight, target, factors, matrix, vector, noise, out):
    """out[i] = A⁻¹ b + L⁻ᵀ noise[i] for i in first … last − 1, with A = matrix + Σ weight f fᵀ = L Lᵀ and b = vector + Σ target f."""
    D = out.shape[1]
    A, b = np.empty((D, D)), np.empty(D)
    for i in range(first, last):
        A[:] = matrix
        b[:] = vector
        for e in range(starts[i], starts[i + 1]):
            f = factors[other[e]]
            for p in range(D):
                b[p] += target[e] * f[p]
                scaled = weight[e] * f[p]
                for q in range(p + 1):
                    A[p, q] += scaled * f[q]
        for p in range(D):
            for q in range(p + 1):
                s = A[p, q]
                for k in range(q):
                    s -= A[p, k] * A[q, k]
                A[p, q] = np.sqrt(s) if p == q else s / A[q, q]
        for p in range(D):
            s = b[p]
            for k in range(p):
                s -= A[p, k] * b[k]
            b[p] = s / A[p, p]
        for p in range(D):
            b[p] += noise[i, p] if len(noise) else 0.0
        for p in range(D - 1, -1, -1):
            s = b[p]
            for k in range(p + 1, D):
                s -= A[k, p] * b[k]
            b[p] = s / A[p, p]
        out[i] = b


def solve_rows(
    events: Grouped, weight: np.ndarray, target: np.ndarray, factors: np.ndarray, matrix: np.ndarray, vector: np.ndarray,
    noise: np.ndarray, out: np.ndarray, pool: ThreadPoolExecutor,
) -> None:  # fmt: skip
    """Solve every row of `out` (R, D); the result does not depend on the number of threads.

    Args:
        events: of the rows.
        weight, target: (N,) of each event, in the order of `events`.
        factors: (M, D) of the other side.
        matrix, vector: (D, D) and (D,), what every row has beside its events.
        noise: (R, D) standard normal numbers for a draw from the posterior, or (0, D) for its mean.
        pool: of threads.
    """
    rows = len(out)
    jobs = [
        pool.submit(
            solve_range, first, min(first + CHUNK, rows), events.starts, events.other, weight, target, factors, matrix, vector, noise, out
        )
        for first in range(0, rows, CHUNK)
    ]
    for job in jobs:
        job.result()


def threads() -> int:
    """As many as there are CPUs."""
    return os.cpu_count() or 1
