"""Events → what a model is fitted to, and what it is scored on."""

from __future__ import annotations

import hashlib

import numpy as np
from msgspec import Struct, structs

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part, Prepared
from applied_dl.tasks.recommend.encoder import RecommendEncoder
from applied_dl.tasks.recommend.readers.clean import UNRATED, are_opinions, chosen, core, decide_kind, distinct, rated
from applied_dl.tasks.recommend.readers.columns import ROLES
from applied_dl.tasks.recommend.readers.events import Events, Ids, read_events
from applied_dl.tasks.recommend.readers.features import Features, read_features
from applied_dl.tasks.recommend.readers.parts import EMPTY, Log, follows, history_part, log_of, scored_part, split_events

PARTS = ("train", "validation", "test")


class RecommendState(Struct, frozen=True, kw_only=True):
    """Events by part, each sorted by user and then by time; `fitted` is training and validation, `seen` everything.

    user_features, item_features: (U + 1, F) and (I + 1, F) float32, row 0 zeros; F is 0 where there are none.
    """

    train: Log
    validation: Log
    test: Log
    fitted: Log
    seen: Log
    user_features: np.ndarray
    item_features: np.ndarray


def prepare_events(recipe) -> Prepared:
    """Read, clean, split; see the module."""
    data = recipe.data
    _check(data)
    asked = {role: getattr(data, role) for role in ROLES}
    if data.train:
        users, items = Ids(), Ids()
        files = {"train": data.train, "validation": data.validation, "test": data.test}
        read = {part: read_events(source, asked, users, items) for part, source in files.items() if source}
        events = _joined(list(read.values()), users, items)
        given = np.repeat([PARTS.index(part) for part in read], [len(one) for one in read.values()])
    else:
        events = read_events(data.source, asked)
        given = np.full(len(events), -1)
    notes = list(events.notes)
    explicit, why = decide_kind(events, data.kind)
    if explicit:
        events, given, more = rated(events, given)
        notes += more
    if explicit and data.liked is not None:
        raise UsageError(
            f"data.liked = {data.liked:g} has no meaning where ratings are predicted ({why}); set data.kind = 'implicit' to rank by them."
        )
    events, given, more = distinct(events, given, are_opinions(events, explicit, data.liked))
    notes += more
    events, given, cut = core(events, given, data.min_user, data.min_item)
    timed = bool(events.columns[3])
    split = data.split or ("last" if timed and (not data.train or follows(events, given)) else "random")
    if split == "last" and not timed and not data.train:
        raise UsageError("data.split = 'last' needs times; name their column with data.time, or set data.split = 'random'.")
    part = split_events(events, given, split, data.shares, data.leave, recipe.train.seed)
    features = read_features(data.user_features, data.item_features, events)
    logs = {name: log_of(events, part == i) for i, name in enumerate(PARTS)}
    encoder = _encoder(events, explicit, data.liked, logs["train"], features)
    state = RecommendState(
        **logs, fitted=log_of(events, part < 2), seen=log_of(events, part >= 0), user_features=features.users, item_features=features.items
    )
    encoder.arrays.update(_history(state.seen, len(encoder.users)))
    facts = _facts(events, state, encoder, why, split if not data.train else "given", cut)
    users = numbered(len(encoder.users), "user", "users")
    kept = f"The bundle keeps the names of {users} with the items that each had: share it as you would share the events."
    warnings = [*notes, kept] + ([cut["text"]] if cut["text"] else []) + features.notes
    unknown = _unlearned(state)
    return Prepared(
        encoder=encoder, train=history_part(encoder, state.train, EMPTY),
        validation=scored_part(encoder, state.train, state.validation), test=scored_part(encoder, state.fitted, state.test),
        fingerprint=events.fingerprint, facts={**facts, **unknown}, warnings=warnings, state=state,
    )  # fmt: skip


def _check(data) -> None:
    if (data.validation or data.test) and not data.train:
        raise UsageError("data.validation and data.test need data.train, the file of the training events.")
    if data.train and not data.test:
        raise UsageError("data.train needs data.test, the file of the test events; for one file of events set data.source.")
    if len(data.shares) != 3 or min(data.shares) <= 0 or abs(sum(data.shares) - 1) > 1e-6:
        raise UsageError(f"data.shares must be three positive shares that sum to 1, received {list(data.shares)}.")


def _joined(read: list[Events], users: Ids, items: Ids) -> Events:
    arrays = {name: np.concatenate([getattr(one, name) for one in read]) for name in ("users", "items", "values", "times")}
    digest = hashlib.sha256("".join(one.fingerprint for one in read).encode()).hexdigest()
    notes = list(dict.fromkeys(note for one in read for note in one.notes))
    if any(one.columns != read[0].columns for one in read):
        raise DataError(f"The files have different columns of events ({read[0].columns} and others); give them the same names.")
    return structs.replace(read[0], **arrays, user_ids=list(users.rows), item_ids=list(items.rows), fingerprint=digest, notes=notes)


