"""A row of cells → numbers and codes, without TensorFlow, as its columns were learned from the training rows (`columns.py`)."""

from __future__ import annotations

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.cells import BOOLEAN, EITHER, as_levels, as_moments, as_numbers, decimal_mark, is_mark, number_style, places
from applied_dl.io.measures import read_measures
from applied_dl.io.nested import with_object_names
from applied_dl.io.numbers import read_numbers, read_units
from applied_dl.io.tables import Table, alike_names
from applied_dl.io.terms import mark_tags, score_texts
from applied_dl.tasks.tabular.columns import ABSENT, FIRST, UNKNOWN, Column, TableEncoder, Target

FAR = 3.0  # training ranges beyond the training range from which a number is reported as unlike the training data
SHOWN = 10  # names or cells that a message lists
DECIMALS = ("comma",), ("plain", "thousands")  # styles of numbers by their decimal mark
LARGEST = float(np.finfo(np.float32).max)


class Cells(Struct, frozen=True, kw_only=True):
    """Encoded rows: inputs by name (N,) or (N, width), a sentence for each row with a cell of the wrong kind, and notes for the user."""

    inputs: dict[str, np.ndarray]
    errors: dict[int, str]
    notes: list[str]


def encode(encoder: TableEncoder, table: Table) -> Cells:
    """Rows of a table as inputs of the graph.

    Numbers are float32 with NaN where empty; categories int32 with code 1 where empty and 0 for levels never seen in training.
    Columns are found by their names, or by ones that differ by capitals, blanks and marks alone. Raises `DataError` where a column of the
    training data is absent.
    """
    table, renamed = _named_as_trained(encoder, with_object_names(table))
    absent = [name for name in dict.fromkeys(c.name for c in encoder.columns) if name not in table.columns]
    if absent:
        raise DataError(
            f"{table.source} lacks the column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent[:SHOWN]))}, which the "
            f"model was trained on; received: {', '.join(map(repr, table.columns[:20]))}."
        )
    short = f"expected {len(table.columns)} cells, received"
    errors = {row: f"{table.where(row)}: {short} {count}." for row, count in table.short.items()}
    inputs, notes, other_mark, mark = {}, [], False, _other_mark(encoder, table)
    for column in encoder.columns:
        cells = table.frame[column.name]
        if column.kind == "number":
            style = _style(column.style, cells, mark)
            other_mark |= style != column.style
            values, wrong = read_numbers(cells, replace(column.format, style=style))
            inputs[column.inputs[0]] = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
            notes += _unlike(column, values)
        elif column.kind == "measures":
            found, wrong = read_measures(as_levels(cells), column.style, column.separator)
            found = np.clip(found, -LARGEST, LARGEST).astype(np.float32)
            inputs |= {name: found[:, int(part) - 1] for name, part in zip(column.inputs, column.parts)}
        elif column.kind == "category":
            inputs[column.inputs[0]], wrong = _codes(column, cells), ()
            notes += _unseen(column, cells, inputs[column.inputs[0]])
        elif column.kind == "moment":
            values, wrong = as_moments(cells, column.style)
            wrong = wrong[~is_mark(cells[wrong]).to_numpy()] if len(wrong) else wrong
            inputs |= dict(zip(column.inputs, _moment_parts(column, values)))
        elif column.kind == "boolean":
            values, wrong = _booleans(cells)
            inputs[column.inputs[0]] = values.astype(np.float32)
        elif column.kind == "tags":
            inputs[column.inputs[0]], unseen = mark_tags(as_levels(cells), column.separator, column.levels)
            notes += [f"column {column.name!r}: {unseen} of {len(cells)} cells hold a value never seen in training"] if unseen else []
            wrong = ()
        else:
            inputs[column.inputs[0]], wrong = score_texts(as_levels(cells), column.scores), ()
        for row in wrong:
            wanted = {"moment": "a date or time", "boolean": "yes or no", "measures": f"{column.separator.count('#')} numbers"}.get(
                column.kind, "a finite number"
            )
            errors.setdefault(
                int(row), f"{table.where(int(row))}, column {column.name!r}: expected {wanted}, received {_shown(cells, int(row))!r}."
            )
    notes += [read_as(*names) for names in renamed.items()]
    if other_mark:
        notes.insert(0, f"{table.source}: numbers are read with the decimal mark {table.decimal!r}; the training file has another one")
    known = {c.name for c in encoder.columns} | {target.name for target in encoder.targets} | set(encoder.dropped)
    if extra := [name for name in table.columns if name not in known]:
        notes.append(f"columns that the model does not use: {', '.join(map(repr, extra[:SHOWN]))}")
    return Cells(inputs=inputs, errors=errors, notes=notes)


