"""Tables with a row for each user or item → columns of numbers: what `two_tower` knows of those without events."""

from __future__ import annotations

import numpy as np
import polars as pl
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_numbers, number_style
from applied_dl.io.tables import read_table
from applied_dl.tasks.recommend.encoder import id_text
from applied_dl.tasks.recommend.readers.columns import KNOWN, plain
from applied_dl.tasks.recommend.readers.events import Events

MOST_LEVELS = 50  # of a category, the most frequent ones
MOST_COLUMNS = 256  # numbers of a user or an item


class Features(Struct, frozen=True, kw_only=True):
    """users (U + 1, F), items (I + 1, F) float32, row 0 zeros; ids, those without events behind the others."""

    users: np.ndarray
    items: np.ndarray
    user_ids: list[str]
    item_ids: list[str]
    notes: list[str]


def read_features(users: str | None, items: str | None, events: Events) -> Features:
    """The features of users and items; ids that only the tables have are users and items without events."""
    user_ids, user_table, user_notes = _table(users, events.user_ids, "user", events.columns[0])
    item_ids, item_table, item_notes = _table(items, events.item_ids, "item", events.columns[1])
    return Features(users=user_table, items=item_table, user_ids=user_ids, item_ids=item_ids, notes=user_notes + item_notes)


def _table(source: str | None, ids: list[str], role: str, column: str) -> tuple[list[str], np.ndarray, list[str]]:
    if source is None:
        return list(ids), np.zeros((len(ids) + 1, 0), np.float32), []
    table = read_table(source)
    free = {plain(name): name for name in reversed(table.columns)}
    own = column if column in table.columns else next((free[name] for name in KNOWN[role] if name in free), None)
    if own is None:
        raise DataError(
            f"{source!r} has no column {column!r} that names the {role}s of its rows; columns: {', '.join(table.columns[:12])}."
        )
    names = [id_text(cell) if cell is not None else "" for cell in table.frame[own].to_list()]
    rows = {name: i for i, name in enumerate(names) if name}
    known = dict.fromkeys([*ids, *rows])
    blocks = [block for name in table.columns if name != own for block in _columns(table.frame[name], table.decimal)]
    if not blocks:
        raise DataError(f"{source!r} has no column of numbers or categories beside {own!r}.")
    values = np.concatenate(blocks, axis=1)[:, :MOST_COLUMNS]
    found = np.zeros((len(known) + 1, values.shape[1]), np.float32)
    for i, name in enumerate(known):
        if name in rows:
            found[i + 1] = values[rows[name]]
    missing = sum(name not in rows for name in ids)
    notes = [f"{missing:,} of {len(ids):,} {role}s have no row in {source!r}: their features are zeros"] if missing else []
    return list(known), found, notes


def _columns(cells: pl.Series, decimal: str | None) -> list[np.ndarray]:
    """A column as numbers (N, 1), centred and scaled, or as levels (N, L) of 0 and 1; nothing where every row has a level of its own."""
    style, share = number_style(cells, decimal)
    if cells.dtype != pl.Boolean and share > 0.95:
        values = as_numbers(cells, style)[0]
        known = np.isfinite(values)
        if len(np.unique(values[known])) > 2:
            middle, spread = values[known].mean(), values[known].std()
            return [np.where(known, (values - middle) / (spread or 1), 0).astype(np.float32)[:, None]]
    texts = cells.cast(pl.String).fill_null("")
    counts = texts.value_counts(sort=True)
    levels = [level for level in counts[texts.name].to_list()[:MOST_LEVELS] if level]
    if counts.height > 0.5 * len(texts) and counts.height > MOST_LEVELS:
        return []
    return [np.stack([(texts == level).to_numpy() for level in levels], axis=1).astype(np.float32)] if levels else []
