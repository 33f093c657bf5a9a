"""Recipe keys that suit a table of events, proposed by `applied-dl new`."""

from __future__ import annotations

from typing import Any

from applied_dl.io.tables import read_table
from applied_dl.tasks.recommend.readers.columns import find_columns


def suggest(source: str) -> dict[str, Any]:
    """The columns that would be read."""
    columns, _ = find_columns(read_table(source, header="guess").columns, {}, source)
    return {f"data.{role}": name for role, name in columns.items()}
