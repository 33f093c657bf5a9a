"""python -m benchmarks.words.command: memory and time of `applied-dl train words`, with and without the export.

Wikipedia, one epoch, 100 dimensions, two threads. `python -m benchmarks.words.command ["half a million words"]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.runner import ROOT, SHARED, Row, read, write

SOURCES = {"half a million words": "english", "12 million words": str(SHARED / "text" / "enwiki_12m" / "enwiki_12m.txt.bz2")}
PROGRAM = r"""
import json, resource, sys, threading, time
from applied_dl.cli import main
before, start = [0], time.perf_counter()
def watch():
    while "tensorflow" not in sys.modules:
        before[0] = max(before[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        time.sleep(0.02)
    before.append(time.perf_counter() - start)
threading.Thread(target=watch, daemon=True).start()
code = main(sys.argv[1:])
print("RESULT" + json.dumps({"code": code, "mb_before_tensorflow": before[0] / 1e3, "seconds_before_tensorflow": before[1],
                             "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "seconds": time.perf_counter() - start}))
"""


def main() -> None:
    """Train once on each text, by the command line."""
    found = read("words_command") or {}
    for name in sys.argv[1:] or SOURCES:
        found[name] = measured(SOURCES[name])
        write("words_command", {key: found[key] for key in SOURCES if key in found})


def measured(source: str) -> dict:
    """Memory and time of one training."""
    with tempfile.TemporaryDirectory() as work:
        keys = {"data.source": source, "train.epochs": 1, "train.threads": 2, "model.dimensions": 100}
        note = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "APPLIED_DL_CACHE": f"{work}/cache", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-c", PROGRAM, "train", "words", *note, "--out", str(Path(work) / "out")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"the training did not finish: {done.stderr.strip()[-600:]}")
    return {k: round(v, 1) for k, v in json.loads(line.removeprefix("RESULT")).items()}


def summary(found: dict) -> list[Row]:
    """Until the export, and in all."""
    return [
        Row(f"`applied-dl train words`, {name}: memory until the export", f"{run['mb_before_tensorflow']:,.0f} MB", "", None,
            f"reading, the baseline PPMI-SVD and training, {run['seconds_before_tensorflow']:.0f} s; with TensorFlow for the export "
            f"{run['mb']:,.0f} MB and {run['seconds']:.0f} s in all")
        for name, run in found.items() if name in SOURCES
    ]  # fmt: skip


if __name__ == "__main__":
    main()
