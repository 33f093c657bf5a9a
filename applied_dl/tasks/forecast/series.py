"""A set of series on one clock, and how the file that held it was understood."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, field

from applied_dl.io.clock import Clock
from applied_dl.io.numbers import NumberFormat

ANY = "*"  # stands for every text of a column


class Columns(Struct, frozen=True, kw_only=True):
    """How a file is read: its layout and which columns mean what. Kept in the bundle, so `predict` reads the same way.

    style: how its texts that are numbers are written, and mark the decimal mark that they agree on; form: its times. separator, header,
    decimal: of one file, as the recipe says. time_parts: role and name of the columns that make up `time`; series_parts: the columns that
    name a series together; categories: the covariates that hold texts; missing and sentinels: texts and numbers that stand for no value
    (M, -999); formats: how columns of numbers with units or signs around them are written ($1.2K). irregular: "auto" is "resample" where
    the stamps do not keep `frequency`, else "refuse".
    """

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
    style: str = ""
    mark: str | None = None
    form: str = ""
    separator: str | None = None
    header: bool | None = None
    decimal: str | None = None
    time_parts: tuple[tuple[str, str], ...] = ()
    series_parts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()
    formats: dict[str, NumberFormat] = {}


class SeriesSet(Struct, frozen=True, kw_only=True):
    """Series on one clock.

    `values[i]` (T,) holds NaN where a value is missing and starts at step `starts[i]` of the clock. `past[i]` (T, P) and `future[i]`
    (T + rows known ahead, F) are covariates, and `past_names` and `future_names` say what their columns are: (column, "") for numbers,
    (column, text) for the 0 and 1 of each text of a column of texts, (column, ANY) for whether its cell is filled. `static` (N, S) are
    numbers or texts. `columns` is how the file was understood.
    """

    names: list[str]
    values: list[np.ndarray]
    starts: list[int]
    clock: Clock
    columns: Columns
    past: list[np.ndarray] = field(default_factory=list)
    future: list[np.ndarray] = field(default_factory=list)
    static: list[list] = field(default_factory=list)
    past_names: tuple[tuple[str, str], ...] = ()
    future_names: tuple[tuple[str, str], ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def aligned(self) -> bool:
        """Whether all series share their first and last step."""
        return len({(s, len(v)) for s, v in zip(self.starts, self.values)}) == 1

    @property
    def shared_covariates(self) -> bool:
        """Whether all series of an aligned set have the same covariates at every step where they are known."""
        return all(_agree(rows, other[0]) for other in (self.past, self.future) for rows in other[1:])


def _agree(rows: np.ndarray, others: np.ndarray) -> bool:
    """Whether covariates (T, C) are equal over the steps that both have, wherever both are known."""
    steps = min(len(rows), len(others))
    a, b = rows[:steps], others[:steps]
    return bool(((a == b) | np.isnan(a) | np.isnan(b)).all())


def pick_columns(rows: np.ndarray, names: tuple[tuple[str, str], ...], wanted: tuple[tuple[str, str], ...]) -> np.ndarray:
    """Covariates (T, C) with the given names as the wanted ones (T, W); a text that does not occur is 0 wherever there is a row."""
    if not wanted or wanted == names:
        return rows
    place = {name: i for i, name in enumerate(names)}
    absent = np.where(np.isnan(rows).all(axis=1), np.nan, 0.0)
    return np.stack([rows[:, place[name]] if name in place else absent for name in wanted], axis=1)
