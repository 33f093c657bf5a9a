"""Which columns of a table of series mean what: layout, series and targets, from the recipe or from names and cells."""

from __future__ import annotations

from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.tasks.forecast.readers.series_columns import (
    SERIES_NAMES,
    check_named_rows,
    check_repeated_times,
    find_series,
    has_rows,
    named_like_series,
)
from applied_dl.tasks.forecast.readers.targets import SHOWN, choose_targets, mostly_numbers
from applied_dl.tasks.forecast.series import Columns


def understand(table, columns: Columns, where: str) -> tuple[Columns, list[str], list[str]]:
    """Fill in layout, series and target columns that were not named.

    Args:
        table: polars frame whose column of times is named by `columns.time`.
        columns: What the recipe or the training file says.
        where: How to call the file in messages.

    Returns:
        The complete columns, notes on what was chosen and why, and the columns of numbers that the notes name as not forecast.

    Raises:
        DataError: Where a named column is missing or no column can be forecast.
        UsageError: Where keys contradict each other or the layout.
    """
    names = table.columns
    check_columns(table, columns, where)
    layout, time, series = columns.layout, columns.time, columns.series
    if layout not in (None, "wide", "long", "rows"):
        raise UsageError(f"Unknown data.layout {layout!r}.{nearest(layout, ('wide', 'long', 'rows'))}")
    if layout is None and series is None and has_rows(table, time):
        layout = "rows"
    if series is None and layout in (None, "long"):
        series = find_series(table, columns)
    if series is None and layout == "long":
        series = next((name for name in names if name.lower() in SERIES_NAMES and name != time), None)
    if layout is None:
        if time is None:
            check_named_rows(table, columns, where)
        elif series is None and not columns.time_parts:
            check_repeated_times(table, columns, where)
        layout = "long" if series and (time or columns.series) else "wide"
    if layout == "wide" and (columns.static or columns.series):
        key = "static_covariates" if columns.static else "series"
        raise UsageError(f"data.{key} is for a long file (a row for each value); {where} is wide, a column for each series.")
    if layout == "rows":
        keys = {"targets": "target", **{key: f"{key}_covariates" for key in ("past", "future", "static")}}
        idle = [name for key, name in keys.items() if getattr(columns, key)] + (["time"] if time else [])
        if idle:
            raise UsageError(f"data.{idle[0]} has no meaning for {where}, which has a row for each series.")
        return replace(columns, layout="rows", time=None, time_parts=(), series=columns.series or names[0]), [], []
    if layout == "long" and series is None:
        raise DataError(f"{where}: no column names the series; set data.series to one of: {', '.join(names)}.")
    targets, notes, passed = columns.targets, [], []
    if not targets:
        taken = {time, series if layout == "long" else None, *columns.past, *columns.future, *columns.static}
        free = [name for name in names if name not in taken and mostly_numbers(table[name])]
        targets, notes, passed = choose_targets(table, free, layout, where, time)
    if not targets:
        raise DataError(f"{where}: no column of numbers to forecast among: {', '.join(names)}; name it with data.target.")
    if layout == "long" and columns.series is None and table[series].dtype.is_integer() and not named_like_series(series):
        notes = [_guessed(table[series], where), *notes]
    return replace(columns, layout=layout, time=time, series=series if layout == "long" else None, targets=targets), notes, passed


def _guessed(numbers, where: str) -> str:
    """The note on whole numbers that name the series though their column is not named like that."""
    return (
        f"{where}: the numbers of {numbers.name!r} name {numbers.n_unique()} series, each with a row of its own at a time; data.series "
        'names another column, data.layout = "wide" none'
    )


def check_columns(table, columns: Columns, where: str) -> None:
    """Refuse named columns that the table lacks, and columns with two meanings: a target known ahead would leak into the input."""
    for name in (columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static):
        if name is not None and name not in table.columns:
            raise DataError(f"{where} has no column {name!r}.{nearest(name, table.columns)}")
    given = {
        "target": columns.targets,
        "past_covariates": columns.past,
        "future_covariates": columns.future,
        "static_covariates": columns.static,
        "time": (columns.time,),
        "series": (columns.series,),
    }
    seen: dict[str, str] = {}
    for key, names in given.items():
        for name in filter(None, names):
            if name in seen:
                raise UsageError(f"The column {name!r} is named by data.{seen[name]} and by data.{key}; give it one meaning.")
            seen[name] = key


def unread_columns(table, columns: Columns, named: bool, passed: list[str]) -> list[str]:
    """Notes on the columns that nothing has a use for: those without a single value (`named`: targets that the recipe names leave them
    out), and those that hold no numbers, or more than the one value of a long file. passed: named by another note."""
    used = {columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static, *passed}
    left = [name for name in table.columns if name not in used]
    empty = [name for name in left if table[name].null_count() == table.height]
    idle = [name for name in left if name not in empty]
    found = [f"the columns {', '.join(empty)} hold no value and are left out"] if empty and not named else []
    more = ", …" if len(idle) > SHOWN else ""
    keys = (
        "data.past_covariates, data.future_covariates or data.static_covariates"
        if columns.layout == "long"
        else "data.target, data.past_covariates or data.future_covariates"
    )
    return found + ([f"the columns {', '.join(idle[:SHOWN])}{more} are not read; {keys} would name them"] if idle else [])
