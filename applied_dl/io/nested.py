"""Objects inside tables: those of JSON rows become columns of their fields, texts of lists of objects the list of their names."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

import polars as pl
from msgspec.structs import replace

from applied_dl.io.tables import Table

OBJECTS = r"^\[?\s*\{\s*['\"]"  # how the text of an object or a list of objects begins
LABELS = ("name", "label", "title", "value", "text", "id")  # the field that names an object, where several are texts


def with_object_names(table: Table) -> Table:
    """The table with the names of objects joined by `|` in place of their texts.

    Columns of such texts, as `[{"id": 28, "name": "Action"}, {"id": 12, "name": "Adventure"}]`, are how many services export lists; their
    names are read as lists are. Texts that are no objects with a name stay.

    Example:
        >>> table = read_table({"genres": ["[{'id': 28, 'name': 'Action'}, {'id': 12, 'name': 'Drama'}]"]})
        >>> with_object_names(table).frame["genres"][0]
        'Action|Drama'
    """
    found = [cells for cells in table.frame.select(pl.col(pl.String)) if cells.str.contains(OBJECTS).any()]
    return replace(table, frame=table.frame.with_columns(map(_named, found))) if found else table


def literal(text: str) -> Any:
    """The value of a text that JSON or Python wrote; None where neither did.

    Example:
        >>> literal('["a", null]'), literal("('a', True)"), literal("[a")
        (['a', None], ('a', True), None)
    """
    for read in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's on texts such as '\d', which are no code of the user
                return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def _named(cells: pl.Series) -> pl.Series:
    texts = cells.filter(cells.str.contains(OBJECTS) | (cells == "[]")).unique().to_list()
    names = {text: name for text in texts if (name := _names(text)) is not None}
    return pl.Series(cells.name, [names.get(text, text) or None for text in cells.to_list()], dtype=pl.String)


def _names(text: str) -> str | None:
    """The names of the objects of a text, empty for an empty list; None where it holds something else."""
    found = literal(text)
    objects = found if isinstance(found, list) else [found]
    names = [_name(one) if isinstance(one, dict) else None for one in objects]
    return None if None in names else "|".join(names)  # type: ignore[arg-type]


def _name(fields: dict[str, Any]) -> str | None:
    texts = {str(key).lower(): value for key, value in fields.items() if isinstance(value, str)}
    if len(texts) == 1 and len(fields) < 3:
        return next(iter(texts.values()))
    return next((texts[label] for label in LABELS if label in texts), None)
