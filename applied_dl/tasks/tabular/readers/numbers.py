"""A column of numbers: one or several in a cell, codes, or an identifier."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.cells import EITHER, as_levels, moment_style, unsure
from applied_dl.io.identifiers import LEAST_ROWS, TIMELY, is_identifier_name
from applied_dl.io.measures import learn_measures
from applied_dl.io.numbers import BOTH_MARKS, NumberFormat, find_sentinels, read_numbers, read_units
from applied_dl.tasks.tabular.columns import Column, input_name
from applied_dl.tasks.tabular.readers.codes import act_as_categories, is_measured
from applied_dl.tasks.tabular.readers.learned import Known, Learned, bad_cells, few
from applied_dl.tasks.tabular.readers.moments import SERIAL_NAMES, moment_column, serial_style_by_name, wrong_moments
from applied_dl.tasks.tabular.readers.words import category_column


def number_column(name: str, cells: pl.Series, values: np.ndarray, wrong: np.ndarray, form: NumberFormat, known: Known) -> Learned:
    """A column of numbers; a category where they are codes; dropped where they are an identifier."""
    filled, train, data = cells.drop_nulls(), known.train, known.data
    mark = data.decimal or known.table.decimal
    forced = name in data.numeric
    if not np.isfinite(values).any():
        raise DataError(f"Column {name!r} (data.numeric) holds no number; the first cell is {as_levels(filled)[0]!r}.")
    if not forced and _identifier(name, values, filled.n_unique(), len(filled), known.alone):
        return Learned(reason="an identifier: every value once")
    if not forced and not form.units and not len(wrong) and (serial := serial_style_by_name(name, cells)):
        return moment_column(
            name,
            cells,
            serial,
            known,
            f"{as_levels(filled)[0]!r} is read as a {SERIAL_NAMES.get(serial, 'year with decimals')}; data.numeric reads numbers",
        )
    if not form.units and not forced and not is_measured(name) and _codes(values, known):
        found = category_column(name, as_levels(cells.filter(pl.Series(np.isfinite(values)))), known)
        count = len(found.columns[0].levels) if found.columns else 0
        return found._replace(note=f"its {count} whole numbers act as codes and are read as categories; data.numeric reads numbers")
    notes = [bad_cells(known.table, cells, train, wrong, "finite numbers")]
    if not forced and (sentinels := find_sentinels(values)):
        form = replace(form, sentinels=sentinels)
        values = read_numbers(cells, form)[0]
        notes.append(f"{', '.join(f'{v:g}' for v in sentinels)} counts as missing; data.numeric keeps the number")
    if form.missing:
        notes.append(f"{', '.join(map(repr, form.missing))} counts as missing")
    if form.units:
        row = int(np.flatnonzero(np.isfinite(values))[0])
        notes.append(f"{as_levels(cells)[row]!r} is read as {values[row]:g}")
    elif form.style == EITHER:
        notes.append(BOTH_MARKS)
    elif not mark or form.style == "thousands":
        notes.append(unsure(cells, form.style))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    column = Column(
        name=name, kind="number", inputs=(input_name(name, known.taken),), style=form.style, low=low, high=high,
        units=form.units, missing=form.missing, sentinels=form.sentinels,
    )  # fmt: skip
    apart = ()
    if form.units_apart:
        units = tuple(sorted(read_units(cells, form).drop_nulls().unique().to_list()))
        apart = (
            Column(name=name, kind="category", inputs=(input_name(f"{name}_unit", known.taken),), levels=units, of_unit=True,
                   style=form.style, units=form.units, missing=form.missing),
        )  # fmt: skip
        notes.append(f"its units {', '.join(map(repr, units))} are a feature of their own")
    return Learned((column, *apart), note="; ".join(note for note in notes if note))


def measures_column(name: str, cells: pl.Series, mark: str | None, one: bool, known: Known) -> Learned | None:
    """A column of several numbers in each cell; None where it is none, or the cells are dates."""
    found = learn_measures(cells, mark, one)
    if found is None:
        return None
    mark, form, positions = found
    dates = moment_style(cells) if not re.search(r"[x;+@|([]|of", form) else None
    if dates is not None and few(wrong_moments(cells, dates.form), cells.drop_nulls()):
        return None
    names = tuple(input_name(f"{name}_{position}", known.taken) for position in positions)
    column = Column(name=name, kind="measures", inputs=names, style=mark, separator=form, parts=positions)
    example = cells.drop_nulls()[0]
    return Learned((column,), note=f"{example!r} is read as {form.count('#')} numbers; data.categorical reads whole cells")


def _codes(values: np.ndarray, known: Known) -> bool:
    present = np.isfinite(values)
    whole = values[present]
    if not len(whole) or whole.min() < 0 or not np.array_equal(whole, np.round(whole)):
        return False
    return act_as_categories(whole, known.y[present])


def _identifier(name: str, values: np.ndarray, levels: int, rows: int, alone: bool) -> bool:
    """Whether whole numbers, each once, name the rows: by the name of the column, or because they rise in steps and are no time, unless
    there is no other feature."""
    whole = np.isfinite(values).all() and np.array_equal(values, np.round(values))
    if levels != rows or not whole or rows < LEAST_ROWS:
        return False
    steps = np.diff(np.sort(values))
    rising = bool((np.diff(values) > 0).all() and steps.max() <= 3 * np.median(steps))
    return is_identifier_name(name) or (rising and not alone and not TIMELY.search(name))
