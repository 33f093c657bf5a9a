"""What one is asked: a user by id, a user by their items, the rating of an item, or what is similar to an item."""

from __future__ import annotations

import difflib
import json
from typing import Any

from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.tasks.recommend.encoder import RecommendEncoder, id_text
from applied_dl.tasks.recommend.readers.columns import KNOWN, plain

KEYS = ("user", "items", "values", "item", "similar")
MOST_ITEMS = 10_000  # of one question
MARKS = ("|", ";", ",")  # between items in one cell


class Question(Struct, frozen=True, kw_only=True):
    """A row of the graph's input, or why it cannot be one.

    Args:
        user: row of the user, 0 where they are known by their items alone.
        name: as it was given; None where there was no id.
        items, values: rows of items and their values.
        ask: row of the item whose score is asked, 0 for none.
        similar: whether the likes of the one item are wanted.
        unknown: items that the training did not have.
        error: one sentence.
    """

    user: int = 0
    name: str | None = None
    items: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    ask: int = 0
    similar: bool = False
    unknown: tuple[str, ...] = ()
    error: str = ""


def question_of(encoder: RecommendEncoder, row: Any) -> Question:
    """A user's id, or a dict of `KEYS`."""
    if isinstance(row, list | tuple):
        row = {"items": row}
    if not isinstance(row, dict):
        row = {"user": row}
    given = {key: value for key, value in row.items() if value is not None and value != ""}
    if wrong := next((key for key in given if key not in KEYS), None):
        return Question(error=f"{str(wrong)[:40]!r} is no key of a question; it takes {', '.join(KEYS)}.")
    if "similar" in given:
        return _similar(encoder, given["similar"])
    try:
        items, values, unknown = _items(encoder, given.get("items"), given.get("values"))
    except DataError as error:
        return Question(error=str(error))
    name = id_text(given["user"]) if "user" in given else None
    user = encoder.user_rows.get(name, 0) if name is not None else 0
    if not user and not items:
        return Question(error=_nobody(encoder, name, unknown))
    ask = 0
    if "item" in given:
        ask = encoder.item_rows.get(id_text(given["item"]), 0)
        if not ask:
            return Question(error=_no_item(encoder, given["item"]))
    return Question(user=user, name=name, items=tuple(items), values=tuple(values), ask=ask, unknown=tuple(unknown))


def rows_of_table(table: Any, encoder: RecommendEncoder | None = None) -> list[dict[str, Any]]:
    """A row for each user of a table: its columns `user`, `items`, `values` and `item`, or the names that the training data had.

    Raises:
        DataError: the table has neither users nor items.
    """
    from applied_dl.io.tables import read_table

    frame = read_table(table).frame
    free = {plain(name): name for name in reversed(frame.columns)}
    trained = dict(zip(("user", "item"), encoder.columns)) if encoder is not None else {}
    found: dict[str, str] = {}
    for key in KEYS[:4]:
        names = [trained.get(key, ""), key, *(KNOWN[key] if key in ("user", "item") else ())]
        match = next((free[plain(name)] for name in names if name and plain(name) in free), None)
        if match is not None and match not in found.values():
            found[key] = match
    if "user" not in found and "items" not in found:
        if frame.width > 1:
            raise DataError(
                f"The table has no column of users or of their items (columns: {', '.join(frame.columns[:12])}); name it 'user' or 'items'."
            )
        found = {"user": frame.columns[0]}
    return [dict(zip(found, cells)) for cells in frame.select(list(found.values())).iter_rows()]


def _items(encoder: RecommendEncoder, items: Any, values: Any) -> tuple[list[int], list[float], list[str]]:
    """Rows of the items with their values, and the names of those that are not known."""
    if isinstance(items, dict):
        items, values = list(items), list(items.values())
    names = _listed(items, encoder)
    if len(names) > MOST_ITEMS:
        raise DataError(f"One user has {len(names):,} items; give at most {MOST_ITEMS:,}, the latest.")
    numbers = [encoder.assumed] * len(names) if values is None else _numbers(values)
    if len(numbers) != len(names):
        raise DataError(f"'values' has {len(numbers):,} numbers for {len(names):,} items; give one for each.")
    if encoder.explicit and (odd := next((n for n in zip(numbers, names) if not encoder.low <= n[0] <= encoder.high), None)):
        raise DataError(
            f"The rating {odd[0]:g} of {str(odd[1])[:40]!r} lies outside of {encoder.low:g} to {encoder.high:g}, the ratings of the "
            "training; give one of that scale."
        )
    found = [(encoder.item_rows.get(id_text(name), 0), value, str(name)) for name, value in zip(names, numbers)]
    known = [(row, value) for row, value, _ in found if row]
    return [row for row, _ in known], [value for _, value in known], [name[:40] for row, _, name in found if not row]


def _listed(cell: Any, encoder: RecommendEncoder | None = None) -> list[Any]:
    """A cell of items as a list: a list, JSON, or a text with marks between the items."""
    if cell is None:
        return []
    if isinstance(cell, str):
        text = cell.strip()
        if encoder is not None and id_text(text) in encoder.item_rows:
            return [text]
        if text.startswith("["):
            try:
                return list(json.loads(text))
            except json.JSONDecodeError as error:
                raise DataError(f"The items {text[:40]!r} are not valid JSON: {error}.") from error
        mark = next((mark for mark in MARKS if mark in text), None)
        return [part.strip() for part in text.split(mark) if part.strip()] if mark else [text] if text else []
    return list(cell) if hasattr(cell, "__iter__") else [cell]


def _numbers(values: Any) -> list[float]:
    try:
        found = [float(value) for value in _listed(values)]
    except (TypeError, ValueError) as error:
        raise DataError(f"'values' must be numbers, one for each item, received {str(values)[:40]!r}.") from error
    if not all(abs(value) < float("inf") for value in found):
        raise DataError("'values' must be finite numbers, one for each item.")
    return found


def _similar(encoder: RecommendEncoder, item: Any) -> Question:
    row = encoder.item_rows.get(id_text(item), 0)
    if not row:
        return Question(error=_no_item(encoder, item))
    return Question(items=(row,), values=(encoder.assumed,), similar=True)


def _nobody(encoder: RecommendEncoder, name: str | None, unknown: list[str]) -> str:
    if unknown:
        return (
            f"None of the {len(unknown):,} items is among the {len(encoder.items):,} of the training ({unknown[0]!r}, …); give known items."
        )
    if name is None:
        return 'The question names neither a user nor items; give a user\'s id or {"items": [...]}.'
    if name in encoder.item_rows:
        return f'{name[:40]!r} is an item and no user; give it to --similar, or {{"items": [...]}} for a user who has it.'
    close = difflib.get_close_matches(name, encoder.users[:20_000], n=1, cutoff=0.8)
    hint = f" Did you mean {close[0]!r}?" if close else ' A new user is answered by their items: {"items": [...]}.'
    return f"{name[:40]!r} is none of the {len(encoder.users):,} users of the training.{hint}"


def _no_item(encoder: RecommendEncoder, item: Any) -> str:
    close = difflib.get_close_matches(str(item), encoder.items[:20_000], n=1, cutoff=0.7)
    hint = f" Did you mean {close[0]!r}?" if close else " Give one of them."
    return f"{str(item)[:40]!r} is none of the {len(encoder.items):,} items of the training.{hint}"
