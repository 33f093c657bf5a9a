"""Denominators without a zero, and without a tiny constant, which half precision would make a zero."""

from __future__ import annotations

from keras import ops


def nonzero(x):
    """Values that are not negative, with 1 in the place of 0: for quotients of what is 0 too, or whose value there does not matter.

    Example:
        >>> nonzero(np.array([0.0, 2.0]))     # [1., 2.]
    """
    return ops.where(x > 0.0, x, ops.ones_like(x))
