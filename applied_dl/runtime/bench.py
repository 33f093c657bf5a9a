"""Latency, size and memory of every TFLite file of a bundle, on this machine, without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.core.bundle import open_bundle
from applied_dl.core.errors import DataError
from applied_dl.runtime import measure

RUNS, SECONDS, BATCH = 200, 2.0, 32


def bench(path: str | Path) -> list[dict]:
    """One row a file and thread count: p50/p95 milliseconds of one row, rows per second at a batch of 32, cold start, memory."""
    folder = Path(path)
    manifest = open_bundle(folder)
    with np.load(folder / "golden.npz", allow_pickle=False) as golden:
        inputs = {name.removeprefix("input/"): golden[name] for name in golden.files if name.startswith("input/")}
    files = [item for item in manifest.exports if item.format == "tflite" and not item.refused]
    if not files:
        raise DataError(f"The bundle {str(folder)!r} holds no TFLite file to time; export one with `applied-dl export`.")
    return [_time(folder / item.file, item.variant, inputs, threads) for item in files for threads in sorted({1, measure.several()})]


def _time(path: Path, variant: str, inputs: dict, threads: int) -> dict:
    content = path.read_bytes()
    one = {name: array[:1] for name, array in inputs.items()}
    many = {name: np.resize(array, (BATCH, *array.shape[1:])) for name, array in inputs.items()}
    before = measure.start_of_peak()
    runtime, cold = measure.started(content, one, threads)
    spent = measure.spent(runtime, one, RUNS, SECONDS)
    batched = measure.spent(runtime, many, RUNS, SECONDS)
    return {
        "file": path.name,
        "variant": variant,
        "threads": threads,
        "bytes": len(content),
        "cold_start_ms": cold,
        "p50_ms": float(np.percentile(spent, 50)) * 1e3,
        "p95_ms": float(np.percentile(spent, 95)) * 1e3,
        "rows_per_second": BATCH / float(np.median(batched)),
        "memory_mb": max(0.0, measure.peak() - before),
    }
