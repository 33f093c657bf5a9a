"""Cells of a label column → classes, lists of labels or numbers. The values decide which; it is reported, and `data.kind` sets it."""

from __future__ import annotations

import re

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.tasks.image.readers.listing import Listing, Options

SEPARATORS = ("|", ";", ",", " ")
PLURAL = re.compile(r"(labels|tags|classes|categories|genres|keywords|attributes|objects|targets|findings|diseases)$", re.IGNORECASE)
QUOTES = re.compile(r"^[\[({]\s*|\s*[\])}]$|['\"]")  # of a list such as "['a', 'b']"
CLASSES = re.compile(r"label|class|categor", re.IGNORECASE)
LIST = re.compile(r"\[.*\]")  # as Python and JSON write one
MOST_CODES = 10  # distinct whole numbers that are taken for classes
LEAST_BALANCE = 0.3  # share of the mean that the rarest of more whole numbers must have, to be taken for classes
CONFLICTING = 0.05  # share of images on several rows with different labels from which an image is taken to have several
MOST_MISSING = 0.5  # share of rows without a label that may be left out
MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "--")  # of numbers; a class may have such a name


class LabelCells(Struct, frozen=True, kw_only=True):
    """The cells of a label column as texts and as numbers (NaN where a cell is none); of several 0/1 columns, the `lists` of labels."""

    target: str
    texts: list[str | None] = []
    numbers: np.ndarray | None = None
    lists: list[tuple[str, ...]] | None = None
    order: tuple[str, ...] = ()


def read_labels(cells: LabelCells, items: list, groups: list[str] | None, where: str, options: Options) -> Listing:
    """The listing of a table's rows.

    Args:
        cells: the label cells of each row.
        items: the path of each row.
        groups: the group of each row, where there are groups.
        where: the table's name, for messages.
        options: `kind` and `label_separator` set what the values would decide.

    Raises:
        DataError: most rows have no label, or a cell of numbers holds none.
    """
    if cells.lists is not None:
        return _from_flags(cells, items, groups, where, options)
    if options.kind == "regression" or (options.kind is None and not options.label_separator and is_measure(cells)):
        return _from_numbers(cells, items, groups, where, options)
    separator = _separator(cells, options)
    texts = [" ".join((text or "").split()) for text in cells.texts]
    lists = [_split(text, separator) for text in texts]
    several = bool(separator) or options.kind == "multi_label"
    items, groups, lists, several, notes = _one_row_each(items, groups, lists, several, options.kind)
    if not several:
        items, groups, lists, left_out = _labelled(cells.target, items, groups, lists, where)
        notes += left_out
    elif separator:
        notes.append(
            f"the cells of {cells.target!r} are lists of labels separated by {separator!r} (data.kind = 'classification' keeps them)"
        )
    if several and (without := sum(not names for names in lists)):
        notes.append(f"{without} of {len(lists)} images have no label of {cells.target!r}: they are read as images of none")
    if not several and options.kind is None and _whole(cells) and len(set(lists)) > MOST_CODES:
        notes.append(f"the numbers of {cells.target!r} are taken for {len(set(lists))} classes; data.kind = 'regression' predicts a number")
    return Listing(items=items, labels=lists, several=several, groups=groups, target=cells.target, separator=separator, warnings=notes)


def named_labels(names: list[str], items: list, groups: list[str] | None, where: str, options: Options) -> Listing:
    """The listing of images whose labels are names of files or folders: classes, or numbers where `data.kind` asks for regression."""
    if options.kind != "regression":
        return Listing(items=items, labels=[(name,) for name in names], groups=groups)
    numbers = np.array([_number(name) for name in names])
    return _from_numbers(LabelCells(target="", texts=list(names), numbers=numbers), items, groups, where, options)


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def is_measure(cells: LabelCells) -> bool:
    """Whether a label column holds measured numbers rather than classes.

    Two values are classes; so are whole numbers of which there are few, or which count up from 0 or 1, or are named as classes, with
    similar frequencies.
    """
    filled = [text for text in cells.texts if text is not None and text.lower() not in MISSING]
    if cells.numbers is None or not filled or any(re.match(r"0\d", text) for text in filled):
        return False
    values = cells.numbers[np.isfinite(cells.numbers)]
    if len(values) < 0.99 * len(filled):
        return False
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= 2:
        return False
    if not np.array_equal(distinct, np.round(distinct)):
        return True
    rising = distinct[0] in (0, 1) and np.array_equal(np.diff(distinct), np.ones(len(distinct) - 1))
    rising = rising or bool(CLASSES.search(cells.target))  # codes of classes, of which some are missing
    if len(distinct) <= MOST_CODES:
        return not (rising or counts.mean() >= MOST_CODES)
    return not (rising and counts.min() >= LEAST_BALANCE * counts.mean() and counts.min() > 1)


def _whole(cells: LabelCells) -> bool:
    return cells.numbers is not None and bool(np.isfinite(cells.numbers).all())


