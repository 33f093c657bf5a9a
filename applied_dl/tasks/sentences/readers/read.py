"""Sentences to learn from: every distinct text once, and which of them belong together.

Adjacent sentences of running text, pairs, triplets, sets of paraphrases, or labelled texts. Exact duplicates count once; a text with two
different labels is left out; texts that belong together never straddle two parts; texts that judge never train.
"""

from __future__ import annotations

import re

import numpy as np
from msgspec import Struct, field

from applied_dl.core.errors import DataError, UsageError, pick
from applied_dl.core.splits import split_rows
from applied_dl.tasks.sentences.readers.boundaries import neighbours
from applied_dl.tasks.sentences.readers.tables import KINDS, columns, guess_kind, is_table, read_scored, read_table
from applied_dl.text import corpus

HELD_OUT = 1000  # pairs that judge, at most; the others train
ABSENT = -1
BALANCES = ("none", "over", "under")


class Groups(Struct, kw_only=True):
    """`rows` (N, K) int32 places in `texts` that belong together, `ABSENT` where a row has fewer; `negatives` (N,) or None; `labels` (N,)
    class names or None; `source` (N,) which source a row came from."""

    texts: list[str] = field(default_factory=list)
    rows: np.ndarray
    negatives: np.ndarray | None = None
    labels: list[str] | None = None
    source: np.ndarray
    kind: str = "pairs"
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


class Scored(Struct, kw_only=True):
    """Pairs of sentences with a score of how much they mean the same."""

    a: list[str]
    b: list[str]
    scores: np.ndarray


def read_groups(sources: tuple[str, ...], settings) -> Groups:
    """Read sources of one kind (running text counts as pairs). `settings` is a recipe's [data]."""
    if settings.kind is not None:
        pick("data.kind", settings.kind, dict.fromkeys(KINDS))
    places: dict[str, int] = {}
    rows: list[list[int]] = []
    negatives, labels, origin, kinds, warnings, missing = [], [], [], [], [], 0
    for number, source in enumerate(sources):
        found = 0
        for kind, texts, negative, label in _rows(source, settings, kinds, warnings):
            texts = [t for text in texts if (t := " ".join(str(text or "").split()))]
            negative = " ".join(str(negative or "").split())
            if len(texts) < (1 if kind == "labelled" else 2) or (kind == "triplets" and not negative) or label == "":
                missing += 1
                continue
            rows.append([places.setdefault(text, len(places)) for text in texts])
            negatives.append(places.setdefault(negative, len(places)) if negative else ABSENT)
            labels.append(label)
            origin.append(number)
            found += 1
            if settings.max_rows and found >= settings.max_rows:
                break
    if not rows:
        raise DataError(f"{', '.join(map(repr, sources))}: no usable rows were found; expected running text with two sentences in a line, "
                        "or a table of pairs, triplets, paraphrases or labelled texts.")  # fmt: skip
    if "labelled" in kinds and len(set(kinds)) > 1:
        raise UsageError("data.source mixes labelled texts with other kinds; train one model for each.")
    if missing:
        warnings.append(f"{missing:,} rows without enough text were left out.")
    width = max(map(len, rows))
    table = np.full((len(rows), width), ABSENT, np.int32)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    some = np.array(negatives, np.int32)
    groups = Groups(
        texts=list(places), rows=table, negatives=some if (some >= 0).any() else None, source=np.array(origin, np.int32),
        labels=[str(label) for label in labels] if "labelled" in kinds else None, kind=_common(kinds), warnings=warnings,
    )  # fmt: skip
    return _labelled_once(groups) if groups.labels is not None else _paired_once(groups)


def read_similarity(source: str) -> Scored:
    """Scored pairs; at least three, not all equal."""
    a, b, scores = read_scored(source)
    if len(scores) < 3 or len(set(scores)) < 2:
        raise DataError(f"{source!r}: {len(scores)} scored pairs with {len(set(scores))} different scores, expected at least 3 and 2.")
    return Scored(a=a, b=b, scores=np.array(scores, np.float32))


def exclude(groups: Groups, texts: list[str]) -> Groups:
    """Without every row that holds one of `texts`, compared by letters and digits alone."""
    judged = {plain(text) for text in texts} - {""}
    hit = np.array([plain(text) in judged for text in groups.texts] + [False])  # the last place stands for ABSENT
    leaks = hit[groups.rows].any(1)
    if groups.negatives is not None:
        leaks |= hit[groups.negatives]
    kept = take(groups, np.flatnonzero(~leaks))
    kept.facts["rows removed because they hold a judged sentence"] = int(leaks.sum())
    return kept


def take(groups: Groups, index: np.ndarray) -> Groups:
    """Some rows of the groups; the texts stay."""
    return Groups(
        texts=groups.texts, rows=groups.rows[index], source=groups.source[index], kind=groups.kind, warnings=groups.warnings,
        negatives=None if groups.negatives is None else groups.negatives[index], facts=dict(groups.facts),
        labels=None if groups.labels is None else [groups.labels[i] for i in index],
    )  # fmt: skip


