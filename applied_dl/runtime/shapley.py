"""Which parts of an input an answer came from: Shapley values by sampled orders, from outputs alone, in batches of the exported file.

Each order begins with every part absent and adds one part after the other; a part is credited with what the answer changes when it is
added (Štrumbelj and Kononenko, 2014). The sum of the contributions is the answer less that without any part, whatever the sample. A
model that adds up its parts, as linear ones do, needs no orders: what each part adds alone is its exact contribution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from msgspec import Struct

EVALUATIONS = 1024  # rows that are run for one explanation, about
MOST_ORDERS = 64
TRIES = 32  # random subsets of the parts, on which a model is tested for adding them up
ADDITIVE = 1e-4  # largest difference from the sum, as a share of the largest change of the answer


class Parts(Struct, frozen=True, kw_only=True):
    """An input as parts that can be left out, one by one.

    Args:
        kind: what a part is: column, word, patch or step.
        names: of the F parts.
        values: what each part is, as a person wrote it; empty for patches.
        absent: what stands in for a part that is left out, in words.
        mixed: (present (M, F) bool, order (M,) int) → inputs of the graph (M, …) by name. Rows of one order are filled from the same
            replacement, number `order % fillings`.
        fillings: how many different replacements there are.
        backdrop: what the plot is drawn on: pixels (H, W, C), or a history (T,).
        slices: the place of each part in the backdrop.
    """

    kind: str
    names: list[str]
    values: list[str]
    absent: str
    mixed: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
    fillings: int = 1
    backdrop: np.ndarray | None = None
    slices: list[tuple[slice, ...]] = []


class Contributions(NamedTuple):
    """contributions: (F, K) of each part to each of K outputs. value: (K,) of the input. base: (K,), the mean without any part."""

    contributions: np.ndarray
    value: np.ndarray
    base: np.ndarray


def added_up(answer: Callable[[np.ndarray, np.ndarray], np.ndarray], parts: int, fillings: int = 1, seed: int = 0) -> Contributions | None:
    """The exact contributions where the answer is a sum over the parts, else None. Runs (F + 2) rows a filling, and TRIES.

    Tested on random subsets: the answer to each must be the base and what its parts add alone, within float32.

    Args:
        answer: (present (M, F) bool, order (M,)) → outputs (M, K).
        parts: F.
        fillings: replacements of absent parts, over which contributions are averaged.
        seed: of the subsets.
    """
    alone = np.concatenate([np.zeros((1, parts), bool), np.ones((1, parts), bool), np.eye(parts, dtype=bool)])
    subsets = np.random.default_rng(seed).random((TRIES, parts)) < 0.5
    made = []
    for filling in range(fillings):
        present = np.concatenate([alone, subsets]) if not filling else alone
        found = answer(present, np.full(len(present), filling)).astype(np.float64)
        if not np.isfinite(found).all():
            return None
        gains = found[2 : parts + 2] - found[0]
        apart, change = (np.abs(found - other).max(0) for other in (found[0] + present @ gains, found[0]))
        if not (apart <= ADDITIVE * change).all():
            return None
        made.append((gains, found[1]))
    contributions, value = (np.mean(one, axis=0) for one in zip(*made))
    return Contributions(contributions, value, value - contributions.sum(0))


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
