"""What vectors are worth: scored pairs, retrieval of the other half of a pair, and a linear probe. Vectors (N, D), L2-normalised."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics.intervals import bootstrap, wilson
from applied_dl.core.metrics.similarity import spearman
from applied_dl.core.records import Scores

FOLDS = 5
RIDGE = 1.0


def judge_pairs(vectors: np.ndarray, scores: np.ndarray, *, intervals: bool = True) -> Scores:
    """Rows (anchor, positive, anchor, …). Pairs with a score: rank correlation; pairs with NaN: retrieval among themselves."""
    a, b, wanted = vectors[0::2], vectors[1::2], scores[0::2]
    scored = ~np.isnan(wanted)
    metrics: dict[str, float] = {}
    found: dict[str, tuple[float, float]] = {}
    if scored.any():
        cosine = np.einsum("nd,nd->n", a[scored], b[scored])
        metrics["spearman"] = spearman(wanted[scored], cosine)
        if intervals:
            found["spearman"] = bootstrap(spearman, wanted[scored], cosine)
    if (~scored).any():
        place = ranks_of_own(a[~scored], b[~scored])
        metrics |= {
            "recall_at_k": float(np.mean(place < 1)),
            "recall_at_10": float(np.mean(place < 10)),
            "mrr": float(np.mean(1 / (1 + place))),
        }
        found["recall_at_k"] = wilson(int((place < 1).sum()), len(place))
    return Scores(main=next(iter(metrics)), metrics=metrics, intervals=found)


def ranks_of_own(queries: np.ndarray, items: np.ndarray) -> np.ndarray:
    """How many items are nearer to query i than its own item i (N,); ties count half, so that equal vectors gain nothing."""
    own = np.einsum("nd,nd->n", queries, items)
    found = []
    for start in range(0, len(queries), 512):
        scores, mine = queries[start : start + 512] @ items.T, own[start : start + 512, None]
        rows = np.arange(len(mine))
        scores[rows, start + rows] = -np.inf
        near = np.abs(scores - mine) <= 1e-6
        found.append(((scores > mine) & ~near).sum(1) + near.sum(1) // 2)
    return np.concatenate(found)


def linear_probe(vectors: np.ndarray, codes: np.ndarray) -> float:
    """Accuracy of a ridge classifier on the vectors, each fifth of the rows judged by one fitted on the others (deterministic folds)."""
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
        with threadpool_limits(1):  # so small a system: on a busy machine the threads of BLAS wait for each other far longer than they work
            gram = x[~held].T @ x[~held] + RIDGE * np.eye(x.shape[1])
            right[held] = classes[(x[held] @ np.linalg.solve(gram, x[~held].T @ y[~held])).argmax(1)] == codes[held]
    return float(right.mean())
