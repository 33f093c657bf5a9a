"""What each column of a table is, from its training rows: number, boolean, category, moment, or set aside with the reason."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.cells import BOOLEAN, as_levels, as_moments, as_numbers, moment_style, number_style, unsure
from applied_dl.io.dates import whole_form
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.encoder import PARTS, Column, TableEncoder, input_name, moment_parts

TARGETS = ("target", "label", "class", "y")
BAD = 0.01  # share of the cells of a column of numbers or dates that may be neither
ONE_BAD = 20  # cells of a column among which one may be bad
LARGEST = 1e18  # of a target: beyond it squares leave the range of float32
TIMELY = re.compile(r"date|time|day|month|year|period|stamp|yyyy|^ds$|datum|monat", re.IGNORECASE)
MOST_LEVELS = 1000
RARE = 2  # rows under which a level is not kept: its rows teach the code of levels never seen
ENOUGH = 200  # rows from which rare levels are dropped
IDENTIFIER = re.compile(r"(^|[ _-])(id|uuid|guid|key|index|rownum|unnamed.*)$|^(id|no|nr|order|pid)$", re.IGNORECASE)
MOST_CLASSES = 10  # distinct whole numbers that are taken for classes
MOST_LABELS = 1000


def target_column(table: Table, wanted: str | None) -> str:
    """The column to predict. Raises `UsageError` for a name that is not there."""
    if wanted is not None:
        if wanted not in table.columns:
            raise UsageError(f"{table.source} has no column {wanted!r} (data.target).{nearest(wanted, table.columns)}")
        return wanted
    return next((name for name in table.columns if name.lower() in TARGETS), table.columns[-1])


def learn_target(cells: pl.Series, kind: str | None, decimal: str | None) -> tuple[str, tuple[str, ...]]:
    """The style of a regression's numbers, or the labels of a classifier in order. Raises `DataError` where neither fits."""
    style, share = number_style(cells, decimal)
    levels = as_levels(cells).drop_nulls().unique().to_list()
    if len(levels) < 2:
        raise DataError(f"The target {cells.name!r} has {len(levels)} different values; expected at least two.")
    if kind is None:
        kind = "regression" if share == 1.0 and not _like_classes(as_numbers(cells, style)[0]) else "classification"
        if 0.5 < share < 1.0 and len(levels) > MOST_CLASSES:
            kind = "regression"
    if kind == "regression":
        if share < 1.0:
            bad = as_numbers(cells, style)[1]
            raise DataError(
                f"The target {cells.name!r} holds {as_levels(cells)[int(bad[0])]!r} among its numbers; mend it, or set data.kind = "
                "'classification'."
            )
        if (far := np.abs(as_numbers(cells, style)[0]) > LARGEST).any():
            raise DataError(
                f"The target {cells.name!r} holds {as_levels(cells)[int(np.argmax(far))]!r}; expected numbers within ±{LARGEST:g}: "
                "scale it."
            )
        return style, ()
    if len(levels) > MOST_LABELS:
        raise DataError(f"The target {cells.name!r} has {len(levels)} classes, more than {MOST_LABELS}; is it data.kind = 'regression'?")
    numbers = all(re.fullmatch(r"[+-]?\d+(\.\d+)?", level) for level in levels)
    return "plain", tuple(sorted(levels, key=(lambda v: (float(v), v)) if numbers else None))


def _like_classes(values: np.ndarray) -> bool:
    """Whether numbers look like class codes: two values, or few whole ones that count up from 0 or 1."""
    found = np.unique(values[np.isfinite(values)])
    if len(found) == 2:
        return True
    whole = np.array_equal(found, np.round(found))
    return bool(whole and len(found) <= MOST_CLASSES and found[0] in (0, 1) and np.array_equal(np.diff(found), np.ones(len(found) - 1)))


