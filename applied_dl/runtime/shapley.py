"""Which parts of an input an answer came from: Shapley values by sampled orders, from outputs alone, in batches of the exported file.

Each order begins with every part absent and adds one part after the other; a part is credited with what the answer changes when it is
added (Štrumbelj and Kononenko, 2014). The sum of the contributions is the answer less that without any part, whatever the sample; for a
model that adds up its parts (a linear one) each contribution is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from msgspec import Struct

EVALUATIONS = 1024  # rows that are run for one explanation, about
MOST_ORDERS = 64


class Parts(Struct, frozen=True, kw_only=True):
    """An input as parts that can be left out, one by one.

    Args:
        kind: what a part is: column, word, patch or step.
        names: of the F parts.
        values: what each part is, as a person wrote it; empty for patches.
        absent: what stands in for a part that is left out, in words.
        mixed: (present (M, F) bool, order (M,) int) → inputs of the graph (M, …) by name. Rows of one order are filled from the same
            replacement.
        backdrop: what the plot is drawn on: pixels (H, W, C), or a history (T,).
        slices: the place of each part in the backdrop.
    """

    kind: str
    names: list[str]
    values: list[str]
    absent: str
    mixed: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
    backdrop: np.ndarray | None = None
    slices: list[tuple[slice, ...]] = []


class Contributions(NamedTuple):
    """contributions: (F, K) of each part to each of K outputs. value: (K,) of the input. base: (K,), the mean without any part."""

    contributions: np.ndarray
    value: np.ndarray
    base: np.ndarray


def shapley(answer: Callable[[np.ndarray, np.ndarray], np.ndarray], parts: int, seed: int = 0) -> Contributions:
    """The contribution of each part.

    Args:
        answer: (present (M, F) bool, order (M,)) → outputs (M, K).
        parts: F.
        seed: of the orders.
    """
    random = np.random.default_rng(seed)
    pairs = max(1, min(MOST_ORDERS, EVALUATIONS // (parts + 1)) // 2)
    drawn = [random.permutation(parts) for _ in range(pairs)]
    orders = [order for one in drawn for order in (one, one[::-1])]  # an order and its reverse: half of the noise cancels out
    rank = np.argsort(orders, axis=1)  # (O, F): when each part is added
    present = rank[:, None, :] < np.arange(parts + 1)[None, :, None]  # (O, F + 1, F)
    numbers = np.repeat(np.arange(len(orders)), parts + 1)
    found = answer(present.reshape(-1, parts), numbers).astype(np.float64).reshape(len(orders), parts + 1, -1)
    gains = np.diff(found, axis=1)  # (O, F, K): of the part that is added at each place
    credit = np.stack([gain[place] for gain, place in zip(gains, rank)])
    return Contributions(credit.mean(0), found[:, -1].mean(0), found[:, 0].mean(0))
