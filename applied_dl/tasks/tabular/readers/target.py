"""What the target is: which columns, numbers or classes, and the labels of the classes."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.cells import EITHER, as_levels, moment_style, places
from applied_dl.io.labels import label_key, merged_spellings
from applied_dl.io.numbers import BOTH_MARKS, NINES, NumberFormat, find_sentinels, learn_format, read_numbers
from applied_dl.io.quantities import split_quantity
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import Target

TARGETS = ("target", "label", "class", "y")
SHOWN = 10  # columns that a note lists
LARGEST = 1e18  # of a target: squares of larger ones leave the range of float32
MOST_CLASSES = 10  # distinct whole numbers that may be classes
MOST_LABELS = 1000
COUNTED = re.compile(r"(^|[_\W])(n|nb|nr|num|number|count|counts|cnt|qty|quantity|anzahl|nombre|numero)([_\W]|$)|_count$|counts?$", re.I)
LEAST_COUNTS = 5  # distinct values of a target from which its distribution can show that it is a count
PEAKED = 8.0  # how many times the commonest value of a count is as common as its rarest


def target_columns(table: Table, wanted: str | tuple[str, ...] | None, parts: str | None = None) -> tuple[str, ...]:
    """The columns to predict, of which `parts` is none: it splits the rows. Raises `UsageError` for a name that is not in the table."""
    if wanted is None:
        axes = {"x", "y", "z"} <= {name.lower() for name in table.columns}  # lengths or coordinates: no target among them
        free = [name for name in table.columns if name != parts] or list(table.columns)
        return (next((name for name in free if name.lower() in TARGETS and not axes), free[-1]),)
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    if not names or len(set(names)) < len(names):
        raise UsageError(f"data.target must name different columns, received {list(names)}.")
    for name in names:
        if name not in table.columns:
            raise UsageError(f"{table.source} has no column {name!r} (data.target).{nearest(name, table.columns)}")
    return names


def guessed_target(table: Table, wanted: str | tuple[str, ...] | None, names: tuple[str, ...]) -> str:
    """What to say of a target that is the last column because the recipe names none; empty where it is named or has a target's name."""
    if wanted is not None or names[0].lower() in TARGETS:
        return ""
    rest = [name for name in table.columns if name != names[0]]
    others = ", ".join(map(repr, rest[:SHOWN])) + ", …" * (len(rest) > SHOWN)
    return f"data.target names no column, so the last one, {names[0]!r}, is predicted" + (f"; the others: {others}" if others else "")


