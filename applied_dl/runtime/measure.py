"""What a TFLite file costs on this machine: latency at one and several threads, cold start and peak memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from applied_dl.runtime.interpreter import Runtime

RUNS, SECONDS = 200, 0.25  # of the timing of one row, whichever ends first


def several() -> int:
    """Threads that the runtime takes by default on this machine."""
    return min(4, os.cpu_count() or 1)


def costs(content: bytes, inputs: dict[str, np.ndarray], runs: int = RUNS, seconds: float = SECONDS) -> dict[str, float]:
    """p50/p95 milliseconds of one row at one thread and at `several()`, milliseconds from the bytes to the first answer, peak megabytes.

    Memory is of the whole process beyond what it held before: measure in a process that does nothing else.
    """
    import ai_edge_litert.interpreter  # noqa: F401  (the library is no file's own cost)

    row, threads = {name: array[:1] for name, array in inputs.items()}, several()
    before = start_of_peak()
    runtime, cold = started(content, row, 1)
    memory = max(0.0, peak() - before)
    one = spent(runtime, row, runs, seconds)
    many = one if threads == 1 else spent(started(content, row, threads)[0], row, runs, seconds)
    return {
        "latency_ms": _percentile(one, 50),
        "latency_p95_ms": _percentile(one, 95),
        "threads": threads,
        "threaded_ms": _percentile(many, 50),
        "threaded_p95_ms": _percentile(many, 95),
        "cold_start_ms": cold,
        "memory_mb": memory,
    }


def started(content: bytes, row: dict[str, np.ndarray], threads: int) -> tuple[Runtime, float]:
    """A runtime that has given its first answer, and the milliseconds it took to get there."""
    start = time.perf_counter()
    runtime = Runtime(content, threads=threads)
    runtime.run(row)
    return runtime, (time.perf_counter() - start) * 1e3


def spent(runtime: Runtime, inputs: dict[str, np.ndarray], runs: int = RUNS, seconds: float = SECONDS) -> list[float]:
    """Seconds of each call, the first one left out."""
    runtime.run(inputs)
    found: list[float] = []
    while len(found) < runs and sum(found) < seconds:
        start = time.perf_counter()
        runtime.run(inputs)
        found.append(time.perf_counter() - start)
    return found


def start_of_peak() -> float:
    """Megabytes that this process holds now; where the system lets it, the peak is counted from here."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak()
    return _status("VmRSS")


def peak() -> float:
    """The most megabytes that this process has held."""
    return _status("VmHWM")


def _status(key: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024
    except (OSError, StopIteration):
        return 0.0


def _percentile(seconds: list[float], share: float) -> float:
    return float(np.percentile(seconds, share)) * 1e3