def read_as(given: str, name: str) -> str:
    """The note on a column that is found by another name than that of training."""
    return f"column {given!r} is read as {name!r}"


def _named_as_trained(encoder: TableEncoder, table: Table) -> tuple[Table, dict[str, str]]:
    """The table with the names of training, and those that were others: PREIS for Preis."""
    names = [*(column.name for column in encoder.columns), *(target.name for target in encoder.targets)]
    renamed = alike_names((name for name in table.columns if name not in encoder.dropped), dict.fromkeys(names))
    return (replace(table, frame=table.frame.rename(renamed)) if renamed else table), renamed


def read_targets(encoder: TableEncoder, table: Table) -> np.ndarray:
    """(N,) of one target, (N, T) of several; see `read_target`."""
    table, _ = _named_as_trained(encoder, table)
    columns = [read_target(encoder, table, target) for target in encoder.targets]
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def read_target(encoder: TableEncoder, table: Table, target: Target) -> np.ndarray:
    """(N,) float64 in the units of the column (NaN where empty), or int64 class codes (−1 where empty).

    Raises `DataError` for a cell that is no number, or a label that the model does not know.
    """
    if target.name not in table.columns:
        raise DataError(f"{table.source} has no column {target.name!r}, the target; received: {', '.join(table.columns[:20])}.")
    cells = table.frame[target.name]
    if not target.labels:
        style = _style(target.format.style, cells, _other_mark(encoder, table))
        values, wrong = read_numbers(cells, replace(target.format, style=style))
        if len(wrong):
            row = int(wrong[0])
            raise DataError(f"{table.where(row)}, column {target.name!r}: expected a finite number, received {_shown(cells, row)!r}.")
        return values
    found = places(cells, target.labels)
    if (found == -2).any():
        row = int(np.argmax(found == -2))
        raise DataError(
            f"{table.where(row)}, column {target.name!r}: the model knows no class {_shown(cells, row)!r}; it knows: "
            f"{', '.join(target.labels[:20])}."
        )
    return found


def _style(style: str, cells: pl.Series, mark: str | None) -> str:
    """The learned style of a column of numbers, unless the file has another decimal `mark` than the training file."""
    if mark is None or style == EITHER:
        return style
    other, share = number_style(cells, mark)
    return other if share == 1.0 else style


def _other_mark(encoder: TableEncoder, table: Table) -> str | None:
    """The decimal mark of a file where it is another than the training file's; its columns that can be read in one style only decide."""
    styles = {column.name: column.style for column in encoder.columns if column.kind == "number"}
    styles |= {target.name: target.format.style for target in encoder.targets if not target.labels and target.name in table.columns}
    both = [name for name, style in styles.items() if style == EITHER]  # no evidence
    decimal = decimal_mark(table.frame.drop(both)) if both else table.decimal
    if decimal in (None, encoder.decimal):
        return None
    if decimal == "," and not both and decimal_mark(table.frame) is None:  # semicolons between cells are no evidence
        return None
    votes = 0
    for name, style in styles.items():
        comma, point = (any(not len(as_numbers(table.frame[name], one)[1]) for one in either) for either in DECIMALS)
        votes += 0 if style == EITHER else (point - comma) if style == "comma" else (comma - point)
    return decimal if votes >= 0 else None


def _shown(cells: pl.Series, row: int) -> str:
    """A cell as a message shows it."""
    return as_levels(cells[row : row + 1])[0]


def _codes(column: Column, cells: pl.Series) -> np.ndarray:
    found = places(read_units(cells, column.format) if column.of_unit else cells, column.levels)
    return np.where(found >= 0, found + FIRST, np.where(found == -1, ABSENT, UNKNOWN)).astype(np.int32)


def _unseen(column: Column, cells: pl.Series, codes: np.ndarray) -> list[str]:
    unseen = int((codes == UNKNOWN).sum())
    if not unseen or not column.levels:
        return []
    example = _shown(cells, int(np.argmax(codes == UNKNOWN)))
    return [f"column {column.name!r}: {unseen} of {len(codes)} cells hold a level never seen in training ({example!r})"]


def _booleans(cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64, NaN where empty or wrong, and the rows that are wrong."""
    found = as_levels(cells).str.to_lowercase().replace_strict(BOOLEAN, default=None, return_dtype=pl.Float64)
    wrong = np.flatnonzero((found.is_null() & cells.is_not_null() & ~is_mark(cells)).to_numpy())
    return found.to_numpy(writable=True), wrong


def _moment_parts(column: Column, seconds: np.ndarray) -> list[np.ndarray]:
    """float32 (N,) of each part; NaN where the moment is."""
    return [part.astype(np.float32) for part in moment_parts(seconds, column.origin, column.parts)]


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
