"""A user as their items: an absent item is one that they never had."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.runtime.shapley import Parts
from applied_dl.tasks.recommend.encoder import RecommendEncoder

MOST_ITEMS = 200  # of a user that are explained, the latest


def parts(encoder: RecommendEncoder, inputs, encoded: Encoded, row: int, golden: dict[str, np.ndarray]) -> list[tuple[str, Parts]]:
    """One entry, for the item that is recommended first, or the one that was asked about.

    Args:
        encoder: of the bundle.
        inputs: as they were given.
        encoded: what `encode` returned; the row's `ask` is set to the item that is explained.
        row: the number of a row that could be read.
        golden: unused: what is left out is not replaced by anything.
    """
    one = encoded.extra["asked"][row]  # type: ignore[index]
    items, values = list(one.items), list(one.values)
    if one.user:
        known_items, known_values = history_of(encoder, one.user)
        items, values = items + known_items, values + known_values
    items, values = items[-MOST_ITEMS:], values[-MOST_ITEMS:]
    if not items:
        raise DataError(f"The user {one.name!r} has no events, so there is nothing that their recommendations come from.")
    ask = int(encoded.inputs["ask"][row, 0])

    def mixed(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        count = len(present)
        return {
            "user": np.zeros(count, np.int32), "items": np.where(present, np.array(items, np.int32), 0).astype(np.int32),
            "values": np.where(present, np.array(values, np.float32), 0).astype(np.float32), "ask": np.full((count, 1), ask, np.int32),
        }  # fmt: skip

    names = [encoder.items[item - 1] for item in items]
    shown = [f"{value:g}" for value in values] if encoder.columns[2] else []
    return [(encoder.items[ask - 1], Parts(kind="item", names=names, values=shown, absent="a user without the item", mixed=mixed))]


def history_of(encoder: RecommendEncoder, user: int) -> tuple[list[int], list[float]]:
    """Rows and values of what a known user had."""
    first, last = encoder.arrays["history_starts"][[user, user + 1]]
    items = encoder.arrays["history_items"][first:last].tolist()
    values = encoder.arrays.get("history_values")
    return items, [encoder.assumed] * len(items) if values is None else values[first:last].tolist()
