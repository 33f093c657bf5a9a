"""Series from a file, a table or a built-in set: wide (a column each), long (a row a value) or one row a series → values on one clock."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.clock import Clock, infer_clock, parse_frequency
from applied_dl.io.stamps import Moments, check_rising, moments, on_grid
from applied_dl.tasks.forecast.readers.columns import understand, unread_columns
from applied_dl.tasks.forecast.readers.tables import BUILT_IN, load_table, numbers
from applied_dl.tasks.forecast.series import Columns, SeriesSet


def read_series(source, columns: Columns, clock: Clock | None = None) -> SeriesSet:
    """Read a built-in name, a CSV/Parquet path, a dict of columns or a polars/pandas DataFrame.

    clock: of an earlier file that this one goes on from (same step, same origin). Raises `DataError` with series and row.
    """
    table, where, style, mark, notes, short = load_table(source, columns)
    named, columns = bool(columns.targets), understand(table, columns, where)
    columns = replace(columns, style=style, mark=mark, separator=None, header=None, decimal=None)
    if columns.layout == "rows":
        return _with_notes(_from_rows(table, columns, where, clock), notes)
    found = _stamps(table, columns, where)
    columns = replace(columns, form=columns.form or found.form)
    notes += [*short, found.note] if found.note and clock is None else short
    notes += [f"{where}: {note}" for note in unread_columns(table, columns, named)] if clock is None else []
    read = _from_long if columns.layout == "long" else _from_wide
    return _with_notes(read(table, columns, where, found.stamps, found.zoned, clock), notes)


def _with_notes(found: SeriesSet, notes: list[str]) -> SeriesSet:
    return replace(found, notes=[*notes, *found.notes])


def _stamps(table, columns: Columns, where: str) -> Moments:
    if columns.time is None:
        note = f"{where}: no column of times is found among {', '.join(table.columns[:10])}; its rows are numbered"
        return Moments(_numbered(table, columns), False, note=note)
    found = moments(table[columns.time], where, columns.form)
    if found is None:
        raise DataError(
            f"{where}: the time column {columns.time!r} holds no times (the first: {table[columns.time][0]!r}); "
            "expected dates such as 2024-01-31."
        )
    return found


def _numbered(table, columns: Columns) -> np.ndarray:
    """Rows without a time: their number in the file, or in their series."""
    if columns.layout != "long":
        return np.arange(table.height)
    codes = table[columns.series].rank("dense").fill_null(0).to_numpy()
    order = np.argsort(codes, kind="stable")
    counts = np.unique(codes, return_counts=True)[1]
    place = np.empty(len(codes), np.int64)
    place[order] = np.concatenate([np.arange(n) for n in counts])
    return place


def _clock(stamps: np.ndarray, columns: Columns, zone: bool, where: str, clock: Clock | None) -> Clock:
    """The clock of distinct, sorted stamps; whole years as numbers become years."""
    numbered = np.issubdtype(stamps.dtype, np.integer)
    if clock is not None:
        if (clock.unit == "step") != numbered:
            raise DataError(
                f"{where}: its times are {'numbers' if numbered else 'dates'}, expected the kind of the training data ({clock.name!r})."
            )
        return clock
    if numbered:
        gaps = np.diff(stamps)
        unit, every = parse_frequency(columns.frequency) if columns.frequency else ("step", int(np.median(gaps)) if len(gaps) else 1)
        return Clock(unit="step", every=max(1, every if unit == "step" else 1), origin=str(stamps[0]))
    if columns.frequency:
        unit, every = parse_frequency(columns.frequency)
        return Clock(unit=unit, every=every, origin=str(stamps[0]), zone=zone)
    return infer_clock(stamps, where, zone)


def _years(stamps: np.ndarray, columns: Columns) -> np.ndarray:
    """A whole number column named like a year, or asked to be yearly, is dates."""
    named = columns.time is not None and columns.time.lower() in ("year", "date", "time", "ds")
    if named and np.issubdtype(stamps.dtype, np.integer) and len(stamps) and stamps.min() >= 1000 and stamps.max() <= 2999:
        return (stamps - 1970).astype("datetime64[Y]").astype("datetime64[us]")
    return stamps


def _block(table, names, columns: Columns, where: str) -> np.ndarray:
    """(T, C) numbers; a covariate without any is refused (of the targets, the readers say which series has none)."""
    block = np.stack([numbers(table, name, where, columns.style) for name in names], axis=1)
    for name, empty in zip(names, np.isnan(block).all(axis=0)):
        if empty and name not in columns.targets:
            key = "past_covariates" if name in columns.past else "future_covariates"
            raise DataError(f"{where}: the column {name!r} of data.{key} holds no value; leave it out.")
    return block


def _from_wide(table, columns, where, stamps, zone, clock) -> SeriesSet:
    stamps = _years(stamps, columns)
    check_rising(stamps, columns.targets[0], where, np.arange(len(stamps)))
    clock = _clock(np.unique(stamps), columns, zone, where, clock)
    wanted = (*columns.targets, *columns.past, *columns.future)
    block = _block(table, wanted, columns, where)
    first, rows, notes = on_grid(
        stamps, block, clock, ", ".join(columns.targets[:3]), where, duplicates=columns.duplicates, irregular=columns.irregular
    )
    count, known_past = len(columns.targets), len(columns.targets) + len(columns.past)
    targets, past, future = rows[:, :count], rows[:, count:known_past], rows[:, known_past:]
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
        notes=notes,
    )


def _from_long(table, columns, where, stamps, zone, clock) -> SeriesSet:
    import polars as pl

    stamps = _years(stamps, columns)
    keys = table[columns.series].cast(pl.String)
    if keys.null_count():
        raise DataError(f"{where}, column {columns.series!r}, row {int(keys.is_null().arg_max()) + 2}: the series has no name.")
    if len(columns.targets) > 1:
        raise DataError(f"{where}: a long file has one value column, received {', '.join(columns.targets)}; name one with data.target.")
    block = _block(table, (*columns.targets, *columns.past, *columns.future), columns, where)
    grouped = pl.DataFrame({"name": keys}).with_row_index().group_by("name", maintain_order=True).agg("index")
    names, groups = grouped["name"].to_list(), [rows.to_numpy() for rows in grouped["index"]]
    for name, rows in zip(names, groups):
        check_rising(stamps[rows], name, where, rows)
    longest = max(groups, key=len)
    clock = _clock(np.unique(stamps[longest]), columns, zone, f"{where}, series {keys[int(longest[0])]!r}", clock)
    split = 1 + len(columns.past)
    values, starts, past, future, notes, static = [], [], [], [], [], []
    for name, rows in zip(names, groups):
        first, cells, grid_notes = on_grid(
            stamps[rows], block[rows], clock, name, where, duplicates=columns.duplicates, irregular=columns.irregular
        )
        known = ~np.isnan(cells[:, 0])
        if not known.any():
            raise DataError(f"{where}, series {name!r}: every value is missing; expected numbers.")
        end = len(known) - int(known[::-1].argmax())
        values.append(cells[:end, 0]), starts.append(first), notes.extend(grid_notes)
        past.append(cells[:end, 1:split]), future.append(cells[:, split:])
        static.append([table[column][int(rows[0])] for column in columns.static])
    return SeriesSet(
        names=names,
        values=values,
        starts=starts,
        clock=clock,
        columns=columns,
        notes=_few(notes),
        past=past if columns.past else [],
        future=future if columns.future else [],
        static=static if columns.static else [],
    )


def _from_rows(table, columns, where, clock) -> SeriesSet:
    names = [str(name) for name in table[columns.series].to_list()]
    block = np.stack([numbers(table, name, where, columns.style) for name in table.columns if name != columns.series], axis=1)
    values = []
    for name, row in zip(names, block):
        known = np.flatnonzero(~np.isnan(row))
        if len(known) == 0:
            raise DataError(f"{where}, series {name!r}: every value is missing; expected numbers.")
        values.append(row[: known[-1] + 1])
    clock = clock or Clock(unit="step", origin="0")
    return SeriesSet(names=names, values=values, starts=[0] * len(names), clock=clock, columns=columns)


def _few(notes: list[str], most: int = 5) -> list[str]:
    return notes if len(notes) <= most else [*notes[:most], f"and {len(notes) - most} more notes of the same kinds"]


__all__ = ["BUILT_IN", "Columns", "SeriesSet", "read_series"]
