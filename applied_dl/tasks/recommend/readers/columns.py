"""Which column of a table of events holds the users, the items, the values and the times."""

from __future__ import annotations

import re
from collections.abc import Sequence

from applied_dl.core.errors import UsageError, nearest

ROLES = ("user", "item", "value", "time")
NAMES = {
    "user": "user userid uid username customer customerid member memberid reader visitor visitorid account accountid client clientid "
    "person personid reviewerid session sessionid subscriber listener viewer consumer buyer nutzer kunde kunden usuario utilisateur "
    "cliente cust utente gebruiker klant пользователь 用户 basket basketid playlist playlistid pid order orderid transaction transactionid",
    "item": "item itemid iid movie movieid film filmid product productid sku artist artistid song songid track trackid book bookid isbn "
    "asin parentasin article articleid content contentid course courseid game gameid place placeid business businessid recipe recipeid "
    "video videoid show showid anime animeid beer beerid joke jokeid artikel produkt title stockcode app venue poi restaurant hotel "
    "merchant page post paper podcast producto produto produit prodotto articulo artículo livre libro film buch товар 商品 items products "
    "tracks songs movies books articles",
    "value": "rating ratings stars star score value count counts plays playcount listens quantity qty weight clicks views overall "
    "preference grade amount bewertung note purchases hours liked like likes thumb thumbs vote feedback opinion reaction menge anzahl "
    "cantidad quantité quantidade calificacion calificación puntuacion puntuación valoracion valoración avaliação nota оценка 评分",
    "time": "time timestamp date datetime ts when day createdat eventtime unixreviewtime ratedat datum zeit moment fecha data heure",
}
ID_WORDS = frozenset((
    "id", "ids", "key", "code", "no", "nr", "num", "number", "nummer", "name", "names", "pseudo", "hash", "identifier", "uuid", "código",
    "codigo", "numero", "número",
))  # fmt: skip
COMPOUND = re.compile(r"(.{3,}?)(?:nummer|nr|id|code)")  # Kundennummer
DATED = re.compile(r".{3,}(?:datum|date)")  # Bestelldatum
SUMMARIES = frozenset(("avg", "average", "mean", "median", "total", "sum", "min", "max", "std", "verified", "num", "number", "n"))
LASTING = frozenset(("play", "watch", "listen", "listening", "total", "spent", "run", "dwell", "session"))  # "watch time" is a duration
KNOWN = {role: NAMES[role].split() for role in ROLES}
RATINGS = (  # names of values that are opinions
    "rating", "ratings", "stars", "star", "score", "overall", "grade", "bewertung", "note", "liked", "like", "thumb", "thumbs", "vote",
    "feedback",
)  # fmt: skip
COUNTS = (
    "count", "counts", "plays", "playcount", "listens", "quantity", "qty", "weight", "clicks", "views", "purchases", "amount", "hours",
    "likes", "menge", "anzahl", "cantidad", "quantité", "quantidade",
)  # fmt: skip


def plain(name: str) -> str:
    """A column's name without case and marks: "User_ID" and "user id" are the same.

    Example:
        >>> plain("User_ID")
        'userid'
    """
    return re.sub(r"[\W_]+", "", name).lower()


def names_events(columns: Sequence[str]) -> bool:
    """Whether columns are named like those of events: one of users and one of items."""
    try:
        return bool(find_columns(columns, {}, "")[0])
    except UsageError:
        return False


def names_items(column: str) -> bool:
    """Whether a column is named like items, and not like users.

    Example:
        >>> names_items("Book Title"), names_items("Name")
        (True, False)
    """
    words = {plain(column), *_words(column)}
    return bool(words & {*KNOWN["item"]}) and not words & {*KNOWN["user"]}


def value_word(name: str) -> str:
    """The word of a column's name that says what its values are: "rating" of "Book-Rating"."""
    known = plain(name)
    return known if known in KNOWN["value"] else (_words(name) or [known])[-1]


def _by_words(role: str, free: list[str]) -> str | None:
    """The column whose name holds that of a role beside other words: "Cust_Id" and "Kundennummer", "star_rating", "InvoiceDate"."""
    words = {name: _words(name) for name in free}
    for known in KNOWN[role]:
        for name, parts in words.items():
            if role in ("user", "item"):
                own = [part for part in parts if part not in ID_WORDS]
                compound = COMPOUND.fullmatch(own[0]) if len(own) == 1 else None
                if own == [known] or (compound and compound[1] == known):
                    return name
            elif parts and parts[-1] == known and not (SUMMARIES if role == "value" else LASTING) & {*parts}:
                return name
    return next((name for name, parts in words.items() if parts and DATED.fullmatch(parts[-1])), None) if role == "time" else None


def _words(name: str) -> list[str]:
    """The words of a name in lower case, also of one such as `InvoiceDate`."""
    return [word for word in re.split(r"[\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()) if word]


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
    for role in ROLES:
        if role not in found and asked.get(role) != "":
            match = _by_words(role, [name for name in columns if name not in found.values()])
            if match is not None:
                found[role] = match
                notes.append(f"{where}: the column {match!r} is read as the {role} (data.{role} names another)")
    for role in ("user", "item"):
        if role not in found:
            listed = ", ".join(map(repr, list(columns)[:12]))
            raise UsageError(f"No column of {where} is named like the {role}s of a recommender; set data.{role} to one of {listed}.")
    return {role: found[role] for role in ROLES if role in found}, notes
