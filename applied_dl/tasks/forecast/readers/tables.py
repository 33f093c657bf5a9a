"""A file, a table or a dict of columns → a polars table, and its columns as numbers; one sentence for what cannot be read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.cells import decimal_mark
from applied_dl.io.numbers import NumberFormat, learn_format, read_numbers

EMBEDDED = Path(__file__).parents[3] / "datasets"
BUILT_IN = ("co2", "sunspots", "elnino", "macro")
LARGEST = 1e18  # beyond it squares leave the range of float32
UNIT = r"^\s*([+-]?\d(?:[\d.,]*\d)?)(?:\s+([A-Za-zµ°Ω€/³²]{1,8}))\s*$"  # 100.3 kW; 12A is a code
SHOWN = 10  # columns of a note
SAMPLE = 1000  # rows that show what is below a header
MOST_SUBHEADERS = 2
STYLES = {".": "thousands", ",": "comma"}  # of a file with another decimal mark than that of training


class Loaded(NamedTuple):
    """A table whose columns of numbers are numbers, how to call it in an error, the style of its texts that are numbers (empty where
    the columns differ), their decimal mark, and notes.

    `short`: a note on rows of too few cells; `missing`: texts that stand for no number; `formats`: how columns are written whose numbers
    have units or signs around them.
    """

    table: object
    where: str
    style: str
    mark: str | None
    notes: list[str]
    short: list[str]
    missing: tuple[str, ...] = ()
    formats: dict[str, NumberFormat] = {}


def load_table(source, columns=None) -> Loaded:
    """A built-in name, a CSV, Parquet or JSON file, a dict of columns, a polars or pandas frame; columns: how its texts are read."""
    from applied_dl.io.tables import read_table

    if isinstance(source, str | Path):
        path = EMBEDDED / f"{source}.csv" if str(source) in BUILT_IN else Path(source).expanduser()
        if not os.path.isfile(path):  # False for names that are too long, too
            what = "is a folder" if os.path.isdir(path) else "does not exist"
            raise DataError(f"The series file {str(source)!r} {what}; expected a CSV or Parquet file, or one of: {', '.join(BUILT_IN)}.")
        header = columns.header if columns and columns.header is not None else "guess"
        found, where = read_table(path, columns.separator if columns else None, header), str(path)
    elif isinstance(source, dict) or hasattr(source, "columns") or hasattr(source, "iloc"):
        found, where = read_table(source), "the table"
    else:
        raise DataError(f"A history must be a file, a table, columns or an array of numbers; received {type(source).__name__}.")
    notes, first = [], found.sources[0][1]
    if where != "the table" and first == 1 and not (columns and columns.header is False):
        notes.append(f"{where} has no header: line 1 holds values; its columns are column_1, column_2, … (data.header says otherwise)")
    short = []
    if found.short:
        row, count = min(found.short.items())
        short.append(
            f"{where}: {numbered(len(found.short), 'row has', 'rows have')} fewer cells than line 1 (the first: row {row + first}, "
            f"{count} of {len(found.columns)}); the others are empty"
        )
    other = found.decimal not in (None, columns.mark if columns else None) and (found.decimal == "." or decimal_mark(found.frame) == ",")
    learned = columns.style if columns and not other else ""  # unless the cells of this file have another decimal mark
    frame, note = _without_subheader(found.frame, where)
    formats = columns.formats if columns else {}
    if other:
        formats = {name: replace(form, style=STYLES.get(found.decimal, form.style)) for name, form in formats.items()}
    mark, missing = (columns and columns.decimal) or found.decimal, columns.missing if columns else ()
    table, style, unsure, missing, formats = _numbers(frame, learned, mark, missing, formats)
    notes += [*note, *(f"{where}, {note}" for note in unsure[:SHOWN])]
    return Loaded(table, where, style, found.decimal, notes, short, missing, formats)


def _without_subheader(frame, where: str) -> tuple[object, list[str]]:
    """A table without the rows below its header that hold units or second names: no digit, where all that follow have one."""
    import polars as pl

    texts = [cells for cells in frame if cells.dtype == pl.String]
    if len(texts) != frame.width:
        return frame, []
    for count in range(MOST_SUBHEADERS, 0, -1):
        head, rest = frame.head(count), frame.slice(count).head(SAMPLE)
        filled = [name for name in frame.columns if (cells := rest[name].drop_nulls()).len() and cells.str.contains(r"\d").all()]
        wordy = head.select(pl.any_horizontal(pl.all().str.contains(r"[^\W\d_]"))).to_series().fill_null(False).all()
        if (
            rest.height > count
            and len(filled) > 1
            and wordy
            and not head.select(pl.any_horizontal(pl.all().str.contains(r"\d")).any()).item()
        ):
            shown = ", ".join(str(cell) for cell in head.row(0) if cell)
            return frame.slice(count), [
                f"{where}: {numbered(count, 'row', 'rows')} below the header without a number left out ({shown[:60]})"
            ]
    return frame, []


def _numbers(
    frame, learned: str, mark: str | None, known: tuple[str, ...], formats: dict[str, NumberFormat]
) -> tuple[object, str, list[str], tuple[str, ...], dict[str, NumberFormat]]:
    """Texts that are all numbers as numbers (whole ones as Int64, codes such as 007 as they are); the style; what it may be wrong in; the
    texts that stand for no number, beside the `known` ones; and the formats, beside those of the training file."""
    import polars as pl

    from applied_dl.io.cells import as_numbers, unsure

    styles, notes, columns, missing = set(), [], [], dict.fromkeys(known)
    for cells in frame:
        if cells.dtype != pl.String or not (filled := cells.drop_nulls()).len():
            columns.append(cells)
            continue
        if (form := formats.get(cells.name)) is not None:  # 1.2 K alone means what it meant beside 900
            values, wrong = read_numbers(cells, form)
            columns.append(cells if len(wrong) else pl.Series(cells.name, values).fill_nan(None))
            continue
        cells = _without_unit(cells)
        if known and (left := cells.set(cells.is_in(list(known)), None)).drop_nulls().str.contains(r"\d").all():
            cells = left
        filled = cells.drop_nulls()
        if not (whole := cells.cast(pl.Int64, strict=False)).null_count() - cells.null_count():
            columns.append(cells if filled.str.contains(r"^[+-]?0\d").any() else whole)
            continue
        if filled.head(1).str.to_lowercase().is_in(["true", "false"]).all() and filled.str.to_lowercase().is_in(["true", "false"]).all():
            columns.append(cells.str.to_lowercase() == "true")
            continue
        style, share = text_style(cells, learned, mark)
        marked = share >= 0.5 and filled.str.contains("[.,]").any()
        styles |= {style} if marked else set()
        if marked and not learned and (not mark or style == "thousands") and (note := unsure(cells, style)):
            notes.append(f"column {cells.name!r}: {note}")
        mixed = share < 1 or filled.str.ends_with("%").any()
        if mixed and (form := _format(cells, share, mark)) is not None and (share < 1 or form.units):
            columns.append(pl.Series(cells.name, read_numbers(cells, form)[0]).fill_nan(None))
            formats = {**formats, cells.name: form}
            missing |= dict.fromkeys(form.missing)
            notes += [f"column {cells.name!r}: {', '.join(form.missing)} stands for no value"] if form.missing else []
            continue
        columns.append(pl.Series(cells.name, as_numbers(cells, style)[0]).fill_nan(None) if share == 1 else cells)
    if "comma" in styles:
        one = "comma" if len(styles) == 1 else ""
    else:
        one = "thousands" if "thousands" in styles else "plain"
    return pl.DataFrame(columns), learned or one, notes, tuple(missing), formats


def _format(cells, share: float, mark: str | None):
    """How a column is written whose cells are numbers with more around them: $1.2K, (3), 4-, <1, 5*, or M for none; None for another."""
    if share < 0.5 and not cells.drop_nulls().str.contains(r"[$€£¥₹]").all():
        return None
    form, _ = learn_format(cells, mark)
    apart = form.units_apart and any(re.search(r"\w", unit) for unit in form.units)
    return None if apart or len(read_numbers(cells, form)[1]) else form


def _without_unit(cells):
    """Numbers that are all followed by one and the same unit, such as 12.5 kW, without it; other texts as they are."""
    filled = cells.drop_nulls()
    if not filled.head(1).str.contains(UNIT)[0]:
        return cells
    units = filled.str.extract(UNIT, 2)
    return cells.str.extract(UNIT, 1) if not units.null_count() and units.n_unique() == 1 else cells


def text_style(cells, style: str, mark: str | None = None) -> tuple[str, float]:
    """The style of a column of texts, the one learned where there is one, and the share of its cells that are numbers."""
    from applied_dl.io.cells import as_numbers, number_style

    if not style:
        return number_style(cells, mark)
    filled = cells.drop_nulls()
    return style, 1 - len(as_numbers(filled, style)[1]) / max(1, len(filled))


def numbers(table, name: str, where: str, style: str = "") -> np.ndarray:
    """A column as float64 with NaN; `DataError` names the row of a text or an infinity."""
    import polars as pl

    from applied_dl.io.cells import as_levels, as_numbers

    column = table[name]
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    values, wrong = as_numbers(column, text_style(column, style)[0] if column.dtype == pl.String else "plain")
    if len(wrong):
        row = int(wrong[0])
        cell = as_levels(column)[row]
        what = "a finite number" if cell.strip("+-").lower() in ("inf", "infinity") else "a number"
        raise DataError(f"{where}, column {name!r}, row {row + 2}: expected {what}, received {cell!r}; correct it or leave the cell empty.")
    if (far := np.abs(values) > LARGEST).any():
        row = int(far.argmax())
        raise DataError(
            f"{where}, column {name!r}, row {row + 2}: expected a number within ±{LARGEST:g}, received {values[row]:g}; scale it."
        )
    return values