def _from_flags(cells: LabelCells, items: list, groups, where: str, options: Options) -> Listing:
    lists = cells.lists or []
    single = all(len(names) == 1 for names in lists) and options.kind != "multi_label"
    if options.kind == "classification" and not single:
        raise DataError(
            f"{where}: data.kind = 'classification' takes one label per image, but rows of the 0/1 columns have none or several."
        )
    return Listing(items=items, labels=lists, several=not single, order=cells.order, groups=groups)


def _from_numbers(cells: LabelCells, items: list, groups, where: str, options: Options) -> Listing:
    numbers = cells.numbers if cells.numbers is not None else np.full(len(items), np.nan)
    known = np.isfinite(numbers)
    wrong = [row for row, text in enumerate(cells.texts) if not known[row] and text is not None and text.lower() not in MISSING]
    if wrong:
        raise DataError(
            f"{where}: {cells.texts[wrong[0]]!r} is the {cells.target or 'label'!r} of {str(items[wrong[0]])!r}; expected a number for "
            f"every image in image regression{'' if options.kind else ' (data.kind = classification makes them classes)'}."
        )
    notes = _check_missing(cells.target, int((~known).sum()), len(items), where)
    rows = np.flatnonzero(known)
    if not options.kind:
        notes.append(
            f"the column {cells.target!r} holds {len(np.unique(numbers[rows]))} different numbers: they are predicted as a number "
            "(data.kind = 'classification' makes them classes)"
        )
    groups = None if groups is None else [groups[i] for i in rows]
    numbers = [float(value) for value in numbers[rows]]
    return Listing(items=[items[i] for i in rows], numbers=numbers, groups=groups, target=cells.target, warnings=notes)


def _separator(cells: LabelCells, options: Options) -> str:
    """What separates labels in a cell, "" where a cell is one label."""
    if options.label_separator is not None:
        return options.label_separator or " "  # the command line strips a blank
    if options.kind == "classification":
        return ""
    distinct = {" ".join(text.split()) for text in cells.texts if text}
    if distinct and all(LIST.fullmatch(text) for text in distinct):
        return ","
    for separator in SEPARATORS:
        lists = [_split(text, separator) for text in distinct]
        joined = [names for names in lists if len(names) > 1]
        if not joined:
            continue
        if separator == "|" or options.kind == "multi_label":
            return separator
        names = {name for some in lists for name in some}
        alone = {some[0] for some in lists if len(some) == 1}
        together = {name for some in joined for name in some}
        free = len(together & alone) >= len(together) / 2  # labels that also stand alone
        combined = len(names) < len(distinct)  # fewer labels than cells: the cells are combinations
        if free if separator == " " and not PLURAL.search(cells.target) else free or combined:
            return separator
    return ""


def _split(text: str, separator: str) -> tuple[str, ...]:
    if not separator:
        return (text,) if text else ()
    parts = (QUOTES.sub("", part).strip() for part in QUOTES.sub("", text).split(separator))
    return tuple(dict.fromkeys(part for part in parts if part))


def _one_row_each(items, groups, lists, several: bool, kind: str | None):
    """One row per image: the labels of rows with the same path are gathered, or dropped where few images have conflicting ones."""
    if len({str(item) for item in items}) == len(items):
        return items, groups, lists, several, []
    rows: dict[str, list[int]] = {}
    for row, item in enumerate(items):
        rows.setdefault(str(item), []).append(row)
    gathered = [tuple(dict.fromkeys(name for row in some for name in lists[row])) for some in rows.values()]
    conflicts = sum(len(names) > 1 for names in gathered)
    first, notes = [some[0] for some in rows.values()], []
    if not several and conflicts:
        if kind is None and conflicts >= CONFLICTING * len(gathered):
            several = True
            notes.append(
                f"{conflicts} of {len(gathered)} images are on several rows with different labels: an image may have several labels"
            )
        else:
            keep = [i for i, names in enumerate(gathered) if len(names) < 2]
            first, gathered = [first[i] for i in keep], [gathered[i] for i in keep]
            notes.append(f"{numbered(conflicts, 'image is', 'images are')} on several rows with different labels and left out")
    return [items[row] for row in first], None if groups is None else [groups[row] for row in first], gathered, several, notes


def _labelled(target: str, items, groups, lists, where: str):
    """The rows that have a label, and a note on the others."""
    rows = [i for i, names in enumerate(lists) if names]
    notes = _check_missing(target, len(lists) - len(rows), len(lists), where)
    return [items[i] for i in rows], None if groups is None else [groups[i] for i in rows], [lists[i] for i in rows], notes


def _check_missing(target: str, missing: int, rows: int, where: str) -> list[str]:
    if missing > MOST_MISSING * rows:
        raise DataError(f"{where}: {missing} of {rows} images have no {target!r}; expected a label for most images.")
    return [f"{missing} of {rows} images have no {target!r} and are left out"] if missing else []
