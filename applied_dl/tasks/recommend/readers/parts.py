"""The part of each event, and the rows of users that are scored: what they had, and what they turned to."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.core.records import Part
from applied_dl.tasks.recommend.encoder import RecommendEncoder
from applied_dl.tasks.recommend.readers.events import Events

MOST_SCORED = 10_000  # users who are scored in a part, at most


class Log(Struct, frozen=True, kw_only=True):
    """Events of one part, or of several, in the order of time: rows (N,) of users and items from 1 on, values (N,)."""

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def starts(self, users: int) -> np.ndarray:
        """(U + 2,) where the events of each user begin; the log is sorted by user."""
        return np.searchsorted(self.users, np.arange(users + 2)).astype(np.int64)


EMPTY = Log(users=np.zeros(0, np.int32), items=np.zeros(0, np.int32), values=np.zeros(0, np.float32))


def log_of(events: Events, rows: np.ndarray) -> Log:
    at = np.flatnonzero(rows)
    order = at[np.lexsort((at, events.times[at], events.users[at]))]
    return Log(users=events.users[order] + np.int32(1), items=events.items[order] + np.int32(1), values=events.values[order])


def follows(events: Events, given: np.ndarray) -> bool:
    """Whether most events of a given test come after the user's training events: its validation is then cut in time too, else at random."""
    last = np.full(len(events.user_ids), -np.inf)
    np.maximum.at(last, events.users[given == 0], events.times[given == 0])
    test = given == 2
    return bool((events.times[test] >= last[events.users[test]]).mean() > 0.5)


def split_events(
    events: Events, given: np.ndarray, split: str, shares: tuple[float, float, float], leave: int | None, seed: int
) -> np.ndarray:
    """(N,) the part of each event, by user: 0 train, 1 validation, 2 test. A user's first event is always for training.

    Raises:
        DataError: no event can be held out.
    """
    part = given.copy()
    free = given == 0 if (given >= 0).any() else np.ones(len(given), bool)
    needed = [1] if (given == 2).any() else [1, 2]  # what is to be cut
    if (given == 1).any():
        return part
    rows = np.flatnonzero(free)
    part[rows] = 0
    random = np.random.default_rng(seed).random(len(rows))
    order = np.lexsort((random if split == "random" else rows, *((events.times[rows],) if split == "last" else ()), events.users[rows]))
    users = events.users[rows][order]
    first = np.r_[True, users[1:] != users[:-1]]
    starts = np.flatnonzero(first)
    counts = np.diff(np.r_[starts, len(users)])
    back = np.repeat(starts + counts, counts) - np.arange(len(users))  # 1 for a user's last event
    total = np.repeat(counts, counts)
    # a share of a few events is rounded at random (random) or to the nearest (last), so that short histories are held out too
    luck = np.repeat(np.random.default_rng((seed, 1)).random(len(starts)), counts)
    cut = np.zeros(len(users), np.int64)
    for which in reversed(needed):
        share = shares[which] / (shares[0] + sum(shares[i] for i in needed))
        size = np.full(len(users), leave) if leave else np.floor(total * share + luck).astype(np.int64)
        here = (back > cut) & (back <= cut + size) & (back < total)  # the first stays
        part[rows[order[here]]] = which
        cut = cut + size
    if not all((part == which).any() for which in (1, 2)):
        raise DataError(
            f"No event can be held out for {'validation' if (part == 2).any() else 'test'}: {len(starts):,} users have {len(rows):,} "
            "events, and every user's first event is for training; give users with more events, or "
            f"{'a smaller data.leave' if leave else 'larger data.shares'}."
        )
    return part


def weigh(values: np.ndarray, liked: float | None, log: bool) -> np.ndarray:
    """The weight of events (N,) by their values, as the layer `Weigh` has it: what a model is fitted to."""
    weight = 1.0 + np.log(np.maximum(values, 1.0)) if log else np.ones_like(values)
    return (weight * (values >= liked) if liked is not None else weight).astype(np.float32)


def history_part(encoder: RecommendEncoder, history: Log, ask: Log, users: np.ndarray | None = None) -> Part:
    """Rows of users with their history, as if nobody knew their id, and the items that are asked about.

    Args:
        encoder: of the ids.
        history: what each user did before.
        ask: what is asked, and is the truth: `target` (N, C), NaN where a row has fewer; `extra["relevant"]` (N, C) rows of items.
        users: rows of users; by default those with a history.
    """
    users = np.unique(history.users) if users is None else users
    if len(users) > MOST_SCORED:
        users = users[np.linspace(0, len(users) - 1, MOST_SCORED).astype(np.int64)]
    items, values = padded(history, users)
    relevant, truth = padded(ask, users)
    explicit = encoder.explicit and len(ask) > 0
    none = np.zeros((len(users), 1), np.int32)
    inputs = {
        "user": users.astype(np.int32) if explicit else np.zeros(len(users), np.int32),
        "items": none if explicit else items, "values": none.astype(np.float32) if explicit else values,
        "ask": relevant if explicit else none,
    }  # fmt: skip
    target = np.where(relevant > 0, truth, np.nan).astype(np.float32)
    activity = np.bincount(history.users, minlength=len(encoder.users) + 1)[users]
    extra: dict[str, object] = {"users": users, "relevant": relevant, "activity": activity}
    return Part(inputs=inputs, target=target if explicit else None, extra=extra)


def scored_part(encoder: RecommendEncoder, history: Log, truth: Log) -> Part:
    """The users with something to be found in `truth`: for ratings every event, else those that were liked."""
    if not encoder.explicit and encoder.liked is not None:
        keep = truth.values >= encoder.liked
        truth = Log(users=truth.users[keep], items=truth.items[keep], values=truth.values[keep])
    users = np.unique(truth.users)
    if not encoder.explicit:
        users = users[np.isin(users, history.users)]
    if not len(users):
        raise DataError("No user has both training events and a liked event that is held out; give more events, or lower data.liked.")
    return history_part(encoder, history, truth, users)


def padded(log: Log, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Items (N, T) int32 and values (N, T) float32 of the users' events, 0 behind the last."""
    starts = np.searchsorted(log.users, users)
    counts = np.searchsorted(log.users, users, side="right") - starts
    place = np.arange(max(int(counts.max(initial=0)), 1))
    inside = place < counts[:, None]
    at = np.where(inside, starts[:, None] + place, 0)
    if not len(log):
        return np.zeros(at.shape, np.int32), np.zeros(at.shape, np.float32)
    return np.where(inside, log.items[at], 0).astype(np.int32), np.where(inside, log.values[at], 0).astype(np.float32)
