"""A row of cells → numbers and codes, without TensorFlow: column kinds, levels and formats, learned from training rows and kept as JSON."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct, field

from applied_dl.core import encoder_files as stored
from applied_dl.core.errors import DataError
from applied_dl.io.cells import BOOLEAN, as_levels, as_moments, as_numbers, decimal_mark, number_style, numbers, places
from applied_dl.io.tables import Table

UNKNOWN, ABSENT, FIRST = 0, 1, 2  # codes: a level never seen, an empty cell, the first level
PARTS = ("days", "year", "month", "day", "weekday", "hour")  # of a moment; "days" since the first training row's
FAR = 3.0  # training ranges beyond the training range after which a number is called unlike the training data
SHOWN = 10  # of the warnings
LARGEST = float(np.finfo(np.float32).max)


class Column(Struct, frozen=True, kw_only=True):
    """One feature column: `kind` number, boolean, category or moment; `inputs` the names of its inputs of the graph.

    `style` is how its numbers or moments are written; `levels` are a category's, `parts` a moment's; `low` and `high` the training range.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    style: str = ""
    levels: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    origin: float = 0.0
    low: float = 0.0
    high: float = 0.0


class TableEncoder(Struct, frozen=True, kw_only=True):
    """The feature columns in the order of the graph, and the target: `labels` of a classifier, none of a regression."""

    columns: tuple[Column, ...]
    target: str
    labels: tuple[str, ...] = ()
    style: str = "plain"
    set_aside: dict[str, str] = field(default_factory=dict)
    decimal: str | None = None  # the mark that the training file agrees on

    @property
    def numbers(self) -> list[str]:
        """Inputs that are float32."""
        return [name for c in self.columns if c.kind != "category" for name in c.inputs]

    @property
    def codes(self) -> list[str]:
        """Inputs that are int32 codes."""
        return [c.inputs[0] for c in self.columns if c.kind == "category"]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """How many codes each category has, the unknown and the absent included."""
        return tuple(len(c.levels) + FIRST for c in self.columns if c.kind == "category")


class Cells(Struct, frozen=True, kw_only=True):
    """Encoded rows: inputs by name (N,), a sentence for each row that has a cell of the wrong kind, and notes for people."""

    inputs: dict[str, np.ndarray]
    errors: dict[int, str]
    notes: list[str]


def encode(encoder: TableEncoder, table: Table) -> Cells:
    """(N,) float32 or int32 by input name; NaN and code 1 for empty cells, code 0 for levels never seen.

    Raises `DataError` where a column of the training data is absent.
    """
    lacking = [c.name for c in encoder.columns if c.name not in table.columns]
    if lacking:
        raise DataError(
            f"{table.source} lacks the column{'s' * (len(lacking) > 1)} {', '.join(map(repr, lacking[:SHOWN]))}, which the "
            f"model was trained on; received: {', '.join(map(repr, table.columns[:20]))}."
        )
    short = f"expected {len(table.columns)} cells, received"
    inputs, errors, notes = {}, {row: f"{table.where(row)}: {short} {count}." for row, count in table.short.items()}, []
    learned = {column.name: column.style for column in encoder.columns if column.kind == "number"}
    styles = {name: _style(encoder, style, table, name) for name, style in learned.items()}
    if "comma" in {style for name, style in (*styles.items(), *learned.items()) if styles[name] != learned[name]}:
        notes.append(f"{table.source}: its decimal mark is {table.decimal!r}, as that of the training file was not; it is read so")
    parsed = numbers(table.frame, styles)
    for column in encoder.columns:
        cells = table.frame[column.name]
        if column.kind == "category":
            codes = _codes(column, cells)
            inputs[column.inputs[0]] = codes
            if (unseen := int((codes == UNKNOWN).sum())) and column.levels:
                example = _shown(cells, int(np.argmax(codes == UNKNOWN)))
                notes.append(f"column {column.name!r}: {unseen} of {len(codes)} cells hold a level never seen in training ({example!r})")
            continue
        values, wrong = parsed[column.name] if column.kind == "number" else _values(column, cells)
        for row in wrong:
            wanted = {"moment": "a date or time", "boolean": "yes or no"}.get(column.kind, "a finite number")
            errors.setdefault(
                int(row), f"{table.where(int(row))}, column {column.name!r}: expected {wanted}, received {_shown(cells, int(row))!r}."
            )
        if column.kind == "moment":
            inputs |= dict(zip(column.inputs, _moment_parts(column, values)))
            continue
        inputs[column.inputs[0]] = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
        notes += _unlike(column, values)
    extra = [name for name in table.columns if name not in {c.name for c in encoder.columns} | {encoder.target} | set(encoder.set_aside)]
    if extra:
        notes.append(f"columns the model does not know are not read: {', '.join(map(repr, extra[:SHOWN]))}")
    return Cells(inputs=inputs, errors=errors, notes=notes)


