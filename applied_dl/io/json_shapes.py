"""One JSON document → rows, in the shapes that pandas and other programs write; the fields of a row that are within others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from applied_dl.core.errors import DataError
from applied_dl.io.parts import part_in

ROWS = ("rows", "data", "records", "examples", "instances", "items", "results")  # names of the list of rows, where others are beside it
FEWEST_ROWS, WORDS = 10, 8  # fewer rows beside a string of so many words belong to that text


def rows_of(document: Any) -> list[Any]:
    """The rows of a JSON document: those of a list; or, of an object,

    - the list of objects under one of its keys, or of objects within it: `{"version": 1, "data": [{…}, …]}`, `{"hits": {"hits": [{…}]}}`,
    - the lists of its parts, with a field "split": `{"train": [{…}], "test": [{…}]}`,
    - columns and their cells, as `DataFrame.to_json()` and `Dataset.to_dict()` write them: `{"a": {"0": 1, "1": 2}}`, `{"a": [1, 2]}`,
      `{"columns": ["a"], "data": [[1], [2]]}`,
    - records by their identifiers: `{"x7": {"a": 1}, "x8": {"a": 2}}`,
    - labels and what has them: `{"cat": ["1.jpg", "2.jpg"], "dog": ["3.jpg"]}` → rows of `label` and `text`,

    else the object itself, as the only row; so is a text with a few objects, `{"text": "…", "authors": [{…}, {…}]}`.

    Example:
        >>> rows_of({"a": {"0": 1, "1": 2, "2": 3}, "b": {"0": 4, "1": 5, "2": 6}})
        [{'a': 1, 'b': 4}, {'a': 2, 'b': 5}, {'a': 3, 'b': 6}]
    """
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or not document:
        return [document]
    names, cells = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(cells, list) and all(isinstance(row, list) and len(row) == len(names) for row in cells):
        names = [" ".join(map(str, name)) if isinstance(name, list) else str(name) for name in names]  # lists of several header lines
        return [dict(zip(names, row)) for row in cells]
    values = list(document.values())
    lists = [value for value in values if isinstance(value, list)]
    tables = [some for some in lists if some and all(isinstance(row, dict | list) for row in some)]
    if len(tables) > 1 and len(tables) == len(values) and all(map(part_in, document)):
        return _from_parts(document)
    if len(named := [document[name] for name in ROWS if document.get(name) in tables]) == 1:
        return named[0]
    if len(tables) == 1 or len(lists) == len(values) == 1:
        return [document] if _is_a_text(document, (tables or lists)[0]) else (tables or lists)[0]
    if len(values) > 1 and len(lists) == len(values) and not tables:
        return _from_lists(document)
    one = len(values) == 1 and not _count_up(document) and not (isinstance(values[0], dict) and _count_up(values[0]))
    if not one and all(isinstance(value, dict) and value.keys() == values[0].keys() for value in values) and values[0]:
        if _count_up(values[0]) or (len(values[0]) > len(values) and not _count_up(document)):
            return [{name: column[place] for name, column in document.items()} for place in values[0]]
        return values
    within = [rows for value in values if isinstance(value, dict) and (rows := rows_of(value)) != [value]]
    if len(within) != 1 or not all(isinstance(row, dict) for row in within[0]) or _is_a_text(document, within[0]):
        return [document]
    return within[0]


def without_lists_of_one(rows: list[Any]) -> list[Any]:
    """The rows with an object in place of a list under a key that holds a list of one object in each row, as annotations are exported.

    Example:
        >>> without_lists_of_one([{"marks": [{"choice": "a"}]}, {"marks": [{"choice": "b"}]}])
        [{'marks': {'choice': 'a'}}, {'marks': {'choice': 'b'}}]
    """
    if not rows or not all(isinstance(row, dict) for row in rows):
        return rows
    found = [dict(row) for row in rows]
    for key in rows[0]:
        cells = [row.get(key) for row in rows]
        if all(isinstance(cell, list) and len(cell) == 1 and isinstance(cell[0], dict) for cell in cells):
            cells = [cell[0] for cell in cells]
        if all(isinstance(cell, dict) for cell in cells):
            for row, cell in zip(found, without_lists_of_one(cells)):
                row[key] = cell
    return found


def _is_a_text(document: dict[str, Any], rows: list[Any]) -> bool:
    """Whether an object is a text whose few rows belong to it, such as its authors, rather than a description of many rows."""
    return len(rows) < FEWEST_ROWS and any(isinstance(value, str) and len(value.split()) >= WORDS for value in document.values())


def _count_up(names: Iterable[str]) -> bool:
    """Whether names are numbers of rows: 0, 1, 2, …."""
    return all(name == str(i) for i, name in enumerate(names))


def _from_parts(document: dict[str, list[Any]]) -> list[Any]:
    """The rows of lists of parts, each with its part; cells of a list are named by their places."""
    rows = []
    for name, part in document.items():
        for row in part:
            cells = row if isinstance(row, dict) else {f"column_{i + 1}": cell for i, cell in enumerate(row)}
            rows.append({**cells, "split": part_in(name)} if "split" not in cells else cells)
    return rows


def _from_lists(document: dict[str, list[Any]]) -> list[Any]:
    """Rows of columns of one length, or of what each label has."""
    lengths = {len(cells) for cells in document.values()}
    if len(lengths) == 1 and lengths != {1}:
        return [dict(zip(document, row)) for row in zip(*document.values())]
    if all(isinstance(cell, str) for cells in document.values() for cell in cells) and len(lengths) > 1:
        return [{"label": label, "text": cell} for label, cells in document.items() for cell in cells]
    return [document]


def with_fields(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the fields of mappings, also of mappings in mappings, as cells of their own.

    Raises:
        DataError: two different cells would have one name.

    Example:
        >>> with_fields({"id": 7, "size": {"width": 3, "height": 4}})
        {'id': 7, 'size.width': 3, 'size.height': 4}
    """
    if not any(isinstance(cell, dict) for cell in row.values()):
        return row
    found: dict[str, Any] = {}
    for name, cell in row.items():
        fields = {f"{name}.{field}": one for field, one in with_fields(cell).items()} if isinstance(cell, dict) else {name: cell}
        for twice in found.keys() & fields.keys():
            if found[twice] != fields[twice]:
                raise DataError(
                    f"A row has two cells named {twice!r}, {found[twice]!r} and {fields[twice]!r}: a key of that name and a field of an "
                    "object; rename one of them."
                )
        found |= fields
    return found
