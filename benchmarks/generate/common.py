"""Shared by the benchmarks of generators: one training per seed in a process of its own, with what its bundle says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from benchmarks.runner import ROOT, Row, format_mean, mean_interval, write

CODE = r"""
import json, resource, sys, tempfile
from pathlib import Path
import applied_dl
recipe, seed = json.loads(sys.argv[1]), int(sys.argv[2])
recipe.setdefault("train", {})["seed"] = seed
with tempfile.TemporaryDirectory() as folder:
    run = applied_dl.train(recipe, out=Path(folder) / "bundle")
    plain = run.as_dict()
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
spent = sum(one.ru_utime + one.ru_stime for one in used)
found = {key: plain[key] for key in ("metrics", "intervals", "baselines", "seconds", "seed")}
files = [{key: item[key] for key in ("variant", "bytes", "metric", "metric_drop", "max_rel_diff", "chosen", "refused")}
         for item in plain["exports"] if item["format"] == "tflite"]
print("RESULT" + json.dumps({**found, "files": files, "cpu_seconds": round(spent)}))
"""


def train_each(name: str, recipe: dict, seeds: list[int], add: Callable[[dict], dict] | None = None) -> None:
    """Train once per seed, and store every finished run at once."""
    found: dict = {"recipe": {key: value for key, value in recipe.items() if key != "data"}, "runs": []}
    for seed in seeds:
        done = subprocess.run([sys.executable, "-c", CODE, json.dumps(recipe), str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
        if line is None:
            sys.exit("the training failed; its messages are above")
        found["runs"].append(json.loads(line.removeprefix("RESULT")))
        write(name, found)


def values(found: dict, metric: str, baseline: str | None = None) -> list[float]:
    """A test metric of each run, or of a baseline in it."""
    return [run["baselines"][baseline][metric] if baseline else run["metrics"]["test"][metric] for run in found["runs"]]


def mean(found: dict, metric: str, baseline: str | None = None) -> str:
    """The mean of a metric with its interval; of one run the interval over test examples."""
    several = values(found, metric, baseline)
    own = found["runs"][0]["intervals"]["test"].get(metric) if len(several) == 1 and baseline is None else None
    return f"{several[0]:.4g} [{own[0]:.4g}, {own[1]:.4g}], 1 seed" if own else format_mean(several, 3)


def file_row(found: dict) -> Row:
    """The chosen TFLite file of the first run, and its drop."""
    files = found["runs"][0]["files"]
    best = next(item for item in files if item["chosen"])
    fp32 = next(item for item in files if item["variant"] == "fp32")
    drops = ", ".join(f"{item['variant']} {item['metric_drop']:+.1%}" for item in files if item["metric_drop"] is not None)
    return Row(
        "the generator's file", f"{best['bytes'] / 1000:.0f} kB ({best['variant']})", "fp32 within 1e-4 of Keras",
        fp32["max_rel_diff"] is not None and fp32["max_rel_diff"] <= 1e-4, f"change of the score: {drops}",
    )  # fmt: skip


def seconds_row(found: dict, most: float | None = None) -> Row:
    """Seconds by the clock and of the CPU."""
    clock, spent = (mean_interval([run[key] for run in found["runs"]])[0] for key in ("seconds", "cpu_seconds"))
    goal = f"≤ {most:.0f} CPU-seconds" if most else ""
    return Row("the whole training, scores and export included", f"{spent:.0f} CPU-seconds ({clock:.0f} s by the clock)", goal,
               spent <= most if most else None)  # fmt: skip
