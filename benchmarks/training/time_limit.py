"""python -m benchmarks.training.time_limit [TASK]: the seconds that a command with `train.time_limit` takes, and the score it keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import ROOT, Row, read, write

TASKS = ("image", "tabular", "forecast", "words", "sentences")
SHARE = 0.7  # of the seconds that the command takes without a limit
WITHIN = 0.15  # of the limit: the machine's load changes while a command runs


def summary(found: dict) -> list[Row]:
    """How far beyond its limit a command ends, and the scores with and without."""
    over = {name: row["taken"] / row["limit"] - 1 for name, row in found["tasks"].items()}
    worst = max(over, key=lambda name: over[name])
    beside = "; ".join(
        f"{name} {row['taken']:.0f} s of {row['limit']} s, {row['metric']} {row['score']:.4g} (without a limit {row['whole']:.0f} s, "
        f"{row['whole_score']:.4g})"
        for name, row in found["tasks"].items()
    )
    measured = f"{over[worst]:+.0%} at most ({worst}), {len(over)} tasks"
    return [Row("train.time_limit: seconds beyond the limit", measured, f"≤ {WITHIN:.0%}", over[worst] <= WITHIN, beside)]


def train(task: str, folder: str, *more: str) -> tuple[float, dict]:
    """Wall-clock seconds of a whole command in a process of its own, and what it printed."""
    command = [
        sys.executable,
        "-m",
        "applied_dl",
        "train",
        task,
        "--json",
        "--quiet",
        "--out",
        str(Path(folder) / "b"),
        "--overwrite",
        *more,
    ]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if done.returncode:
        sys.exit(f"{task}: {done.stdout.strip()[-300:]} {done.stderr.strip()[-300:]}")
    return time.perf_counter() - start, json.loads(done.stdout)


def main() -> None:
    found = (read("training_time_limit") or {"tasks": {}})["tasks"]
    for task in sys.argv[1:] or TASKS:
        with tempfile.TemporaryDirectory() as folder:
            whole, full = train(task, folder)
            limit = round(SHARE * whole)
            taken, limited = train(task, folder, "--set", f"train.time_limit={limit}s")
        metric = next(iter(full["metrics"]["test"]))
        cut = next((text for text in limited["warnings"] if "train.time_limit" in text), "")
        found[task] = {
            "limit": limit, "taken": round(taken, 1), "metric": metric, "score": limited["metrics"]["test"][metric],
            "whole": round(whole, 1), "whole_score": full["metrics"]["test"][metric], "cut": cut,
        }  # fmt: skip
        write("training_time_limit", {"tasks": found})


if __name__ == "__main__":
    main()
