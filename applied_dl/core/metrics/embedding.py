"""Metrics of embeddings (N, D) of length 1: rank correlation with scored pairs, retrieval of a pair's other text, and a linear probe."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics.intervals import bootstrap, wilson
from applied_dl.core.metrics.similarity import spearman
from applied_dl.core.records import Scores

FOLDS = 5
RIDGE = 1.0


def score_pairs(vectors: np.ndarray, scores: np.ndarray, metrics_only: bool = False) -> Scores:
    """Rank correlation over the pairs with a score, and retrieval among the pairs without one.

    Args:
        vectors: (N, D), rows in the order anchor, positive, anchor, ….
        scores: (N,) score of each row's pair; NaN for a pair that only belongs together.
        metrics_only: leave out the bootstrap interval of the correlation.
    """
    a, b, wanted = vectors[0::2], vectors[1::2], scores[0::2]
    scored = ~np.isnan(wanted)
    metrics: dict[str, float] = {}
    ends: dict[str, tuple[float, float]] = {}
    if scored.any():
        cosine = np.einsum("nd,nd->n", a[scored], b[scored])
        metrics["spearman"] = spearman(wanted[scored], cosine)
        if not metrics_only:
            ends["spearman"] = bootstrap(spearman, wanted[scored], cosine)
    if (~scored).any():
        place = ranks_of_own(a[~scored], b[~scored])
        metrics |= {
            "recall_at_k": float(np.mean(place < 1)),
            "recall_at_10": float(np.mean(place < 10)),
            "mrr": float(np.mean(1 / (1 + place))),
        }
        ends["recall_at_k"] = wilson(int((place < 1).sum()), len(place))
    return Scores(main=next(iter(metrics)), metrics=metrics, intervals=ends)


def ranks_of_own(queries: np.ndarray, items: np.ndarray) -> np.ndarray:
    """(N,) how many items are nearer to query i than its own item i; ties count half, so that identical vectors have no advantage."""
    own = np.einsum("nd,nd->n", queries, items)
    ranks = []
    for start in range(0, len(queries), 512):
        scores, mine = queries[start : start + 512] @ items.T, own[start : start + 512, None]
        rows = np.arange(len(mine))
        scores[rows, start + rows] = -np.inf
        near = np.abs(scores - mine) <= 1e-6
        ranks.append(((scores > mine) & ~near).sum(1) + near.sum(1) // 2)
    return np.concatenate(ranks)


def linear_probe(vectors: np.ndarray, codes: np.ndarray) -> float:
    """Five-fold cross-validated accuracy of a ridge classifier on the vectors (N, D), with fixed folds. codes: (N,) class codes."""
    from threadpoolctl import threadpool_limits

    rows = np.arange(len(codes))
    classes = np.unique(codes)
    x = np.concatenate([vectors, np.ones((len(vectors), 1), vectors.dtype)], 1).astype(np.float64)
    y = (codes[:, None] == classes[None]).astype(np.float64) * 2 - 1
    right = np.zeros(len(codes), bool)
    for fold in range(min(FOLDS, len(codes))):
        held = rows % FOLDS == fold
        if held.all() or not held.any():
            continue
        with threadpool_limits(1):  # the system is so small that BLAS threads would mostly wait for each other
            gram = x[~held].T @ x[~held] + RIDGE * np.eye(x.shape[1])
            right[held] = classes[(x[held] @ np.linalg.solve(gram, x[~held].T @ y[~held])).argmax(1)] == codes[held]
    return float(right.mean())
