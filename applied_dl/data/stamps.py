"""Text, dates and numbers of a time column → moments, and values on the clock's grid. Stated policies, each told in a note."""

from __future__ import annotations

import numpy as np

from applied_dl.data.clock import NEAR, Clock, moment
from applied_dl.errors import DataError

FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
    "%Y-%m",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%b %Y",
    "%d %b %Y",
)
ZONED = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z", "%Y-%m-%d %H:%M%:z")
OFF_GRID = 0.05  # share of the stamps of a series that may lie beside the grid and are moved to the nearest step


def moments(column, where: str) -> tuple[np.ndarray, bool] | None:
    """A polars column as `datetime64[us]` (UTC where zoned) or as int64 row numbers; None where it holds neither.

    Raises `DataError` where most cells are times and one is not.
    """
    import polars as pl

    kind = column.dtype
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        zone = getattr(kind, "time_zone", None)
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else column
        return _complete(plain.cast(pl.Datetime("us")), column, where), bool(zone)
    if kind.is_integer():
        return _complete(column, column, where).astype(np.int64), False
    if kind != pl.String:
        return None
    text = column.str.strip_chars().str.replace(r"[Zz]$", "+00:00")
    text = pl.select(
        pl.when(text.str.contains(r"^\d{4}[-/]?[Qq][1-4]$"))
        .then(text.str.slice(0, 4) + "-" + (text.str.slice(-1).cast(pl.Int8, strict=False) * 3 - 2).cast(pl.String).str.zfill(2))
        .otherwise(text)
    ).to_series()
    best = None
    for form in (*FORMATS, *ZONED):
        parsed = _parse(text, form)
        share = 1 - parsed.null_count() / max(1, len(parsed))
        rising = bool((np.diff(parsed.drop_nulls().to_physical().to_numpy()) >= 0).all())
        if best is None or (share, rising) > best[0]:
            best = ((share, rising), parsed, form)
        if share == 1 and rising:
            break
    if best[0][0] < 0.5:
        return None
    return _complete(best[1], column, where), best[2] in ZONED


def _parse(text, form: str):
    import polars as pl

    if form == "%Y-%m":
        return (text + "-01").str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
    if form == "%b %Y":
        return ("01 " + text).str.to_datetime("%d %b %Y", strict=False, time_unit="us")
    parsed = text.str.to_datetime(form, strict=False, time_unit="us")
    return parsed.dt.replace_time_zone(None) if isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone else parsed


def _complete(parsed, column, where: str) -> np.ndarray:
    if parsed.null_count():
        row = int(parsed.is_null().arg_max())
        raise DataError(
            f"{where}, column {column.name!r}, row {row + 2}: expected a time, received {column[row]!r}; "
            "correct it, or name the time column with data.time."
        )
    return parsed.to_numpy()


def check_rising(stamps: np.ndarray, name: str, where: str, rows: np.ndarray) -> None:
    """Refuse time that runs backwards."""
    steps = np.diff(stamps.astype(np.int64))
    back = np.flatnonzero(steps < 0)
    if len(back):
        i = int(back[0])
        hour = len(back) <= 2 + len(stamps) // 1000 and stamps.dtype.kind == "M" and -steps[i] <= 3600 * 10**6
        raise DataError(
            f"{where}, series {name!r}, row {rows[i + 1] + 2}: time runs backwards ({moment(stamps[i + 1])} after {moment(stamps[i])}); "
            + (
                "where clocks were put back an hour, write the stamps in UTC or with their offset (+01:00)."
                if hour
                else "sort the file by time, and look for day and month the wrong way round."
            )
        )


def on_grid(
    stamps: np.ndarray, columns: np.ndarray, clock: Clock, name: str, where: str, *, duplicates: str = "mean", irregular: str = "refuse"
) -> tuple[int, np.ndarray, list[str]]:
    """Rows (T, C) at `stamps` → first step, rows on every step of the grid (NaN where there is none), notes of what was done."""
    place = clock.place(stamps)
    steps = np.rint(place)
    off = np.abs(place - steps) > (NEAR if clock.unit != "step" else 1e-6)
    jitter = ~off & (np.abs(place - steps) > 1e-6)
    notes = []
    if irregular == "resample":
        steps = np.floor(place + 1e-6)
    elif off.any():
        if off.mean() > OFF_GRID:
            i = int(off.argmax())
            raise DataError(
                f"{where}, series {name!r}: {off.mean():.0%} of the stamps are off the grid of {clock.name!r} (the first: "
                f'{moment(stamps[i])}); set data.irregular = "resample", or the right data.frequency.'
            )
        notes.append(f"series {name!r}: {off.sum()} stamps off the grid of {clock.name!r} were moved to the nearest step")
    if jitter.any() and irregular != "resample":
        notes.append(f"series {name!r}: {jitter.sum()} stamps a little beside the grid of {clock.name!r} were moved onto it")
    steps = steps.astype(np.int64)
    gaps = np.diff(steps)
    if irregular != "resample" and len(gaps) > 3 and np.median(gaps[gaps > 0] if (gaps > 0).any() else [1]) > 1:
        raise DataError(
            f"{where}, series {name!r}: mixed frequencies: its stamps are mostly {int(np.median(gaps))} steps of {clock.name!r} apart; "
            'forecast it on its own, or set data.frequency and data.irregular = "resample".'
        )
    repeated = int((gaps == 0).sum())
    if repeated and irregular != "resample":
        i = int((gaps == 0).argmax())
        if duplicates == "refuse":
            raise DataError(
                f"{where}, series {name!r}: {repeated} stamps occur more than once (the first: {moment(stamps[i])}); expected one value "
                "a step."
            )
        notes.append(
            f"series {name!r}: {repeated} repeated stamps (the first: {moment(stamps[i])}) were replaced by the mean of their values"
        )
    first, length = int(steps[0]), int(steps[-1] - steps[0]) + 1
    if length > 100 * len(steps) + 1000:
        raise DataError(
            f"{where}, series {name!r}: {len(steps)} stamps span {length:,} steps of {clock.name!r}; expected fewer gaps; check the stamps "
            f"({moment(stamps[0])} to {moment(stamps[-1])})."
        )
    if length == len(steps) and not repeated:
        return first, columns, notes
    known = ~np.isnan(columns)
    total, count = np.zeros((length, columns.shape[1])), np.zeros((length, columns.shape[1]))
    np.add.at(total, steps - first, np.where(known, columns, 0.0))
    np.add.at(count, steps - first, known)
    return first, np.where(count > 0, total / np.maximum(count, 1), np.nan), notes
