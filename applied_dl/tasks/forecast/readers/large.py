"""Long panels larger than memory: read from a Parquet file a part of the series at a time, into arrays on disk.

Each part holds whole series, so that it is read as any table is; the part of the longest series is read first and decides the clock and
what the columns mean, as that series does in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core import console
from applied_dl.core.array_folder import Form, append, stored_arrays
from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.forecast.readers.series import few_notes, read_series
from applied_dl.tasks.forecast.series import Columns, SeriesSet

LARGE_ROWS = 10**7  # of a panel that is read in parts; in memory, reading takes about 150 bytes for each
LARGE_BYTES = 2**29  # of another file, which is reported
PART_ROWS = 2**20  # of a part, unless a series is longer: the file is searched once for each part
ARRAYS = ("values", "past", "future")


def large_panel(d) -> Path | None:
    """The file of a panel, where it is read in parts: by the recipe, or by its size.

    Raises:
        UsageError: the recipe asks for it, and the source does not allow it.
    """
    if d.in_memory is False and (d.train or not isinstance(d.source, str)):
        raise UsageError("data.in_memory = false reads one file in parts, named by data.source; correct it, or remove the key.")
    if d.in_memory or d.train or not isinstance(d.source, str):
        return None
    path = Path(d.source).expanduser()
    panel = path.suffix.lower() == ".parquet" and path.is_file()
    reason = "" if panel else "the source is no Parquet file"
    if not reason and (not isinstance(d.series, str) or d.layout not in (None, "long")):
        reason = "data.series does not name the one column of the series"
    if d.in_memory is False:
        if reason:
            raise UsageError(f"data.in_memory = false reads long panels in parts, and {reason}; correct it, or remove the key.")
        return path
    large = path.is_file() and (_rows(path) > LARGE_ROWS if panel else path.stat().st_size > LARGE_BYTES)
    if large and reason:
        console.warn(f"{path} is read whole: a long panel is read in parts from a Parquet file whose series data.series names")
    return path if large and not reason else None


def read_large(path: Path, columns: Columns, cache: Path) -> SeriesSet:
    """The series of a file, with arrays on disk.

    Args:
        path: A Parquet file with a row for each value.
        columns: What the recipe says of it; `series` is named.
        cache: A folder; the arrays of the same file and columns are found there again.

    Raises:
        DataError: as of `read_series`; and for covariates of texts that differ between the parts.
    """
    stat = path.resolve().stat()
    mark = [f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {PART_ROWS}".encode(), msgspec.json.encode(columns)]
    folder = cache / "panels" / hashlib.sha256(b"\n".join(mark)).hexdigest()[:24]
    arrays, facts = stored_arrays(folder, partial(_write, path, columns))
    plain = msgspec.convert(facts["set"], SeriesSet)
    cut = {name: np.split(arrays[name], np.cumsum(facts[f"{name}_steps"])[:-1]) for name in ARRAYS if facts[f"{name}_steps"]}
    cut["values"] = [one[:, 0] for one in cut["values"]]
    return replace(plain, **cut)


def _write(path: Path, columns: Columns, folder: Path) -> tuple[dict[str, Form], dict]:
    """The series in the order of the file."""
    parts = _parts(path, columns.series)
    longest = max(range(len(parts)), key=lambda i: parts[i]["len"].max())
    first = _part(path, columns, parts[longest], None)
    plain: list[SeriesSet] = []
    steps: dict[str, list[int]] = {name: [] for name in ARRAYS}

    def arrays() -> Iterator[dict[str, np.ndarray]]:
        with console.counting("read", "series", sum(map(len, parts))) as count:
            for i, part in enumerate(parts):
                found = first if i == longest else _part(path, first.columns, part, first)
                found = replace(found, values=[one[:, None] for one in found.values])
                for name in ARRAYS:
                    steps[name] += [len(one) for one in getattr(found, name)]
                yield {name: np.concatenate(getattr(found, name)) for name in ARRAYS if getattr(found, name)}
                plain.append(replace(found, values=[], past=[], future=[]))
                count(len(found.names))

    forms = append(folder, arrays())
    whole = replace(
        first,
        values=[],
        past=[],
        future=[],
        names=[name for one in plain for name in one.names],
        starts=[int(start) for one in plain for start in one.starts],
        static=[cells for one in plain for cells in one.static],
        notes=few_notes(list(dict.fromkeys([*first.notes, *(note for one in plain for note in one.notes)]))),
    )
    return forms, {"set": msgspec.to_builtins(whole), **{f"{name}_steps": counts for name, counts in steps.items()}}


def _parts(path: Path, series: str | None) -> list[pl.DataFrame]:
    """The series in the order of the file, as parts of about `PART_ROWS` rows: their keys and lengths."""
    scan = pl.scan_parquet(path)
    if series not in scan.collect_schema().names():
        raise DataError(f"{path} has no column {series!r} (data.series).")
    keys = (
        scan.with_row_index("first").group_by(_key(series)).agg(pl.len(), pl.col("first").min()).collect(engine="streaming").sort("first")
    )
    if keys["key"].null_count():
        raise DataError(f"{path}, column {series!r}, row {keys.filter(pl.col('key').is_null())['first'][0] + 2}: the series has no name.")
    number = (keys["len"].cum_sum() - 1) // PART_ROWS
    return keys.with_columns(part=number).partition_by("part", maintain_order=True)


def _part(path: Path, columns: Columns, part: pl.DataFrame, first: SeriesSet | None) -> SeriesSet:
    """The series of a part, read as the first one was."""
    rows = pl.scan_parquet(path).filter(_key(columns.series).is_in(part["key"].implode()))
    try:
        found = read_series(rows.collect(engine="streaming"), columns, None if first is None else first.clock)
    except DataError as error:
        between = f"the {len(part):,} series {part['key'][0]!r} to {part['key'][-1]!r} alone"
        raise DataError(f"{path}, where rows are counted among those of {between}: {error}") from error
    if first is not None and (found.past_names, found.future_names) != (first.past_names, first.future_names):
        ours, theirs = ({*one.past_names, *one.future_names} for one in (first, found))
        columns_apart = ", ".join(sorted({repr(name) for name, _ in ours ^ theirs}))
        raise DataError(
            f"{path}: the covariate {columns_apart} holds other texts in some series than in others, which parts of a file cannot show; "
            "write it as numbers, or set data.in_memory = true."
        )
    return found


def _key(series: str | None) -> pl.Expr:
    return pl.col(str(series)).cast(pl.String).str.strip_chars().alias("key")


def _rows(path: Path) -> int:
    return pl.scan_parquet(path).select(pl.len()).collect().item()
