"""Tables that are written: CSV, Parquet, JSON lines, or the sheet of a workbook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl

from applied_dl.core.errors import UsageError

FORMATS = (".csv", ".parquet", ".jsonl", ".xlsx")
FLAT = (".csv", ".xlsx")  # formats whose cells hold no lists
LISTED = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
MOST_ROWS, FITTED = 2**20 - 1, 10_000  # of a sheet, below its header; up to which its columns are as wide as their cells
AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": True}


def check_format(path: Path) -> None:
    """Raise `UsageError` where no table can be written under this name."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{str(path)!r} must end in {LISTED}.")
    if path.suffix.lower() == ".xlsx":
        _workbook_class(path)


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame; the file appears when it is whole. More rows than a sheet can have go on in another one.

    Args:
        frame: the rows; without lists where the format is one of `FLAT`.
        path: a name that ends in one of `FORMATS`.

    Raises:
        UsageError: xlsxwriter is not installed.
    """
    part, suffix = path.with_name(f".{path.name}.part"), path.suffix.lower()
    if suffix == ".csv":
        frame.write_csv(part)
    elif suffix == ".parquet":
        frame.write_parquet(part)
    elif suffix == ".jsonl":
        frame.write_ndjson(part)
    else:
        _write_workbook(frame, part, path)
    os.replace(part, path)


def _write_workbook(frame: pl.DataFrame, part: Path, path: Path) -> None:
    with _workbook_class(path)(str(part), AS_TEXT) as book:  # a text such as "=1+1" is no formula
        for number, start in enumerate(range(0, max(frame.height, 1), MOST_ROWS), 1):
            name = "rows" if number == 1 else f"rows {number}"
            frame.slice(start, MOST_ROWS).write_excel(book, name, float_precision=6, autofit=frame.height <= FITTED)


def _workbook_class(path: Path) -> Any:
    try:
        from xlsxwriter import Workbook
    except ImportError as error:
        raise UsageError(
            f"Writing {str(path)!r} needs the package xlsxwriter: pip install 'applied_dl[excel]', or name a .csv file."
        ) from error
    return Workbook
