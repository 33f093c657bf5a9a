"""Which column of a table of events holds the users, the items, the values and the times."""

from __future__ import annotations

import re
from collections.abc import Sequence

from applied_dl.core.errors import UsageError, nearest

ROLES = ("user", "item", "value", "time")
NAMES = {
    "user": "user userid uid username customer customerid member memberid reader visitor visitorid account accountid client clientid "
    "person personid reviewerid session sessionid subscriber listener viewer consumer buyer nutzer kunde usuario utilisateur",
    "item": "item itemid iid movie movieid film filmid product productid sku artist artistid song songid track trackid book bookid isbn "
    "asin parentasin article articleid content contentid course courseid game gameid place placeid business businessid recipe recipeid "
    "video videoid show showid anime animeid beer beerid joke jokeid artikel produkt title",
    "value": "rating ratings stars star score value count counts plays playcount listens quantity qty weight clicks views overall "
    "preference grade amount bewertung note purchases hours liked like likes thumb thumbs vote feedback",
    "time": "time timestamp date datetime ts when day createdat eventtime unixreviewtime ratedat datum zeit moment",
}
KNOWN = {role: NAMES[role].split() for role in ROLES}
RATINGS = (  # names of values that are opinions
    "rating", "ratings", "stars", "star", "score", "overall", "grade", "bewertung", "note", "liked", "like", "thumb", "thumbs", "vote",
    "feedback",
)  # fmt: skip
COUNTS = (
    "count", "counts", "plays", "playcount", "listens", "quantity", "qty", "weight", "clicks", "views", "purchases", "amount", "hours",
    "likes",
)  # fmt: skip


def plain(name: str) -> str:
    """A column's name without case and marks: "User_ID" and "user id" are the same.

    Example:
        >>> plain("User_ID")
        'userid'
    """
    return re.sub(r"[\W_]+", "", name).lower()


def find_columns(columns: Sequence[str], asked: dict[str, str | None], where: str) -> tuple[dict[str, str], list[str]]:
    """The column of each role; value and time may be absent.

    Args:
        columns: names of the table's columns.
        asked: the column of each role as the recipe names it; None where it is to be found, "" where there is none.
        where: the file, for messages.

    Returns:
        Columns by role, and notes on what was assumed.

    Raises:
        UsageError: a named column is not there, users or items cannot be recognised, or two roles share a column.
    """
    found: dict[str, str] = {}
    for role in ROLES:
        name = asked.get(role)
        if name:
            if name not in columns:
                raise UsageError(f"data.{role} = {name!r} is no column of {where}.{nearest(name, columns)}")
            found[role] = name
    if len(set(found.values())) < len(found):
        twice = next(name for name in found.values() if list(found.values()).count(name) > 1)
        raise UsageError(f"The column {twice!r} of {where} cannot be two of data.user, data.item, data.value and data.time.")
    bare = all(re.fullmatch(r"column_\d+", name) for name in columns)
    notes = []
    if bare and not found:
        if not 2 <= len(columns) <= len(ROLES):
            raise UsageError(f"{where} names no columns and has {len(columns)} of them; name data.user and data.item, such as 'column_1'.")
        found = dict(zip(ROLES, columns))
        notes.append(f"{where} names no columns: they are read as {', '.join(found)}")
        return found, notes
    for role in ROLES:
        if role not in found and asked.get(role) != "":
            free = {plain(name): name for name in reversed(columns) if name not in found.values()}
            match = next((free[name] for name in KNOWN[role] if name in free), None)
            if match is not None:
                found[role] = match
    for role in ("user", "item"):
        if role not in found:
            listed = ", ".join(map(repr, list(columns)[:12]))
            raise UsageError(f"No column of {where} is named like the {role}s of a recommender; set data.{role} to one of {listed}.")
    return found, notes