def learn_columns(
    table: Table, train: np.ndarray, data, target: str, labels: tuple[str, ...], style: str
) -> tuple[TableEncoder, list[str]]:
    """The encoder of the feature columns by their training rows, and notes on what was set aside or looks wrong."""
    columns, aside, notes, taken = [], {}, [], set()
    for name in table.columns:
        if name == target or name in (data.group, data.order, *data.ignore):
            if name != target:
                aside[name] = "named in the recipe"
            continue
        found, reason, note = _column(name, table, train, data, taken)
        if found is None:
            aside[name] = reason
        else:
            columns.append(found)
        notes += [f"column {name!r}: {note}"] if note else []
    told = {name: reason for name, reason in aside.items() if reason != "named in the recipe"}
    if told:
        notes.append(
            "set aside: "
            + "; ".join(f"{name!r} ({reason})" for name, reason in told.items())
            + ". data.numeric or data.categorical keep one"
        )
    if not columns:
        raise DataError(
            f"{table.source} has no usable feature beside the target {target!r}: {'; '.join(f'{k!r} is {v}' for k, v in aside.items())}."
        )
    found = TableEncoder(
        columns=tuple(columns), target=target, labels=labels, style=style, set_aside=aside, decimal=data.decimal or table.decimal
    )
    return found, notes


def check_named(table: Table, data, target: str) -> None:
    """Raises `UsageError` for a column of the recipe that is not there, is the target, or is named for two things."""
    roles: dict[str, str] = {}
    for key in ("numeric", "categorical", "ignore", "group", "order"):
        value = getattr(data, key)
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in table.columns:
                raise UsageError(f"{table.source} has no column {name!r} (data.{key}).{nearest(name, table.columns)}")
            if name == target:
                raise UsageError(f"data.{key} names {name!r}, which is the target; remove it there, or set data.target.")
            if name in roles:
                raise UsageError(f"data.{roles[name]} and data.{key} both name the column {name!r}; leave it in one of them.")
            roles[name] = key


