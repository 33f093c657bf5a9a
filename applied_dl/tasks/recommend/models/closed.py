"""Similarities of items in closed form: EASE (Steck, 2019) and the cosine of their users with shrinkage."""

from __future__ import annotations

import numpy as np

MOST_ITEMS = 20_000  # of a matrix of items by items: 1.6 GB


def gram(users: np.ndarray, items: np.ndarray, weights: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(I, I) float64 XᵀX of the events as a matrix of users by items."""
    import scipy.sparse as sp

    x = sp.csr_matrix((weights.astype(np.float64), (users, items)), shape=shape)
    return (x.T @ x).toarray()


def ease(products: np.ndarray, regularization: float) -> np.ndarray:
    """(I, I) B that minimises |X − X B|² + λ |B|² with a diagonal of zeros: no item explains itself.

    Args:
        products: XᵀX (I, I).
        regularization: λ.

    Example:
        >>> ease(np.array([[2.0, 1.0], [1.0, 2.0]]), 1.0).round(3).tolist()
        [[0.0, 0.333], [0.333, 0.0]]
    """
    from scipy.linalg import lapack

    matrix = products + regularization * np.eye(len(products))
    factor, failed = lapack.dpotrf(matrix, lower=1, overwrite_a=1)
    inverse, wrong = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or wrong:
        raise np.linalg.LinAlgError("the matrix of items is not positive definite")
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    found = -inverse / np.diag(inverse)
    np.fill_diagonal(found, 0.0)
    return found


def item_knn(products: np.ndarray, neighbours: int, shrinkage: float) -> np.ndarray:
    """(I, I) cosine of the items' users, shrunk where they are few; in each column the most similar items alone."""
    norms = np.sqrt(np.diag(products))
    found = products / (norms[:, None] * norms[None, :] + shrinkage + 1e-12)
    np.fill_diagonal(found, 0.0)
    if neighbours < len(found):
        least = -np.partition(-found, neighbours - 1, axis=0)[neighbours - 1]
        found[found < least] = 0.0
    return found
