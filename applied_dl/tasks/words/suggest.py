"""Recipe keys that suit a corpus, proposed by `applied-dl new`."""

from __future__ import annotations

from typing import Any

from applied_dl.text.tables import is_table, read_table
from applied_dl.text.text_columns import chosen_places


def suggest(source: str) -> dict[str, Any]:
    """The text column of a table that would be read."""
    if not is_table(source):
        return {}
    table = read_table(source)
    names = [table.header[place] for place in chosen_places(source, table.header, table.rows, None)] if table.header else []
    return {"data.column": names[0]} if len(names) == 1 else {}
