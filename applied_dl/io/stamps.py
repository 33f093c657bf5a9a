"""Text, dates and numbers of a time column → moments, and values on the clock's grid. Each correction is reported in a note."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.io.clock import MONTHS, NEAR, Clock, moment

OFF_GRID = 0.05  # share of the stamps of a series that may lie beside the grid and are moved to the nearest step
AGGREGATES = {"mean": "mean", "sum": "sum", "last": "last", "refuse": "mean"}  # of values at one moment, by `data.duplicates`
ZONED = r"\d\s?(?:[Zz]|UTC|GMT|([+-])(\d\d)(?::?(\d\d))?)$"  # of a time of day: in UTC, or with its offset


class Moments(NamedTuple):
    """Times of a column: `stamps` as `datetime64[us]`, in UTC where `zoned`, or as int64 row numbers; how they are written (`form`);
    and a note on what may be wrong in that."""

    stamps: np.ndarray
    zoned: bool
    form: str = ""
    note: str = ""


def moments(column: Any, where: str, form: str = "") -> Moments | None:
    """A column of times.

    Args:
        column: polars Series: dates, texts or numbers.
        where: How to call the file in an error.
        form: How the training data wrote its times; tried first.

    Returns:
        The moments; None where the column holds none.

    Raises:
        DataError: Where most cells are times and one is not.
    """
    import polars as pl

    kind = column.dtype
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        zone = getattr(kind, "time_zone", None)
        plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else column
        return Moments(_complete(plain.cast(pl.Datetime("us")), column, where), bool(zone))
    if kind.is_numeric():
        return _numeric(column, where, form)
    return _text(column, where, form) if kind == pl.String else None


def _text(column: Any, where: str, form: str) -> Moments | None:
    import polars as pl

    from applied_dl.io.dates import bare_moments, parse_any
    from applied_dl.io.infer_dates import written

    column = bare_moments(column)
    found, guessed = parse_any(column, form) if form else None, False
    if found is None or found.null_count() > len(found) / 2:
        best = written(column)
        if best is None or best.share < 0.5:
            return None
        form, guessed = best.form, best.guessed
        found = parse_any(column, form)
    zoned = column.str.contains(":") & column.str.contains(ZONED)
    if zoned.any():
        parts = column.str.extract_groups(ZONED).struct.unnest()
        sign = parts.to_series(0).replace_strict({"+": 1, "-": -1}, default=0, return_dtype=pl.Int64)
        minutes = sum(parts.to_series(i + 1).cast(pl.Int64).fill_null(0) * n for i, n in enumerate((60, 1)))
        found = found - pl.Series(sign.fill_null(0) * minutes * 60_000_000).cast(pl.Duration("us"))
        found = found.to_frame("t").select(pl.when(zoned).then(pl.col("t"))).to_series()
    note = ""
    if guessed:
        order = "month, then day" if form.startswith("%m") else "day, then month"
        note = f"{where}: {column[0]!r} in {column.name!r} is read as {order}, and no cell decides it; write dates as 2024-01-31 if not"
    return Moments(_complete(found, column, where), bool(zoned.any()), form, note)


def _numeric(column: Any, where: str, form: str) -> Moments | None:
    """Numbers: a form of `numeric_times`, else whole numbers of rows."""
    import polars as pl

    from applied_dl.io.numeric_times import BY_PARTS, from_numbers, numeric_form

    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    known = values[np.isfinite(values)]
    form = {"%Y%m%d": "compact:8", "%Y%m": "compact:6"}.get(form, form)  # as bundles of schema 1 wrote it
    form = form if ":" in form or form in ("year", *BY_PARTS, "excel") else numeric_form(known, named=True, name=column.name)
    if form is None:
        return Moments(_complete(column, column, where).astype(np.int64), False) if are_whole(column) else None
    kind, _, detail = form.partition(":")
    if kind == "cycle":
        steps = _complete(((column - 1) * int(detail)).round(0).cast(pl.Int64, strict=False), column, where)
        return Moments(steps, False, form, f"{where}: {column.name!r} counts seasons of {detail} steps; its steps are numbered")
    found = pl.Series(from_numbers(values, form))
    found = found.to_frame("t").select(pl.when(pl.col("t").is_not_null()).then(pl.col("t"))).to_series()
    stamps = _complete(found, column, where)
    counted = {"epoch": f"{EPOCH_NAMES.get(detail)} since 1970", "excel": "days of a spreadsheet", "decimal_year": "years with decimals",
               "year.month": "years with the month as decimals", "year.quarter": "years with the quarter as decimal",
               "month.year": "months with the year as decimals", "short": "years of two digits"}.get(kind)  # fmt: skip
    note = f"{where}: {column.name!r} is read as {counted} (the first: {moment(stamps[0])})" if counted else ""
    return Moments(stamps, kind == "epoch", form, note)


def are_whole(column: Any, texts: bool = False) -> bool:
    """Whether all cells that are not empty are whole numbers, also ones with a decimal point such as 3.0; or `texts`, where these count."""
    import polars as pl

    if not column.dtype.is_float():
        return bool(column.dtype.is_integer() or (texts and column.dtype == pl.String))
    known = column.drop_nulls()
    return bool(len(known) and known.is_finite().all() and (known == known.round()).all())


EPOCH_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def _complete(parsed: Any, column: Any, where: str) -> np.ndarray:
    if parsed.null_count():
        row = int(parsed.is_null().arg_max())
        raise DataError(
            f"{where}, column {column.name!r}, row {row + 2}: expected a time, received {column[row]!r}; "
            "correct it, or name the time column with data.time."
        )
    return parsed.to_numpy()


def time_order(stamps: np.ndarray, where: str, name: str = "") -> tuple[np.ndarray | None, str]:
    """The order of rows (N,) by time, and a note.

    Returns:
        None and no note where time never runs backwards; else the row numbers in time order (rows of one moment stay in their order) and
        what the order of the file was.
    """
    steps = np.diff(stamps.astype(np.int64))
    back = steps < 0
    if not back.any():
        return None, ""
    order = np.argsort(stamps, kind="stable")
    series = f", series {name!r}" if name else ""
    if (steps <= 0).all():
        return order, f"{where}{series}: the newest row comes first; the rows were sorted by time"
    if back.sum() <= 2 + len(stamps) // 1000 and stamps.dtype.kind == "M" and (-steps[back] <= 3600 * 10**6).all():
        at = moment(stamps[1:][back][0])
        return order, f"{where}{series}: the clock is set back at {at}; values of the hour that occurs twice are averaged"
    return order, f"{where}{series}: {numbered(int(back.sum()), 'row is', 'rows are')} out of order; the rows were sorted by time"


def off_grid(stamps: np.ndarray, clock: Clock) -> float:
    """The share of distinct, sorted stamps that lie beside the steps of a clock, or share a step with the stamp before."""
    place = clock.place(stamps)
    steps = np.rint(place)
    return float(((np.abs(place - steps) > NEAR) | (np.diff(steps, prepend=steps[0] - 1) == 0)).mean())


def on_grid(
    stamps: np.ndarray,
    columns: np.ndarray,
    clock: Clock,
    name: str,
    where: str,
    *,
    duplicates: str = "mean",
    irregular: str = "refuse",
    targets: int | None = None,
) -> tuple[int, np.ndarray, list[str]]:
    """Rows on every step of a clock.

    Args:
        stamps: (T,) sorted times.
        columns: (T, C) values.
        duplicates: What several values at one step become: "mean", "sum", "last", or "refuse".
        irregular: "refuse", or "resample": the values of each step, combined as `duplicates` says.
        targets: The first so many columns are combined so; covariates are averaged. All by default.

    Returns:
        The first step, rows on every step from there (NaN where there is none), and notes on what was corrected.

    Raises:
        DataError: Names series and time of what does not fit the clock.
    """
    place = clock.place(stamps)
    steps = np.rint(place)
    off = np.abs(place - steps) > (NEAR if clock.unit != "step" else 1e-6)
    jitter = ~off & (np.abs(place - steps) > 1e-6)
    notes = []
    if clock.open and (closed := clock.closed(stamps)).any() and not closed.all():
        i = int(closed.argmax())
        notes.append(
            f"series {name!r}: {int(closed.sum())} rows at times that are otherwise closed (the first: {moment(stamps[i])}) were left out"
        )
        stamps, columns, place, steps, off, jitter = (a[~closed] for a in (stamps, columns, place, steps, off, jitter))
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
        notes.append(f"series {name!r}: {jitter.sum()} stamps slightly off the grid of {clock.name!r} were moved onto it")
    steps = steps.astype(np.int64)
    gaps = np.diff(steps)
    if irregular != "resample" and len(gaps) > 3 and np.median(gaps[gaps > 0] if (gaps > 0).any() else [1]) > 1:
        raise DataError(
            f"{where}, series {name!r}: mixed frequencies: its stamps are mostly {int(np.median(gaps))} steps of {clock.name!r} apart; "
            'forecast it on its own, or set data.frequency and data.irregular = "resample".'
        )
    repeated = int((gaps == 0).sum())
    within = int(((gaps == 0) & (np.diff(stamps.astype(np.int64)) > 0)).sum()) if clock.unit in MONTHS and irregular != "resample" else 0
    if within > OFF_GRID * len(steps):
        i = int(((gaps == 0) & (np.diff(stamps.astype(np.int64)) > 0)).argmax())
        raise DataError(
            f"{where}, series {name!r}: mixed frequencies: {within + 1} of {len(steps)} stamps share a step of {clock.name!r} with another "
            f'(the first: {moment(stamps[i])} and {moment(stamps[i + 1])}); give one value per step, or set data.irregular = "resample".'
        )
    if repeated and irregular != "resample":
        i = int((gaps == 0).argmax())
        if duplicates == "refuse":
            raise DataError(
                f"{where}, series {name!r}: {repeated} stamps occur more than once (the first: {moment(stamps[i])}); expected one value "
                "a step."
            )
        differ = sum(
            bool((columns[k] != columns[k + 1])[~np.isnan(columns[k]) & ~np.isnan(columns[k + 1])].any()) for k in np.flatnonzero(gaps == 0)
        )
        notes.append(
            f"series {name!r}: {repeated} repeated stamps (the first: {moment(stamps[i])}) were replaced by the "
            f"{AGGREGATES[duplicates]} of their values"
            + (f", which differ at {differ} of them" if differ else "")
            + ('; data.duplicates = "sum" adds them up' if duplicates == "mean" and repeated > OFF_GRID * len(steps) else "")
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
    combined, own = total / np.maximum(count, 1), slice(targets)
    if duplicates == "sum":
        combined[:, own] = total[:, own]
    elif duplicates == "last":
        for column in range(columns.shape[1])[own]:
            rows = np.flatnonzero(known[:, column])
            combined[steps[rows] - first, column] = columns[rows, column]  # the last of several stays
    return first, np.where(count > 0, combined, np.nan), notes
