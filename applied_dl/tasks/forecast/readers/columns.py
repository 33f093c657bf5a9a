"""Which columns of a table of series mean what: layout, time, series and targets, from the recipe or from names and cells."""

from __future__ import annotations

from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.io.stamps import moments
from applied_dl.tasks.forecast.readers.tables import text_style
from applied_dl.tasks.forecast.series import Columns

TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds", "day", "week", "month", "quarter", "year", "stamp")
SERIES_NAMES = ("series", "unique_id", "series_id", "item_id", "item", "id", "name", "store", "sensor")
VALUE_NAMES = ("value", "y", "target", "values")
SHOWN = 10  # columns of a note
SHORTEST_ROWS = 4  # columns of numbers that a file with a series a row has at the least


def understand(table, columns: Columns, where: str) -> Columns:
    """Fill in layout, time, series and target columns that were not named."""
    names = table.columns
    for name in (columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static):
        if name is not None and name not in names:
            raise DataError(f"{where} has no column {name!r}.{nearest(name, names)}")
    _once(columns)
    layout, time, series = columns.layout, columns.time, columns.series
    if layout not in (None, "wide", "long", "rows"):
        raise UsageError(f"Unknown data.layout {layout!r}.{nearest(layout, ('wide', 'long', 'rows'))}")
    if time is None and layout != "rows":
        time = _find_time(table, columns)
    if series is None and layout in (None, "long"):
        series = _find_series(table, time)
    if series is None and layout == "long":
        series = next((name for name in names if name.lower() in SERIES_NAMES and name != time), None)
    if layout is None:
        layout = "long" if series and (time or columns.series) else "rows" if time is None and _has_rows(table) else "wide"
    if layout == "wide" and (columns.static or columns.series):
        key = "static_covariates" if columns.static else "series"
        raise UsageError(f"data.{key} is for a long file (a row for each value); {where} is wide, a column for each series.")
    if layout == "rows":
        keys = {"time": "time", "targets": "target", **{key: f"{key}_covariates" for key in ("past", "future", "static")}}
        idle = [name for key, name in keys.items() if getattr(columns, key)]
        if idle:
            raise UsageError(f"data.{idle[0]} has no meaning for {where}, which has a row for each series.")
        return replace(columns, layout="rows", series=columns.series or names[0])
    if layout == "long" and series is None:
        raise DataError(f"{where}: no column names the series; set data.series to one of: {', '.join(names)}.")
    targets = columns.targets
    if not targets:
        taken = {time, series if layout == "long" else None, *columns.past, *columns.future, *columns.static}
        free = [name for name in names if name not in taken and _mostly_numbers(table[name])]
        if layout == "long":
            free = [n for n in free if n.lower() in VALUE_NAMES][:1] or free
            if len(free) > 1:
                raise DataError(f"{where}: several columns of numbers ({', '.join(free)}); name the one to forecast with data.target.")
        targets = tuple(free)
    if not targets:
        raise DataError(f"{where}: no column of numbers to forecast among: {', '.join(names)}; name it with data.target.")
    return replace(columns, layout=layout, time=time, series=series if layout == "long" else None, targets=targets)


def _once(columns: Columns) -> None:
    """A column has one meaning: a target that is also known ahead would leak into the input."""
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


def unread_columns(table, columns: Columns, named: bool) -> list[str]:
    """Notes on the columns that nothing has a use for: those without a single value (`named`: targets that the recipe names leave them
    out), and those that hold no numbers, or more than the one value of a long file."""
    used = {columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
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


def _find_time(table, columns: Columns) -> str | None:
    """A column of dates; one that is named like a time and holds texts, then any of texts that are times; last, whole numbers."""
    import polars as pl

    taken = {columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    free = [name for name in table.columns if name not in taken]
    temporal = [n for n in free if table[n].dtype.is_temporal()]
    named = [n for n in free if n.lower() in TIME_NAMES]
    texts = [n for n in free if table[n].dtype == pl.String]
    likely = [n for n in sorted(texts, key=lambda n: n not in named) if _looks_like_time(table[n])]
    whole = [n for n in free if table[n].dtype.is_integer() and _whole_dates(table[n])]
    return next(iter((*temporal, *likely, *sorted(whole, key=lambda n: n not in named), *named)), None)


def _looks_like_time(column) -> bool:
    try:
        return moments(column.drop_nulls().head(200), "") is not None
    except DataError:
        return True


def _whole_dates(column) -> bool:
    from applied_dl.io.dates import whole_form

    return whole_form(column.head(200)) == "%Y%m%d" and whole_form(column) == "%Y%m%d"


def _find_series(table, time: str | None) -> str | None:
    import polars as pl

    named = [n for n in table.columns if n.lower() in SERIES_NAMES and n != time]
    texts = [n for n in table.columns if table[n].dtype == pl.String and n != time]
    if time is None or table[time].n_unique() == table.height:
        return None
    for name in (*named, *texts):
        if table[name].n_unique() < table.height and not _mostly_numbers(table[name]):
            return name
    return next((n for n in named if table[n].dtype.is_integer()), None)


def _has_rows(table) -> bool:
    import polars as pl

    first, *others = table.columns
    column = table[first]
    return (
        column.dtype == pl.String
        and column.n_unique() == table.height
        and len(others) >= SHORTEST_ROWS
        and all(table[name].dtype.is_numeric() or table[name].null_count() == table.height for name in others)
    )


def _mostly_numbers(column) -> bool:
    import polars as pl

    if column.null_count() == len(column):
        return False
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return True
    return column.dtype == pl.String and text_style(column, "")[1] >= 0.5
