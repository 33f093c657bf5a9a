"""A file, a table or a dict of columns → a polars table, and its columns as numbers; one sentence for what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from applied_dl.errors import DataError

EMBEDDED = Path(__file__).parent / "embedded"
BUILT_IN = ("co2", "sunspots", "elnino", "macro")
LARGEST = 1e18  # beyond it squares leave the range of float32
FIRST = 10_000  # rows that the types of a file's columns are seen from
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-"]


def load_table(source):
    """A polars table and how to call it in an error."""
    import polars as pl

    if isinstance(source, pl.DataFrame):
        return source, "the table"
    if isinstance(source, dict):
        try:
            return pl.DataFrame({name: _column(cells) for name, cells in source.items()}, strict=False), "the table"
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            raise DataError(f"The columns {', '.join(map(str, source))} make no table: {str(error).splitlines()[0]}.") from error
    if hasattr(source, "columns"):  # pandas, read column by column so that pyarrow is not needed
        columns = {str(name): _column(np.asarray(source[name])) for name in source.columns}
        return pl.DataFrame(columns, strict=False, nan_to_null=True), "the table"
    if str(source) in BUILT_IN:
        source = EMBEDDED / f"{source}.csv"
    if not isinstance(source, str | Path):
        raise DataError(f"A history must be a file, a table, columns or an array of numbers; received {type(source).__name__}.")
    path = Path(source)
    if not os.path.isfile(path):  # False for names that are too long, too
        what = "is a folder" if os.path.isdir(path) else "does not exist"
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
        "truncate_ragged_lines": True,
    }
    try:
        table = _typed(path, options)
        if separator != "," and any(_decimal_commas(column) for column in table):
            return _typed(path, options | {"decimal_comma": True})
        return table
    except pl.exceptions.ComputeError:
        return pl.read_csv(path, **options, infer_schema=False)


def _typed(path: Path, options: dict):
    """Types by the first rows, which spares memory; by all rows where those said too little."""
    import polars as pl

    try:
        table = pl.read_csv(path, **options, infer_schema_length=FIRST)
        if not any(column.dtype == pl.String and column.head(FIRST).null_count() == min(FIRST, table.height) for column in table):
            return table
    except pl.exceptions.ComputeError:
        pass
    return pl.read_csv(path, **options, infer_schema_length=None)


def _decimal_commas(column) -> bool:
    """Whether a column of texts is numbers as much of Europe writes them: 3,14."""
    import polars as pl

    known = column.drop_nulls() if column.dtype == pl.String else column.head(0)
    return len(known) > 0 and bool(known.str.contains(r"^\s*[+-]?\d+(,\d+)?\s*$").all())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbers(table, name: str, where: str) -> np.ndarray:
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
    if (far := np.abs(values) > LARGEST).any():
        row = int(far.argmax())
        raise DataError(
            f"{where}, column {name!r}, row {row + 2}: expected a number within ±{LARGEST:g}, received {values[row]:g}; scale it."
        )
    return values
