"""python -m benchmarks.tabular.large [--rows 20000000]: tables larger than memory, read in batches and trained from disk.

A table of 26 columns is written as CSV in three sizes: a sixteenth, a quarter and all of the rows. Each is read with
`data.in_memory = false` in a process of its own, whose CPU-seconds (with its children) and peak memory are measured; the
largest then trains `preset = "fast"` for one epoch, to the exported files.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.runner import ROOT, Row, read, result_of, write

NAME = "tabular_large"
CODE = """
import json, os, resource, sys, tempfile, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
own = [0]  # megabytes that are no pages of files, which the system takes back when it needs them
def watch():
    while True:
        status = Path("/proc/self/status").read_text() if Path("/proc/self/status").exists() else ""
        own[0] = max(own[0], *(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("RssAnon")), 0)
        time.sleep(0.2)
threading.Thread(target=watch, daemon=True).start()
data, epochs, start = {"source": sys.argv[2], "target": "y", "in_memory": False}, int(sys.argv[3]), time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    if epochs:
        os.environ["APPLIED_DL_CACHE"] = folder + "/cache"
        import applied_dl
        recipe = {"task": "tabular", "data": data, "model": {"preset": "fast"}, "train": {"epochs": epochs}}
        run = applied_dl.train(recipe, out=folder + "/bundle").as_dict()
        found = {"rmse": run["metrics"]["test"]["rmse"], "baselines": {name: one["rmse"] for name, one in run["baselines"].items()}}
    else:
        from applied_dl.tasks.tabular.readers.read import prepare_table
        from applied_dl.workflows.recipes import read_recipe
        recipe = read_recipe({"task": "tabular", "data": data}, {})
        found = {"training_rows": len(prepare_table(recipe, Path(folder)).state.stored)}
use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
found |= {"seconds": round(time.perf_counter() - start, 1), "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in use), 1)}
found |= {"own_megabytes": own[0], "megabytes": use[0].ru_maxrss >> 10, "megabytes_of_a_child": use[1].ru_maxrss >> 10}
print("RESULT" + json.dumps(found))
"""


def summary(found: dict) -> list[Row]:
    """Memory, cost of reading, and how it grows."""
    rows, largest = found["reading"], found["reading"][-1]
    growth = math.log(rows[-1]["cpu_seconds"] / rows[0]["cpu_seconds"]) / math.log(rows[-1]["rows"] / rows[0]["rows"])
    each = 1e6 * largest["cpu_seconds"] / largest["rows"]
    lines = [
        Row("tables read in batches: CPU-seconds a million rows of 26 columns", f"{each:.1f}", "≤ 15", each <= 15),
        Row("tables read in batches: exponent of the cost from a sixteenth to all rows", f"{growth:.2f}", "≤ 1.05", growth <= 1.05),
    ]
    if training := found.get("training"):
        gigabytes = training["megabytes"] / 1024
        what = f"{training['rows'] / 1e6:g} M rows, one epoch to the exported files: peak memory"
        beside = f"{rows[-1]['bytes'] / 1e9:.1f} GB of CSV; "
        beside += f"{training['seconds']:.0f} s; rmse {training['rmse']:.3f}, ridge regression on the sample "
        beside += f"{training['baselines'].get('ridge regression', math.nan):.3f}"
        if own := training.get("own_megabytes"):
            beside += f"; without the pages of mapped files {own / 1024:.2f} GB"
        lines.append(Row(what, f"{gigabytes:.2f} GB", "≤ 2.5 GB", gigabytes <= 2.5, beside))
    return lines


def write_table(path: Path, rows: int) -> None:
    """16 numbers, 8 categories, a date, and a target that depends on some of them."""
    random = np.random.default_rng(0)
    levels = [np.array(["red", "green", "blue", "violet", "ocher", *(f"level {k}" for k in range(6 * i))]) for i in range(8)]
    with path.open("w") as file:
        for first in range(0, rows, 500_000):
            count = min(500_000, rows - first)
            cells = {f"n{i}": np.round((i + 1) * random.normal(size=count), 3) for i in range(16)}
            cells |= {f"c{i}": random.choice(names, count) for i, names in enumerate(levels)}
            cells["day"] = np.datetime64("2020-01-01") + random.integers(0, 1500, count).astype("timedelta64[D]")
            y = cells["n0"] + 0.1 * cells["n5"] * (cells["c0"] == "red") + np.sin(cells["n1"]) + 0.3 * random.normal(size=count)
            pl.DataFrame({**cells, "y": np.round(y, 4)}).write_csv(file, include_header=first == 0)


def measured(path: Path, epochs: int) -> dict:
    """Read the table, or train on it, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", CODE, str(ROOT), str(path), str(epochs)], capture_output=True, text=True)
    return result_of(done.stdout, done.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--skip-training", action="store_true")
    options = parser.parse_args()
    found: dict = {"reading": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        for rows in (options.rows // 16, options.rows // 4, options.rows):
            start = time.perf_counter()
            write_table(path, rows)
            print(
                f"{rows:,} rows, {path.stat().st_size / 1e9:.2f} GB, written in {time.perf_counter() - start:.0f} s",
                file=sys.stderr,
                flush=True,
            )
            found["reading"].append({"rows": rows, "bytes": path.stat().st_size, **measured(path, 0)})
            print(found["reading"][-1], file=sys.stderr, flush=True)
        if not options.skip_training:
            found["training"] = {"rows": options.rows, **measured(path, 1)}
        elif before := read(NAME):
            found |= {"training": before["training"]} if "training" in before else {}
    write(NAME, found)


if __name__ == "__main__":
    main()