def split_groups(groups: Groups, shares, seed: int) -> tuple[Groups, Groups, Groups]:
    """Train, validation, test. Rows that share a text, directly or by a chain, stay on one side."""
    if groups.labels is not None:
        codes = np.unique(groups.labels, return_inverse=True)[1]
        return tuple(take(groups, rows) for rows in split_rows(len(groups), shares, seed, strata=codes)[:3])
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
            raise DataError(f"The {name} part of {len(groups)} rows is empty: they hang together in {len(size)} chains of shared texts; "
                            "give more rows, or explicit parts (data.train, data.validation, data.test).")  # fmt: skip
    return rows[0], *(distinct_pairs(part) for part in rows[1:])


def distinct_pairs(groups: Groups) -> Groups:
    """Pairs of which no two share a text: what retrieval is judged on."""
    seen: set[int] = set()
    kept = []
    for i, (a, b) in enumerate(groups.rows[:, :2].tolist()):
        if a not in seen and b not in seen:
            kept.append(i)
            seen |= {a, b}
    return take(groups, np.array(kept[:HELD_OUT], np.int64))


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


def plain(text: str) -> str:
    """A text's letters and digits, lower case, for comparing."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _rows(source: str, settings, kinds: list[str], warnings: list[str]):
    """(kind, texts, negative, label) of every row of one source."""
    if is_table(source) and settings.kind != "text":
        table = read_table(source, (settings.column, settings.target))
        warnings += table.warnings
        kind = settings.kind or guess_kind(table, settings.target, settings.column)
        if kind != "text":
            kinds.append(kind)
            if kind == "sets":
                lists = not table.sets and isinstance(table.rows[0][0], list)  # one column of lists, or all cells of a row
                yield from ((kind, (row[0] or []) if lists else row, "", None) for row in table.rows)
                return
            where = columns(table, kind, settings.target, settings.column)
            for row in table.rows:
                cells = [row[i] if i < len(row) else "" for i in where]
                if kind == "labelled":
                    yield kind, cells[:1], "", "" if cells[1] is None else str(cells[1]).strip()
                else:
                    yield kind, cells[:2], cells[2] if kind == "triplets" else "", None
            return
    if settings.kind not in (None, "text"):
        raise DataError(f"{source!r} is running text, but data.kind is {settings.kind!r}, which needs a CSV, TSV, JSONL or Parquet table.")
    kinds.append("text")
    reading = corpus.Reading()
    for line in corpus.lines(source, settings.column, reading):
        for pair in neighbours(line):
            yield "text", pair, "", None
    warnings += reading.warnings()


def _common(kinds: list[str]) -> str:
    return kinds[0] if len(set(kinds)) == 1 else "mixed"


def _paired_once(groups: Groups) -> Groups:
    """Without rows of one text twice, and without repeated rows."""
    rows = groups.rows
    same = (rows[:, 0] == rows[:, 1]) if rows.shape[1] == 2 else np.zeros(len(rows), bool)
    key = np.sort(rows, axis=1) if groups.negatives is None else np.column_stack([np.sort(rows, axis=1), groups.negatives])
    first = np.zeros(len(rows), bool)
    first[np.unique(key, axis=0, return_index=True)[1]] = True
    kept = take(groups, np.flatnonzero(first & ~same))
    if not len(kept):
        raise DataError(f"All {len(rows)} pairs hold the same text twice; expected two texts that mean the same in other words.")
    twice, repeated = int(same.sum()), int((~first & ~same).sum())
    if twice:
        kept.warnings.append(f"{twice:,} pairs of one text with itself were left out.")
    if repeated:
        kept.warnings.append(f"{repeated:,} repeated rows were left out.")
    return kept


def _labelled_once(groups: Groups) -> Groups:
    """Each text once; none that has two different labels."""
    place = groups.rows[:, 0]
    labels = np.array(groups.labels)
    codes = np.unique(labels, return_inverse=True)[1]
    low, high = np.full(len(groups.texts), len(codes)), np.full(len(groups.texts), -1)
    np.minimum.at(low, place, codes)
    np.maximum.at(high, place, codes)
    torn = (low != high)[place]
    first = np.zeros(len(place), bool)
    first[np.unique(place, return_index=True)[1]] = True
    kept = take(groups, np.flatnonzero(first & ~torn))
    if torn.any():
        example = groups.texts[place[torn][0]]
        kept.warnings.append(f"{int(torn.sum()):,} rows whose text has two different labels were left out (the first: {example[:60]!r}).")
    if (~first & ~torn).any():
        kept.warnings.append(f"{int((~first & ~torn).sum()):,} repeated rows were left out.")
    if len(set(kept.labels)) < 2:
        lost = f" after {int(torn.sum()):,} rows were left out because their text has two different labels" if torn.any() else ""
        raise DataError(f"The labelled texts have {len(set(kept.labels))} different labels{lost}, expected at least 2.")
    return kept


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


__all__ = [
    "ABSENT", "BALANCES", "HELD_OUT", "Groups", "Scored", "balanced", "distinct_pairs", "exclude", "plain", "read_groups",
    "read_similarity", "split_groups", "take",
]  # fmt: skip
