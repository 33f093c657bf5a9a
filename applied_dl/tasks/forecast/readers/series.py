"""Series from a file, a table or a built-in set → values on one clock: a column per series, a row per value or per series."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.clock import SECONDS, Clock, parse_frequency
from applied_dl.io.infer_clock import infer_clock
from applied_dl.io.stamps import AGGREGATES, OFF_GRID, Moments, moments, off_grid, on_grid, time_order
from applied_dl.tasks.forecast.readers.columns import series_keys, understand, unread_columns
from applied_dl.tasks.forecast.readers.empty import with_sentinels, without_empty_times, without_sentinels, without_values
from applied_dl.tasks.forecast.readers.tables import BUILT_IN, load_table, numbers, text_style
from applied_dl.tasks.forecast.readers.time_headers import dated_columns, hour_columns, month_rows, year_rows
from applied_dl.tasks.forecast.readers.times import with_times
from applied_dl.tasks.forecast.series import ANY, Columns, SeriesSet

MOST_TEXTS = 64  # of a covariate that are columns of their own; rarer ones count as "any text"


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
    stamps = _stamps(table, columns, where, clock)
    columns = replace(columns, form=columns.form or stamps.form, categories=given.categories or _categories(table, columns))
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


def _categories(table, columns: Columns) -> tuple[str, ...]:
    """The covariates that hold texts."""
    import polars as pl

    return tuple(
        name
        for name in (*columns.past, *columns.future)
        if table[name].dtype == pl.String and text_style(table[name], columns.style)[1] < 0.5
    )


def _with_notes(found: SeriesSet, notes: list[str]) -> SeriesSet:
    return replace(found, notes=[*notes, *found.notes])


def _stamps(table, columns: Columns, where: str, clock: Clock | None) -> Moments:
    if columns.time is None:
        note = f"{where}: no column of times is found among {', '.join(table.columns[:10])}; its rows are numbered"
        return Moments(_numbered(table, columns), False, note=note)
    column = table[columns.time]
    if clock is not None and clock.unit == "step" and column.dtype.is_integer() and not column.null_count():
        return Moments(column.to_numpy().astype(np.int64), False)
    found = moments(column, where, columns.form)
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
    """The clock of distinct, sorted stamps."""
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
        origin = _round(stamps[0], unit, every) if columns.irregular == "resample" else stamps[0]
        return Clock(unit=unit, every=every, origin=str(origin), zone=zone)
    return infer_clock(stamps, where, zone)


def _on_named_clock(stamps: np.ndarray, columns: Columns, zone: bool, where: str, clock: Clock | None) -> tuple[Columns, list[str]]:
    """Who names a frequency that the distinct, sorted stamps do not keep means the values of each step: they are resampled, with a note."""
    if columns.irregular != "auto":
        return columns, []
    if clock is not None or np.issubdtype(stamps.dtype, np.integer):
        return replace(columns, irregular="refuse"), []
    share = off_grid(stamps, _clock(stamps, columns, zone, where, clock))
    if share <= OFF_GRID:
        return replace(columns, irregular="refuse"), []
    note = (
        f"{where}: {share:.0%} of the stamps are off the grid of data.frequency = {columns.frequency!r}; each step is the "
        f'{AGGREGATES[columns.duplicates]} of its values (data.duplicates = "sum" adds them up; data.irregular = "refuse" refuses them)'
    )
    return replace(columns, irregular="resample"), [note]


def _round(stamp: np.datetime64, unit: str, every: int) -> np.datetime64:
    """The whole step at or before a stamp: resampled steps begin at round times."""
    if unit not in SECONDS or unit == "w":
        return stamp.astype("datetime64[D]").astype("datetime64[us]")
    size = SECONDS[unit] * every * 10**6
    day = stamp.astype("datetime64[D]").astype("datetime64[us]") if 86400 * 10**6 % size == 0 else np.datetime64(0, "us")
    return day + (stamp - day) // np.timedelta64(size, "us") * np.timedelta64(size, "us")


def _covariates(table, names, columns: Columns, where: str) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """Covariates as numbers (T, C), and what each is: (column, "") of numbers; of texts one of 0 and 1 for each text and one for any."""
    from applied_dl.io.cells import as_levels

    rows, found = [], []
    for name in names:
        if table[name].null_count() == table.height:
            key = "past_covariates" if name in columns.past else "future_covariates"
            raise DataError(f"{where}: the column {name!r} of data.{key} holds no value; leave it out.")
        if name not in columns.categories:
            rows.append(numbers(table, name, where, columns.style))
            found.append((name, ""))
            continue
        texts = as_levels(table[name]).str.strip_chars()
        texts = texts.replace("", None)
        common = texts.drop_nulls().value_counts(sort=True).sort(["count", name], descending=[True, False]).head(MOST_TEXTS)
        rows.append(texts.is_not_null().to_numpy().astype(np.float64))
        found.append((name, ANY))
        for text in common[name].to_list():
            rows.append((texts == text).fill_null(False).to_numpy().astype(np.float64))
            found.append((name, text))
    return np.stack(rows, axis=1) if rows else np.empty((table.height, 0)), tuple(found)


def _cells(table, columns: Columns, where: str):
    """Targets, past and future covariates side by side (T, C), where the past ones and the future ones begin, and their names."""
    targets = without_sentinels(np.stack([numbers(table, name, where, columns.style) for name in columns.targets], axis=1), columns)
    past, past_names = _covariates(table, columns.past, columns, where)
    past = without_sentinels(past, columns)
    future, future_names = _covariates(table, columns.future, columns, where)
    at = targets.shape[1]
    return np.concatenate([targets, past, future], axis=1), (at, at + past.shape[1]), past_names, future_names


def _from_wide(table, columns, where, stamps, zone, clock) -> SeriesSet:
    block, (count, ahead), past_names, future_names = _cells(table, columns, where)
    order, note = time_order(stamps, where)
    if order is not None:
        stamps, block = stamps[order], block[order]
    columns, resampled = _on_named_clock(np.unique(stamps), columns, zone, where, clock)
    clock = _clock(np.unique(stamps), columns, zone, where, clock)
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
    block, (count, ahead), past_names, future_names = _cells(table, columns, where)
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
    columns, resampled = _on_named_clock(np.unique(stamps[longest]), columns, zone, where, clock)
    clock = _clock(np.unique(stamps[longest]), columns, zone, f"{where}, series {keys[int(longest[0])]!r}", clock)
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


__all__ = ["BUILT_IN", "Columns", "SeriesSet", "few_notes", "read_series"]
