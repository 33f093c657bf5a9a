"""One source of texts → its rows as they are written: a table, running text, a folder per class, a file of `__label__` lines."""

from __future__ import annotations

import itertools
from pathlib import Path

from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.io.parts import part_of
from applied_dl.tasks.sentences.readers.boundaries import neighbours
from applied_dl.tasks.sentences.readers.folders import UNLABELLED, class_files, class_folders, folder_table, shown_classes
from applied_dl.tasks.sentences.readers.label_columns import cells_of, column_name
from applied_dl.tasks.sentences.readers.labels import Labels, read_columns, read_labels
from applied_dl.tasks.sentences.readers.layouts import Layout, layout_of, named_columns
from applied_dl.tasks.sentences.readers.lines import is_tagged, line_batches
from applied_dl.tasks.sentences.readers.pair_columns import belongs_together
from applied_dl.text import corpus
from applied_dl.text.columns import joined
from applied_dl.text.decoding import Reading, whole_text
from applied_dl.text.inputs import WHOLE_FILES
from applied_dl.text.tables import Table, is_table, read_table


class Source(Struct, kw_only=True):
    """`rows` of texts as they are written, their `negatives`, `labels` and `groups` where the kind has them; the part of each row where a
    column names `parts`, None in an empty cell; `columns` by their use."""

    kind: str
    rows: list[list[str]]
    negatives: list[str] | None = None
    labels: Labels | None = None
    groups: list[str] | None = None
    parts: list[str | None] | None = None
    warnings: list[str] = field(default_factory=list)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_source(source: str, data) -> Source:
    """The rows of a source by the recipe's [data]. Raises `DataError` where its kind does not fit."""
    path = Path(source)
    notes: list[str] = []
    table = None
    if data.kind != "text":
        table = read_table(source, named_columns(data), data.sheet) if is_table(source) else folder_table(path, named_columns(data))
    if table is not None:
        layout = layout_of(table, data)
        if layout.kind != "text":
            return _from_table(table, layout, data)
        notes = layout.warnings
        if path.is_dir() and data.kind is None and len(list(path.iterdir())) > 1:
            notes.append(
                f"{path}: its tables were read as running text; if each holds the texts of one class, join them as one table with a column "
                "named label."
            )
    elif (
        path.is_dir()
        and data.kind in (None, "labelled")
        and data.column in (None, WHOLE_FILES)
        and (folders := class_folders(path, data.kind))
    ):
        return _from_folders(path, folders)
    elif path.is_dir() and (files := class_files(path)):
        if data.kind == "labelled":
            return _from_class_files(path, files)
        if data.kind is None:
            notes = [
                f"{path}: its {len(files)} files were read as running text; if each holds the texts of one class, a line each, set "
                "data.kind = 'labelled'."
            ]
    elif path.is_file() and data.kind != "text" and (found := _from_lines(path, data)) is not None:
        return found
    if data.kind not in (None, "text"):
        raise DataError(
            f"{source!r} is running text, but data.kind is {data.kind!r}, which needs a table (CSV, TSV, JSON, Parquet, Excel)"
            + (", a folder of class folders or files, or a file of __label__ lines." if data.kind == "labelled" else ".")
        )
    reading = Reading()
    pairs = (list(pair) for line in corpus.paragraphs(source, data.column, reading, data.sheet) for pair in neighbours(line))
    return Source(kind="text", rows=list(itertools.islice(pairs, data.max_rows)), warnings=[*notes, *reading.warnings()])


def _from_table(table: Table, layout: Layout, data) -> Source:
    warnings = [*table.warnings, *layout.warnings]
    if layout.kind == "sets":
        lists = not table.sets and isinstance(table.rows[0][0], list)  # one column of lists, or all cells of a row
        return Source(kind="sets", rows=[(row[0] or []) if lists else row for row in table.rows], warnings=warnings)
    if layout.kind == "labelled":
        return labelled_source(table, layout, data, warnings)
    cell = lambda row, i: joined(row[i : i + 1])  # noqa: E731
    rows, parts = [[cell(row, i) for i in layout.texts] for row in table.rows], parts_of(table, layout)
    if layout.alike is not None:
        together = belongs_together(cells_of(table, layout.alike))
        if not any(together):
            raise DataError(
                f"{table.path!r}: the column {column_name(table, layout.alike)!r} names no pair that belongs together (1, yes, entailment)."
            )
        rows = [row for row, one in zip(rows, together) if one]
        parts = None if parts is None else [part for part, one in zip(parts, together) if one]
        by = column_name(table, layout.alike)
        warnings.append(f"{table.path}: {sum(together):,} of {len(together):,} pairs belong together by {by!r} and were read.")
    negatives = None if layout.negative is None else [cell(row, layout.negative) for row in table.rows]
    columns = {} if layout.part is None else {"part": (table.header[layout.part],)}
    return Source(kind=layout.kind, rows=rows, negatives=negatives, parts=parts, warnings=warnings, columns=columns)


