"""Sentences to learn from: every distinct text once, and which of them belong together.

Adjacent sentences of running text, pairs, triplets, sets of paraphrases, or labelled texts. Exact duplicates count once; a text with two
different labels is dropped; texts that belong together are never split over two parts; test sentences never train.
"""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError, UsageError, pick
from applied_dl.core.plurals import numbered
from applied_dl.tasks.sentences.readers.groups import ABSENT, Groups, take
from applied_dl.tasks.sentences.readers.labels import check_classes, merge_spellings
from applied_dl.tasks.sentences.readers.layouts import KINDS
from applied_dl.tasks.sentences.readers.pair_columns import scored_pairs
from applied_dl.tasks.sentences.readers.sources import Source, read_source
from applied_dl.text.markup import USUAL, markup_share, tidy
from applied_dl.text.tables import Table, read_table

LONG_FORM, FEW_CONFLICTS = 0.3, 9  # share and number of texts with different labels from which on these are several labels of a text


class Scored(Struct, kw_only=True):
    """Pairs of sentences with a score of how much they mean the same."""

    a: list[str]
    b: list[str]
    scores: np.ndarray


def read_groups(sources: tuple[str, ...], settings, html: bool | None = None, least: int = 2, found: list[Source] | None = None) -> Groups:
    """Read sources of one kind (running text counts as pairs).

    Args:
        sources: files, folders or "english".
        settings: a recipe's [data].
        html: remove HTML from the texts; None: where enough of them hold some.
        least: different labels that labelled texts must have, where a text has one.
        found: what was read of the sources already; by default they are read.

    Raises:
        DataError: where nothing usable is found, or labels are no classes.
        UsageError: for sources that do not go together.
    """
    if settings.kind is not None:
        pick("data.kind", settings.kind, dict.fromkeys(KINDS))
    found = [read_source(source, settings) for source in sources] if found is None else found
    kinds = {part.kind for part in found}
    if "labelled" in kinds and len(kinds) > 1:
        raise UsageError("data.source mixes labelled texts with other kinds; train one model for each.")
    if settings.group is not None and kinds != {"labelled"}:
        raise UsageError("data.group is for labelled texts in a table; pairs that share a text stay together by themselves.")
    warnings = [warning for part in found for warning in part.warnings]
    if html is None:
        html = markup_share([text for part in found for row in part.rows for text in row if text]) >= USUAL
        if html:
            warnings.append(
                "HTML tags and entities were removed from the texts, in training and in prediction (preprocess.html = false keeps them)."
            )
    several = any(part.labels.several for part in found if part.labels is not None)
    places: dict[str, int] = {}
    rows: list[list[int]] = []
    negatives, labels, groups, parts, origin, missing = [], [], [], [], [], 0
    for number, part in enumerate(found):
        taken = 0
        for i, texts in enumerate(part.rows):
            clean = [t for text in texts if (t := tidy(text, html))]
            negative = tidy(part.negatives[i], html) if part.negatives is not None else ""
            label = part.labels.rows[i] if part.labels is not None else ()
            if len(clean) < (1 if part.labels is not None else 2) or (part.negatives is not None and not negative) or label is None:
                missing += 1
                continue
            rows.append([places.setdefault(text, len(places)) for text in clean])
            negatives.append(places.setdefault(negative, len(places)) if negative else ABSENT)
            labels.append(label)
            groups.append(part.groups[i] if part.groups is not None else "")
            parts.append(part.parts[i] if part.parts is not None else None)
            origin.append(number)
            taken += 1
            if settings.max_rows and taken >= settings.max_rows:
                break
    if not rows:
        raise DataError(f"{', '.join(map(repr, sources))}: no usable rows were found; expected running text with two sentences in a line, "
                        "or a table of pairs, triplets, paraphrases or labelled texts.")  # fmt: skip
    if missing:
        warnings.append(f"{numbered(missing, 'row', 'rows')} dropped: without enough text or without a label.")
    width = max(map(len, rows))
    table = np.full((len(rows), width), ABSENT, np.int32)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    some = np.array(negatives, np.int32)
    read = Groups(
        texts=list(places), rows=table, negatives=some if (some >= 0).any() else None, source=np.array(origin, np.int32),
        labels=labels if "labelled" in kinds else None, several=several, kind=found[0].kind if len(kinds) == 1 else "mixed",
        groups=groups if settings.group is not None else None, parts=parts if any(parts) else None,
        html=html, warnings=warnings, columns=found[0].columns,
    )  # fmt: skip
    return _labelled_once(read, sources, least) if read.labels is not None else _paired_once(read)


