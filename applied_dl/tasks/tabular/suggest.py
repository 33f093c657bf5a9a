"""Recipe keys that suit a table, proposed by `applied-dl new`."""

from __future__ import annotations

from typing import Any

from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular.readers.target import target_columns


def suggest(source: str) -> dict[str, Any]:
    """The target that would be chosen."""
    return {"data.target": target_columns(read_table(source), None)[0]}
