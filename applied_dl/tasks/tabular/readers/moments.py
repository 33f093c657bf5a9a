"""A column of dates or times: in which form, and which of its parts vary."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from applied_dl.io.cells import as_moments, is_mark, serial_style
from applied_dl.io.infer_dates import whole_form
from applied_dl.tasks.tabular.columns import PARTS, Column, input_name
from applied_dl.tasks.tabular.encoder import moment_parts
from applied_dl.tasks.tabular.readers.learned import Known, Learned

DATED = re.compile(r"date|time|day|month|year|period|stamp|yyyy|^ds$|datum|monat|fecha", re.IGNORECASE)
YEAR = 366 * 86400  # seconds
DAY = re.compile(r"date|datum|fecha|(^|[_ ])day$", re.IGNORECASE)
SERIAL_NAMES = {"excel": "date of a spreadsheet"} | dict.fromkeys(("epoch", "epoch_ms", "epoch_us", "epoch_ns"), "time since 1970")
TRIED = 200  # cells that are tried as dates written without marks


def moment_column(name: str, cells: pl.Series, style: str, known: Known, note: str) -> Learned:
    """A column of moments, as the calendar parts that vary."""
    seconds, _ = as_moments(cells, style)
    origin = float(np.nanmin(seconds))
    varying = [part for part, values in zip(PARTS, moment_parts(seconds, origin, PARTS)) if len(np.unique(values[~np.isnan(values)])) > 1]
    if float(np.nanmax(seconds)) - origin < YEAR and {"month", "day"} & set(varying):  # within a year, trend and season are one, and the
        varying = [part for part in varying if part not in ("days", "year")]  # next one would be far from every row
    parts = tuple(varying) or ("days",)
    names = tuple(input_name(f"{name}_{part}", known.taken) for part in parts)
    return Learned((Column(name=name, kind="moment", inputs=names, style=style, parts=parts, origin=origin),), note=note)


def whole_dates(name: str, cells: pl.Series) -> str | None:
    """The form of whole numbers that are dates: 20240131, and 202401 under a name such as month."""
    if cells.dtype == pl.String and not cells.drop_nulls().head(TRIED).str.contains(r"^\d{6}(\d\d)?$").all():
        return None
    if not (cells.dtype == pl.String or cells.dtype.is_integer()):
        return None
    form = whole_form(cells)
    return form if form == "%Y%m%d" or DATED.search(name) else None


def serial_style_by_name(name: str, cells: pl.Series) -> str | None:
    """The style of a column of numbers that are moments; a day number of a spreadsheet only under a name such as date."""
    if not DATED.search(name):
        return None
    style = serial_style(cells)
    return style if style != "excel" or DAY.search(name) else None


def wrong_moments(cells: pl.Series, form: str) -> np.ndarray:
    """The rows whose cell is neither such a date or time nor a mark for a missing one."""
    wrong = as_moments(cells, form)[1]
    return wrong[~is_mark(cells[wrong]).to_numpy()] if len(wrong) else wrong


def either_order(filled: pl.Series, form: str) -> str:
    """The note on dates whose day and month no cell decides."""
    order = "month, then day" if form.startswith("%m") else "day, then month"
    return f"{filled[0]!r} is read as {order}, and no cell decides it; write dates as 2024-01-31 where that is wrong"
