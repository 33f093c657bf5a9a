"""Tables larger than memory: understood from a sample, then encoded batch by batch into arrays on disk that training reads.

The sample is prepared as any table is: its training rows decide columns, levels and bins, and its validation and test rows are those of the
whole table. All other rows train, unless they belong to a row that is held out: a copy of it, one of its group, or one after it in order.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec import json as coded
from msgspec.structs import replace

from applied_dl.core import console
from applied_dl.core.parallel import in_order
from applied_dl.core.records import Part
from applied_dl.io.batches import BATCH_BYTES, PARQUET_ROWS, TableBatch, can_batch, table_batches
from applied_dl.io.cells import as_levels, places
from applied_dl.io.extra_rows import extra_rows
from applied_dl.io.identifiers import repeats_by_chance
from applied_dl.io.table_files import GZIP, kind_of
from applied_dl.io.tables import Table, join
from applied_dl.tasks.tabular.arrays import matrices, targets
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.readers.order import order_values

LARGE_BYTES = 2**29  # of a file of text; a smaller one is read whole
LARGE_CELLS = 2 * 10**7  # of a Parquet file
UNZIPPED = 5  # times the size of a gzipped file
SAMPLED_BATCHES = 48  # of a file, spread evenly; twice as many at most
SECONDS = 10.0  # between two lines of progress
DONE = "done.json"  # written last


class Sampled(Struct, frozen=True, kw_only=True):
    """Some rows of a file, and how many it has."""

    table: Table
    rows: int


class Held(Struct, frozen=True, kw_only=True):
    """What belongs to validation and test.

    Args:
        lines: of their rows in the file, ascending.
        keys: hashes of the cells of those rows that have no equals by chance, ascending.
        names: the columns whose cells are hashed.
        groups: the groups of their rows, in the column `data.group`.
        start: the least value of their rows in the column `data.order`.
    """

    lines: np.ndarray
    keys: np.ndarray
    names: tuple[str, ...]
    groups: tuple[str, ...] = ()
    start: float = np.inf


class Stored(Struct, frozen=True, kw_only=True):
    """Training rows on disk, as the nets take them.

    Args:
        inputs: "numbers" (N, F) float32 and "codes" (N, C) int32, where there are any.
        target: (N, 1, K) float32, one-hot or standardised.
    """

    inputs: dict[str, np.ndarray]
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.target)


class Encoded(Struct, frozen=True, kw_only=True):
    """A batch of training rows, the hashes of its cells, and how many rows were left out, by reason."""

    inputs: dict[str, np.ndarray]
    target: np.ndarray
    keys: np.ndarray
    left_out: dict[str, int]


def is_large(source: Any, data) -> bool:
    """Whether a source is a file that is read in batches: by the recipe, or by its size."""
    if data.in_memory or data.sheet or not isinstance(source, str | Path) or not can_batch(path := Path(source).expanduser()):
        return False
    if data.in_memory is False:
        return True
    if kind_of(path) == ".parquet":
        return _parquet_rows(path) * len(pl.scan_parquet(path).collect_schema()) > LARGE_CELLS
    return _text_bytes(path) > LARGE_BYTES


def sample(source: str, data, seed: int) -> Sampled:
    """Rows of a file, spread evenly over it: `data.sample_rows`, or up to twice as many.

    Every n-th batch is read, and n doubles whenever more than enough are kept, so the length of the file need not be known.
    """
    kept: list[tuple[int, Table]] = []
    each = -(-data.sample_rows // min(_batch_count(source), SAMPLED_BATCHES))
    every, last = 1, None
    random = np.random.default_rng(seed)
    for i, batch in enumerate(_batches(source, data)):
        last = batch
        if i % every:
            continue
        table = batch.read()
        rows = np.sort(random.choice(len(table), min(each, len(table)), replace=False))
        kept.append((i, table.take(rows)))
        if len(kept) > 2 * SAMPLED_BATCHES:
            every *= 2
            kept = [(j, one) for j, one in kept if j % every == 0]
    first = kept[0][1].sources[0][1]
    return Sampled(table=join([table for _, table in kept]), rows=last.line + len(last.read()) - first)


def row_keys(frame: pl.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """(N,) uint64: equal for rows with equal cells in these columns. Batches of JSON may hold a column as whole numbers or as others."""
    same = [pl.col(name).cast(pl.Float64 if frame[name].dtype.is_numeric() else pl.String) for name in names]
    return frame.select(same).hash_rows(seed=0).to_numpy()


def lines_of(table: Table) -> np.ndarray:
    """(N,) the line of each row in its file, as messages name rows."""
    places = table.row_places()
    return np.array([line for _, line in table.sources])[places[:, 0]] + places[:, 1]


def held_out(sampled: Sampled, table: Table, rows: np.ndarray, left_out: set[str], data) -> Held:
    """What these rows of the sampled table keep out of training. left_out: columns that copies may differ in."""
    names = tuple(name for name in table.columns if name not in left_out)
    frame, held = table.frame, table.take(rows)
    alone = ~repeats_by_chance(frame.select(names), rows, sampled.rows)
    groups = tuple(as_levels(held.frame[data.group]).fill_null("").unique().sort().to_list()) if data.group else ()
    mark = data.decimal or table.decimal
    start = float(order_values(held.frame[data.order], table.source, mark).min()) if data.order else np.inf
    return Held(lines=np.sort(lines_of(held)), keys=np.unique(row_keys(held.frame, names)[alone]), names=names, groups=groups, start=start)


def store(source: str, data, prepared, held: Held, cache: Path, seed: int, processes: int | None = None) -> tuple[Stored, list[str]]:
    """Encode every training row of a file into the cache.

    Args:
        source: The file.
        data: The data section of the recipe.
        prepared: The prepared sample.
        held: What belongs to validation and test.
        cache: A folder; the arrays of the same file and encoder are found there again.
        seed: Of the recipe.
        processes: How many encode; as many as there are CPUs by default.

    Returns:
        The rows, and notes for the user.
    """
    folder = cache / "tables" / _stamp(source, data, prepared, held, seed)
    if not (folder / DONE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        y = prepared.train.target
        known = replace(prepared, train=Part(inputs={"target": y}, target=y), validation=Part(inputs={}), test=Part(inputs={}))
        work = partial(_encode, known, held, data)  # sent with every batch, so without the sample's inputs
        processes = os.cpu_count() or 1 if processes is None else processes
        _write(folder, in_order(work, _batches(source, data), processes))
    found = json.loads((folder / DONE).read_text())
    arrays = {
        name: np.memmap(folder / name, dtype=dtype, mode="r", shape=(found["rows"], *shape))
        for name, (dtype, shape) in found["arrays"].items()
    }
    target = arrays.pop("target")
    notes = [f"{count:,} rows {reason}" for reason, count in found["left_out"].items() if count]
    notes += [f"{found['copies']:,} of the training rows are copies of another"] if found["copies"] else []
    return Stored(inputs=arrays, target=target), notes


def _batch_count(source: str) -> int:
    """How many batches a file has, about."""
    path = Path(source).expanduser()
    if kind_of(path) == ".parquet":
        return -(-_parquet_rows(path) // PARQUET_ROWS)
    return max(1, round(_text_bytes(path) / BATCH_BYTES))


def _parquet_rows(path: Path) -> int:
    return pl.scan_parquet(path).select(pl.len()).collect().item()


def _text_bytes(path: Path) -> int:
    with open(path, "rb") as file:
        zipped = file.read(2) == GZIP
    return path.stat().st_size * (UNZIPPED if zipped else 1)


def _batches(source: str, data) -> Iterator[TableBatch]:
    return table_batches(Path(source).expanduser(), separator=data.separator, header=data.header)


def _encode(prepared, held: Held, data, batch: TableBatch) -> Encoded:
    """The training rows of a batch, as the nets take them."""
    table, encoder, left_out = batch.read(), prepared.encoder, {}
    extra = extra_rows(table)
    if extra:
        table = table.take(np.setdiff1d(np.arange(len(table)), list(extra)))

    def keep(rows: np.ndarray, reason: str) -> None:
        nonlocal table
        left_out[reason] = int((~rows).sum())
        table = table if rows.all() else table.take(np.flatnonzero(rows))

    keep(~np.isin(lines_of(table), held.lines), "are held out for validation and test")
    keep(~np.isin(row_keys(table.frame, held.names), held.keys), "are copies of rows that are held out")
    if data.group:
        keep(~as_levels(table.frame[data.group]).fill_null("").is_in(held.groups).to_numpy(), "belong to groups that are held out")
    if data.order:
        order = order_values(table.frame[data.order], table.source, data.decimal or encoder.decimal)
        keep(order < held.start, "follow the first row that is held out")
    if encoder.labels:
        keep(places(table.frame[encoder.target], encoder.labels) != -2, "have a class that the sample lacks and are left out")
    truth = read_targets(encoder, table)
    known = truth >= 0 if truth.dtype.kind == "i" else ~np.isnan(truth)
    known = known if known.ndim == 1 else known.all(1)
    left_out["have no target and are left out"] = int((~known).sum())
    cells = encode(encoder, table)
    left_out["have cells that count as empty"] = len(cells.errors)
    part = Part(inputs={name: values[known] for name, values in cells.inputs.items()}, target=truth[known])
    return Encoded(
        inputs=matrices(encoder, part.inputs),
        target=targets(prepared, part).astype(np.float32),
        keys=row_keys(table.frame, held.names)[known],
        left_out=left_out,
    )


def _write(folder: Path, batches: Iterator[Encoded]) -> None:
    """Append the batches to one raw file per array."""
    start = shown = time.perf_counter()
    rows, left_out, keys, arrays = 0, {}, [], {}
    files: dict[str, Any] = {}
    try:
        for batch in batches:
            for name, values in {**batch.inputs, "target": batch.target}.items():
                if name not in files:
                    files[name] = open(folder / name, "wb")  # noqa: SIM115
                    arrays[name] = (values.dtype.name, values.shape[1:])
                files[name].write(np.ascontiguousarray(values).tobytes())
            rows += len(batch.target)
            keys.append(batch.keys)
            left_out = {reason: left_out.get(reason, 0) + count for reason, count in batch.left_out.items()}
            if (now := time.perf_counter()) - shown >= SECONDS:
                console.say("encode", f"{rows:,} rows, {rows / (now - start):,.0f} a second")
                shown = now
    finally:
        for file in files.values():
            file.close()
    hashes = np.sort(np.concatenate(keys)) if keys else np.empty(0, np.uint64)
    copies = int((hashes[1:] == hashes[:-1]).sum())
    (folder / DONE).write_text(json.dumps({"rows": rows, "arrays": arrays, "left_out": left_out, "copies": copies}))


def _stamp(source: str, data, prepared, held: Held, seed: int) -> str:
    """A hash of the file's name, size and time, and of all that decides how it is encoded."""
    path = Path(source).expanduser().resolve()
    stat = path.stat()
    parts = [
        f"{path} {stat.st_size} {stat.st_mtime_ns} {seed}".encode(),
        coded.encode(prepared.encoder),
        coded.encode(data),
        held.lines.tobytes(),
        held.keys.tobytes(),
    ]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]