def _column(name: str, table: Table, train: np.ndarray, data, taken: set[str]) -> tuple[Column | None, str, str]:
    """The column, or None with the reason; and a note."""
    cells, mark = table.frame[name].gather(train), data.decimal or table.decimal
    filled = cells.drop_nulls()
    levels = filled.n_unique()
    forced = name in data.numeric or name in data.categorical
    if not len(filled):
        return None, "empty", ""
    if levels == 1 and not cells.null_count():
        return None, f"constant {as_levels(filled)[0]!r}", ""
    if (form := _whole_dates(name, cells)) and not forced:
        return _moment(name, cells, form, taken), "", f"{as_levels(filled)[0]!r} is read as a date; data.numeric reads numbers"
    style, share = number_style(cells, mark)
    coded = filled.dtype == pl.String and filled.str.contains(r"^0\d+$").any()  # 00123 is a code, not 123
    values, wrong = as_numbers(cells, style)
    if name in data.numeric or (name not in data.categorical and _few(wrong, filled) and not coded):
        if not forced and _identifier(name, values, levels, len(filled)):
            return None, "an identifier: every value once", ""
        if not np.isfinite(values).any():
            raise DataError(f"Column {name!r} (data.numeric) holds no number; the first cell is {as_levels(filled)[0]!r}.")
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        note = _bad(table, cells, train, wrong, "finite numbers") or ("" if mark and style != "thousands" else unsure(cells, style))
        return Column(name=name, kind="number", inputs=(input_name(name, taken),), style=style, low=low, high=high), "", note
    if name in data.categorical:
        return _category(name, as_levels(filled), len(cells), taken)
    if {BOOLEAN.get(level.lower()) for level in as_levels(filled.unique())} == {0.0, 1.0}:
        return Column(name=name, kind="boolean", inputs=(input_name(name, taken),), high=1.0), "", ""
    found = moment_style(cells)
    missed = as_moments(cells, found.form)[1] if found else wrong
    if found and _few(missed, filled):
        note = _bad(table, cells, train, missed, "dates or times")
        return _moment(name, cells, found.form, taken), "", note or (_either(filled, found.form) if found.guessed else "")
    least = min(wrong, missed, key=len)
    note = ""
    if len(least) < len(filled) / 2 and not coded:
        kind = "dates or times" if found and least is missed else "numbers"
        note = (
            f"{1 - len(least) / len(filled):.0%} of its cells are {kind}, but not {as_levels(cells)[int(least[0])]!r} "
            f"({table.where(int(train[least[0]]))})"
        )
    if levels > max(50, len(filled) // 2):
        return None, f"{levels} different texts in {len(filled)} rows" + (f"; {note}" if note else ""), ""
    column, reason, other = _category(name, as_levels(filled), len(cells), taken)
    return column, reason, (f"{note}: it is read as a category; mend it, or name it in data.numeric or data.categorical" if note else other)


def _few(wrong: np.ndarray, filled: pl.Series) -> bool:
    return len(wrong) <= max(BAD * len(filled), len(filled) >= ONE_BAD)


def _bad(table: Table, cells: pl.Series, train: np.ndarray, wrong: np.ndarray, wanted: str) -> str:
    if not len(wrong):
        return ""
    first = f"{as_levels(cells)[int(wrong[0])]!r} in {table.where(int(train[wrong[0]]))}"
    return f"{len(wrong)} cells are no {wanted} and count as empty (the first: {first})"


def _whole_dates(name: str, cells: pl.Series) -> str | None:
    """The form of whole numbers that are dates: 20240131, and under a name such as month 202401."""
    if cells.dtype == pl.String and not cells.drop_nulls().head(ENOUGH).str.contains(r"^\d{6}(\d\d)?$").all():
        return None
    if not (cells.dtype == pl.String or cells.dtype.is_integer()):
        return None
    form = whole_form(cells)
    return form if form == "%Y%m%d" or TIMELY.search(name) else None


def _either(filled: pl.Series, form: str) -> str:
    order = "month, then day" if form.startswith("%m") else "day, then month"
    return f"{filled[0]!r} is read as {order}, and no cell says otherwise; write dates as 2024-01-31 where that is wrong"


def _identifier(name: str, values: np.ndarray, levels: int, rows: int) -> bool:
    whole = np.isfinite(values).all() and np.array_equal(values, np.round(values))
    if levels != rows or not whole or rows < 20:
        return False
    steps = np.diff(np.sort(values))
    return bool(IDENTIFIER.search(name)) or bool((np.diff(values) > 0).all() and steps.max() <= 3 * np.median(steps))


def _moment(name: str, cells: pl.Series, style: str, taken: set[str]) -> Column:
    seconds, _ = as_moments(cells, style)
    origin = float(np.nanmin(seconds))
    varying = [part for part, values in zip(PARTS, moment_parts(seconds, origin, PARTS)) if len(np.unique(values[~np.isnan(values)])) > 1]
    parts = tuple(varying) or ("days",)
    names = tuple(input_name(f"{name}_{part}", taken) for part in parts)
    return Column(name=name, kind="moment", inputs=names, style=style, parts=parts, origin=origin)


def _category(name: str, filled: pl.Series, rows: int, taken: set[str]) -> tuple[Column | None, str, str]:
    counted = filled.value_counts(sort=True)
    least = RARE if rows >= ENOUGH else 1
    kept = [level for level, count in counted.rows() if count >= least][:MOST_LEVELS]
    if not kept:
        return None, f"{len(counted)} different texts, each once", ""
    dropped = len(counted) - len(kept)
    note = f"{dropped} of {len(counted)} levels are rare and read as unknown" if dropped > len(counted) / 2 else ""
    return Column(name=name, kind="category", inputs=(input_name(name, taken),), levels=tuple(sorted(kept))), "", note
