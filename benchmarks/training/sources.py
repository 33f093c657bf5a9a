"""python -m benchmarks.training.sources [--rows 4000000 --lines 1000000]: memory of long panels and of many texts until the first step.

A panel of series in one long Parquet file, and labeled texts in one CSV, are prepared in a quarter of their size and whole, each in a
process of its own: read, split, encoded, in memory and by data.in_memory = false. Windows and texts are then drawn in batches as a
training draws them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.runner import ROOT, Row, result_of, write

NAME = "training_sources"
SERIES = 2000  # more than are learned together as channels
CODE = """
import json, os, resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
from applied_dl.tasks import load_task
from applied_dl.workflows.preparation import resolve_recipe
from applied_dl.workflows.recipes import read_recipe
os.environ["APPLIED_DL_CACHE"] = sys.argv[4]
task, start = sys.argv[2], time.perf_counter()
recipe = read_recipe(json.loads(sys.argv[3]))
prepared = load_task(task).prepare(recipe, Path(sys.argv[4]))
found = {"examples": prepared.facts.get("training_rows", len(prepared.train))}
fitting = None
if task == "forecast":
    from applied_dl.tasks.forecast.fit.net import sources
    fitting, _ = sources(resolve_recipe(load_task(task), recipe, prepared), prepared, False)
elif prepared.state.stored is not None:
    from applied_dl.tasks.sentences.fit.stored import stored_texts
    fitting = stored_texts(prepared.state.stored, prepared.encoder)
if fitting is not None:
    import tensorflow as tf
    draw = tf.function(fitting.gather)
    order = np.random.default_rng(0).integers(0, fitting.size, 128 * 200).reshape(-1, 128)
    for rows in order:
        draw(tf.constant(rows))
    found = {"examples": fitting.size}
use, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
print("RESULT" + json.dumps({**found, "seconds": round(time.perf_counter() - start, 1), "megabytes": use.ru_maxrss >> 10,
      "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in (use, others)), 1)}))
"""


def summary(found: dict) -> list[Row]:
    """Peak memory, and what a further row costs."""
    rows = []
    kinds = {"panel": "rows of a panel", "panel_on_disk": "rows of a panel, data.in_memory = false"}
    kinds |= {"texts": "labeled texts", "texts_on_disk": "labeled texts, data.in_memory = false"}
    for name, what in kinds.items():
        part, whole = found[name]
        each = (whole["megabytes"] - part["megabytes"]) * 2**20 / (whole["size"] - part["size"])
        beside = f"{each:.0f} bytes for each further one; {whole['bytes'] / 2**20:.0f} MB of file; {whole['cpu_seconds']:.0f} CPU-s"
        rows.append(
            Row(
                f"{whole['size'] / 1e6:g} M {what}, until the first step: peak memory",
                f"{whole['megabytes'] / 1024:.2f} GB",
                compared=beside,
            )
        )
    return rows


def write_panel(path: Path, rows: int) -> None:
    """Two thousand daily series with a season of a week."""
    random, steps = np.random.default_rng(0), rows // SERIES
    days = np.datetime64("2005-01-01") + np.arange(steps)
    level = 50 + 10 * np.sin(np.arange(steps) * 2 * np.pi / 7)
    values = (level + np.linspace(0.5, 2, SERIES)[:, None] * 10 + random.normal(size=(SERIES, steps))).astype(np.float32)
    names = np.repeat([f"shop {i}" for i in range(SERIES)], steps)
    pl.DataFrame({"shop": names, "day": np.tile(days, SERIES), "sold": values.reshape(-1)}).write_parquet(path)


def write_texts(path: Path, lines: int) -> None:
    """Texts of twelve words out of 20,000, of which the first decides the label."""
    random = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(20_000)])
    with path.open("w") as file:
        file.write("text,label\n")
        for first in range(0, lines, 100_000):
            ids = (20_000 * random.random((min(100_000, lines - first), 12)) ** 3).astype(int)
            file.writelines(f"{' '.join(words[row])},{'even' if row[0] % 2 else 'odd'}\n" for row in ids)


def measured(task: str, source: Path, size: int, folder: str, **data) -> dict:
    target = {"target": "sold", "series": "shop"} if task == "forecast" else {"target": "label"}
    model = {"model": {"name": "dlinear"}} if task == "forecast" else {}
    recipe = json.dumps({"task": task, "data": {"source": str(source), **target, **data}, **model})
    done = subprocess.run([sys.executable, "-c", CODE, str(ROOT), task, recipe, folder], capture_output=True, text=True)
    found = {"size": size, "bytes": source.stat().st_size, **result_of(done.stdout, done.stderr)}
    print(task, found, file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    options = parser.parse_args()
    found: dict = {"panel": [], "panel_on_disk": [], "texts": [], "texts_on_disk": []}
    with tempfile.TemporaryDirectory() as folder:
        for share in (4, 1):
            panel, rows = Path(folder) / "panel.parquet", options.rows // share
            write_panel(panel, rows)
            found["panel"].append(measured("forecast", panel, rows, folder, in_memory=True))
            found["panel_on_disk"].append(measured("forecast", panel, rows, folder, in_memory=False))
            write_texts(Path(folder) / "texts.csv", options.lines // share)
            texts, lines = Path(folder) / "texts.csv", options.lines // share
            found["texts"].append(measured("sentences", texts, lines, folder, in_memory=True))
            found["texts_on_disk"].append(measured("sentences", texts, lines, folder, in_memory=False))
    write(NAME, found)


if __name__ == "__main__":
    main()
