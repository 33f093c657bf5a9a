"""Which rows of a table train, validate and test; copies of a row, and rows of one group, are in one part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.splits import split_parts, units_of
from applied_dl.io.cells import as_levels
from applied_dl.io.identifiers import copy_keys, is_identifier_name
from applied_dl.io.parts import part_column, part_of
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import Target
from applied_dl.tasks.tabular.readers.order import order_form, order_values

NAMES = ("train", "validation", "test")
EXPECTED = 1.0  # equal pairs of whole numbers by chance, from which numbers that are all different are identifiers
CODE = 5  # digits of whole numbers of one length that are identifiers


class NamedParts(NamedTuple):
    """A column whose cells name the part of each row: its name, the parts that occur, and the number (N,) of each row's part."""

    column: str
    given: list[str]
    place: np.ndarray


def named_parts(table: Table, data) -> NamedParts | None:
    """The column that names parts, unless the recipe names it for something else; rows without a part are for training."""
    targets = (data.target,) if isinstance(data.target, str) else data.target or ()
    taken = {*targets, data.group, data.order, *data.ignore, *data.numeric, *data.categorical}
    levels = lambda name: as_levels(table.frame[name])  # noqa: E731
    column = part_column([name for name in table.columns if name not in taken], lambda name: levels(name).unique())
    if column is None:
        return None
    cells = levels(column).fill_null("")
    parts = {cell: part_of(cell) or "train" for cell in cells.unique()}
    given = [part for part in NAMES if part in parts.values()]
    place = cells.replace_strict({cell: given.index(part) for cell, part in parts.items()}, return_dtype=pl.Int64)
    return NamedParts(column, given, place.to_numpy())


def parts_with_rows(split: NamedParts, place: np.ndarray, target: str) -> tuple[list[str], np.ndarray]:
    """The parts that rows with a target are left of, and the number (N,) of each row's part among them.

    Args:
        place: (N,) numbers of the parts of `split` of the rows with a target.

    Raises:
        DataError: none of the training part is left.
    """
    kept, place = np.unique(place, return_inverse=True)
    given = [split.given[i] for i in kept]
    if "train" not in given:
        raise DataError(
            f"No row that the column {split.column!r} names for training has a {target!r}, the target; correct the column, or leave it out "
            f"by data.ignore = [{split.column!r}]."
        )
    return given, place


def check_split(data, given: list[str]) -> None:
    """Raises `UsageError` where a part would come from nowhere, or two keys decide the split."""
    if data.group and data.order:
        raise UsageError("data.group and data.order both decide which rows are for training; give one of them.")
    for name, share in zip(NAMES, data.split):
        if share <= 0 and name not in given:
            raise UsageError(f"data.split has no share for {name}, received {list(data.split)}; give it one, or a file (data.{name}).")


def split_table(recipe, table: Table, place, given, truth, targets, dropped) -> tuple[dict[str, np.ndarray], np.ndarray, int, int]:
    """Row numbers by part, an id (N,) that rows which belong together share, how many rows are copies, how many repeat one by chance."""
    data, frame = recipe.data, table.frame
    for i, name in enumerate(given):
        if not (place == i).any():
            raise DataError(f"The {name} file has no row with a target; correct it, or remove data.{name}.")
    keys, copies, repeats = copy_keys(frame.drop(list(left_out(frame, data, dropped, targets))))
    groups = as_levels(frame[data.group]).fill_null("").to_numpy().astype(str) if data.group else None
    order = None
    if data.order:
        order = order_values(frame[data.order], table.source, order_form(frame[data.order], data.decimal or table.decimal))
    strata = truth if targets[0].labels else None
    part = np.array(given)[place]
    rows = split_parts(part, data.split, recipe.train.seed, strata=strata, groups=groups, order=order, keys=keys)
    return rows, units_of(len(part), groups, keys), copies, repeats


def left_out(frame: pl.DataFrame, data, dropped: dict[str, str], targets: tuple[Target, ...]) -> set[str]:
    """Columns in which copies of a row may differ."""
    return {*dropped, *data.ignore, data.group, data.order, *_unique_texts(frame, targets)} - {None}


def _unique_texts(frame: pl.DataFrame, targets: tuple[Target, ...]) -> list[str]:
    """Columns of different texts or whole numbers: names and identifiers, which make copies look different."""
    found = []
    for cells in frame:
        if cells.name in {target.name for target in targets} or not (cells.dtype == pl.String or cells.dtype.is_integer()):
            continue
        if cells.dtype == pl.String and _has_decimals(cells):
            continue
        if cells.n_unique() == len(cells) and not _differ_by_chance(cells):
            found.append(cells.name)
    return found


def _differ_by_chance(cells: pl.Series) -> bool:
    """Whether these different whole numbers are few in a wide range, as measured days or prices of a small table are; not the texts of
    identifiers, which have one length."""
    values = cells.cast(pl.Float64, strict=False)
    if values.null_count() or is_identifier_name(cells.name):
        return False
    digits = values.cast(pl.Int64).cast(pl.String).str.len_chars()
    wide = len(cells) ** 2 / 2 < EXPECTED * (float(values.max()) - float(values.min()))  # the expected number of equal pairs
    return wide and not (digits.n_unique() == 1 and digits[0] >= CODE)


def _has_decimals(cells: pl.Series) -> bool:
    """Whether a column of texts is mostly numbers that are not all whole."""
    numbers = cells.cast(pl.Float64, strict=False)
    return numbers.null_count() < len(cells) / 2 and not cells.drop_nulls().str.contains(r"^\d+$").all()


def check_classes(truth: np.ndarray, rows: dict[str, np.ndarray], targets: tuple[Target, ...]) -> None:
    """Raises `DataError` where the training part has one class only, or the test part a class that the training part lacks entirely."""
    labels = targets[0].labels
    if not labels:
        return
    counts = np.bincount(truth[rows["train"]], minlength=len(labels))
    if (counts > 0).sum() < 2:
        raise DataError(
            f"The training rows hold only the class {labels[int(counts.argmax())]!r} of {targets[0].name!r}; a classifier needs at least "
            "two. Check data.order, data.group or data.train."
        )
