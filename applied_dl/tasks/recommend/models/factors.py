"""Models of ratings by factors as one: the mean of several, in as few dimensions as it needs, and scaled for new users."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST = 1e-6  # of the variance of users' factors, relative to the largest: smaller ones are left out


class Member(NamedTuple):
    """Ratings, less their mean, are users (U, W) times items (I, W); biases are columns beside columns of ones."""

    users: np.ndarray
    items: np.ndarray


class Factors(NamedTuple):
    """Ratings are base (I,) + items (I, D) · users (U, D); the users' factors have mean 0 and the unit matrix as covariance."""

    base: np.ndarray
    users: np.ndarray
    items: np.ndarray


def averaged(members: list[Member], mean: float, dimensions: int) -> Factors:
    """The mean of the members' ratings in at most `dimensions` dimensions, the nearest there is (Eckart and Young, 1936).

    Args:
        members: of the same users and items.
        mean: that is added to all ratings.
        dimensions: D at most.

    Example:
        >>> u, i = np.random.default_rng(0).normal(size=(50, 3)), np.random.default_rng(1).normal(size=(40, 3))
        >>> found = averaged([Member(u, i)], 3.5, 8)
        >>> bool(np.allclose(found.base + found.users @ found.items.T, 3.5 + u @ i.T, atol=1e-4))
        True
    """
    users = np.concatenate([one.users for one in members], axis=1).astype(np.float64)
    items = np.concatenate([one.items for one in members], axis=1).astype(np.float64) / len(members)
    middle = users.mean(0)
    base = mean + items @ middle
    left, right = _root(users - middle), _root(items)
    u, s, v = np.linalg.svd(left[1] @ right[1].T)
    kept = max(1, int((s[:dimensions] ** 2 > LEAST * s[0] ** 2).sum()))
    scale = np.sqrt(len(users))
    return Factors(
        base.astype(np.float32), (left[0] @ u[:, :kept] * scale).astype(np.float32),
        (right[0] @ (v[:kept].T * s[:kept]) / scale).astype(np.float32),
    )  # fmt: skip


def _root(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns, and the matrix in them; a table with fewer rows than columns is no problem."""
    q, r = np.linalg.qr(matrix)
    return q, r
