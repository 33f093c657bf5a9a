"""python -m benchmarks.runtime.stream [--rows 10000000]: `predict --out` on a table of any size, by one process and by two.

The bundle is the net `mlp` on 50,000 rows of a made table of 12 columns; rows of the same kind are then predicted from CSV
to Parquet. Memory is the peak of the command and of its largest process; three tenths of the rows are predicted by one process
and by two, for their ratio, and by two commands of one process at once, each all of them: what the machine has for a second one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.runner import ROOT, Row, read, result_of, write

NAME = "runtime_stream"
CODE = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from applied_dl.cli import main
start = time.perf_counter()
code = main(["predict", sys.argv[2], sys.argv[3], "--out", sys.argv[4], "--workers", sys.argv[5]])
use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print("RESULT" + json.dumps({"code": code, "seconds": round(time.perf_counter() - start, 2),
      "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in use), 1), "megabytes": [u.ru_maxrss >> 10 for u in use]}))
"""


def summary(found: dict) -> list[Row]:
    """Memory of all rows, and what a second process adds."""
    whole, one, two = found["whole"], found["part"]["1"], found["part"]["2"]
    memory, ratio = sum(whole["megabytes"]) / 1024, one["seconds"] / two["seconds"]
    beside = f"{whole['rows'] / whole['seconds']:,.0f} rows/s, {1e6 * whole['cpu_seconds'] / whole['rows']:.1f} CPU-seconds a million rows"
    rows = [
        Row(f"predict --out, {whole['rows'] / 1e6:g} M rows: peak memory of the command and its largest process", f"{memory:.2f} GB",
            "≤ 1 GB", memory <= 1.0, beside),
        Row("predict --out: rows/s by two processes over one", f"{ratio:.2f} ×", "≥ 1.7 ×", ratio >= 1.7,
            f"one process takes {one['cpu_seconds'] / one['seconds']:.2f} cores itself; load {found['load']:.1f}"),
    ]  # fmt: skip
    if at_once := found["part"].get("at_once"):
        limit = 2 * one["seconds"] / max(run["seconds"] for run in at_once)
        share = ratio / limit
        what = "predict --out: two processes as a share of two commands of one process at once"
        rows.append(Row(what, f"{share:.2f}", "≥ 0.95", share >= 0.95, f"two commands: {limit:.2f} ×"))
    return rows


def write_rows(path: Path, rows: int) -> None:
    """Nine numbers, two categories and the target."""
    random = np.random.default_rng(0)
    with path.open("w") as file:
        for first in range(0, rows, 500_000):
            count = min(500_000, rows - first)
            cells = {f"n{i}": np.round(random.normal(size=count), 3) for i in range(9)}
            cells |= {f"c{i}": random.choice(["red", "green", "blue"], count) for i in range(2)}
            y = cells["n0"] * (cells["c0"] == "red") + cells["n1"] + 0.3 * random.normal(size=count)
            pl.DataFrame({**cells, "y": np.round(y, 3)}).write_csv(file, include_header=first == 0)


def measured(bundle: Path, rows: Path, workers: int, copies: int = 1) -> list[dict]:
    """The command in a process of its own, or several of them at once."""
    targets = [rows.with_suffix(f".{workers}.{copy}.parquet") for copy in range(copies)]
    commands = [[sys.executable, "-c", CODE, str(ROOT), str(bundle), str(rows), str(target), str(workers)] for target in targets]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]
    found = []
    for process, target in zip(running, targets):
        out, err = process.communicate()
        found.append({**result_of(out, err), "rows": pl.scan_parquet(target).select(pl.len()).collect().item()})
        target.unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--skip-whole", action="store_true", help="keep what an earlier run measured on all rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "train.csv", 50_000)
        keys = {"data.source": folder / "train.csv", "data.target": "y", "model.name": "mlp", "train.epochs": 2}
        words = [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
        train = [sys.executable, "-m", "applied_dl", "train", "tabular", "--out", str(folder / "bundle"), "--quiet", *words]
        subprocess.run(
            train, check=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )  # of its own: children count the memory they were forked with
        write_rows(folder / "part.csv", 3 * options.rows // 10)
        start, part = time.perf_counter(), {}
        for workers in (1, 2):
            (part[str(workers)],) = measured(folder / "bundle", folder / "part.csv", workers)
        part["at_once"] = measured(folder / "bundle", folder / "part.csv", 1, copies=2)
        found = {"part": part}
        print(found, f"{time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        if options.skip_whole:
            found["whole"] = (read(NAME) or {})["whole"]
        else:
            write_rows(folder / "whole.csv", options.rows)
            (found["whole"],) = measured(folder / "bundle", folder / "whole.csv", 2)
    write(NAME, {**found, "load": os.getloadavg()[0]})


if __name__ == "__main__":
    main()
