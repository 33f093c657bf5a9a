"""Which events are kept, and what their values are: duplicates joined, rare users and items left out, ratings or implicit feedback."""

from __future__ import annotations

import numpy as np
from msgspec import structs

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.plurals import numbered
from applied_dl.tasks.recommend.readers.columns import COUNTS, RATINGS, value_word
from applied_dl.tasks.recommend.readers.events import Events

UNRATED = (0, -1)  # what files have for "not rated"
MOST_LEVELS = 20  # different values that may be ratings


def decide_kind(events: Events, asked: str | None) -> tuple[bool, str]:
    """Whether values are ratings to predict, and why in words. Raises `UsageError` for ratings that are all the same."""
    name, values = events.columns[2], events.values
    levels = np.unique(values[:1_000_000])
    if asked == "explicit" and len(levels) < 2:
        raise UsageError("data.kind = 'explicit' needs ratings, but every event has the same value; name their column with data.value.")
    if asked is not None:
        return asked == "explicit", "data.kind"
    if not name:
        return False, "there is no column of values"
    if len(levels) < 2:
        return False, f"every {name!r} is {levels[0]:g}" if len(levels) else "no values"
    steps = np.allclose(levels * 2, np.rint(levels * 2))
    few = 3 <= len(levels) <= MOST_LEVELS and steps
    if value_word(name) in RATINGS:
        return len(levels) > 2, f"{name!r} is named like ratings"
    if value_word(name) in COUNTS:
        return False, f"{name!r} is named like counts"
    return few, f"{name!r} has {len(levels):,} different values" + (", in half or whole steps" if few else "")


def chosen(events: Events, keep: np.ndarray) -> Events:
    """Some of the events; ids keep their rows."""
    arrays = {name: getattr(events, name)[keep] for name in ("users", "items", "values", "times")}
    return structs.replace(events, **arrays)


def rated(events: Events, given: np.ndarray) -> tuple[Events, np.ndarray, list[str]]:
    """Ratings without those that say "not rated": below positive ones a −1, or a 0 that is the commonest value or far from the others."""
    levels, counts = np.unique(events.values, return_counts=True)
    if len(levels) < 3 or levels[0] not in UNRATED or levels[1] <= 0:
        return events, given, []
    if levels[0] == 0 and counts[0] < counts[1:].max() and levels[1] - levels[0] <= 1.5 * np.diff(levels[1:]).min():
        return events, given, []
    keep = events.values != levels[0]
    note = (
        f"{numbered(int(counts[0]), 'event', 'events')} with {levels[0]:g} in the column {events.columns[2]!r} "
        f"{'is' if counts[0] == 1 else 'are'} taken as not rated and left out (add 1 to all ratings where {levels[0]:g} is one)"
    )
    return chosen(events, keep), given[keep], [note]


def are_opinions(events: Events, explicit: bool, liked: float | None) -> bool:
    """Whether a value says how much somebody likes an item, so that a later one replaces an earlier; others are counts, which add up."""
    name = value_word(events.columns[2]) if events.columns[2] else ""
    if explicit or not name:
        return explicit
    return name not in COUNTS and (name in RATINGS or liked is not None or bool(events.values.min() <= 0))


def distinct(events: Events, given: np.ndarray, opinions: bool) -> tuple[Events, np.ndarray, list[str]]:
    """One event for each user and item of a part: the last opinion, or the sum of the counts, at the time of the last."""
    key = (events.users.astype(np.int64) * len(events.item_ids) + events.items) * 4 + given + 1
    order = np.lexsort((events.times, key))
    last = np.r_[key[order][1:] != key[order][:-1], True]
    more = len(key) - int(last.sum())
    if not more:
        return events, given, []
    rows = order[last]
    values = events.values[rows]
    if not opinions:
        counted = events.values[order] if events.columns[2] else np.ones(len(order))
        values = np.bincount(np.cumsum(np.r_[False, last[:-1]]), counted).astype(np.float32)
    how = "the last value is kept" if opinions else "they count together" if events.columns[2] else "they count once"
    place = np.argsort(rows, kind="stable")  # in the order of the file again
    kept = structs.replace(
        events, users=events.users[rows][place], items=events.items[rows][place], values=values[place], times=events.times[rows][place]
    )
    return kept, given[rows][place], [f"{numbered(more, 'event repeats', 'events repeat')} a user and an item: {how}"]


def core(events: Events, given: np.ndarray, min_user: int, min_item: int) -> tuple[Events, np.ndarray, dict]:
    """Leave out rare users and items until none is left (k-core)."""
    keep = np.ones(len(events), bool)
    while min_user > 1 or min_item > 1:
        users = np.bincount(events.users[keep], minlength=len(events.user_ids))
        items = np.bincount(events.items[keep], minlength=len(events.item_ids))
        now = keep & (users[events.users] >= min_user) & (items[events.items] >= min_item)
        if now.sum() == keep.sum():
            break
        keep = now
    if not keep.any():
        raise DataError(
            f"No event is left where each user has {min_user} and each item {min_item} events; lower data.min_user and data.min_item."
        )
    users, who = np.unique(events.users[keep], return_inverse=True)
    items, what = np.unique(events.items[keep], return_inverse=True)
    out = len(events.user_ids) - len(users), len(events.item_ids) - len(items), int((~keep).sum())
    text = f"k-core: {out[0]:,} users, {out[1]:,} items and {numbered(out[2], 'event is', 'events are')} left out" if out[2] else ""
    kept = structs.replace(
        events, users=who.astype(np.int32), items=what.astype(np.int32), values=events.values[keep], times=events.times[keep],
        user_ids=[events.user_ids[i] for i in users], item_ids=[events.item_ids[i] for i in items],
    )  # fmt: skip
    return kept, given[keep], {"users": out[0], "items": out[1], "events": out[2], "text": text}