def _from_folders(path: Path, folders: dict[str, list[Path]]) -> Source:
    reading = Reading()
    classes = {name: files for name, files in folders.items() if name.lower() not in UNLABELLED}
    rows = [[whole_text(file, reading)] for files in classes.values() for file in files]
    names = [(name,) for name, files in classes.items() for _ in files]
    shown = shown_classes([*classes])
    notes = [f"{path}: each folder was read as a class ({shown}), each file as one text (data.kind = 'text' reads them as running text)."]
    notes += [f"{path}: the folder {name!r} holds texts without labels and is left out." for name in folders if name not in classes]
    labels = Labels(rows=names, several=False)
    return Source(kind="labelled", rows=rows, labels=labels, warnings=[*notes, *reading.warnings()], columns={"text": (WHOLE_FILES,)})


def _from_class_files(path: Path, files: dict[str, Path]) -> Source:
    reading = Reading()
    texts = {name: list(corpus.lines(file, None, reading)) for name, file in files.items()}
    note = f"{path}: each file was read as a class ({shown_classes([*texts])}), each line as one text."
    labels = Labels(rows=[(name,) for name, lines in texts.items() for _ in lines], several=False)
    rows = [[line] for lines in texts.values() for line in lines]
    return Source(kind="labelled", rows=rows, labels=labels, warnings=[note, *reading.warnings()])


def _from_lines(path: Path, data) -> Source | None:
    """A text file whose lines hold labels, or the two sides of pairs; None for another."""
    reading, table = Reading(), Table(path=str(path))
    for part in line_batches(path, data, reading):
        table.header, table.warnings = part.header, reading.warnings()
        table.rows += part.rows
    if not table.rows:
        return None
    if is_tagged(table):
        return tagged_source(table, reading.warnings())
    layout = layout_of(table, data)
    return _from_table(table, layout, data) if layout.kind in ("labelled", "pairs", data.kind) else None


def tagged_source(table: Table, warnings: list[str]) -> Source:
    """The labels and texts of `__label__` lines."""
    labels = Labels(rows=[tags or None for tags, _ in table.rows], several=any(len(tags) > 1 for tags, _ in table.rows))
    return Source(kind="labelled", rows=[[text] for _, text in table.rows], labels=labels, warnings=warnings)


def labelled_source(table: Table, layout: Layout, data, warnings: list[str]) -> Source:
    """Labeled texts by the columns of a table."""
    names = column_names_of(table, layout)
    where = f"{table.path}, column {names[layout.labels[0]]!r}"
    columns = {names[i]: cells_of(table, i) for i in layout.labels}
    if len(columns) > 1:
        labels = read_columns(columns, table.path)
    else:
        labels = read_labels(columns[names[layout.labels[0]]], data.label_separator, where)
    groups = None if layout.group is None else [str(cell or f"row {i}") for i, cell in enumerate(cells_of(table, layout.group))]
    return Source(
        kind="labelled", rows=[[text] for text in texts_of(table, layout)], labels=labels, groups=groups, parts=parts_of(table, layout),
        warnings=[*warnings, *labels.warnings],
        columns={
            use: tuple(column_name(table, i) for i in places)
            for use, places in (("text", layout.texts), ("labels", layout.labels), ("part", () if layout.part is None else (layout.part,)))
            if places
        },
    )  # fmt: skip


def texts_of(table: Table, layout: Layout) -> list[str]:
    """The text of each row, of one column or of several."""
    return [joined([row[i] if i < len(row) else None for i in layout.texts]) for row in table.rows]


def parts_of(table: Table, layout: Layout) -> list[str | None] | None:
    """The part of the split that each row names, None in an empty cell; None where no column names parts."""
    return None if layout.part is None else [part_of(str(cell or "")) for cell in cells_of(table, layout.part)]


def column_names_of(table: Table, layout: Layout) -> list[str]:
    """The names of the columns up to the last one that is read."""
    return [table.header[i] if i < len(table.header) else f"column_{i + 1}" for i in range(max(*layout.labels, *layout.texts) + 1)]
