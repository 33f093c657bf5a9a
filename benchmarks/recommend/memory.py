"""python -m benchmarks.recommend.memory [EVENTS]: time and memory of `applied-dl train` on ten million events, export included.

Events of 100,000 users and 20,000 items, popularity by Zipf's law, as a CSV file; implicit factors of 16 dimensions, three sweeps.
The peak is of the training process, `ru_maxrss`; the converter is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.runner import ROOT, Row, write

USERS, ITEMS, LIMIT = 100_000, 20_000, 4.0
KEYS = {
    "model.name": "ials", "model.dimensions": 16, "model.regularization": 20.0, "train.epochs": 3, "export.formats": ["tflite"],
    "export.variants": ["fp16"],
}  # fmt: skip
CODE = r"""
import json, resource, sys
from applied_dl import cli
code = cli.main(sys.argv[1:])
print("RESULT" + json.dumps({"code": code, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def events(path: Path, count: int) -> None:
    """Write `count` events in no order."""
    random = np.random.default_rng(0)
    items = random.permutation(ITEMS)[(ITEMS ** random.random(count)).astype(np.int64) - 1]
    frame = {"user": random.integers(0, USERS, count), "item": items, "time": random.integers(1_600_000_000, 1_700_000_000, count)}
    pl.DataFrame(frame).write_csv(path)


def summary(found: dict) -> list[Row]:
    """The peak beside the limit."""
    gb = found["mb"] / 1024
    what = f"{found['events'] / 1e6:.0f} million events of {USERS:,} users and {ITEMS:,} items: peak memory"
    return [
        Row(
            what,
            f"{gb:.2f} GB",
            f"≤ {LIMIT:.0f} GB",
            gb <= LIMIT,
            f"{found['seconds']:.0f} s by the clock, {found['bytes'] / 1e6:.0f} MB file",
        )
    ]


if __name__ == "__main__":
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "events.csv", Path(folder) / "bundle"
        events(path, count)
        keys = {**KEYS, "data.source": str(path)}
        sets = [text for key, value in keys.items() for text in ("--set", f"{key}={json.dumps(value)}")]
        start = time.perf_counter()
        arguments = [sys.executable, "-c", CODE, "train", "recommend", "--out", str(out), "--json", *sets]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        result = json.loads(done.stdout.split("RESULT")[1])
        size = (out / "model.tflite").stat().st_size
    write("recommend_memory", {"events": count, "seconds": round(time.perf_counter() - start, 1), "bytes": size, **result})
