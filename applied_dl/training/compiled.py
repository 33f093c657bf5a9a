"""Inner loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable

from numba import njit

FREE = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; NaN stays NaN


def compiled(function: Callable) -> Callable:
    """The function, compiled at its first call to run without the global interpreter lock; cached on disk where that is possible."""
    return _compiled(function, False)


def compiled_freely(function: Callable) -> Callable:
    """As `compiled`, but its sums may be in any order, which is faster."""
    return _compiled(function, FREE)


def _compiled(function: Callable, fastmath: bool | set[str]) -> Callable:
    try:
        return njit(nogil=True, cache=True, fastmath=fastmath)(function)
    except RuntimeError:  # no folder can be written
        return njit(nogil=True, fastmath=fastmath)(function)