def _encoder(events: Events, explicit: bool, liked: float | None, train: Log, features: Features) -> RecommendEncoder:
    low, high = float(events.values.min()), float(events.values.max())
    if not explicit and liked is None and low <= 0 < high:
        liked = float(np.min(events.values[events.values > 0]))  # 0 or −1 says that it was not liked
    if liked is not None and not (train.values >= liked).any():
        raise UsageError(f"data.liked = {liked:g} is above every value of the training events ({low:g} to {high:g}); lower it.")
    assumed = float(np.quantile(train.values, 0.75)) if explicit else float(np.median(train.values[train.values >= (liked or -np.inf)]))
    popularity = np.bincount(train.items, minlength=len(features.item_ids) + 1).astype(np.int32)
    return RecommendEncoder(
        explicit=explicit, columns=events.columns, liked=liked, assumed=assumed, low=low, high=high, users=features.user_ids,
        items=features.item_ids, arrays={"popularity": popularity},
    )  # fmt: skip


def _history(seen: Log, users: int) -> dict[str, np.ndarray]:
    """What every user had, for explanations."""
    found = {"history_starts": seen.starts(users), "history_items": seen.items}
    return found | ({"history_values": seen.values} if len(np.unique(seen.values)) > 1 else {})


def _facts(events: Events, state: RecommendState, encoder: RecommendEncoder, why: str, split: str, cut: dict) -> dict:
    users, items = len(np.unique(events.users)), len(np.unique(events.items))
    what = "ratings" if encoder.explicit else "events"
    counts = np.bincount(events.users)
    return {
        "summary": f"{len(events):,} {what} of {users:,} users and {items:,} items ({len(events) / users / items:.2%} of all pairs)",
        "kind": "explicit" if encoder.explicit else "implicit", "kind_because": why, "events": len(events), "users": users, "items": items,
        "events_by_part": {name: len(getattr(state, name)) for name in PARTS}, "split": split, "left_out": cut,
        "events_per_user": [int(v) for v in np.quantile(counts[counts > 0], (0, 0.5, 1))],
    }  # fmt: skip


def _unlearned(state: RecommendState) -> dict:
    """Test events of items that no training event has: no model without features can know them."""
    known = np.isin(state.test.items, state.fitted.items)
    return {"test_events_of_new_items": int((~known).sum())} if not known.all() else {}


def read_part(recipe, encoder: RecommendEncoder, source: str) -> Part:
    """Events of another file. Ratings: each is to be predicted, of known users. Events: users are known by all but their last events,
    which are to be found, so that users whom the training never had are scored too.

    Raises:
        DataError: nothing that can be scored.
    """
    trained = dict(zip(ROLES, encoder.columns))
    columns: dict[str, str | None] = {role: getattr(recipe.data, role) or trained[role] or None for role in ("user", "item")}
    needed = encoder.explicit or encoder.liked is not None or not trained["value"]
    columns["value"] = trained["value"] if needed else recipe.data.value  # "" where the training had no values
    columns["time"] = recipe.data.time
    users = Ids(encoder.users) if encoder.explicit else Ids()
    events = read_events(source, columns, users, Ids(encoder.items))
    if encoder.explicit and encoder.low > 0:
        events = chosen(events, ~np.isin(events.values, UNRATED))
    known = _among_known(encoder, events)
    opinions = are_opinions(events, encoder.explicit, encoder.liked)
    events, _, notes = distinct(events, np.full(len(events), -1), opinions)
    if encoder.explicit:
        log = log_of(events, np.ones(len(events), bool))
        part = history_part(encoder, EMPTY, log, np.unique(log.users))
    else:
        split = "last" if events.columns[3] else "random"
        cut = split_events(events, np.full(len(events), -1), split, recipe.data.shares, recipe.data.leave, recipe.train.seed)
        part = scored_part(encoder, log_of(events, cut < 2), log_of(events, cut == 2))
    if known:
        notes.append(
            f"{known:,} of {len(events):,} events are among those of the bundle's own data: scores on them are not those of new events"
        )
    return structs.replace(part, warnings=[*events.notes, *notes])


def _among_known(encoder: RecommendEncoder, events: Events) -> int:
    """How many events are of a user and an item that the bundle's data has together."""
    users = np.array([encoder.user_rows.get(name, 0) for name in events.user_ids], np.int64)[events.users]
    starts, items = encoder.arrays["history_starts"], encoder.arrays["history_items"]
    owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    width = len(encoder.items) + 1
    return int(np.isin(users * width + events.items + 1, owners * width + items).sum())
