"""Predictions of any number of inputs in bounded memory: batches of inputs in, one finished file for each, and one file at the end.

A killed run is continued by `resume`: batches that are finished are not predicted again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import polars as pl
from msgspec import Struct
from msgspec.structs import asdict

from applied_dl.core import console
from applied_dl.core.errors import AppliedError, DataError, UsageError
from applied_dl.core.parallel import KilledError, in_order
from applied_dl.io.batches import TableBatch
from applied_dl.io.write_tables import FLAT, write_table
from applied_dl.predictor import MAX_WARNINGS, Predictor, load
from applied_dl.runtime.prediction_frames import predictions_frame
from applied_dl.workflows.ray_cluster import connected

LARGE_BYTES, LARGE_FILES = 2**26, 4096  # of the inputs, from which they are predicted in batches by several processes
RETRIES = 3  # of a batch whose process died


class Streamed(Struct, frozen=True, kw_only=True):
    """What was written: the file, its rows, how many inputs could not be read, and the warnings of the first batches that had some."""

    file: Path
    rows: int
    errors: int
    warnings: list[str]


class _Part(Struct, frozen=True, kw_only=True):
    """A finished batch."""

    rows: int
    errors: int
    warnings: list[str]


def is_large(arguments: list[str]) -> bool:
    """Whether the arguments of `predict` are so many bytes or files that they are predicted in batches."""
    size = files = 0
    for path in (Path(text) for text in arguments if len(text) < 1024 and os.path.exists(text)):
        for file in path.rglob("*") if path.is_dir() else (path,):
            size, files = size + file.stat().st_size, files + 1
            if size >= LARGE_BYTES or files >= LARGE_FILES:
                return True
    return False


def predict_to_file(
    bundle: str | os.PathLike[str],
    arguments: list[str],
    target: Path,
    *,
    variant: str | None = None,
    workers: int | None = None,
    resume: bool = False,
    ray: bool = False,
    address: str | None = None,
    **options: Any,
) -> Streamed:
    """Predict files of any size into one file, batch by batch.

    Args:
        bundle: The folder of a bundle, or a file of word vectors.
        arguments: Files and folders, as the command line takes them.
        target: The file to write: .csv, .parquet, .jsonl or .xlsx. It appears when all is done; until then the folder `TARGET.parts` stands
            beside it.
        variant: Another precision than that of `model.tflite`.
        workers: Processes; as many as there are CPUs by default, 1 for this one.
        resume: Continue an interrupted run.
        ray: Predict by processes of Ray, as many as `workers`, or as the cluster has CPUs.
        address: Of a Ray cluster, whose machines see the bundle and the folder of `target`; None starts Ray on this machine.
        options: Those of `Predictor.predict`.

    Returns:
        What was written. Rows keep their order.

    Raises:
        UsageError: There is an interrupted run and `resume` is not set, or it was of other inputs.
        DataError: An input is damaged.
    """
    predictor = load(bundle, variant, threads=1)
    if predictor.task_module.INPUT == "history":
        raise UsageError(f"The task {predictor.task!r} predicts whole histories, not batches of rows; leave out --workers and --resume.")
    folder = target.with_name(f"{target.name}.parts")
    _open_parts(folder, _plan(predictor, arguments, options), resume)
    wide = target.suffix.lower() in FLAT
    jobs = enumerate(predictor.input_batches(arguments))
    if ray:
        done = _on_ray(jobs, (os.path.abspath(bundle), predictor.variant, options, folder.absolute(), wide), workers, address)
    else:
        work = partial(_predict_part, (str(bundle), predictor.variant, options, folder, wide))
        done = in_order(work, jobs, os.cpu_count() or 1 if workers is None else workers)
    rows, errors, count, warnings = 0, 0, 0, []
    try:
        with console.counting("predict", "inputs") as progress:
            for part in done:
                warnings += [f"inputs {rows + 1:,} to {rows + part.rows:,}: {note}" for note in part.warnings]
                rows, errors, count = rows + part.rows, errors + part.errors, count + 1
                progress(part.rows)
    except KilledError as error:
        raise DataError(
            "A process that predicts was killed, usually for lack of memory; continue with --resume and fewer --workers."
        ) from error
    finally:
        if not list(folder.glob("0*.json")):  # nothing to continue
            shutil.rmtree(folder, ignore_errors=True)
    _join(folder, count, target)
    shutil.rmtree(folder)
    return Streamed(file=target, rows=rows, errors=errors, warnings=warnings[:MAX_WARNINGS])


def _plan(predictor: Predictor, arguments: list[str], options: dict[str, Any]) -> str:
    """What a run predicts, as JSON: a run is continued only where this is the same."""
    files = {text: _stamp(Path(text)) for text in [str(predictor.folder), *arguments]}
    return json.dumps({"files": files, "variant": predictor.variant, "options": options})


def _stamp(path: Path) -> str:
    """A hash of the names, sizes and times of a file, or of the files of a folder."""
    inside = sorted(path.rglob("*")) if path.is_dir() else [path]
    listing = "\n".join(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in inside if os.path.exists(file))
    return hashlib.sha256(listing.encode()).hexdigest()


def _open_parts(folder: Path, plan: str, resume: bool) -> None:
    """The folder of finished batches, new or of the same run."""
    file = folder / "plan.json"
    if not folder.exists():
        folder.mkdir(parents=True)
        _write(file, plan)
    elif not resume:
        raise UsageError(f"{str(folder)!r} holds an interrupted prediction; --resume continues it, or remove the folder to begin again.")
    elif not file.exists() or file.read_text() != plan:
        raise UsageError(f"{str(folder)!r} was begun with other inputs, options or another model; remove it to begin again.")


def _on_ray(jobs: Iterator[tuple[int, Any]], work: tuple, count: int | None, address: str | None) -> Iterator[_Part]:
    """Finished batches in order, predicted by processes of Ray, which starts those that die again."""
    with connected(address, count or os.cpu_count() or 1, {}) as ray:
        predict = ray.remote(num_cpus=1, max_retries=RETRIES)(_predict_part)
        count = count or int(ray.cluster_resources().get("CPU", 1))
        waiting: deque[Any] = deque()
        while True:
            waiting.extend(predict.remote(work, numbered) for numbered in itertools.islice(jobs, 2 * count - len(waiting)))
            if not waiting:
                return
            try:
                yield ray.get(waiting.popleft())
            except ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, AppliedError) else error) from None
            except ray.exceptions.RayError as error:
                raise DataError("A process of Ray was killed too often, usually for lack of memory; continue with --resume.") from error


@cache
def _loaded(bundle: str, variant: str) -> Predictor:
    return load(bundle, variant, threads=1)


def _predict_part(work: tuple, numbered: tuple[int, Any]) -> _Part:
    """Predict one batch into its file, unless it is there."""
    (bundle, variant, options, folder, wide), (place, batch) = work, numbered
    file, record = folder / f"{place:08d}.parquet", folder / f"{place:08d}.json"
    if record.exists():
        return _Part(**json.loads(record.read_text()))
    predictor = _loaded(bundle, variant)
    inputs = batch.read() if isinstance(batch, TableBatch) else batch
    predictions = predictor.predict(inputs, **options)
    frame = predictions_frame(predictor.task_module, predictor.encoder, inputs, predictions, wide)
    frame.write_parquet(file)
    part = _Part(rows=frame.height, errors=sum("error" in one for one in predictions), warnings=predictor.warnings)
    _write(record, json.dumps(asdict(part)))  # last: it marks the end
    return part


def _join(folder: Path, count: int, target: Path) -> None:
    """Write the parts in order as one file, which appears when it is whole."""
    files = [folder / f"{i:08d}.parquet" for i in range(count)]
    columns = pl.concat([pl.read_parquet(file, n_rows=0) for file in files], how="diagonal_relaxed").schema
    whole = folder / f"whole{target.suffix}"
    if target.suffix.lower() == ".parquet":
        pl.concat([pl.scan_parquet(file) for file in files], how="diagonal_relaxed").sink_parquet(whole)
    elif target.suffix.lower() == ".xlsx":
        write_table(pl.concat([pl.read_parquet(file) for file in files], how="diagonal_relaxed"), whole)
    else:
        with open(whole, "wb") as out:
            for i, file in enumerate(files):
                frame = pl.read_parquet(file)
                missing = [pl.lit(None, kind).alias(name) for name, kind in columns.items() if name not in frame.columns]
                frame = frame.with_columns(missing).select(columns.names()).cast(dict(columns))
                _ = frame.write_csv(out, include_header=i == 0) if target.suffix.lower() == ".csv" else frame.write_ndjson(out)
    os.replace(whole, target)


def _write(file: Path, text: str) -> None:
    """A small file that is there whole or not at all."""
    part = file.with_suffix(".part")
    part.write_text(text)
    os.replace(part, file)