def read_similarity(source: str | Table) -> Scored:
    """Scored pairs of a table or its path; at least three, not all equal."""
    table = source if isinstance(source, Table) else read_table(source)
    a, b, scores = scored_pairs(table)
    if len(scores) < 3 or len(set(scores)) < 2:
        raise DataError(f"{table.path!r}: {len(scores)} scored pairs with {len(set(scores))} different scores, expected at least 3 and 2.")
    return Scored(a=a, b=b, scores=np.array(scores, np.float32))


def many_conflicts(conflicts: int, texts: int) -> bool:
    """Whether so many texts have rows with different labels that these are several labels of a text, a row for each."""
    return conflicts > max(LONG_FORM * texts, FEW_CONFLICTS)


def _paired_once(groups: Groups) -> Groups:
    """The groups without rows of one text twice, and without repeated rows."""
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
        kept.warnings.append(f"{numbered(twice, 'pair of one text with itself was', 'pairs of one text with itself were')} dropped.")
    if repeated:
        kept.warnings.append(f"{numbered(repeated, 'repeated row was', 'repeated rows were')} dropped.")
    return kept


def _labelled_once(groups: Groups, sources: tuple[str, ...], least: int) -> Groups:
    """Each text once. A text with two different labels is dropped; where many have several, each row names one label of a text."""
    labels, merged = merge_spellings(groups.labels)
    groups = msgspec.structs.replace(groups, labels=labels, warnings=[*groups.warnings, *merged])
    check_classes(labels, f"The label column of {sources[0]!r}")
    place = groups.rows[:, 0]
    by_text: dict[int, dict[str, None]] = {}
    for text, row in zip(place.tolist(), labels):
        by_text.setdefault(text, {}).update(dict.fromkeys(row))
    first = np.unique(place, return_index=True)[1]
    conflicts = sum(len(found) > 1 for found in by_text.values()) if not groups.several else 0
    if many_conflicts(conflicts, len(by_text)):
        groups = msgspec.structs.replace(groups, several=True)
        groups.warnings.append(
            f"{conflicts:,} of {len(by_text):,} texts have rows with different labels, which were read as several labels of a text."
        )
        conflicts = 0
    if groups.several:
        groups = msgspec.structs.replace(groups, labels=[tuple(by_text[text]) for text in place.tolist()])
    keep = np.sort(first)
    if conflicts:
        keep = keep[[len(by_text[text]) == 1 for text in place[keep].tolist()]]
    kept = take(groups, keep)
    if conflicts:
        example = next(groups.texts[text] for text, found in by_text.items() if len(found) > 1)
        lost = sum(len(by_text[text]) > 1 for text in place.tolist())
        kept.warnings.append(f"{lost:,} rows whose text has two different labels were dropped (the first: {example[:60]!r}).")
    if repeated := len(place) - len(kept) - (lost if conflicts else 0):
        kept.warnings.append(f"{numbered(repeated, 'repeated row was', 'repeated rows were')} dropped.")
    names = {label for row in kept.labels for label in row}
    if len(names) < (1 if groups.several else least):
        after = f" after {numbered(lost, 'row was', 'rows were')} dropped because their text has two different labels" if conflicts else ""
        raise DataError(f"The labelled texts have {len(names)} different labels{after}, expected at least 2.")
    return kept
