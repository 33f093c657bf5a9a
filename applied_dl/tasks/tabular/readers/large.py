"""Tables larger than memory: understood from a sample, then encoded batch by batch into arrays on disk that training reads.

The sample is prepared as any table is: its training rows decide columns, levels and bins, and its validation and test rows are those of the
whole table. All other rows train, unless they belong to a row that is held out: a copy of it, one of its group, or one after it in order.
"""

from __future__ import annotations

import hashlib
import os
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
from applied_dl.core.array_folder import append, stored_arrays
from applied_dl.core.parallel import in_order
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part
from applied_dl.io.batches import BATCH_BYTES, PARQUET_ROWS, TableBatch, can_batch, table_batches
from applied_dl.io.extra_rows import extra_rows
from applied_dl.io.table_files import GZIP, kind_of
from applied_dl.io.tables import Table, join, with_columns
from applied_dl.tasks.tabular.arrays import matrices, targets
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.readers.held import Held, Sampled, not_trained, row_keys

LARGE_BYTES = 2**29  # of a file of text; a smaller one is read whole
LARGE_CELLS = 2 * 10**7  # of a Parquet file
UNZIPPED = 5  # times the size of a gzipped file
SAMPLED_BATCHES = 48  # of a file, spread evenly; twice as many at most


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
    y = prepared.train.target
    known = replace(prepared, train=Part(inputs={"target": y}, target=y), validation=Part(inputs={}), test=Part(inputs={}))
    work = partial(_encode, known, held, data)  # sent with every batch, so without the sample's inputs
    processes = os.cpu_count() or 1 if processes is None else processes
    write = partial(_write, in_order(work, _batches(source, data), processes))
    arrays, found = stored_arrays(cache / "tables" / _stamp(source, data, prepared, held, seed), write)
    target = arrays.pop("target")
    notes = [f"{numbered(count, 'row', 'rows')} {reason}" for reason, count in found["left_out"].items() if count]
    notes += [f"{numbered(found['copies'], 'training row is a copy', 'training rows are copies')} of another"] if found["copies"] else []
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
    encoder, left_out = prepared.encoder, {}
    names = [*held.columns, *(c.name for c in encoder.columns), *(t.name for t in encoder.targets), data.group, data.order]
    table = with_columns(batch.read(), filter(None, names))  # lines of JSON may lack the keys that they have further on
    extra = extra_rows(table)
    if extra:
        table = table.take(np.setdiff1d(np.arange(len(table)), list(extra)))

    trains = np.ones(len(table), bool)
    for reason, rows in not_trained(table, held, encoder, data).items():
        left_out[reason] = int((trains & rows).sum())
        trains &= ~rows
    table = table.take(np.flatnonzero(trains))
    truth = read_targets(encoder, table)
    known = truth >= 0 if truth.dtype.kind == "i" else ~np.isnan(truth)
    known = known if known.ndim == 1 else known.all(1)
    left_out["without a target: left out"] = int((~known).sum())
    if prepared.state.log:
        known &= ~(truth <= 0)
        left_out["with a target of 0 or less, which has no logarithm (preprocess.target): left out"] = int((truth <= 0).sum())
    cells = encode(encoder, table)
    left_out["with cells that count as empty"] = len(cells.errors)
    part = Part(inputs={name: values[known] for name, values in cells.inputs.items()}, target=truth[known])
    return Encoded(
        inputs=matrices(encoder, part.inputs),
        target=targets(prepared, part).astype(np.float32),
        keys=row_keys(table.frame, held.columns)[known],
        left_out=left_out,
    )


def _write(batches: Iterator[Encoded], folder: Path) -> tuple[dict, dict]:
    """Append the batches, and count what was left out and which rows are copies."""
    left_out: dict[str, int] = {}
    keys = [np.empty(0, np.uint64)]

    def arrays() -> Iterator[dict[str, np.ndarray]]:
        with console.counting("encode", "rows") as count:
            for batch in batches:
                yield {**batch.inputs, "target": batch.target}
                keys.append(batch.keys)
                left_out.update({reason: left_out.get(reason, 0) + more for reason, more in batch.left_out.items()})
                count(len(batch.target))

    forms = append(folder, arrays())
    hashes = np.concatenate(keys)
    keys.clear()
    hashes.sort()  # in place: they are the one thing here that grows with the rows
    return forms, {"left_out": left_out, "copies": int((hashes[1:] == hashes[:-1]).sum())}


def _stamp(source: str, data, prepared, held: Held, seed: int) -> str:
    """A hash of the file's name, size and time, and of all that decides how it is encoded."""
    path = Path(source).expanduser().resolve()
    stat = path.stat()
    parts = [
        f"2 {path} {stat.st_size} {stat.st_mtime_ns} {seed}".encode(),  # 2: how the folder is written
        coded.encode(prepared.encoder),
        coded.encode(data),
        held.lines.tobytes(),
        held.keys.tobytes(),
    ]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]