def learn_target(cells: pl.Series, kind: str | None, decimal: str | None) -> tuple[Target, list[str]]:
    """The target with the format of its numbers or the labels of its classes, and notes for the user.

    Args:
        cells: training rows.
        kind: "regression", "classification", or None: decided by the cells.
        decimal: the decimal mark of the file.

    Raises:
        DataError: fewer than two values, or cells that do not fit the kind.
    """
    name, (form, share) = cells.name, learn_format(cells, decimal, words=False)
    values, wrong = read_numbers(cells, form)
    levels = as_levels(cells).drop_nulls().unique().to_list()
    if len(levels) < 2:
        only = f"one value, {levels[0]!r}" if levels else "no value"
        raise DataError(
            f"The target {name!r} has {only}, in the rows where it is not empty; expected at least two. Where an empty cell means "
            "something, write a word such as 'no' into it."
        )
    notes, kind_given = [], kind
    if len(wrong) and kind != "classification" and (worded := _with_words(cells, decimal)) is not None:
        words = ", ".join(map(repr, worded.missing))
        if kind is None and len(levels) > MOST_CLASSES:
            raise DataError(
                f"The target {name!r} holds {words} among its numbers ({int(cells.is_in(list(worded.missing)).sum()):,} of {len(cells):,} "
                "cells are not numbers): set data.kind = 'regression' to leave these rows out, or 'classification' if all cells are "
                "classes; or write the numbers that they mean."
            )
        if kind == "regression":
            form, (values, wrong) = worded, read_numbers(cells, worded)
            notes.append(f"IMPORTANT: target {name!r}: rows with {words} are left out")
    if kind is None:
        kind = "classification"
        if not len(wrong) and share == 1.0:
            kind, note = _kind_of_ranges(name, cells, levels, form) or _kind_of_numbers(name, values)
            notes += note
        elif np.isfinite(values).sum() > len(wrong) and len(levels) > MOST_CLASSES:
            kind = "regression"
    if kind == "regression":
        if len(wrong):
            raise DataError(
                f"The target {name!r} holds {as_levels(cells)[int(wrong[0])]!r} among its numbers ({len(wrong):,} of {len(cells):,} "
                "cells are not numbers): correct or empty these cells (rows without a target are left out), or set data.kind = "
                "'classification'."
            )
        if (far := np.abs(values) > LARGEST).any():
            raise DataError(
                f"The target {name!r} holds {as_levels(cells)[int(np.argmax(far))]!r}; expected numbers within ±{LARGEST:g}: rescale it."
            )
        if none := tuple(value for value in find_sentinels(values) if value < 0 and NINES.match(f"{value:.10g}")):
            form = replace(form, sentinels=none)
            shown = ", ".join(f"{value:g}" for value in none)
            notes.append(f"IMPORTANT: target {name!r}: {shown} stands for no value; {int(np.isin(values, none).sum()):,} rows are left out")
        return Target(name=name, format=form), notes + _format_notes(name, cells, form, values)
    levels, merged = _one_spelling(as_levels(cells).drop_nulls())
    if len(levels) < 2:
        raise DataError(f"The target {name!r} has one class, {levels[0]!r}, in different spellings; expected at least two.")
    notes += [f"IMPORTANT: target {name!r}: {merged}"] if merged else []
    repeated = len(levels) <= max(MOST_CLASSES, len(cells) / 2)
    if kind_given is None and len(levels) > 2 and (found := moment_style(cells)) and found.share > 0.9:
        advice = "To predict when, make a column of days from a start; to forecast, use the task forecast"
        if not repeated or len(levels) > MOST_LABELS:
            raise DataError(f"The target {name!r} holds dates or times; expected numbers, or labels that repeat. {advice}.")
        notes.append(f"IMPORTANT: target {name!r} holds dates or times, which are read as {len(levels)} classes. {advice}")
    if len(levels) > MOST_LABELS:
        raise DataError(f"The target {name!r} has {len(levels)} classes, more than {MOST_LABELS}; is it data.kind = 'regression'?")
    if kind_given is None and not repeated:
        raise DataError(
            f"The target {name!r} has {len(levels)} different labels in {len(cells)} rows, such as {levels[0]!r}; expected labels that "
            "repeat, or numbers. Name another column in data.target."
        )
    numeric = all(re.fullmatch(r"[+-]?\d+(\.\d+)?", level) for level in levels)
    return Target(name=name, labels=tuple(sorted(levels, key=(lambda v: (float(v), v)) if numeric else None))), notes


def _with_words(cells: pl.Series, decimal: str | None) -> NumberFormat | None:
    """The format of numbers among which a few words, such as NEW, are repeated; None for other cells."""
    form, _ = learn_format(cells, decimal)
    return form if form.missing and not form.units_apart and not len(read_numbers(cells, form)[1]) else None


def _one_spelling(cells: pl.Series) -> tuple[list[str], str]:
    """The classes, each in its commonest spelling, and a note on the others."""
    counts = dict(cells.value_counts().iter_rows())
    changed = merged_spellings(counts)
    merged = [f"{other!r} is read as {usual!r}" for other, usual in changed.items()]
    more = f" and {len(merged) - 6} more" if len(merged) > 6 else ""
    return [label for label in counts if label not in changed], ", ".join(merged[:6]) + more


def _format_notes(name: str, cells: pl.Series, form, values: np.ndarray) -> list[str]:
    if form.style == EITHER:
        return [f"target {name!r}: {BOTH_MARKS}"]
    if not form.units or not np.isfinite(values).any():
        return []
    row = int(np.flatnonzero(np.isfinite(values))[0])
    return [f"target {name!r}: {cells[row]!r} is read as {values[row]:g}"]


