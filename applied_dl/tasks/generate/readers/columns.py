"""What each column of a table is to a generator, learned from its training rows; and the codes of its cells."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_levels, as_moments, is_mark, moment_style
from applied_dl.io.dates import MIXED
from applied_dl.io.identifiers import row_numbers
from applied_dl.io.numbers import learn_format, read_numbers
from applied_dl.io.tables import Table
from applied_dl.tasks.generate.encoder import ABSENT, Column, Form
from applied_dl.tasks.generate.readers.affixes import affixes, decimals_written, finite, stripped, zones

KNOTS = 9  # of each interval
LEVELS = 1000
FEWEST_KEYS = 20  # rows from which a column of different texts is one of keys
OFTEN = 0.5  # of the rows of a usual interval: a number that is as frequent is an interval of its own
LEADING_ZERO = re.compile(r"^-?0\d")
MOST_DECIMALS = 9
CHUNK = 20_000  # rows that are compared with all intervals at a time
KEY_LENGTH = 40  # characters


def learn_columns(table: Table, rows: np.ndarray, data, bins: int, levels: int | None) -> tuple[tuple[Column, ...], list[str]]:
    """The columns in their order, and notes.

    Args:
        table: all rows.
        rows: numbers of the training rows.
        data: the recipe's section.
        bins: most intervals of a column of numbers.
        levels: most levels of a category.

    Raises:
        DataError: no column is left that could be learned.
    """
    numbered = row_numbers(table)
    found, notes = [], []
    for name in table.columns:
        if name in data.ignore:
            continue
        cells = table.frame[name][rows]
        if name in numbered and name not in data.categorical:
            column = _key(table.frame[name])
            notes.append(f"column {name!r} ({numbered[name]}): made rows count on from {column.prefix}{column.first}")
        else:
            column, more = _learn(cells, data, bins, levels or LEVELS)
            notes += more
            if column.kind == "key":
                column = _key(table.frame[name])
            elif column.kind != "empty":
                column = replace(column, holes=bool((encode_cells(column, cells)[0] == ABSENT).any()))
        found.append(column)
    if not any(column.kind in ("number", "moment", "category") for column in found):
        raise DataError(f"{table.source}: no column can be learned; expected numbers, dates or texts that repeat.")
    return tuple(found), notes


def _learn(cells: pl.Series, data, bins: int, most: int) -> tuple[Column, list[str]]:
    name = cells.name
    if cells.null_count() == len(cells):
        return Column(name=name, kind="empty"), [f"column {name!r} is empty in the training rows, and in made rows"]
    if name not in data.categorical and cells.dtype != pl.Boolean:
        known, infinite = finite(cells)
        if (number := _number(known, data.decimal, bins)) is not None:
            return number, [f"column {name!r}: {infinite:,} infinite numbers are read as empty cells"] if infinite else []
        if (moment := _moment(cells, bins)) is not None:
            several = ", ".join(zones(cells)[:4]) if not moment.after else ""
            return moment, [f"column {name!r}: made times are local and have no zone, real ones have {several}"] if several else []
    return _category(cells, most)


def _number(cells: pl.Series, mark: str | None, bins: int) -> Column | None:
    """A column of numbers; None where cells are something else, or codes with leading zeros."""
    if cells.dtype.is_temporal():
        return None
    before, after = affixes(cells)
    cells = stripped(cells, before, after)
    form, share = learn_format(cells, mark, words=False)
    if share < 1.0 or form.units:
        return None
    if cells.dtype == pl.String and cells.drop_nulls().str.contains(LEADING_ZERO.pattern).any():
        return None
    style = form.style
    if style == "plain" and cells.dtype == pl.String and cells.str.contains(r"\d,\d{3}\b").any():
        style = "thousands"
    values, wrong = read_numbers(cells, form)
    known = values[np.isfinite(values)]
    if len(wrong) or not len(known):
        return None
    decimals = _decimals(known)
    text = cells.dtype == pl.String and (style != "plain" or bool(before or after))
    if text:
        decimals = max(decimals, decimals_written(cells, "," if style == "comma" else "."))
    dtype = "text" if text else "int" if decimals <= 0 and not cells.dtype.is_float() else "float"
    origin, knots = _intervals(known, bins)
    return Column(
        name=cells.name, kind="number", dtype=dtype, knots=knots, origin=origin, decimals=decimals, style=style, before=before,
        after=after,
    )  # fmt: skip


def _moment(cells: pl.Series, bins: int) -> Column | None:
    """A column of dates or times that can be written as they are; None for others."""
    written = moment_style(cells) if cells.dtype == pl.String or cells.dtype.is_temporal() else None
    if written is None or MIXED in written.form or "%" not in written.form or cells.dtype == pl.Time:
        return None
    values, wrong = as_moments(cells, written.form)
    wrong = wrong[~is_mark(cells[wrong]).to_numpy()] if len(wrong) and cells.dtype == pl.String else wrong
    known = values[np.isfinite(values)]
    if len(wrong) or not len(known):
        return None
    dtype = "text" if cells.dtype == pl.String else "date" if cells.dtype == pl.Date else "datetime"
    unit = next(u for u in (86400, 3600, 60, 1, 0) if u == 0 or np.all(known % u == 0))
    origin, knots = _intervals(known, bins)
    zone = zones(cells)
    return Column(
        name=cells.name, kind="moment", dtype=dtype, knots=knots, origin=origin, decimals=unit, style=written.form,
        after=zone[0] if len(zone) == 1 else "",
    )  # fmt: skip


def _category(cells: pl.Series, most: int) -> tuple[Column, list[str]]:
    """A column of texts that repeat; of texts that do not, one of keys, or an empty one."""
    name, texts = cells.name, as_levels(cells.drop_nulls())
    counts = texts.value_counts(sort=True, name="rows").sort(["rows", name], descending=[True, False])
    different = counts.height
    if different > len(texts) / 2 and len(texts) >= FEWEST_KEYS and cells.dtype != pl.Boolean:
        if different == len(texts) and texts.str.len_chars().max() <= KEY_LENGTH and not texts.str.contains(r"\s\S+\s").any():
            return Column(name=name, kind="key"), [f"column {name!r}: every text once; made rows get new ones"]
        return Column(name=name, kind="empty"), [
            f"column {name!r}: texts that hardly repeat cannot be made and stay empty; data.categorical = [{name!r}] repeats them"
        ]
    levels = tuple(counts[name].to_list()[:most])
    notes = [f"column {name!r}: of {different:,} levels the {most:,} most frequent are made"] if different > most else []
    return Column(name=name, kind="category", dtype="bool" if cells.dtype == pl.Boolean else "text", levels=levels), notes


def _key(cells: pl.Series) -> Column:
    """A column whose cells are made anew, counting on from the largest."""
    numbers = as_levels(cells.drop_nulls()).str.extract(r"(\d{1,15})\D*$").cast(pl.Int64)
    texts = as_levels(cells.drop_nulls())
    prefixes = texts.str.extract(r"^(\D*)\d+$").unique().to_list()
    whole = cells.dtype.is_integer() or bool(texts.str.contains(r"^\d+$").all())
    prefix = "" if whole else prefixes[0] if len(prefixes) == 1 and prefixes[0] is not None else f"{cells.name}-"
    return Column(name=cells.name, kind="key", dtype="int" if whole else "text", first=int(numbers.max() or 0) + 1, prefix=prefix)


def _decimals(values: np.ndarray) -> int:
    """Digits after the point that write every number."""
    for digits in range(MOST_DECIMALS):
        if np.allclose(values, np.round(values, digits), rtol=0, atol=10.0**-digits * 1e-4):
            return digits
    return MOST_DECIMALS


def _intervals(values: np.ndarray, bins: int) -> tuple[float, tuple[tuple[float, ...], ...]]:
    """The origin, and the knots of each interval minus it: frequent numbers by themselves, the others in intervals of equal counts."""
    origin = float(np.median(values))
    number, count = np.unique(values, return_counts=True)
    alone = count >= (OFTEN * len(values) / bins if len(number) > bins else 0)
    rest = values[~np.isin(values, number[alone])]
    found = [(float(v),) * KNOTS for v in number[alone]]
    if len(rest):
        parts = max(1, min(bins - int(alone.sum()), len(np.unique(rest)) // 2))
        edges = np.unique(np.quantile(rest, np.linspace(0, 1, parts + 1)))
        for low, high in zip(edges[:-1], edges[1:]) if len(edges) > 1 else [(edges[0], edges[0])]:
            inside = rest[(rest >= low) & (rest <= high)]
            found.append(tuple(np.quantile(inside, np.linspace(0, 1, KNOTS)).tolist()))
    return origin, tuple(tuple(v - origin for v in knots) for knots in sorted(found))


def encode_rows(form: Form, table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (N, F) int32 of the learned columns; where in its interval each number lies, 0..1, and its value minus the origin (N, F).

    Raises:
        DataError: a column is absent.
    """
    if absent := [column.name for column in form.learned if column.name not in table.columns]:
        raise DataError(f"{table.source} lacks the column {absent[0]!r}, which the model was trained on; received: {table.columns[:20]}.")
    codes = np.zeros((len(table), len(form.learned)), np.int32)
    places, values = np.zeros(codes.shape, np.float32), np.zeros(codes.shape)
    for i, column in enumerate(form.learned):
        codes[:, i], places[:, i], values[:, i] = encode_cells(column, table.frame[column.name])
    return codes, places, values


