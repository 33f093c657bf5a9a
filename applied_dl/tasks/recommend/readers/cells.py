"""Cells of values and times → numbers, with what was missing counted."""

from __future__ import annotations

import numpy as np
import polars as pl
from msgspec import Struct, field

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.cells import as_numbers, is_mark, number_style
from applied_dl.io.tables import Table

UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # a number above the first is a time since 1970 in the second parts of a second
YES = ("true", "yes", "t", "y", "like", "liked", "up", "upvote", "\N{THUMBS UP SIGN}")
NO = ("false", "no", "f", "n", "dislike", "disliked", "down", "downvote", "\N{THUMBS DOWN SIGN}")
SKIN = "[\U0001f3fb-\U0001f3ff\ufe0f]"  # what may follow a thumb
STARS = "[★⭐\U0001f31f]"
GLYPHS = rf"^(?:{STARS}|[☆✩✰])+$"
OUT_OF = (
    r"(?i)^(?:rated )?(\d+(?:[.,]\d+)?)\s*(?:(?:/|out of|of|von|de|sur|su)\s*(\d+)\s*)?"
    r"(?:stars?|sternen?|sterne?|estrellas?|estrelas?|étoiles?|stelle)?$"
)


class Reading(Struct):
    """What is known of a file after some of its batches: how its times are written, what was missing, and notes."""

    form: str = ""
    without_value: int = 0
    without_time: int = 0
    notes: list[str] = field(default_factory=list)

    def all_notes(self, value: str, time: str) -> list[str]:
        """Notes on the whole file; `value` and `time` are its columns."""
        found = list(dict.fromkeys(self.notes))
        if self.without_value:
            found.append(f"{self.without_value:,} events without a number in the column {value!r} are left out")
        if self.without_time:
            found.append(
                f"{numbered(self.without_time, 'event has', 'events have')} no time in the column {time!r}: taken as the user's earliest"
            )
        return found


def values_of(table: Table, name: str | None, so_far: Reading) -> tuple[np.ndarray, np.ndarray]:
    """(N,) the values, yes and no as 1 and 0, and which rows have one. Raises `DataError` where the column holds other texts."""
    if name is None:
        return np.ones(len(table), np.float32), np.ones(len(table), bool)
    cells = _stars(_yes_and_no(table.frame[name]))
    style, _ = number_style(cells, table.decimal)
    values, wrong = as_numbers(cells, style)
    if len(wrong) and cells.dtype == pl.String:
        wrong = wrong[~is_mark(cells[wrong]).to_numpy()]
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{table.where(row)}, column {name!r}: expected a number (a rating or a count), received {cells[row]!r}; correct it, or name "
            "another column with data.value."
        )
    there = np.isfinite(values)
    so_far.without_value += int((~there).sum())
    return values.astype(np.float32), there


def _yes_and_no(cells: pl.Series) -> pl.Series:
    """Truth values, also as texts, as 1 and 0; other columns as they are."""
    if cells.dtype == pl.Boolean:
        return cells.cast(pl.Float32)
    if cells.dtype != pl.String or not len(cells.drop_nulls()):
        return cells
    texts = cells.str.replace_all(SKIN, "").str.strip_chars().str.to_lowercase()
    if not texts.drop_nulls().is_in([*YES, *NO]).all():
        return cells
    return texts.is_in(list(YES)).cast(pl.Float32)


def _stars(cells: pl.Series) -> pl.Series:
    """Ratings in stars ("★★★☆☆", "3 stars") or out of one number ("3/5", "3.0 out of 5 stars") as numbers; other columns as they are."""
    if cells.dtype != pl.String or not len(filled := cells.drop_nulls().str.strip_chars()):
        return cells
    if filled.str.contains(GLYPHS).all():
        return cells.str.count_matches(STARS).cast(pl.Float32)
    if filled.str.contains(OUT_OF).all() and filled.str.extract(OUT_OF, 2).n_unique() == 1:
        return cells.str.strip_chars().str.extract(OUT_OF, 1)
    return cells


def times_of(table: Table, name: str | None, so_far: Reading) -> np.ndarray:
    """(N,) seconds; numbers since 1970 in any unit become seconds, an empty time comes first.

    Raises:
        DataError: the column holds no times, or a cell of it is none.
    """
    if name is None:
        return np.zeros(len(table))
    cells = table.frame[name]
    if cells.dtype == pl.String:
        cells = cells.to_frame().select(pl.when(~is_mark(cells)).then(pl.col(name))).to_series()
        numbers = cells.cast(pl.Float64, strict=False)
        if numbers.null_count() == cells.null_count():
            cells = numbers
    there = cells.is_not_null().to_numpy()
    so_far.without_time += int((~there).sum())
    times = np.full(len(cells), -np.inf)
    if there.any():
        times[there] = _seconds(table, name, cells.drop_nulls(), np.flatnonzero(there), so_far)
    return times


def _seconds(table: Table, name: str, cells: pl.Series, rows: np.ndarray, so_far: Reading) -> np.ndarray:
    """(N,) seconds of cells that are not empty, in these rows of the table."""
    if cells.dtype.is_numeric():
        values = cells.cast(pl.Float64).to_numpy().copy()
        for above, parts in UNITS:
            values[values > above] /= parts
        return values
    from applied_dl.io.dates import parse_any
    from applied_dl.io.stamps import moments

    odd = _odd_row(cells)
    if odd is not None:
        raise DataError(
            f"{table.where(int(rows[odd]))}, column {name!r}: expected a number as in the other rows, received {cells[odd]!r}; correct it, "
            "or name another column with data.time."
        )
    if so_far.form and (missed := parse_any(cells, so_far.form)).null_count():
        at = int(missed.is_null().arg_max())
        raise DataError(
            f"{table.where(int(rows[at]))}, column {name!r}: expected a time as in the rows before, received {cells[at]!r}; correct it, or "
            "name another column with data.time."
        )
    found = moments(cells, table.source, so_far.form)
    if found is None:
        raise DataError(f"{table.source}, column {name!r}: expected times, received {cells[0]!r}; name another with data.time.")
    so_far.form = so_far.form or found.form
    so_far.notes += [found.note] if found.note else []
    return found.stamps.astype("datetime64[us]").astype(np.int64) / 1e6


def _odd_row(cells: pl.Series) -> int | None:
    """The first text among cells that mostly are numbers."""
    if cells.dtype != pl.String:
        return None
    wrong = cells.cast(pl.Float64, strict=False).is_null()
    return int(wrong.arg_max()) if 0 < wrong.sum() < len(cells) / 2 else None
