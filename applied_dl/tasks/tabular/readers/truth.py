"""The targets of a table: what they are, the rows that have one, and how the columns are compared with them."""

from __future__ import annotations

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.numbers import learn_format
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import Target
from applied_dl.tasks.tabular.readers.target import aligned_labels, learn_target, similar_labels

FEWEST = 10  # rows with a target


def with_targets(table: Table, place: np.ndarray, names: tuple[str, ...]) -> tuple[Table, np.ndarray, list[str]]:
    """Without the rows that lack a target."""
    target = ", ".join(names)
    known = np.flatnonzero(np.all([table.frame[name].is_not_null().to_numpy() for name in names], axis=0))
    if len(known) < FEWEST:
        raise DataError(f"{table.source} has {len(known)} rows with a {target!r}; expected at least {FEWEST}.")
    if len(known) == len(table):
        return table, place, []
    note = f"{len(table) - len(known)} of {len(table)} rows have no {target!r} and are left out"
    return table.take(known), place[known], [f"IMPORTANT: {note}" if len(known) < len(table) / 2 else note]


def learn_targets(table: Table, place, given, names, kind, decimal) -> tuple[tuple[Target, ...], list[str]]:
    """The targets, learned from the training file where there is one, and notes."""
    targets, notes = [], []
    own = table.frame if given == ["all"] else table.frame.filter(pl.Series(place == 0))
    for name in names:
        if len(names) > 1 and (kind == "classification" or learn_format(own[name], decimal)[1] < 1.0):
            raise UsageError(f"several targets (data.target) must be numbers, and {name!r} is not; train one model for each such column.")
        found, more = learn_target(own[name], kind if len(names) == 1 else "regression", decimal)
        if len(names) > 1 and kind is None and (alone := learn_target(own[name], None, decimal)[0].labels):
            notes.append(
                f"IMPORTANT: target {name!r} looks like {len(alone)} classes ({', '.join(alone[:5])}); among several targets it is learned "
                "as a number. For probabilities, train a model for it alone"
            )
        notes += more + (similar_labels(name, found.labels) if found.labels else [])
        if found.labels and given != ["all"]:
            notes += aligned_labels(table, place, name, found.labels, given)
        targets.append(found)
    return tuple(targets), notes


def has_target(truth: np.ndarray) -> np.ndarray:
    """(N,) whether every target of a row is known."""
    known = truth >= 0 if truth.dtype.kind == "i" else ~np.isnan(truth)
    return known if known.ndim == 1 else known.all(1)


def known_rows(table: Table, place: np.ndarray, truth: np.ndarray) -> tuple[Table, np.ndarray, np.ndarray]:
    """Without rows whose target is a mark that means missing."""
    known = np.flatnonzero(has_target(truth))
    if len(known) == len(table):
        return table, place, truth
    if len(known) < FEWEST:
        raise DataError(f"{table.source} has {len(known)} rows with a target; expected at least {FEWEST}.")
    return table.take(known), place[known], truth[known]


def training_targets(truth: np.ndarray, targets: tuple[Target, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """(N, K) one-hot or standardised, on the rank scale where the values are heavy-tailed; and class codes or None."""
    if targets[0].labels:
        return np.eye(len(targets[0].labels))[truth], truth
    y = truth.reshape(len(truth), -1)
    y = np.where((y > 0).all(0), np.log(np.maximum(y, 1e-300)), y) if (y > 0).all() and _spread(y) else y
    return (y - y.mean(0)) / np.where(y.std(0) > 0, y.std(0), 1.0), None


def _spread(y: np.ndarray) -> bool:
    return bool(np.log(y).std(0).max() > 1.0)
