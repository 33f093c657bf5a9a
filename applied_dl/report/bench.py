"""Latency, size and memory of every TFLite file of a bundle, on this machine, without TensorFlow."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from applied_dl.bundle import open_bundle
from applied_dl.errors import DataError
from applied_dl.infer.runtime import Runtime

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
    cores = os.cpu_count() or 1
    return [_time(folder / item.file, item.variant, inputs, threads) for item in files for threads in sorted({1, min(4, cores)})]


def _time(path: Path, variant: str, inputs: dict, threads: int) -> dict:
    content = path.read_bytes()
    one = {name: array[:1] for name, array in inputs.items()}
    many = {name: np.resize(array, (BATCH, *array.shape[1:])) for name, array in inputs.items()}
    before = _memory()
    start = time.perf_counter()
    runtime = Runtime(content, threads=threads)
    runtime.run(one)
    cold = time.perf_counter() - start
    spent = _spent(runtime, one)
    batched = _spent(runtime, many)
    return {
        "file": path.name,
        "variant": variant,
        "threads": threads,
        "bytes": len(content),
        "cold_start_ms": cold * 1e3,
        "p50_ms": float(np.percentile(spent, 50)) * 1e3,
        "p95_ms": float(np.percentile(spent, 95)) * 1e3,
        "rows_per_second": BATCH / float(np.median(batched)),
        "memory_mb": max(0.0, _memory() - before),
    }


def _spent(runtime: Runtime, inputs: dict) -> list[float]:
    runtime.run(inputs)
    spent: list[float] = []
    while len(spent) < RUNS and sum(spent) < SECONDS:
        start = time.perf_counter()
        runtime.run(inputs)
        spent.append(time.perf_counter() - start)
    return spent


def _memory() -> float:
    """Resident megabytes of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
