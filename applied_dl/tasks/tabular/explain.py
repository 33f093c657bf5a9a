"""A row of a table as its columns: an absent column has the cells of a held-out row."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.runtime.shapley import Parts
from applied_dl.tasks.tabular.columns import ABSENT, FIRST, Column, TableEncoder


def parts(encoder: TableEncoder, inputs, encoded: Encoded, row: int, golden: dict[str, np.ndarray]) -> list[tuple[str, Parts]]:
    """One entry, for the row.

    Args:
        encoder: of the bundle.
        inputs: as they were given; what was encoded of them is explained.
        encoded: what `encode` returned.
        row: the number of a row that could be read.
        golden: held-out rows (N, …) by input name.
    """
    groups: dict[str, list[Column]] = {}
    for column in encoder.columns:  # the amount and the unit of one column are one part
        groups.setdefault(column.name, []).append(column)
    count = len(next(iter(golden.values()), ()))
    if not count:
        raise DataError("The bundle keeps no held-out rows (golden.npz), which stand in for what is left out of an input.")

    def mixed(present: np.ndarray, order: np.ndarray) -> dict[str, np.ndarray]:
        found = {}
        for place, columns in enumerate(groups.values()):
            for name in (name for column in columns for name in column.inputs):
                own, other = encoded.inputs[name][row], golden[name][order % count]
                here = present[:, place].reshape(-1, *[1] * (other.ndim - 1))
                found[name] = np.where(here, own, other).astype(other.dtype)
        return found

    values = [", ".join(_shown(column, encoded.inputs, row) for column in columns) for columns in groups.values()]
    absent = f"the cells of {count} held-out rows"
    return [("", Parts(kind="column", names=list(groups), values=values, absent=absent, mixed=mixed, fillings=count))]


def _shown(column: Column, inputs: dict[str, np.ndarray], row: int) -> str:
    """A cell as the model reads it."""
    first = inputs[column.inputs[0]][row]
    if column.kind == "category":
        return column.levels[first - FIRST] if first >= FIRST else "missing" if first == ABSENT else "not seen in training"
    if np.ndim(first):
        return " ".join(level for level, there in zip(column.levels, first) if there) or "…"
    numbers = [float(inputs[name][row]) for name in column.inputs]
    if column.kind == "moment" and not any(value != value for value in numbers):
        return moment_text(dict(zip(column.parts, numbers)))
    return ", ".join("missing" if value != value else f"{value:.5g}" for value in numbers[:2])


def moment_text(parts: dict[str, float]) -> str:
    """A date by the parts that the model reads: whole where it reads all of them."""
    hour = f" {parts['hour']:g} h" if "hour" in parts else ""
    if {"year", "month", "day"} <= set(parts):
        return f"{parts['year']:.0f}-{parts['month']:02.0f}-{parts['day']:02.0f}{hour}"
    named = {name: value for name, value in parts.items() if name != "days"} or parts
    return ", ".join(f"{name} {value:g}" for name, value in named.items())
