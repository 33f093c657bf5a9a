"""Latency, size and memory of every TFLite file of a bundle, on this machine, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core import console
from applied_dl.core.bundle import open_bundle, own_file
from applied_dl.core.errors import DataError
from applied_dl.core.plurals import numbered
from applied_dl.runtime import measure
from applied_dl.runtime.golden import golden_inputs

RUNS, SECONDS, BATCH = 200, 2.0, 32


def bench(path: str | Path) -> list[dict[str, Any]]:
    """Measure every TFLite file of a bundle, with one thread and with `measure.default_threads()`.

    Args:
        path: folder of the bundle.

    Returns:
        One dict per file and thread count: `p50_ms` and `p95_ms` of one row, `rows_per_second` at a batch of 32, `cold_start_ms` and
        `memory_mb` (growth of the process).

    Raises:
        DataError: the bundle is damaged or holds no TFLite file.
    """
    folder = Path(path)
    manifest = open_bundle(folder)
    inputs = golden_inputs(folder, manifest)
    files = [item for item in manifest.exports if item.format == "tflite" and not item.refused]
    if not files:
        raise DataError(f"The bundle {str(folder)!r} holds no TFLite file to time; export one with `applied-dl export`.")
    found = []
    for item in files:
        for threads in sorted({1, measure.default_threads()}):
            console.say("bench", f"{item.file}, {numbered(threads, 'thread', 'threads')}")
            found.append(_time(own_file(folder, manifest, item.file), item.variant, inputs, threads))
    return found


def _time(path: Path, variant: str, inputs: dict[str, np.ndarray], threads: int) -> dict[str, Any]:
    content = path.read_bytes()
    one = {name: array[:1] for name, array in inputs.items()}
    many = {name: np.resize(array, (BATCH, *array.shape[1:])) for name, array in inputs.items()}
    before = measure.reset_peak()
    runtime, cold = measure.start(content, one, threads)
    single = measure.call_seconds(runtime, one, RUNS, SECONDS)
    batched = measure.call_seconds(runtime, many, RUNS, SECONDS)
    return {
        "file": path.name,
        "variant": variant,
        "threads": threads,
        "bytes": len(content),
        "cold_start_ms": cold,
        "p50_ms": float(np.percentile(single, 50)) * 1e3,
        "p95_ms": float(np.percentile(single, 95)) * 1e3,
        "rows_per_second": BATCH / float(np.median(batched)),
        "memory_mb": max(0.0, measure.peak_memory() - before),
    }
