"""What a table of texts holds, seen from its columns: pairs, triplets, sets of paraphrases, labelled texts, scored pairs, running text."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.parts import part_column
from applied_dl.tasks.sentences.readers.label_columns import (
    WEAK,
    cells_of,
    column_count,
    column_name,
    column_names,
    label_by_name,
    label_candidates,
    label_rank,
    named_labels,
    names_of,
    numbered_labels,
)
from applied_dl.tasks.sentences.readers.labels import is_one_hot
from applied_dl.tasks.sentences.readers.pair_columns import NEGATIVE, SIDES, alike_place, named_sides
from applied_dl.tasks.sentences.readers.written_columns import all_alike, are_rows, are_sides, label_words, wordy, written_beside
from applied_dl.text.columns import normal, place_of, text_places
from applied_dl.text.tables import TEXTS, Table
from applied_dl.text.text_columns import chosen_places

KINDS = ("text", "pairs", "triplets", "sets", "labelled")
GROUPS = ("user", "user_id", "author_id", "customer", "customer_id", "patient", "patient_id", "speaker", "conversation",
          "conversation_id", "thread", "thread_id", "session", "session_id", "document_id", "doc_id", "article_id", "group")  # fmt: skip

MANY_FLAGS = 3  # columns of 0 and 1 that may be labels beside a column that is named like them


class Layout(Struct, frozen=True, kw_only=True):
    """The columns of a table by their places: `texts` (two sides of a pair, or the columns that make one text), `negative`, `labels`
    (several are one-hot) and `group`; `alike` says which pairs belong together, `part` to which part of the split a row belongs."""

    kind: str
    texts: tuple[int, ...] = ()
    negative: int | None = None
    labels: tuple[int, ...] = ()
    alike: int | None = None
    group: int | None = None
    part: int | None = None
    warnings: list[str] = []


def layout_of(table: Table, data) -> Layout:
    """The layout of a table, by the recipe's [data] where that names columns. Raises `DataError` where a guess would be a bad one."""
    group, part = _group_place(table, data), _part_place(table, data)
    layout = _layout(table, data, tuple(place for place in (group, part) if place is not None))
    return replace(layout, group=group, part=part)


def _layout(table: Table, data, apart: tuple[int, ...]) -> Layout:
    """The layout of a table whose columns `apart` hold neither texts nor labels."""
    named = data.target is not None and not (data.target == "label" and place_of("label", table.header) is None)
    if (table.sets and not are_rows(table)) or ([name.lower() for name in table.header] == [TEXTS] and isinstance(table.rows[0][0], list)):
        kind = "sets"
    elif data.kind is not None:
        kind = data.kind
    elif named:
        kind = "labelled"
    elif named_sides(table) is not None and data.column is None:
        kind = "triplets" if place_of(NEGATIVE, table.header) is not None else "pairs"
    else:
        return _layout_by_columns(table, data, apart)
    if kind == "labelled":
        return _labelled(table, data, apart, named_labels(table, data) if named else None)
    if kind in ("pairs", "triplets"):
        return _of_pairs(table, kind, apart)
    return Layout(kind=kind)


def _layout_by_columns(table: Table, data, apart: tuple[int, ...]) -> Layout:
    """The layout that names and cells show, where the recipe names no label column and no kind."""
    texts = _text_places(table, data, apart)
    label = label_by_name(table, texts if data.column is not None else ())
    one_hot = [i for i in range(len(table.header)) if i not in (*texts, *apart) and is_one_hot(cells_of(table, i))]
    if texts and len(one_hot) > 1 and (label is None or label in one_hot or _outweigh(table, one_hot, label, (*texts, *apart))):
        return _labelled(table, data, apart, tuple(one_hot))
    if label is not None:
        labels = numbered_labels(table, label)
        texts = _text_places(table, data, (*labels, *apart))
        if texts:
            return _labelled(table, data, apart, labels)
        if label_rank(table.header[label]) < WEAK or len(table.header) > 2:
            return _labelled(table, data, apart, labels)  # says which columns may hold the text
    if texts and one_hot and len(table.header) - len(texts) - len(apart) <= 2:
        return _labelled(table, data, apart, tuple(one_hot))
    width = column_count(table) - len(apart)
    texts = texts or (wordy(table) if not table.header else [])
    like = label_candidates(table, (*texts, *apart))
    labels = numbered_labels(table, like[0]) if like else ()
    if texts and labels and {*like} <= {*labels} and width > len(texts):
        return _labelled(table, data, apart, labels)
    if texts and len(like) > 1 and data.column is None:
        names = ", ".join(repr(column_name(table, i)) for i in like[:6])
        raise DataError(
            f"{table.path!r}: several columns may hold the labels ({names}); name one with data.target, or give data.kind = 'text' for "
            "running text without labels."
        )
    sources = () if table.header or width < 3 else all_alike(table)
    if data.column is None and len(texts) != 1 and are_sides(table, width - len(sources), (*apart, *sources)):
        layout = _of_pairs(table, "pairs" if width - len(sources) == 2 else "triplets", (*apart, *sources))
        note = f"{table.path}: read as {layout.kind} without names; {_listed(table, sources)}, alike in all rows, is left out."
        return replace(layout, warnings=[note] if sources else [])
    if data.column is None and len(sides := sorted([*texts, *written_beside(table, texts, apart)])) == 2:
        names = _listed(table, sides)
        note = f"{table.path}: read as pairs of texts that belong together ({names}); data.column = NAME reads one column as running text."
        return Layout(kind="pairs", texts=tuple(sides), alike=alike_place(table, (*sides, *apart)), warnings=[note])
    rest = [i for i in range(column_count(table)) if i not in (*texts, *apart)]
    note = (
        f"{table.path}: no column of labels is found beside {_listed(table, texts)}, whose texts are read as running text; if "
        f"{_listed(table, rest)} should be predicted, name {'it' if len(rest) == 1 else 'one'} with data.target."
    )
    return Layout(kind="text", warnings=[note] if texts and rest and data.column is None else [])