def encode_cells(column: Column, cells: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes, places and values (N,) of one column."""
    if column.kind == "category":
        found = _level_codes(column, cells)
        return found, np.zeros(len(cells), np.float32), found.astype(np.float64)
    codes, places, values = np.zeros(len(cells), np.int32), np.zeros(len(cells), np.float32), np.zeros(len(cells))
    numbers = _values(column, cells)
    known = np.isfinite(numbers)
    values[known] = numbers[known] - column.origin
    codes[known], places[known] = _in_interval(column, values[known])
    return codes, places, values


def _values(column: Column, cells: pl.Series) -> np.ndarray:
    if column.kind == "moment":
        return as_moments(cells, column.style)[0]
    cells = stripped(finite(cells)[0], column.before, column.after)
    form = learn_format(cells, None, words=False)[0] if column.style == "plain" else None
    return read_numbers(cells, form or _format(column.style))[0]


def _format(style: str):
    from applied_dl.io.numbers import NumberFormat

    return NumberFormat(style=style)


def _level_codes(column: Column, cells: pl.Series) -> np.ndarray:
    """Codes (N,); a level that is not learned is replaced by one that is, in turn from the most frequent on."""
    place = {level: i + 1 for i, level in enumerate(column.levels)}
    other, found = 0, []
    for text in as_levels(cells).to_list():
        if text is None:
            found.append(ABSENT)
        elif text in place:
            found.append(place[text])
        else:
            found.append(1 + other % len(column.levels))
            other += 1
    return np.array(found, np.int32)


def _in_interval(column: Column, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes (N,) and places (N,) of numbers; one that lies between two intervals belongs to the nearer of them."""
    knots = np.array(column.knots)
    low, high = knots[:, 0], knots[:, -1]
    code = np.empty(len(values), np.int64)
    for at in range(0, len(values), CHUNK):
        some = values[at : at + CHUNK, None]
        code[at : at + CHUNK] = (np.maximum(0, np.maximum(low - some, some - high)) + 1e-9 * (high - low)).argmin(1)
    share = np.linspace(0, 1, KNOTS)
    place = np.zeros(len(values), np.float32)
    for k in np.unique(code):
        if high[k] > low[k]:
            at = code == k
            place[at] = np.interp(values[at], knots[k], share)
    return code + 1, place
