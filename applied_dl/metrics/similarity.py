"""Scores of rankings and neighbours."""

from __future__ import annotations

import numpy as np


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 (N,), ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Spearman's rank correlation; nan where either side is constant."""
    a, b = ranks(truth), ranks(predicted)
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else float("nan")


def recall_at_k(queries: np.ndarray, items: np.ndarray, k: int = 1) -> float:
    """Share of rows i whose own item i is among the `k` items nearest to query i by dot product; both (N, D), L2-normalised."""
    own = np.einsum("nd,nd->n", queries, items)
    better = np.concatenate([(queries[i : i + 512] @ items.T > own[i : i + 512, None]).sum(1) for i in range(0, len(queries), 512)])
    return float(np.mean(better < k))
