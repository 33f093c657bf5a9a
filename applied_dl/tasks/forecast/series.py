"""A set of series on one clock, and how the file that held it was understood."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, field

from applied_dl.io.clock import Clock


class Columns(Struct, frozen=True, kw_only=True):
    """How a file is read: its layout and which columns mean what. Kept in the bundle, so `predict` reads the same way.

    style: how its texts that are numbers are written, and mark the decimal mark that they agree on; form: its times. separator, header,
    decimal: of one file, as the recipe says.
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


class SeriesSet(Struct, frozen=True, kw_only=True):
    """Series on one clock.

    `values[i]` (T,) holds NaN where a value is missing and starts at step `starts[i]` of the clock. `past[i]` (T, P) and `future[i]`
    (T + rows known ahead, F) are covariates; `static` (N, S) numbers or texts. `columns` is how the file was understood.
    """

    names: list[str]
    values: list[np.ndarray]
    starts: list[int]
    clock: Clock
    columns: Columns
    past: list[np.ndarray] = field(default_factory=list)
    future: list[np.ndarray] = field(default_factory=list)
    static: list[list] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def aligned(self) -> bool:
        """Whether all series share their first and last step."""
        return len({(s, len(v)) for s, v in zip(self.starts, self.values)}) == 1
