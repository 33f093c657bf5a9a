"""Label cells of any usual form → the label names of each row: one label, label lists, one-hot columns; spellings made equal."""

from __future__ import annotations

import re
from collections import Counter

from msgspec import Struct

from applied_dl.core.errors import DataError
from applied_dl.io.labels import known_spellings, label_key, merged_spellings
from applied_dl.tasks.sentences.readers.label_cells import LISTED, are_flags, are_spans, distinct_names, label_text, list_of, lists_of
from applied_dl.text.heads import is_number

BRACKETED = re.compile(r"(?:<[^<>]+>)+")
SEPARATORS = ("|", ";", ",", "#")
LOOSE = ("/", "+", "&", " ")  # also part of many names: several labels must explain the cells far better than whole ones
NAMED = {"space": " ", "blank": " ", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
SOME = 0.01  # share of the cells that must hold a separator
MOST_LABELS = 0.5  # more different labels than this share of the rows are no classes
FEW_LABELS = 20  # that are always taken as classes
TRUE, FALSE = ("1", "1.0", "true", "yes", "y", "t", "x", "✓", "✔"), ("0", "0.0", "false", "no", "n", "f", "")


class LabelForm(Struct, frozen=True, kw_only=True):
    """How the cells of a label column are written: as `lists` ("cells", or "written" as text), in `brackets` (<python><pandas>), or with a
    `separator` between several labels; otherwise each cell is a label. `columns`: each of several columns holds a label of the text.
    `flags`: the lists hold 0 and 1, a place for each label."""

    lists: str = ""
    columns: bool = False
    flags: bool = False
    brackets: bool = False
    separator: str | None = None


class Labels(Struct, frozen=True, kw_only=True):
    """`rows` holds the label names of each row, None where a row has no label cell; `several` where a row may have more than one; `form`
    how the cells of one column are written."""

    rows: list[tuple[str, ...] | None]
    several: bool
    warnings: list[str] = []
    form: LabelForm = LabelForm()


def read_labels(cells: list, separator: str | None, where: str) -> Labels:
    """Labels from the cells of one column: texts, numbers, lists, JSON lists, or lists joined by a separator.

    Args:
        cells: one per row.
        separator: between several labels of a cell; found in the cells where it is None; "none" takes every cell whole.
        where: names the column in messages.

    Raises:
        DataError: where a separator that was named occurs in no cell.
    """
    lists, kind = lists_of(cells)
    if lists is not None and are_spans(lists):
        example = next(row[0] for row in lists if row)
        raise DataError(
            f"{where}: its cells mark parts of a text, such as {example!r}; this task labels whole texts: name a column of such labels "
            "with data.target."
        )
    if lists is not None:
        form = LabelForm(lists=kind, flags=are_flags(lists))
        rows = [_of_list(row, form) for row in lists]
        several = any(row is not None and len(row) != 1 for row in rows)
        what = "lists of 0 and 1, whose places are the labels" if form.flags else "lists, read as several labels of a text"
        return Labels(rows=rows, several=several, warnings=[f"{where}: its cells are {what}."] if several or form.flags else [], form=form)
    texts = [label_text(cell) for cell in cells]
    brackets = separator is None and sum(bool(BRACKETED.fullmatch(text)) for text in texts) > LISTED * sum(map(bool, texts))
    if brackets:
        texts = [_unbracketed(text) for text in texts]
        separator = "|" if any("|" in text for text in texts) else "none"
    found = _separator(texts) if separator is None else None if separator == "none" else NAMED.get(separator, separator)
    if found is not None and separator is not None and not any(found in text for text in texts):
        raise DataError(f"{where}: no cell holds the separator {found!r} of data.label_separator; remove the key or correct it.")
    note = (
        f"{where}: cells with {found!r} between them are read as several labels of a text (data.label_separator = 'none' takes them whole)."
    )
    return Labels(
        rows=[_separated(text, found) for text in texts], several=found is not None,
        warnings=[note] if found is not None and separator is None else [], form=LabelForm(brackets=brackets, separator=found),
    )  # fmt: skip


def labels_by(form: LabelForm, cells: list) -> list[tuple[str, ...] | None]:
    """The labels of further cells of a column that was read before; None for a cell without any, or one that is no list among lists."""
    if form.lists:
        read = [list_of(cell, form.lists) for cell in cells]
        return [_of_list(row, form) for row in read]
    texts = [label_text(cell) for cell in cells]
    return [_separated(_unbracketed(text) if form.brackets else text, form.separator) for text in texts]


def read_columns(columns: dict[str, list], where: str, form: LabelForm | None = None, first: int = 1) -> Labels:
    """Labels from several columns: one per label (`read_one_hot`), or tag_1, tag_2, … with a label of the text in each.

    form: of a table whose first rows were read; by default the cells decide.
    """
    if not (form.columns if form else not any(map(is_one_hot, columns.values()))):
        return read_one_hot(columns, where, first)
    return Labels(rows=[distinct_names(row) or None for row in zip(*columns.values())], several=True, form=LabelForm(columns=True))


def read_one_hot(columns: dict[str, list], where: str, first: int = 1) -> Labels:
    """Labels from columns of 0 and 1 (or true and false), one per label. Several labels unless every row has exactly one.

    first: the number of the first row, for messages.

    Raises:
        DataError: for a cell that is neither.
    """
    rows: list[list[str]] = [[] for _ in next(iter(columns.values()))]
    for name, cells in columns.items():
        for i, cell in enumerate(cells):
            text = label_text(cell).lower()
            if text in TRUE:
                rows[i].append(name)
            elif text not in FALSE:
                raise DataError(f"{where}, column {name!r}, row {first + i}: expected 0 or 1, received {text[:40]!r}.")
    return Labels(rows=[tuple(row) for row in rows], several=any(len(row) != 1 for row in rows))


def is_one_hot(cells: list) -> bool:
    """Whether a column holds nothing but 0 and 1, true and false, and both of them."""
    found: set[str] = set()
    for cell in cells:  # of a large table mostly one, which is neither
        found.add(label_text(cell).lower())
        if not found <= {*TRUE, *FALSE}:
            return False
    return bool(found & {*TRUE}) and bool(found - {*TRUE})


def merge_spellings(rows: list[tuple[str, ...] | None]) -> tuple[list[tuple[str, ...] | None], list[str]]:
    """Labels that differ only in case, blanks or a trailing dot as one, by the commonest spelling; and a warning where there were some."""
    counts = Counter(label for row in rows if row for label in row)
    changed = merged_spellings(counts)
    if not changed:
        return rows, []
    merged = [None if row is None else tuple(dict.fromkeys(changed.get(label, label) for label in row)) for row in rows]
    shown = ", ".join(f"{old!r} as {new!r} ({counts[old]:,})" for old, new in list(changed.items())[:4])
    return merged, [f"Labels that differ only in case, blanks or a trailing dot were merged: {shown}{' …' if len(changed) > 4 else ''}."]


def match_labels(rows: list[tuple[str, ...]], known: tuple[str, ...], where: str) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows' labels in the spelling of training, and a warning where one was changed. Raises `DataError` for labels it lacks."""
    exact, by_key = set(known), known_spellings(known)
    unknown = Counter(label for row in rows for label in row if label not in exact and label_key(label) not in by_key)
    if unknown:
        shown = ", ".join(f"{label!r} ({count:,} rows)" for label, count in unknown.most_common(4))
        raise DataError(
            f"{where} has {len(unknown)} labels that training lacks: {shown}{' …' if len(unknown) > 4 else ''}; training has "
            f"{', '.join(map(repr, known[:8]))}{' …' if len(known) > 8 else ''}. Correct or remove these rows."
        )
    changed = Counter(label for row in rows for label in row if label not in exact)
    if not changed:
        return rows, []
    shown = ", ".join(f"{old!r} as {by_key[label_key(old)]!r} ({count:,})" for old, count in changed.most_common(4))
    read = [tuple(label if label in exact else by_key[label_key(label)] for label in row) for row in rows]
    return read, [f"{where}: labels were read in the spelling of training: {shown}."]


def check_classes(rows: list[tuple[str, ...]], where: str) -> None:
    """Raises `DataError` where the labels repeat too rarely to be classes."""
    names = {label for row in rows for label in row}
    if len(names) <= max(FEW_LABELS, MOST_LABELS * len(rows)):
        return
    numeric = sum(is_number(name) for name in names) > 0.9 * len(names)
    hint = "numbers to predict are for the task tabular" if numeric else "name the label column with data.target"
    raise DataError(f"{where} has {len(names):,} different labels in {len(rows):,} rows; classes repeat more often: {hint}.")


def _of_list(row: list | None, form: LabelForm) -> tuple[str, ...] | None:
    if row is None or not form.flags:
        return None if row is None else distinct_names(row)
    return tuple(str(place) for place, cell in enumerate(row) if label_text(cell) == "1")


def _unbracketed(text: str) -> str:
    """<python><pandas> → python|pandas."""
    return text.strip("<>").replace("><", "|")


def _separated(text: str, separator: str | None) -> tuple[str, ...] | None:
    """The labels of a cell's text; None where it is empty."""
    return None if not text else (text,) if separator is None else distinct_names(_split(text, separator))


def _split(text: str, separator: str) -> list[str]:
    return text.split() if separator == " " else text.split(separator)


def _separator(texts: list[str]) -> str | None:
    """What separates several labels of a cell, where the cells show it: most parts of the lists occur in other cells too."""
    counts = Counter(text for text in texts if text)
    for mark in (*SEPARATORS, *LOOSE):
        joined = [text for text in counts if mark in text.strip(mark)]
        if sum(counts[text] for text in joined) < max(2, SOME * sum(counts.values())):
            continue
        cells = {text: distinct_names(_split(text, mark)) for text in counts}
        seen_in = Counter(part for parts in cells.values() for part in parts)
        parts = {part for text in joined for part in cells[text]}
        if not parts:
            continue
        repeated = sum(seen_in[part] > 1 for part in parts) / len(parts)
        worded = sum(len(part.split()) for part in parts) / len(parts)
        if mark in LOOSE:
            alone = any(len(parts) == 1 for parts in cells.values())
            reordered = len(joined) - len({frozenset(cells[text]) for text in joined})  # "login vip" and "vip login"
            if (repeated >= 0.95 and len(seen_in) <= 0.6 * len(counts) and len(counts) >= 8 and alone) or (reordered > 1 and repeated == 1):
                return mark
        elif repeated >= 0.8 and worded <= 5 and (len(seen_in) < len(counts) or repeated == 1):
            return mark
    return None
