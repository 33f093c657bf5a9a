"""Tables that come from Python (polars, pandas, columns, rows) → polars columns of few types: texts, numbers, booleans, dates and times.

Numbers keep their type; only texts are read in the style of a file.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.io.json_shapes import with_fields


def tidy(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns as String, Boolean, Int64, Float64 (without NaN), Date or Datetime[us]; lists become texts with `|`, durations seconds;
    the fields of a struct become columns such as `size.width`.

    Raises `DataError` for binary cells.
    """
    columns = [_tidy(part) for cells in frame for part in _fields(cells)]
    return pl.DataFrame([cells.alias(name) for cells, name in zip(columns, distinct([cells.name for cells in columns], "the table"))])


def _fields(cells: pl.Series) -> list[pl.Series]:
    """The fields of a column of structs, also of structs in structs, as columns; another column as it is."""
    if not isinstance(cells.dtype, pl.Struct):
        return [cells]
    parts = [cells.struct.field(field.name).alias(f"{cells.name}.{field.name}") for field in cells.dtype.fields]
    return [one for part in parts for one in _fields(part)]


def _tidy(cells: pl.Series) -> pl.Series:
    kind = cells.dtype
    if kind == pl.Object:
        return column(cells.name, cells.to_list())
    if isinstance(kind, pl.List | pl.Array) and not kind.inner.is_nested():
        return cells.cast(pl.List(pl.String)).list.join("|")
    if kind == pl.Duration:
        return cells.dt.total_microseconds() / 1e6
    if kind == pl.Time:
        return cells.cast(pl.Int64) / 1e9
    if kind.is_nested():
        return column(cells.name, cells.to_list())
    if kind == pl.Binary:
        raise DataError(f"Column {cells.name!r} holds {kind}; expected one number, text or date per cell.")
    if kind.is_float():
        return cells.cast(pl.Float64).fill_nan(None)
    if kind.is_integer():
        whole = cells.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == cells.null_count() else cells.cast(pl.Float64)
    if kind.is_decimal():
        return cells.cast(pl.Float64)
    if isinstance(kind, pl.Datetime):
        return cells.cast(pl.Datetime("us", kind.time_zone))
    return cells if kind in (pl.Boolean, pl.Date, pl.String) else cells.cast(pl.String)


