"""How far made images or rows are from real ones: distances between clouds of feature vectors, and between shares of codes."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 5
MOST = 1000  # rows of each cloud that are compared with each other


def frechet(made: np.ndarray, real: np.ndarray) -> float:
    """Fréchet distance of two clouds (N, D) and (M, D) as Gaussians: |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½).

    Heusel et al., GANs trained by a two time-scale update rule (2017). Lower is better; of few rows it is too high, for both clouds alike.
    """
    a, b = made.astype(np.float64), real.astype(np.float64)
    root = _root(np.atleast_2d(np.cov(b.T)))
    both = np.linalg.eigvalsh(root @ np.atleast_2d(np.cov(a.T)) @ root)
    spread = a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum() - 2 * np.sqrt(np.maximum(both, 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + max(spread, 0.0))


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) Euclidean distances of rows."""
    a, b = a.astype(np.float32), b.astype(np.float32)
    square = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
    return np.sqrt(np.maximum(square, 0))


def cloud_scores(made: np.ndarray, real: np.ndarray, k: int = NEIGHBOURS) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al., 2019), density and coverage (Naeem et al., 2020), by balls to the k-th neighbour.

    precision, density: how far made vectors lie among real ones; recall, coverage: how much of the real ones is made.
    """
    made, real = thinned(made), thinned(real)
    k = max(1, min(k, len(made) - 1, len(real) - 1))
    between = distances(made, real)
    of_real = np.partition(distances(real, real), k, axis=1)[:, k]  # the nearest is the row itself
    of_made = np.partition(distances(made, made), k, axis=1)[:, k]
    inside = between <= of_real[None]
    return {
        "precision": float(inside.any(1).mean()), "recall": float((between <= of_made[:, None]).any(0).mean()),
        "density": float(inside.sum(1).mean() / k), "coverage": float(inside.any(0).mean()),
    }  # fmt: skip


def thinned(rows: np.ndarray, most: int = MOST) -> np.ndarray:
    """At most `most` rows, evenly spread."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def nearest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) distance of each row to the nearest of the others."""
    return np.concatenate([distances(rows[i : i + 256], others).min(1) for i in range(0, len(rows), 256)])


def variation(a: np.ndarray, b: np.ndarray, size: int) -> float:
    """Total variation distance of the shares of codes 0..size−1: 0 equal, 1 disjoint."""
    return float(np.abs(np.bincount(a, minlength=size) / len(a) - np.bincount(b, minlength=size) / len(b)).sum() / 2)


def coarse(codes: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """Codes (N, F) by groups: `groups[f]` gives the group of each code of a column."""
    return np.stack([group[codes[:, i]] for i, group in enumerate(groups)], axis=1)


def pair_error(made: np.ndarray, real: np.ndarray, sizes: tuple[int, ...]) -> float:
    """Mean total variation distance over all pairs of columns of codes (N, F); of one column, of that column."""
    pairs = [(i, j) for i in range(len(sizes)) for j in range(i + 1, len(sizes))]
    if not pairs:
        return variation(made[:, 0], real[:, 0], sizes[0])
    found = [variation(made[:, i] * sizes[j] + made[:, j], real[:, i] * sizes[j] + real[:, j], sizes[i] * sizes[j]) for i, j in pairs]
    return float(np.mean(found))


def association(codes: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """(F, F) Cramér's V of each pair of columns, 0..1."""
    found = np.eye(len(sizes))
    for i in range(len(sizes)):
        for j in range(i):
            counts = np.bincount(codes[:, i] * sizes[j] + codes[:, j], minlength=sizes[i] * sizes[j]).reshape(sizes[i], sizes[j])
            counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
            least = min(counts.shape) - 1
            if least > 0:
                wanted = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
                found[i, j] = found[j, i] = np.sqrt(((counts - wanted) ** 2 / wanted).sum() / counts.sum() / least)
    return found
