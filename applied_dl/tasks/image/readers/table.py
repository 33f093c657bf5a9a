"""A table of paths and labels: which column names the images, which hold labels, and whether they are classes, label lists or numbers."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
from msgspec import structs

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.cells import as_levels
from applied_dl.io.numbers import learn_format, read_numbers
from applied_dl.io.parts import part_of
from applied_dl.tasks.image.readers.hints import GROUP_COLUMN, column_hint
from applied_dl.tasks.image.readers.labels import LabelCells, named_labels, read_labels
from applied_dl.tasks.image.readers.listing import Listing, Options
from applied_dl.tasks.image.readers.pixels import pixels_of
from applied_dl.vision.patterns import by_pattern, groups_of
from applied_dl.vision.tables import find_paths, read_frame, split_column

LABEL_COLUMNS = (
    "label", "labels", "class", "classes", "class_name", "classname", "label_name", "category", "categories", "category_name", "target",
    "targets", "tag", "tags", "y", "diagnosis", "dx", "class_id", "label_id", "category_id", "klasse", "kategorie", "diagnose", "classe",
    "catégorie", "étiquette", "clase", "categoría", "categoria", "etiqueta", "etiquetas", "diagnóstico", "класс", "категория", "метка",
    "类别", "标签", "分类", "ラベル", "クラス", "choice",
)  # fmt: skip
INDEX_COLUMNS = ("", "index", "rownames", "rownum", "row", "column_1", "unnamed: 0")
YES = {"1", "1.0", "true", "yes", "y", "t"}
FLAGS = ({"0", "1"}, {"-1", "1"}, {"0.0", "1.0"}, {"-1.0", "1.0"}, {"false", "true"}, {"no", "yes"}, {"n", "y"}, {"f", "t"})


def list_table(path: Path, options: Options) -> dict[str, Listing]:
    """The listings of a table by part: `{"all": …}`, or the parts that a column such as `split` names.

    Raises:
        DataError: a column is missing, a cell is empty, or the labels cannot be understood.
    """
    frame = read_frame(path)
    if not frame.height:
        raise DataError(f"{str(path)!r} has a header and no rows; expected one row per image.")
    wanted = (options.target,) if isinstance(options.target, str) else options.target or ()
    for name in wanted:
        if name not in frame.columns:
            raise DataError(f"{str(path)!r} has no label column {name!r} (data.target).{nearest(name, frame.columns)}")
    labelled = (*wanted, *(name for name in frame.columns if name.lower() in LABEL_COLUMNS))
    pixels = None if options.path or options.label_pattern else pixels_of(frame, labelled, repr(str(path)))
    if pixels is None:
        column, items = find_paths(frame, path, options.path, wanted)
        return _listed(frame, path, options, wanted, (column,), items)
    images, columns = pixels
    found = _listed(frame, path, options, wanted, tuple(columns), list(range(len(images))))
    return {part: structs.replace(listing, items=[images[row] for row in listing.items]) for part, listing in found.items()}


def _listed(
    frame: pl.DataFrame, path: Path, options: Options, wanted: tuple[str, ...], shown: tuple[str, ...], items: list
) -> dict[str, Listing]:
    """The listings of rows whose images are `items`, by the columns beside those that show them."""
    split = split_column(frame, (*shown, *wanted, options.group))
    if options.label_pattern:
        names = by_pattern("data.label_pattern", options.label_pattern, items, path.parent)
        return {"all": named_labels(names, items, _groups(frame, options, items, path), str(path), options)}
    targets = wanted or _targets(frame, path, (*shown, split, options.group))
    if len(targets) > 1:
        cells, notes = _flags(frame, path, targets), [f"the labels are the columns {', '.join(targets[:20])}"]
    else:
        notes = [] if wanted or targets[0].lower() in LABEL_COLUMNS else [f"the labels are the column {targets[0]!r}"]
        cells = _label_cells(frame[targets[0]])
    listing = read_labels(cells, items, _groups(frame, options, items, path), str(path), options)
    rest = {name: as_levels(frame[name]).to_list() for name in frame.columns if name not in (*shown, *targets)}
    named = {str(item): names for item, names in zip(listing.items, listing.labels)}
    hint = column_hint(rest, [named.get(str(item)) for item in items]) if options.group is None else ""
    listing.warnings[:0] = [*notes, *([hint] if hint else [])]
    return _by_split(listing, frame[split], items) if split else {"all": listing}


def _targets(frame: pl.DataFrame, path: Path, taken: tuple) -> tuple[str, ...]:
    """The label column by its name, the only other column, or all other columns where they hold 0 and 1."""
    rest = [name for name in frame.columns if name not in taken]
    for usual in LABEL_COLUMNS:
        if found := next((name for name in rest if name.lower() == usual), None):
            return (found,)
    worded = [name for name in rest if is_label_name(name)]
    if len(worded) == 1:
        return (worded[0],)
    rest = [name for name in rest if name.lower() not in INDEX_COLUMNS or frame[name].n_unique() < frame.height]
    flags = tuple(name for name in rest if _is_flag(frame[name]))
    if len(flags) > 1 and (len(flags) >= len(rest) - 1 or (len(flags) > 2 and _one_each(frame, flags))):
        return flags
    if len(rest) > 1:  # whom an image shows, and what is the same in all rows, is no label
        rest = [name for name in rest if not GROUP_COLUMN.match(name.strip()) and frame[name].n_unique() > 1] or rest
    if len(rest) == 1:
        return (rest[0],)
    if not rest:
        raise DataError(f"{str(path)!r} has a column of images and no column of labels; add one, or set data.label_pattern.")
    raise DataError(
        f"{str(path)!r} has no column named label; set data.target to one of {', '.join(map(repr, rest[:20]))}, or a list of 0/1 columns."
    )


def is_label_name(name: str) -> bool:
    """Whether a column is named as labels are, by its whole name or the last word: `dx`, `Finding Labels`, `image_class`."""
    name = name.strip()
    return bool({name.lower(), re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name)[-1].lower()} & {*LABEL_COLUMNS})


def _is_flag(cells: pl.Series) -> bool:
    values = {str(v).strip().lower() for v in as_levels(cells).drop_nulls().unique().to_list()}
    return 0 < len(values) <= 2 and any(values <= flags for flags in FLAGS)


def _one_each(frame: pl.DataFrame, names: tuple[str, ...]) -> bool:
    """Whether each row has one 1 among columns of 0 and 1."""
    return all(sum(row) == 1 for row in zip(*(_yes(frame[name]) for name in names)))


def _yes(cells: pl.Series) -> list[bool]:
    return [str(cell).strip().lower() in YES for cell in as_levels(cells).to_list()]


def _flags(frame: pl.DataFrame, path: Path, names: tuple[str, ...]) -> LabelCells:
    """One column of 0 and 1 per label, as sets of labels."""
    for name in names:
        if not _is_flag(frame[name]):
            raise DataError(
                f"{str(path)!r}: the column {name!r} of data.target does not hold 0 and 1 alone; several columns are one label each. An "
                "image model predicts one number: name one column."
            )
    lists = [tuple(name for name, flag in zip(names, row) if flag) for row in zip(*(_yes(frame[name]) for name in names))]
    return LabelCells(target="", lists=lists, order=names)


def _label_cells(cells: pl.Series) -> LabelCells:
    texts = [None if cell is None else cell.strip() for cell in as_levels(cells).to_list()]
    form, _ = learn_format(cells, words=False)
    return LabelCells(target=cells.name, texts=texts, numbers=read_numbers(cells, form)[0])


def _groups(frame: pl.DataFrame, options: Options, items: list, path: Path) -> list[str] | None:
    if options.group is None:
        return None
    if options.group in frame.columns:
        cells = as_levels(frame[options.group]).to_list()
        return [f"row {row}" if cell is None or not cell.strip() else cell.strip() for row, cell in enumerate(cells)]
    if options.group != "folder" and "(" not in options.group:
        raise UsageError(f"{str(path)!r} has no column {options.group!r} (data.group).{nearest(options.group, frame.columns)}")
    return groups_of(options.group, items, path.parent)


def _by_split(listing: Listing, cells: pl.Series, items: list) -> dict[str, Listing]:
    """The rows of each part that a column names."""
    parts = {str(item): part_of(cell) for item, cell in zip(items, as_levels(cells).to_list()) if cell is not None and cell.strip()}
    found = {}
    for part in [part for part in dict.fromkeys(parts.values()) if part]:
        rows = [i for i, item in enumerate(listing.items) if parts.get(str(item)) == part]
        some = lambda values, rows=rows: None if values is None else [values[i] for i in rows]  # noqa: E731
        found[part] = structs.replace(
            listing,
            items=some(listing.items),
            labels=some(listing.labels) if listing.labels else [],
            numbers=some(listing.numbers),
            groups=some(listing.groups),
            warnings=[*listing.warnings, f"the column {cells.name!r} says which part each image belongs to"] if part == "train" else [],
        )
    return found