def _outweigh(table: Table, one_hot: list[int], label: int, apart: tuple[int, ...]) -> bool:
    """Whether columns of 0 and 1 are the labels rather than a column that is vaguely named like one, such as a rating: most columns are."""
    others = [i for i in range(len(table.header)) if i not in (*one_hot, *apart, label)]
    return label_rank(table.header[label]) >= WEAK and len(one_hot) >= MANY_FLAGS and len(one_hot) > len(others)


def _labelled(table: Table, data, apart: tuple[int, ...], labels: tuple[int, ...] | None) -> Layout:
    """Labeled texts, with a warning that says which columns were chosen."""
    if labels is None:
        label = label_by_name(table, ())
        if label is None:
            raise DataError(
                f"{table.path!r}: labelled texts need a text column (data.column) and a label column (data.target); found: "
                f"{', '.join(table.header) or 'no header'}."
            )
        labels = (label,)
    rest = (*labels, *apart)
    texts = _text_places(table, data, rest)
    if not texts:
        texts = chosen_places(table.path, column_names(table), table.rows, None, rest)
    if label_words(table, texts, labels):
        raise DataError(
            f"{table.path!r}: the cells of {_listed(table, labels)} are lists with a label for each word of {_listed(table, texts)}; this "
            "task labels whole texts: give a column with one label, or a few, for each text (data.target)."
        )
    chosen = []
    if data.target is None and len(labels) == 1:
        labels = (names_of(table, labels[0], (*texts, *apart)),)
    if data.target is None:
        others = [i for i in range(len(table.header)) if i not in (*rest, *texts) and label_rank(table.header[i]) is not None]
        also = f" (not {', '.join(repr(table.header[i]) for i in others[:3])})" if others and len(labels) == 1 else ""
        chosen.append(f"labels from {_listed(table, labels)}{also}")
    if data.column is None:
        chosen.append(f"text from {_listed(table, texts)}")
    warnings = [f"{table.path}: read as labelled texts: {', '.join(chosen)}; data.target and data.column name others."] if chosen else []
    if not table.header or {normal(column_name(table, i)) for i in (*labels, *texts)} <= {"label", "text"}:
        warnings = [] if table.header else warnings
    return Layout(kind="labelled", texts=tuple(texts), labels=tuple(labels), warnings=[*warnings, *_group_warning(table, rest, texts)])


def _of_pairs(table: Table, kind: str, apart: tuple[int, ...]) -> Layout:
    """Two sides, by their names or in order, and the negative of a triplet."""
    sides = named_sides(table)
    if sides is None:
        wide = 3 if kind == "triplets" else 2
        places = [i for i in range(column_count(table)) if i not in apart]
        if len(places) < wide:
            raise DataError(f"{table.path!r}: {kind} need {wide} columns, found {len(places)}; name them {' and '.join(SIDES[0])}.")
        return Layout(kind=kind, texts=tuple(places[:2]), negative=places[2] if kind == "triplets" else None)
    negative = place_of(NEGATIVE, table.header) if kind == "triplets" else None
    if kind == "triplets" and negative is None:
        raise DataError(f"{table.path!r} has no column {NEGATIVE!r}, which triplets need; found: {', '.join(table.header)}.")
    return Layout(kind=kind, texts=sides, negative=negative, alike=alike_place(table, (*sides, *apart)) if kind == "pairs" else None)


def _text_places(table: Table, data, rest: tuple[int, ...]) -> list[int]:
    if data.column is not None:
        return chosen_places(table.path, column_names(table), table.rows, data.column)
    if not table.header:
        return [i for i in wordy(table) if i not in rest]
    return text_places(table.header, table.rows, rest)


def _group_place(table: Table, data) -> int | None:
    if data.group is None:
        return None
    place = place_of(data.group, table.header)
    if place is None:
        raise DataError(f"{table.path!r} has no column {data.group!r} (data.group).{nearest(data.group, table.header or ['(none)'])}")
    return place


def _part_place(table: Table, data) -> int | None:
    """The column that names the part of each row, unless the recipe names it for something else."""
    taken = [place_of(name, table.header) for name in named_columns(data)]
    free = {name: i for i, name in reversed([*enumerate(table.header)]) if i not in taken}
    name = part_column(reversed(free), lambda name: cells_of(table, free[name]))
    return None if name is None else free[name]


def named_columns(data) -> tuple[str, ...]:
    """The columns that the recipe names."""
    named: list[str] = []
    for value in (data.column, data.target, data.group):
        named += [] if value is None else [value] if isinstance(value, str) else list(value)
    return tuple(named)


def _group_warning(table: Table, rest: tuple[int, ...], texts) -> list[str]:
    """A warning where another column looks like whom or what the texts come from: its texts should not be in two parts."""
    for i, name in enumerate(table.header):
        if i in (*rest, *texts) or normal(name) not in GROUPS:
            continue
        counts = Counter(str(cell) for cell in cells_of(table, i) if cell not in (None, ""))
        if 2 < len(counts) < 0.8 * sum(counts.values()):
            return [
                f"{table.path}: the column {name!r} has {len(counts):,} values in {len(table.rows):,} rows; data.group = {name!r} keeps "
                "the texts of each in one part, so that the test measures new ones."
            ]
    return []


def _listed(table: Table, places) -> str:
    names = [repr(column_name(table, i)) for i in places]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
