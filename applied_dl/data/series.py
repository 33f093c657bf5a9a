"""Series from a file, a table or a built-in set: wide (a column each), long (a row a value) or one row a series → values on one clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct, field

from applied_dl.data.clock import Clock, infer_clock, parse_frequency
from applied_dl.data.stamps import check_rising, moments, on_grid
from applied_dl.errors import DataError, UsageError, nearest

EMBEDDED = Path(__file__).parent / "embedded"
BUILT_IN = ("co2", "sunspots", "elnino", "macro")
TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds", "day", "week", "month", "quarter", "year", "stamp")
SERIES_NAMES = ("series", "unique_id", "series_id", "item_id", "item", "id", "name", "store", "sensor")
VALUE_NAMES = ("value", "y", "target", "values")
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-"]
SHORTEST_ROWS = 4  # columns of numbers that a file with a series a row has at the least


class Columns(Struct, frozen=True, kw_only=True):
    """How a file is read: its layout and which columns mean what. Kept in the bundle, so `predict` reads the same way."""

    layout: str | None = None
    time: str | None = None
    series: str | None = None
    targets: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    frequency: str | None = None
    duplicates: str = "mean"
    irregular: str = "refuse"


class SeriesSet(Struct, frozen=True, kw_only=True):
    """Series on one clock.

    `values[i]` (T,) holds NaN where a value is missing and starts at step `starts[i]` of the clock. `past[i]` (T, P) and `future[i]`
    (T + rows known ahead, F) are covariates; `static` (N, S) numbers or texts. `columns` is how the file was understood.
    """

    names: list[str]
    values: list[np.ndarray]
    starts: list[int]
    clock: Clock
    columns: Columns
    past: list[np.ndarray] = field(default_factory=list)
    future: list[np.ndarray] = field(default_factory=list)
    static: list[list] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def aligned(self) -> bool:
        """Whether all series share their first and last step."""
        return len({(s, len(v)) for s, v in zip(self.starts, self.values)}) == 1


def read_series(source, columns: Columns, clock: Clock | None = None) -> SeriesSet:
    """Read a built-in name, a CSV/Parquet path, a dict of columns or a polars/pandas DataFrame.

    clock: of an earlier file that this one goes on from (same step, same origin). Raises `DataError` with series and row.
    """
    table, where = load_table(source)
    if table.height == 0 or table.width == 0:
        raise DataError(f"{where} holds no rows; expected a history with one row a time step.")
    columns = _understand(table, columns, where)
    if columns.layout == "rows":
        return _from_rows(table, columns, where, clock)
    stamps, zone = _stamps(table, columns, where)
    if columns.layout == "long":
        return _from_long(table, columns, where, stamps, zone, clock)
    return _from_wide(table, columns, where, stamps, zone, clock)


def load_table(source):
    """A polars table and how to call it in an error."""
    import polars as pl

    if isinstance(source, pl.DataFrame):
        return source, "the table"
    if isinstance(source, dict):
        return pl.DataFrame({name: _column(cells) for name, cells in source.items()}, strict=False), "the table"
    if hasattr(source, "columns"):  # pandas, read column by column so that pyarrow is not needed
        columns = {str(name): _column(np.asarray(source[name])) for name in source.columns}
        return pl.DataFrame(columns, strict=False, nan_to_null=True), "the table"
    if str(source) in BUILT_IN:
        source = EMBEDDED / f"{source}.csv"
    path = Path(source)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"The series file {str(source)!r} {what}; expected a CSV or Parquet file, or one of: {', '.join(BUILT_IN)}.")
    try:
        return (pl.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)), str(path)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; expected a header and one row a time step.") from None
        raise DataError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}.") from error


def _column(cells):
    """Times of any resolution as microseconds; everything else as it is."""
    return cells.astype("datetime64[us]") if isinstance(cells, np.ndarray) and cells.dtype.kind == "M" else cells


def _read_csv(path: Path):
    import gzip

    import polars as pl

    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace") as file:
        head = file.readline().strip()
    separator = max(",;\t", key=head.count)
    cells = [cell.strip().strip('"') for cell in head.split(separator)]
    header = not all(_is_number(cell) for cell in cells)
    options = {
        "separator": separator,
        "has_header": header,
        "null_values": MISSING,
        "infer_schema_length": None,
        "truncate_ragged_lines": True,
    }
    try:
        return pl.read_csv(path, **options)
    except pl.exceptions.ComputeError:
        return pl.read_csv(path, **options, infer_schema=False)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _understand(table, columns: Columns, where: str) -> Columns:
    """Fill in layout, time, series and target columns that were not named."""
    names = table.columns
    for name in (columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static):
        if name is not None and name not in names and columns.layout != "rows":
            raise DataError(f"{where} has no column {name!r}.{nearest(name, names)}")
    layout, time, series = columns.layout, columns.time, columns.series
    if layout not in (None, "wide", "long", "rows"):
        raise UsageError(f"Unknown data.layout {layout!r}.{nearest(layout, ('wide', 'long', 'rows'))}")
    if time is None and layout != "rows":
        time = _find_time(table, columns)
    if series is None and layout in (None, "long"):
        series = _find_series(table, time)
    if layout is None:
        layout = "long" if series and time else "rows" if time is None and _has_rows(table) else "wide"
    if layout == "rows":
        return _replace(columns, layout="rows", time=None, series=names[0])
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
    return _replace(columns, layout=layout, time=time, series=series if layout == "long" else None, targets=targets)


def _replace(columns: Columns, **changes) -> Columns:
    from msgspec.structs import replace

    return replace(columns, **changes)


def _find_time(table, columns: Columns) -> str | None:
    import polars as pl

    taken = {columns.series, *columns.targets, *columns.past, *columns.future, *columns.static}
    free = [name for name in table.columns if name not in taken]
    temporal = [n for n in free if table[n].dtype == pl.Date or isinstance(table[n].dtype, pl.Datetime)]
    named = [n for n in free if n.lower() in TIME_NAMES]
    texts = [n for n in free if table[n].dtype == pl.String and n not in named]
    for name in (*temporal, *named, *texts):
        if name in named or name in temporal or _looks_like_time(table[name]):
            return name
    return None


def _looks_like_time(column) -> bool:
    try:
        return moments(column.drop_nulls().head(200), "") is not None
    except DataError:
        return True


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

    if column.dtype.is_numeric() or column.dtype == pl.Null or column.dtype == pl.Boolean:
        return True
    if column.dtype != pl.String:
        return False
    known = column.drop_nulls()
    return len(known) > 0 and known.cast(pl.Float64, strict=False).is_not_null().mean() >= 0.5


def _numbers(table, name: str, where: str) -> np.ndarray:
    """A column as float64 with NaN; `DataError` names the row of a text or an infinity."""
    import polars as pl

    column = table[name]
    parsed = column.cast(pl.Float64, strict=False)
    bad = parsed.is_null() & column.is_not_null()
    if bad.any():
        row = int(bad.arg_max())
        raise DataError(
            f"{where}, column {name!r}, row {row + 2}: expected a number, received {column[row]!r}; correct it or leave the cell empty."
        )
    values = parsed.to_numpy().astype(np.float64)
    if np.isinf(values).any():
        raise DataError(f"{where}, column {name!r}, row {int(np.isinf(values).argmax()) + 2}: expected a finite number, received infinity.")
    return values


def _stamps(table, columns: Columns, where: str) -> tuple[np.ndarray, bool]:
    if columns.time is None:
        return np.arange(table.height), False
    found = moments(table[columns.time], where)
    if found is None:
        raise DataError(
            f"{where}: the time column {columns.time!r} holds no times (the first: {table[columns.time][0]!r}); "
            "expected dates such as 2024-01-31."
        )
    return found


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


def _from_wide(table, columns, where, stamps, zone, clock) -> SeriesSet:
    stamps = _years(stamps, columns)
    check_rising(stamps, columns.targets[0], where, np.arange(len(stamps)))
    clock = _clock(np.unique(stamps), columns, zone, where, clock)
    wanted = (*columns.targets, *columns.past, *columns.future)
    block = np.stack([_numbers(table, name, where) for name in wanted], axis=1)
    first, rows, notes = on_grid(
        stamps, block, clock, ", ".join(columns.targets[:3]), where, duplicates=columns.duplicates, irregular=columns.irregular
    )
    count, known_past = len(columns.targets), len(columns.targets) + len(columns.past)
    targets, past, future = rows[:, :count], rows[:, count:known_past], rows[:, known_past:]
    told = ~np.isnan(targets).all(axis=1)
    if not told.any():
        raise DataError(f"{where}: every value of {', '.join(columns.targets[:3])} is missing; expected numbers.")
    end = len(told) - int(told[::-1].argmax())  # rows after the last known target are the known future
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
    block = np.stack([_numbers(table, name, where) for name in (*columns.targets, *columns.past, *columns.future)], axis=1)
    names = keys.unique(maintain_order=True).to_list()
    code = {name: i for i, name in enumerate(names)}
    codes = np.array([code[key] for key in keys.to_list()])
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    for name, rows in zip(names, groups):
        check_rising(stamps[rows], name, where, rows)
    longest = max(groups, key=len)
    clock = _clock(np.unique(stamps[longest]), columns, zone, f"{where}, series {keys[int(longest[0])]!r}", clock)
    split = 1 + len(columns.past)
    values, starts, past, future, notes, static = [], [], [], [], [], []
    for name, rows in zip(names, groups):
        first, cells, told = on_grid(
            stamps[rows], block[rows], clock, name, where, duplicates=columns.duplicates, irregular=columns.irregular
        )
        known = ~np.isnan(cells[:, 0])
        if not known.any():
            raise DataError(f"{where}, series {name!r}: every value is missing; expected numbers.")
        end = len(known) - int(known[::-1].argmax())
        values.append(cells[:end, 0]), starts.append(first), notes.extend(told)
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
    block = np.stack([_numbers(table, name, where) for name in table.columns if name != columns.series], axis=1)
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
