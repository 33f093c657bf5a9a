"""python -m benchmarks.training.cost_curves [TASKS]: seconds and memory of each pipeline on 1, 4 and 16 times the rows."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.runner import ROOT, Row, read, write

FACTORS = (1, 4, 16)
EPOCHS = 3
SIZES = {"image": 1000, "tabular": 4000, "forecast": 100, "words": 250_000, "sentences": 2000}  # rows at 1 ×
UNITS = {"image": "pictures of 28 by 28", "tabular": "rows of 12 columns", "forecast": "series of 600 values", "words": "words",
         "sentences": "pairs of sentences"}  # fmt: skip
RECIPES = {
    "image": {"train": {"batch_size": 64}},
    "tabular": {"data": {"target": "target"}},
    "forecast": {"data": {"horizon": 12}, "model": {"name": "nlinear"}},
    "words": {},
    "sentences": {},
}
GROWTH = 1.15  # seconds must not grow faster than the rows to this power


def summary(found: dict) -> list[Row]:
    """How the cost grows from the smallest to the largest: 1 is in step with the rows."""
    rows = []
    for task, points in found["tasks"].items():
        seconds = power([p["rows"] for p in points], [p["prepare_s"] + p["fit_s"] for p in points])
        memory = (points[-1]["peak_mb"] - points[0]["peak_mb"]) * 1e3 / (points[-1]["rows"] - points[0]["rows"])
        last = points[-1]
        beside = f"{last['rows']:,} {UNITS[task]}: {last['prepare_s']:.1f} s to read, {last['fit_s']:.1f} s for {EPOCHS} epochs"
        if last["of_gemm"]:
            beside += f", {last['of_gemm']:.0%} of the machine's measured arithmetic"
        what = f"cost of {task}: seconds grow with the rows to the power"
        rows.append(Row(what, f"{seconds:.2f}; {memory:.2f} kB of memory a row", f"≤ {GROWTH}", seconds <= GROWTH, beside))
    return rows


def details(found: dict) -> list[str]:
    """Every point, and what bounds it."""
    limits = found["limits"]
    lines = [f"The machine: {limits['gemm_gflops']:.0f} GFLOP/s of float32 matrix products, {limits['copy_gb_s']:.1f} GB/s of copying.", "",
             "| task | rows | to read and prepare | three epochs | rows/s in training | peak memory | of the matrix-product limit |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for task, points in found["tasks"].items():
        for p in points:
            share = f"{p['of_gemm']:.1%}" if p["of_gemm"] else "—"
            speed = p["rows"] * EPOCHS / max(p["fit_s"], 1e-9)
            lines.append(
                f"| {task} | {p['rows']:,} | {p['prepare_s']:.2f} s | {p['fit_s']:.2f} s | {speed:,.0f} | {p['peak_mb']:,} MB | {share} |"
            )
    return lines


def power(x, y) -> float:
    """The slope of log y on log x between the ends."""
    return math.log(y[-1] / y[0]) / math.log(x[-1] / x[0])


def data(task: str, rows: int, folder: Path) -> str:
    """Rows made by a rule, written the way a user brings them."""
    import polars as pl

    random = np.random.default_rng(0)
    if task == "image":
        label = random.integers(0, 10, rows)
        shapes = random.integers(0, 255, (10, 28, 28))
        images = (0.6 * shapes[label] + 0.4 * random.integers(0, 255, (rows, 28, 28))).astype(np.uint8)
        np.savez(folder / "pictures.npz", images=images, labels=label)
        return str(folder / "pictures.npz")
    if task == "tabular":
        x, kind = random.normal(size=(rows, 11)), random.integers(0, 6, rows)
        target = np.sin(x[:, 0] * 2) + x[:, 1] * kind + 0.1 * random.normal(size=rows)
        columns = {f"x{i}": x[:, i] for i in range(11)}
        pl.DataFrame({**columns, "kind": [f"k{k}" for k in kind], "target": target}).write_csv(folder / "table.csv")
        return str(folder / "table.csv")
    if task == "forecast":
        t, start = np.arange(600), np.datetime64("2020-01-01")
        frames = []
        for i in range(rows):
            value = 10 + np.sin(2 * np.pi * t / 7 + i) + 0.2 * random.normal(size=600)
            frames.append(pl.DataFrame({"series": [f"s{i}"] * 600, "time": start + t, "value": value}))
        pl.concat(frames).write_csv(folder / "series.csv")
        return str(folder / "series.csv")
    vocabulary = np.array([f"word{i}" for i in range(20_000)])
    often = 1 / np.arange(2.7, 20_002.7)
    if task == "words":
        drawn = vocabulary[random.choice(20_000, rows, p=often / often.sum())]
        (folder / "text.txt").write_text("\n".join(" ".join(drawn[i : i + 1000]) for i in range(0, rows, 1000)))
        return str(folder / "text.txt")
    drawn = vocabulary[random.choice(20_000, (rows, 2, 12), p=often / often.sum())]
    drawn[:, 1, :8] = drawn[:, 0, :8]
    pl.DataFrame({"text": [" ".join(r) for r in drawn[:, 0]], "positive": [" ".join(r) for r in drawn[:, 1]]}).write_csv(
        folder / "pairs.csv"
    )
    return str(folder / "pairs.csv")


def point(task: str, factor: int) -> dict:
    """One size, in this process: reading and preparing, then three epochs; no baselines, no export."""
    from applied_dl.tasks import load_task
    from applied_dl.training import reproducible  # noqa: F401  # its libraries are loaded before the clock starts
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import preparation, recipes
    from applied_dl.workflows.dry_run import RSS_UNIT, flops

    rows = SIZES[task] * factor
    with tempfile.TemporaryDirectory() as folder:
        sections = {name: dict(keys) for name, keys in RECIPES[task].items()}
        sections["data"] = {**sections.get("data", {}), "source": data(task, rows, Path(folder))}
        sections["train"] = {**sections.get("train", {}), "epochs": EPOCHS}
        recipe, page = recipes.read_recipe({"task": task, **sections}), load_task(task)
        start = time.perf_counter()
        prepared = preparation.read_data(page, recipe)
        recipe = preparation.resolve_recipe(page, recipe, prepared)
        ready = time.perf_counter()
        fitted = page.fit(recipe, prepared, CheckpointingTrainer())
        seconds = time.perf_counter() - ready
        epochs = fitted.history.seconds or seconds
        operations = flops(fitted.model) if isinstance(fitted.model.input, dict) and task in ("image", "tabular") else None
    return {
        "rows": rows,
        "prepare_s": round(ready - start, 3),
        "fit_s": round(seconds, 3),
        "gflops": round(3 * operations * len(prepared.train) * EPOCHS / epochs / 1e9, 2) if operations else None,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 1e6),
    }


def limits() -> dict:
    """What this machine can do: a matrix product and a copy, the best of several."""
    a = np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32)
    block = np.zeros(2**27, np.uint8)
    times = {"gemm": [], "copy": []}
    for _ in range(5):
        for name, act in (("gemm", lambda: a @ a), ("copy", block.copy)):
            start = time.perf_counter()
            act()
            times[name].append(time.perf_counter() - start)
    return {"gemm_gflops": 2 * 2048**3 / min(times["gemm"]) / 1e9, "copy_gb_s": 2 * len(block) / min(times["copy"]) / 1e9}


def main() -> None:
    found = read("training_cost_curves") or {"tasks": {}}
    found.pop("machine", None)
    found["limits"] = {name: round(value, 1) for name, value in limits().items()}
    for task in sys.argv[1:] or SIZES:
        points = []
        for factor in FACTORS:
            command = [sys.executable, "-m", "benchmarks.training.cost_curves", "--point", task, str(factor)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            one = json.loads(done.stdout.splitlines()[-1])
            one["of_gemm"] = round(one["gflops"] / found["limits"]["gemm_gflops"], 4) if one["gflops"] else None
            points.append(one)
            print(task, one, file=sys.stderr, flush=True)
        found["tasks"][task] = points
    write("training_cost_curves", found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--point"]:
        print(json.dumps(point(sys.argv[2], int(sys.argv[3]))))
    else:
        main()
