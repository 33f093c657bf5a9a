"""What a TFLite file costs on this machine: latency with one thread and several, cold start and peak memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from applied_dl.runtime.interpreter import Runtime

RUNS, SECONDS = 200, 0.25  # calls and seconds of one timing, whichever limit comes first


def default_threads() -> int:
    """Threads that `Runtime` uses by default on this machine."""
    return min(4, os.cpu_count() or 1)


def costs(content: bytes, inputs: dict[str, np.ndarray], runs: int = RUNS, seconds: float = SECONDS) -> dict[str, float]:
    """Latency, cold start and memory of a TFLite file.

    Args:
        content: the bytes of the file.
        inputs: arrays (N, …) by name; the first row is used.
        runs: largest number of timed calls.
        seconds: largest time spent on them.

    Returns:
        `latency_ms` and `latency_p95_ms` of one row with one thread, `threaded_ms` and `threaded_p95_ms` with `threads` threads,
        `cold_start_ms` from the bytes to the first output, and `memory_mb`, the growth of the process at its peak. The process should do
        nothing else meanwhile.
    """
    import ai_edge_litert.interpreter  # noqa: F401  (importing the library is not counted)

    row, threads = {name: array[:1] for name, array in inputs.items()}, default_threads()
    before = reset_peak()
    runtime, cold = start(content, row, 1)
    memory = max(0.0, peak_memory() - before)
    one = call_seconds(runtime, row, runs, seconds)
    many = one if threads == 1 else call_seconds(start(content, row, threads)[0], row, runs, seconds)
    return {
        "latency_ms": _percentile(one, 50),
        "latency_p95_ms": _percentile(one, 95),
        "threads": threads,
        "threaded_ms": _percentile(many, 50),
        "threaded_p95_ms": _percentile(many, 95),
        "cold_start_ms": cold,
        "memory_mb": memory,
    }


def start(content: bytes, row: dict[str, np.ndarray], threads: int) -> tuple[Runtime, float]:
    """A runtime that has run one row, and the milliseconds from the bytes to this first output."""
    begin = time.perf_counter()
    runtime = Runtime(content, threads=threads)
    runtime.run(row)
    return runtime, (time.perf_counter() - begin) * 1e3


def call_seconds(runtime: Runtime, inputs: dict[str, np.ndarray], runs: int = RUNS, seconds: float = SECONDS) -> list[float]:
    """Seconds of each call; the first call is not counted."""
    runtime.run(inputs)
    timings: list[float] = []
    while len(timings) < runs and sum(timings) < seconds:
        begin = time.perf_counter()
        runtime.run(inputs)
        timings.append(time.perf_counter() - begin)
    return timings


def reset_peak() -> float:
    """Megabytes that this process holds now; where the system allows it, `peak_memory` counts from here on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak_memory()
    return _status("VmRSS")


def peak_memory() -> float:
    """The largest number of megabytes that this process has held."""
    return _status("VmHWM")


def _status(key: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024
    except (OSError, StopIteration):
        return 0.0


def _percentile(seconds: list[float], share: float) -> float:
    return float(np.percentile(seconds, share)) * 1e3
