"""What each column of a table is, from its training rows: a kind of `encoder.Column`, or dropped with the reason."""

from __future__ import annotations

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.cells import as_levels, is_mark, moment_style
from applied_dl.io.numbers import learn_format, read_numbers
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import Column, TableEncoder, Target, input_name
from applied_dl.tasks.tabular.readers.learned import BAD, EMPTY, Known, Learned, bad_cells, few
from applied_dl.tasks.tabular.readers.moments import either_order, moment_column, whole_dates, wrong_moments
from applied_dl.tasks.tabular.readers.numbers import measures_column, number_column
from applied_dl.tasks.tabular.readers.words import are_booleans, category_column, words_column

NAMED = "named in the recipe"


def learn_columns(
    table: Table, train: np.ndarray, data, targets: tuple[Target, ...], dropped: dict[str, str], y: np.ndarray, codes: np.ndarray | None
) -> tuple[TableEncoder, list[str], dict[str, np.ndarray]]:
    """The encoder of the feature columns by their training rows.

    Args:
        train: row numbers of the training part.
        dropped: columns that are left out already, with the reason.
        y: (N, K) targets of the training rows, standardised or one-hot.
        codes: (N,) class codes of the training rows; None for a regression.

    Returns:
        The encoder, notes for the user, and inputs that replace the encoded ones of the training rows.
    """
    columns, notes, training = [], [], {}
    dropped = dict(dropped)
    names = {target.name for target in targets}
    alone = len(set(table.columns) - names - {data.group, data.order, *data.ignore}) == 1
    known = Known(table, train, data, y, codes, len(targets[0].labels), alone, set())
    for name in table.columns:
        if name in names or name in dropped:
            continue
        if name in (data.group, data.order, *data.ignore):
            dropped[name] = NAMED
            continue
        found = _column(name, known)
        columns += found.columns
        training |= found.training
        if not found.columns:
            dropped[name] = found.reason
        notes += [f"column {name!r}: {found.note}"] if found.note else []
    target = ", ".join(one.name for one in targets)
    if not columns:
        reasons = "; ".join(f"{k!r}: {v}" for k, v in dropped.items()) or "it has no other column"
        raise DataError(f"{table.source} has no usable feature beside the target {target!r} ({reasons}).")
    encoder = TableEncoder(columns=tuple(columns), targets=targets, dropped=dropped, decimal=data.decimal or table.decimal)
    return encoder, _loud(dropped, len(table.columns) - len(names)) + notes, training


def _loud(dropped: dict[str, str], features: int) -> list[str]:
    """One note on the dropped columns, marked as important where more than a third of the features are among them."""
    unasked = {name: reason for name, reason in dropped.items() if reason != NAMED}
    if not unasked:
        return []
    listed = "; ".join(f"{name!r} ({reason})" for name, reason in unasked.items())
    note = f"dropped: {listed}. data.numeric or data.categorical keep one"
    important = len(unasked) > features / 3 and features > 2
    return [f"IMPORTANT: {len(unasked)} of {features} columns are not used. {note[0].upper()}{note[1:]}" if important else note]


def check_named(table: Table, data, targets: tuple[str, ...]) -> None:
    """Raises `UsageError` for a column of the recipe that is not in the table, is a target, or is named twice."""
    roles: dict[str, str] = {}
    for key in ("numeric", "categorical", "ignore", "group", "order"):
        value = getattr(data, key)
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in table.columns:
                raise UsageError(f"{table.source} has no column {name!r} (data.{key}).{nearest(name, table.columns)}")
            if name in targets:
                raise UsageError(f"data.{key} names {name!r}, which is the target; remove it there, or set data.target.")
            if name in roles:
                raise UsageError(f"data.{roles[name]} and data.{key} both name the column {name!r}; leave it in one of them.")
            roles[name] = key


def _column(name: str, known: Known) -> Learned:
    """What one column is."""
    table, data = known.table, known.data
    cells, mark = table.frame[name].gather(known.train), data.decimal or table.decimal
    filled = cells.drop_nulls()
    levels = filled.n_unique()
    forced = name in data.numeric or name in data.categorical
    if not len(filled):
        return EMPTY
    if levels == 1 and not cells.null_count():
        return EMPTY if is_mark(filled).all() else Learned(reason=f"constant {as_levels(filled)[0]!r}")
    if (form := whole_dates(name, cells)) and not forced:
        return moment_column(name, cells, form, known, f"{as_levels(filled)[0]!r} is read as a date; data.numeric reads numbers")
    if name in data.categorical:
        return EMPTY if is_mark(filled).all() else category_column(name, as_levels(filled), known)
    form, share = learn_format(cells, mark)
    bare = share == 1.0 and not form.units
    if not forced and not bare and (found := measures_column(name, cells, mark, share < 1 - BAD, known)):
        return found
    coded = filled.dtype == pl.String and filled.str.contains(r"^0\d+$").any()  # 00123 is a code, not 123
    values, wrong = read_numbers(cells, form)
    if not len(wrong) and not np.isfinite(values).any():  # every cell is a mark
        return EMPTY
    if name in data.numeric or (few(wrong, filled) and not coded and np.isfinite(values).any()):
        plain = not form.units and not form.missing
        as_date = moment_style(cells) if not plain and not forced else None  # 3-4-2020 is no range
        if as_date is None or not few(wrong_moments(cells, as_date.form), filled):
            return number_column(name, cells, values, wrong, form, known)
    if are_booleans(filled):
        return Learned((Column(name=name, kind="boolean", inputs=(input_name(name, known.taken),), high=1.0),))
    found = moment_style(cells)
    missed = wrong_moments(cells, found.form) if found else wrong
    if found and few(missed, filled):
        note = bad_cells(table, cells, known.train, missed, "dates or times")
        return moment_column(name, cells, found.form, known, note or (either_order(filled, found.form) if found.guessed else ""))
    return words_column(name, cells, filled, known, wrong, missed if found else None)
