"""Series from a file, a table or a built-in set → values on one clock: a column per series, a row per value or per series."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.clock import Clock
from applied_dl.io.stamps import on_grid, time_order
from applied_dl.tasks.forecast.readers.columns import understand, unread_columns
from applied_dl.tasks.forecast.readers.empty import with_sentinels, without_empty_times, without_values
from applied_dl.tasks.forecast.readers.series_clock import clock_of, on_named_clock, row_stamps
from applied_dl.tasks.forecast.readers.series_columns import series_keys
from applied_dl.tasks.forecast.readers.tables import load_table, numbers
from applied_dl.tasks.forecast.readers.time_headers import dated_columns, hour_columns, month_rows, year_rows
from applied_dl.tasks.forecast.readers.times import with_times
from applied_dl.tasks.forecast.readers.values import text_covariates, values_of
from applied_dl.tasks.forecast.series import Columns, SeriesSet


def read_series(source, columns: Columns, clock: Clock | None = None) -> SeriesSet:
    """Read series and put them on one clock.

    Args:
        source: A built-in name, a CSV/Parquet path, a dict of columns or a polars/pandas frame.
        columns: What the recipe says of the file, or how the training file was read.
        clock: The clock of an earlier file that this one goes on from (same step, same origin).

    Returns:
        The series, with notes on everything that was corrected or guessed.

    Raises:
        DataError: Names series and row of what cannot be read.
    """
    table, where, style, mark, notes, short, missing, formats = load_table(source, columns)
    named = bool(columns.targets)
    if clock is None or clock.unit != "step":
        for to_rows in (year_rows, hour_columns, month_rows, dated_columns):
            table, note = to_rows(table, columns, where)
            notes += note if clock is None else []
    if columns.layout != "rows":
        if clock is not None and clock.unit == "step":  # numbers of rows stay numbers
            columns = replace(columns, time_parts=())
        else:
            table, columns = with_times(table, columns, where)
        table, columns = _with_series(table, columns, where)
    given, (columns, chosen, passed) = columns, understand(table, columns, where)
    columns = replace(columns, style=style, mark=mark, separator=None, header=None, decimal=None, missing=missing, formats=formats)
    if columns.layout == "rows":
        return _with_notes(_from_rows(table, columns, where, clock), notes)
    table, dropped = without_empty_times(table, columns, where)
    stamps = row_stamps(table, columns, where, clock)
    columns = replace(columns, form=columns.form or stamps.form, categories=given.categories or text_covariates(table, columns))
    notes += short + dropped
    if clock is None:
        columns, found = with_sentinels(table, columns, where)
        notes += found
        notes += [*([stamps.note] if stamps.note else []), *chosen]
        notes += [f"{where}: {note}" for note in unread_columns(table, columns, named, passed)]
    read = _from_long if columns.layout == "long" else _from_wide
    return _with_notes(read(table, columns, where, stamps.stamps, stamps.zoned, clock), notes)


def _with_series(table, columns: Columns, where: str):
    """The table with one column that names the series, where two name them together."""
    import polars as pl

    parts = columns.series_parts or series_keys(table, columns)
    if not parts:
        return table, columns
    for name in parts:
        if name not in table.columns:
            raise DataError(f"{where} has no column {name!r}; the series of this model are named by {', '.join(parts)}.")
    name = " ".join(parts)
    joined = table.with_columns(pl.concat_str([pl.col(part).cast(pl.String) for part in parts], separator=" ").alias(name)).drop(parts)
    return joined, replace(columns, series=name, series_parts=tuple(parts))


def _with_notes(found: SeriesSet, notes: list[str]) -> SeriesSet:
    return replace(found, notes=[*notes, *found.notes])


def _from_wide(table, columns, where, stamps, zone, clock) -> SeriesSet:
    block, (count, ahead), past_names, future_names = values_of(table, columns, where)
    order, note = time_order(stamps, where)
    if order is not None:
        stamps, block = stamps[order], block[order]
    columns, resampled = on_named_clock(np.unique(stamps), columns, zone, where, clock)
    clock = clock_of(np.unique(stamps), columns, zone, where, clock)
    first, rows, notes = on_grid(
        stamps,
        block,
        clock,
        ", ".join(columns.targets[:3]),
        where,
        duplicates=columns.duplicates,
        irregular=columns.irregular,
        targets=count,
    )
    targets, past, future = rows[:, :count], rows[:, count:ahead], rows[:, ahead:]
    known = ~np.isnan(targets).all(axis=1)
    if not known.any():
        raise DataError(f"{where}: every value of {', '.join(columns.targets[:3])} is missing; expected numbers.")
    end = len(known) - int(known[::-1].argmax())  # rows after the last known target are the known future
    return SeriesSet(
        names=list(columns.targets),
        values=list(targets[:end].T),
        starts=[first] * count,
        clock=clock,
        columns=columns,
        past=[past[:end]] * count if columns.past else [],
        future=[future] * count if columns.future else [],
        past_names=past_names,
        future_names=future_names,
        notes=[*([note] if note else []), *resampled, *notes],
    )


def _from_long(table, columns, where, stamps, zone, clock) -> SeriesSet:
    import polars as pl

    keys = table[columns.series].cast(pl.String)
    if keys.null_count():
        raise DataError(f"{where}, column {columns.series!r}, row {int(keys.is_null().arg_max()) + 2}: the series has no name.")
    if len(columns.targets) > 1:
        raise DataError(f"{where}: a long file has one value column, received {', '.join(columns.targets)}; name one with data.target.")
    block, (count, ahead), past_names, future_names = values_of(table, columns, where)
    grouped = pl.DataFrame({"name": keys}).with_row_index().group_by("name", maintain_order=True).agg("index")
    names, groups = grouped["name"].to_list(), [rows.to_numpy() for rows in grouped["index"]]
    notes = []
    for i, (name, rows) in enumerate(zip(names, groups)):
        order, note = time_order(stamps[rows], where, name)
        if order is not None:
            groups[i] = rows[order]
            notes.append(note)
    if clock is None and (empty := without_values(block[:, :count], groups)):
        notes.append(f"{numbered(len(empty), 'series has', 'series have')} no value and left out: {', '.join(names[i] for i in empty[:5])}")
        names, groups = ([one for i, one in enumerate(some) if i not in empty] for some in (names, groups))
    longest = max(groups, key=len)
    columns, resampled = on_named_clock(np.unique(stamps[longest]), columns, zone, where, clock)
    clock = clock_of(np.unique(stamps[longest]), columns, zone, f"{where}, series {keys[int(longest[0])]!r}", clock)
    values, starts, past, future, static = [], [], [], [], []
    for name, rows in zip(names, groups):
        first, cells, grid_notes = on_grid(
            stamps[rows], block[rows], clock, name, where, duplicates=columns.duplicates, irregular=columns.irregular, targets=count
        )
        known = ~np.isnan(cells[:, 0])
        if not known.any():
            raise DataError(f"{where}, series {name!r}: every value is missing; expected numbers.")
        end = len(known) - int(known[::-1].argmax())
        values.append(cells[:end, 0]), starts.append(first), notes.extend(grid_notes)
        past.append(cells[:end, count:ahead]), future.append(cells[:, ahead:])
        static.append([table[column][int(rows[0])] for column in columns.static])
    return SeriesSet(
        names=names,
        values=values,
        starts=starts,
        clock=clock,
        columns=columns,
        notes=[*resampled, *few_notes(notes)],
        past=past if columns.past else [],
        future=future if columns.future else [],
        past_names=past_names,
        future_names=future_names,
        static=static if columns.static else [],
    )


def _from_rows(table, columns, where, clock) -> SeriesSet:
    import polars as pl

    names = [str(name) for name in table[columns.series].to_list()]
    counted = [name for name in table.columns if name != columns.series and table[name].dtype != pl.String]
    block = np.stack([numbers(table, name, where, columns.style) for name in counted], axis=1)
    values = []
    for name, row in zip(names, block):
        known = np.flatnonzero(~np.isnan(row))
        if len(known) == 0:
            raise DataError(f"{where}, series {name!r}: every value is missing; expected numbers.")
        values.append(row[: known[-1] + 1])
    clock = clock or Clock(unit="step", origin="0")
    return SeriesSet(names=names, values=values, starts=[0] * len(names), clock=clock, columns=columns)


def few_notes(notes: list[str], most: int = 5) -> list[str]:
    """The first notes, and how many more there are."""
    return notes if len(notes) <= most else [*notes[:most], f"and {len(notes) - most} more notes of the same kinds"]
