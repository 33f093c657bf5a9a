"""Texts that belong together, as places in one list of texts: some of them, without test texts, in three parts, evened out."""

from __future__ import annotations

import re
from collections import Counter

import msgspec
import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError, UsageError, pick
from applied_dl.core.plurals import numbered
from applied_dl.core.splits import split_rows

HELD_OUT = 1000  # held-out pairs, at most; the others train
ABSENT = -1
BALANCES = ("none", "over", "under")


class Groups(Struct, kw_only=True):
    """`rows` (N, K) int32 places in `texts` that belong together, `ABSENT` where a row has fewer; `negatives` (N,) or None; `labels` (N,)
    label names of each row or None, `several` where a row may have more than one; `groups` (N,) or None: what must not be split; `parts`
    (N,) or None: the part of the split that a column names; `source` (N,) which source a row came from; `html` whether HTML was removed;
    `columns` the names that were read."""

    texts: list[str] = field(default_factory=list)
    rows: np.ndarray
    negatives: np.ndarray | None = None
    labels: list[tuple[str, ...]] | None = None
    several: bool = False
    groups: list[str] | None = None
    parts: list[str | None] | None = None
    source: np.ndarray
    html: bool = False
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kind: str = "pairs"
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


def exclude(groups: Groups, texts: list[str]) -> Groups:
    """The groups without any row that holds one of `texts`, compared by letters and digits."""
    tested = {plain(text) for text in texts} - {""}
    hit = np.array([plain(text) in tested for text in groups.texts] + [False])  # the last place stands for ABSENT
    leaks = hit[groups.rows].any(1)
    if groups.negatives is not None:
        leaks |= hit[groups.negatives]
    kept = take(groups, np.flatnonzero(~leaks))
    kept.facts["rows removed because they hold a test sentence"] = int(leaks.sum())
    return kept


def take(groups: Groups, index: np.ndarray) -> Groups:
    """Some rows of the groups; the texts stay."""
    cut = lambda values: None if values is None else [values[i] for i in index]  # noqa: E731
    return msgspec.structs.replace(
        groups, rows=groups.rows[index], source=groups.source[index], facts=dict(groups.facts),
        negatives=None if groups.negatives is None else groups.negatives[index], labels=cut(groups.labels), groups=cut(groups.groups),
        parts=cut(groups.parts),
    )  # fmt: skip


def given_parts(groups: Groups) -> dict[str, Groups]:
    """The rows of each part that a column of the table names, with a note of the training part; those that name none are left out.

    Raises `DataError` where no row is left that trains.
    """
    column = groups.columns["part"][0]
    rows = {name: [i for i, part in enumerate(groups.parts or ()) if part == name] for name in ("train", "validation", "test")}
    found = {name: take(groups, np.array(some, np.int64)) for name, some in rows.items() if some}
    if "train" not in found:
        raise DataError(f"No usable row is of the training part, which the column {column!r} names; correct the column, or rename it.")
    lost = len(groups) - sum(map(len, found.values()))
    left_out = f"; {numbered(lost, 'row that names', 'rows that name')} none left out" if lost else ""
    found["train"].warnings = [*groups.warnings, f"The column {column!r} says which part each row belongs to{left_out}."]
    return found


def split_groups(groups: Groups, shares, seed: int) -> tuple[Groups, Groups, Groups]:
    """Train, validation, test. Rows that share a text, directly or by a chain, stay on one side."""
    if groups.labels is not None:
        split = split_rows(len(groups), shares, seed, strata=_strata(groups), groups=groups.groups)
        return tuple(take(groups, rows) for rows in split[:3])
    shares = np.asarray(shares, np.float64)
    if shares.shape != (3,) or (shares < 0).any() or not np.isclose(shares.sum(), 1) or shares[0] <= 0:
        raise UsageError(f"data.split must be three shares of train, validation and test that sum to 1, received {shares.tolist()}.")
    unit = _units(groups)
    size = np.bincount(unit)
    order = np.random.default_rng(seed).permutation(len(size))
    part = np.zeros(len(size), int)
    for side in (2, 1):  # small units fill the held-out parts; a very large one (a chain of shared sentences) trains
        room = min(HELD_OUT, round(shares[side] * len(groups)))
        for u in order:
            if room <= 0:
                break
            if part[u] == 0 and size[u] <= max(room, 1):
                part[u], room = side, room - size[u]
    rows = [take(groups, np.flatnonzero(part[unit] == side)) for side in range(3)]
    for name, found, share in zip(("train", "validation", "test"), rows, shares):
        if share > 0 and len(found) == 0:
            of, chains = numbered(len(groups), "row", "rows"), numbered(len(size), "chain", "chains")
            raise DataError(f"The {name} part of {of} is empty: shared texts link them into {chains}; "
                            "give more rows, or explicit parts (data.train, data.validation, data.test).")  # fmt: skip
    return rows[0], *(distinct_pairs(part) for part in rows[1:])


def distinct_pairs(groups: Groups) -> Groups:
    """Pairs of which no two share a text, to score retrieval on."""
    seen: set[int] = set()
    kept = []
    for i, (a, b) in enumerate(groups.rows[:, :2].tolist()):
        if a not in seen and b not in seen:
            kept.append(i)
            seen |= {a, b}
    return take(groups, np.array(kept[:HELD_OUT], np.int64))


def plain(text: str) -> str:
    """A text's letters and digits, lower case, for comparing."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _strata(groups: Groups) -> np.ndarray:
    """(N,) codes of the rarest label of each row, whose shares a split keeps."""
    counts = Counter(label for row in groups.labels for label in row)
    rarest = [min(row, key=lambda label: (counts[label], label)) if row else "" for row in groups.labels]
    return np.unique(rarest, return_inverse=True)[1]


def _units(groups: Groups) -> np.ndarray:
    """The connected component (N,) of each row's texts."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    size, rows = len(groups.texts), groups.rows
    ends = list(rows.T[1:]) + ([] if groups.negatives is None else [groups.negatives])
    here = [(rows[:, 0][end >= 0], end[end >= 0]) for end in ends]
    a, b = (np.concatenate(side) for side in zip(*here))
    found = connected_components(coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(size, size)), directed=False)[1]
    return np.unique(found[rows[:, 0]], return_inverse=True)[1]


def balanced(codes: np.ndarray, how: str, seed: int) -> np.ndarray:
    """Row numbers (int64) with labels evened out: "over" repeats rows of rarer labels, "under" drops rows of commoner ones."""
    pick("data.balance", how, dict.fromkeys(BALANCES))
    if how == "none":
        return np.arange(len(codes))
    random = np.random.default_rng(seed)
    counts = np.bincount(codes)
    goal = counts.max() if how == "over" else counts[counts > 0].min()
    parts = []
    for code in np.flatnonzero(counts):
        rows = np.flatnonzero(codes == code)
        again = random.choice(rows, goal - len(rows), replace=goal - len(rows) > len(rows)) if goal > len(rows) else []
        parts.append(np.concatenate([rows, again]) if goal > len(rows) else random.permutation(rows)[:goal])
    return np.sort(np.concatenate(parts)).astype(np.int64)