def from_rows(rows: list[Any]) -> pl.DataFrame:
    """A frame from mappings of column names to cells; the fields of a mapping within become columns such as `size.width`.

    Raises `DataError` for a row of another type.
    """
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"row {i}: expected a mapping of column names to cells, received {type(row).__name__}.")
    rows = [with_fields(row) for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return from_columns({name: [row.get(name) for row in rows] for name in names})


def from_columns(columns: dict[str, Any]) -> pl.DataFrame:
    """A frame from lists or arrays of cells by column name, all of one length."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The columns have different numbers of cells: {', '.join(f'{k!r} {n}' for k, n in list(lengths.items())[:10])}.")
    return _frame([column(str(name), values) for name, values in columns.items()])


def from_pandas(frame: Any) -> pl.DataFrame:
    """A frame from a pandas frame or series, without pyarrow; an index with a name or with times becomes a column."""
    frame = (
        frame.to_frame("value" if frame.name is None else frame.name) if hasattr(frame, "to_frame") and hasattr(frame, "name") else frame
    )
    index, found = getattr(frame, "index", None), []
    for place in range(getattr(index, "nlevels", 0)):
        cells = column("index", index.get_level_values(place))
        if (name := index.names[place]) is not None or cells.dtype.is_temporal():
            found.append(cells.alias("time" if name is None else str(name)))
    return _frame(found + [column(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)])


def _frame(columns: list[pl.Series]) -> pl.DataFrame:
    columns = [cells if cells.name.strip() else cells.alias(f"column_{i + 1}") for i, cells in enumerate(columns)]
    names = distinct([cells.name for cells in columns], "the table")
    return pl.DataFrame([cells.alias(name) for cells, name in zip(columns, names)])


def distinct(names: list[str], source: str) -> list[str]:
    """Names of columns with the second `a` as `a_2`, the third as `a_3`, with a warning."""
    if len(set(names)) == len(names):
        return names
    counts: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        counts[name] += 1
        new = name
        while new in found or (counts[name] > 1 and new in names):
            new = f"{name}_{counts[name]}" if new == name else f"{new}_"
        found.append(new)
    renamed = ", ".join(f"{new!r}" for name, new in zip(names, found) if name != new)
    console.warn(f"{source}: several columns have the same name; they are read as {renamed}")
    return found


def column(name: str, values: Any) -> pl.Series:
    """A column from cells of any Python type, pandas or numpy: of one type where all agree, else texts."""
    if isinstance(values, pl.Series):
        return _tidy(values.alias(name))
    kind = (
        getattr(getattr(values, "dtype", None), "kind", "O") if type(getattr(values, "dtype", None)).__module__.startswith("numpy") else "O"
    )
    if kind == "m":
        spans = np.asarray(values)
        return pl.Series(name, np.where(np.isnat(spans), np.nan, spans.astype("timedelta64[us]").astype(np.float64) / 1e6)).fill_nan(None)
    if kind in "biufM":
        array = np.asarray(values)
        array = (
            array.astype("datetime64[us]")
            if kind == "M"
            else array.astype(np.float64)
            if array.dtype.itemsize < 4 and kind == "f"
            else array
        )
        return _tidy(pl.Series(name, array))
    cells = [_plain(value) for value in (values.tolist() if hasattr(values, "tolist") else values)]
    kinds = {type(cell) for cell in cells if cell is not None}
    try:
        if kinds in ({bool}, {int}, {float}, {datetime.date}, {str}):
            return pl.Series(
                name, cells, dtype={bool: pl.Boolean, int: pl.Int64, float: pl.Float64, str: pl.String}.get(kinds.pop(), pl.Date)
            )
        if kinds == {int, float}:
            return pl.Series(name, [None if cell is None else float(cell) for cell in cells], dtype=pl.Float64)
        if kinds and kinds <= {datetime.datetime, datetime.date}:
            return _moments(name, cells)
    except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):  # beyond 64 bits, lone surrogates, a zone without a name
        pass
    return pl.Series(name, [_text(cell) for cell in cells], dtype=pl.String)


def _moments(name: str, cells: list[Any]) -> pl.Series:
    """Dates and times in the zone of the first cell. Raises `PolarsError` where that is an offset without a name."""
    cells = [c if c is None or isinstance(c, datetime.datetime) else datetime.datetime(c.year, c.month, c.day) for c in cells]
    if not any(cell is not None and cell.tzinfo for cell in cells):
        return pl.Series(name, cells, dtype=pl.Datetime("us"))
    zone = str(next(cell.tzinfo for cell in cells if cell is not None))
    found = pl.Series(
        name, [None if c is None else c.astimezone(datetime.UTC).replace(tzinfo=None) for c in cells], dtype=pl.Datetime("us")
    )
    return found.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _plain(value: Any) -> Any:
    """A cell as Python's own bool, int, float, str, date or datetime; None where it is missing (None, NaN, NaT, pandas.NA)."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype("datetime64[us]").item()
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime(warn=False)
    if hasattr(value, "start_time"):  # a pandas Period
        return value.start_time.to_pydatetime()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(part, str | int | float) for part in value):
        return "|".join(map(str, value))
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value) if isinstance(value, str) else value


def _text(cell: Any) -> str | None:
    """A cell of a column of mixed types as text. Numbers are written without a decimal mark, so that every style reads the same number."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and math.isfinite(cell):
        sign, digits, exponent = Decimal(repr(cell)).as_tuple()
        whole = cell.is_integer() and abs(cell) < 2**53
        return str(int(cell)) if whole else f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return None if cell is None else str(cell).encode("utf-8", "replace").decode("utf-8")  # lone surrogates


def alike(frames: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Frames whose columns of the same name have the same type: numbers where all are numbers, else texts."""
    kinds: dict[str, set[Any]] = {}
    for frame in frames:
        for name, kind in frame.schema.items():
            kinds.setdefault(name, set()).add(kind)
    mixed = {name: found for name, found in kinds.items() if len(found) > 1}
    if not mixed:
        return frames

    def same(cells: pl.Series) -> pl.Series:
        found = mixed.get(cells.name)
        if found is None:
            return cells
        if all(kind.is_numeric() for kind in found):
            return cells.cast(pl.Float64)
        return pl.Series(cells.name, [_text(cell) for cell in cells.to_list()], dtype=pl.String)

    return [pl.DataFrame([same(cells) for cells in frame]) for frame in frames]
