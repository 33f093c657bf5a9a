"""Recipe keys that suit a table of events, proposed by `applied-dl new`."""

from __future__ import annotations

from typing import Any

from applied_dl.io.tables import read_table
from applied_dl.tasks.recommend.readers.columns import find_columns, names_events
from applied_dl.tasks.recommend.readers.shapes import is_matrix


def suggest(source: str) -> dict[str, Any]:
    """The columns that would be read; none of a matrix of users and items."""
    table = read_table(source, header="guess")
    if not names_events(table.columns) and is_matrix(table):
        return {}
    columns, _ = find_columns(table.columns, {}, source)
    return {f"data.{role}": name for role, name in columns.items()}