def _kind_of_ranges(name: str, cells: pl.Series, levels: list[str], form: NumberFormat) -> tuple[str, list[str]] | None:
    """Few different ranges and bounds (20-29, 30-39, 40+) are classes; None for other numbers."""
    parts = [split_quantity(level) for level in levels] if form.units and len(levels) <= MOST_CLASSES else []
    if len(parts) < 2 or any(part is not None and len(part.numbers) < 2 and not part.bound for part in parts):
        return None
    note = (
        f"target {name!r} ({', '.join(sorted(levels)[:3])}, …) is read as {len(levels)} classes; data.kind = 'regression' predicts a number"
    )
    return "classification", [note]


def _kind_of_numbers(name: str, values: np.ndarray) -> tuple[str, list[str]]:
    """Two values, or few whole ones that count up from 0 or 1, are classes, unless they are distributed as a count is."""
    known = values[np.isfinite(values)]
    found, counts = np.unique(known, return_counts=True)
    if len(found) == 2:
        return "classification", []
    whole = np.array_equal(found, np.round(found))
    if not whole or len(found) > MOST_CLASSES or found[0] not in (0, 1) or not (np.diff(found) == 1).all():
        return "regression", []
    span = f"whole numbers from {found[0]:g} to {found[-1]:g}"
    if _is_count(name, found, counts):
        return "regression", [f"target {name!r} ({span}) is read as a count, a number; data.kind = 'classification' predicts classes"]
    if len(found) > 3:
        return "classification", [f"target {name!r} ({span}) is read as {len(found)} classes; data.kind = 'regression' predicts a number"]
    return "classification", []


def _is_count(name: str, found: np.ndarray, counts: np.ndarray) -> bool:
    """From 0, with a name of counts, or with one early peak and a long tail."""
    if found[0] != 0 or len(found) < 3:
        return False
    if COUNTED.search(name):
        return True
    peak = int(counts.argmax())
    tail, slack = counts[peak:-1], 3 * np.sqrt(counts[peak:-1])
    falling = bool((np.diff(counts[peak:-1]) <= slack[: len(tail) - 1]).all()) if len(tail) > 1 else True
    return len(found) >= LEAST_COUNTS and peak <= len(found) // 2 and falling and counts.max() >= PEAKED * counts.min()


def aligned_labels(table: Table, place: np.ndarray, name: str, labels: tuple[str, ...], given: list[str]) -> list[str]:
    """Notes on labels of other parts that are spelled in another way than those of the training part.

    Args:
        place: (N,) the index in `given` of the part of each row.
        labels: of the training part.

    Raises:
        DataError: a part has a label that the training part lacks.
    """
    notes = []
    for i, part in enumerate(given):
        cells = as_levels(table.frame[name].filter(pl.Series(place == i)))
        found = places(cells, labels)
        if (found == -2).any():
            lacking = cells.filter(pl.Series(found == -2)).unique().sort().to_list()
            raise DataError(
                f"The {part} part has {len(lacking)} label{'s' * (len(lacking) > 1)} of {name!r} that the training part lacks: "
                f"{', '.join(map(repr, lacking[:10]))}; the training part has {', '.join(map(repr, labels[:20]))}. Correct the labels, or "
                "add such rows to the training part."
            )
        spelled = sorted(set(cells.drop_nulls().unique().to_list()) - set(labels))
        different = [text for text in spelled if label_key(text) != text.casefold() or text not in labels]
        if different:
            pairs = ", ".join(f"{text!r} as {labels[int(places(pl.Series([text]), labels)[0])]!r}" for text in different[:5])
            notes.append(f"labels of the {part} part are spelled differently from the training part; read {pairs}")
    return notes


def similar_labels(name: str, labels: tuple[str, ...]) -> list[str]:
    """A note on labels that differ only by case, blanks or a full stop."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(label_key(label), []).append(label)
    alike = [group for group in groups.values() if len(group) > 1]
    if not alike:
        return []
    shown = "; ".join(" and ".join(map(repr, group)) for group in alike[:5])
    return [f"IMPORTANT: labels of {name!r} differ only by case, blanks or a full stop and are separate classes: {shown}"]
