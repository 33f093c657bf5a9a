"""Recipe keys that suit a table of texts, proposed by `applied-dl new`."""

from __future__ import annotations

from typing import Any

from applied_dl.tasks.sentences.readers.layouts import layout_of
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.tables import is_table, read_table


def suggest(source: str) -> dict[str, Any]:
    """The kind of table, and the columns of texts and labels, that would be chosen."""
    if not is_table(source):
        return {}
    table = read_table(source)
    layout = layout_of(table, Data(source=source))
    keys: dict[str, Any] = {"data.kind": layout.kind}
    if table.header and layout.kind in ("labelled", "text"):
        for key, places in (("data.column", layout.texts), ("data.target", layout.labels)):
            names = [table.header[place] for place in places]
            keys |= {key: names[0] if len(names) == 1 else names} if names else {}
    return keys