def read_target(encoder: TableEncoder, table: Table) -> np.ndarray:
    """(N,) float64 in the user's units (NaN where empty), or int64 class codes (−1 where empty). Raises `DataError` for another."""
    if encoder.target not in table.columns:
        raise DataError(f"{table.source} has no column {encoder.target!r}, the target; received: {', '.join(table.columns[:20])}.")
    cells = table.frame[encoder.target]
    if not encoder.labels:
        values, wrong = as_numbers(cells, _style(encoder, encoder.style, table, encoder.target))
        if len(wrong):
            row = int(wrong[0])
            raise DataError(f"{table.where(row)}, column {encoder.target!r}: expected a finite number, received {_shown(cells, row)!r}.")
        return values
    found = places(cells, encoder.labels)
    if (found == -2).any():
        row = int(np.argmax(found == -2))
        raise DataError(f"{table.where(row)}: the model knows no class {_shown(cells, row)!r}; it knows: {', '.join(encoder.labels[:20])}.")
    return found


def _style(encoder: TableEncoder, style: str, table: Table, name: str) -> str:
    """The learned style of a column of numbers, unless the file that is asked has another decimal mark than the training file."""
    if table.decimal in (None, encoder.decimal):
        return style
    if table.decimal == "," and decimal_mark(table.frame) is None:  # semicolons alone are no evidence, as commas between cells are
        return style
    other, share = number_style(table.frame[name], table.decimal)
    return other if share == 1.0 else style


def _shown(cells: pl.Series, row: int) -> str:
    """A cell as a message shows it."""
    return as_levels(cells[row : row + 1])[0]


def input_name(name: str, taken: set[str]) -> str:
    """A column's name as an input of the graph: letters, digits and underscores, unique."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
    plain = plain if plain[0].isalpha() else f"c_{plain}"
    found, i = plain, 2
    while found.lower() in {t.lower() for t in taken}:
        found, i = f"{plain}_{i}", i + 1
    taken.add(found)
    return found


def _codes(column: Column, cells: pl.Series) -> np.ndarray:
    found = places(cells, column.levels)
    return np.where(found >= 0, found + FIRST, np.where(found == -1, ABSENT, UNKNOWN)).astype(np.int32)


def _values(column: Column, cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Of a moment or a boolean: (N,) float64, NaN where empty or wrong, and the rows that are wrong."""
    if column.kind == "moment":
        return as_moments(cells, column.style)
    found = as_levels(cells).str.to_lowercase().replace_strict(BOOLEAN, default=None, return_dtype=pl.Float64)
    return found.to_numpy(writable=True), np.flatnonzero((found.is_null() & cells.is_not_null()).to_numpy())


def _moment_parts(column: Column, seconds: np.ndarray) -> list[np.ndarray]:
    """float32 (N,) of each part; NaN where the moment is."""
    return [part.astype(np.float32) for part in moment_parts(seconds, column.origin, column.parts)]


def moment_parts(seconds: np.ndarray, origin: float, parts: tuple[str, ...]) -> list[np.ndarray]:
    """Calendar parts of seconds since 1970 (N,): days since `origin`, year, month 1..12, day 1..31, weekday 0 (Monday)..6, hour 0..24."""
    known = np.nan_to_num(seconds, nan=0.0)
    moments = known.astype("datetime64[s]")
    days, months, years = (moments.astype(f"datetime64[{unit}]") for unit in ("D", "M", "Y"))
    found = {
        "days": (known - origin) / 86400,
        "year": years.astype(int) + 1970,
        "month": (months - years).astype(int) + 1,
        "day": (days - months).astype(int) + 1,
        "weekday": (days.astype(int) + 3) % 7,
        "hour": (known % 86400) / 3600,
    }
    return [np.where(np.isnan(seconds), np.nan, found[part]) for part in parts]


def _unlike(column: Column, values: np.ndarray) -> list[str]:
    reach = FAR * max(column.high - column.low, 1e-12)
    with np.errstate(invalid="ignore"):
        far = (values < column.low - reach) | (values > column.high + reach)
    if not far.any():
        return []
    return [
        f"column {column.name!r}: {int(far.sum())} of {len(values)} cells lie far outside the training range, "
        f"{column.low:g} to {column.high:g} ({values[far][0]:g})"
    ]


save = stored.save


def load(folder: Path) -> TableEncoder:
    """Read `encoder.json`. Raises `DataError` where it is damaged."""
    return stored.read(TableEncoder, folder)
