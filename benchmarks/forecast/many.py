"""python -m benchmarks.forecast.many [SERIES]: the seconds of one series, and of 10,000 series of 30 months.

Each is one `applied-dl train forecast` of the default recipe in a process of its own, with one file, fp32, verified. The 10,000 series have
a level, a trend and a season of their own, and noise. What is scored are their last six months, beside the seasonal naive forecast.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.command import train
from benchmarks.runner import Row, write

COUNT, MONTHS, HORIZON = 10_000, 30, 6


def summary(found: dict) -> list[Row]:
    """Seconds of both, and the error of the many beside that of the seasonal naive forecast."""
    one, many, count = found["one"], found["many"], f"{found['count']:,} series of {MONTHS} months"
    ratio, command = many["mase"] / many["seasonal naive"], f"the whole command {one['seconds']:.0f} s"
    spent = f"{many['cpu_seconds']:.0f} CPU-seconds; reading and fitting in a warm process {many['fitting']:.0f} s"
    beside = f"MASE {many['mase']:.3f}; holt-winters / seasonal naive {many['holt-winters'] / many['seasonal naive']:.3f}; "
    beside += f"intervals of 90% hold {many['coverage']:.1%}"
    return [
        Row("one series of 120 months: reading and fitting", f"{one['fitting']:.1f} s", "≤ 1 s", one["fitting"] <= 1, command),
        Row(f"{count}: the whole command", f"{many['seconds']:.0f} s", "≤ 180 s", many["seconds"] <= 180, spent),
        Row(f"{count}: MASE / seasonal naive", f"{ratio:.3f}", "< 1", ratio < 1, beside),
    ]


def _series(random: np.random.Generator, count: int, months: int) -> np.ndarray:
    """(count, months) sales: a level from 20 to 20,000, a yearly trend of some percent, a season of each, and noise of 8%."""
    t = np.arange(months)
    level = 10 ** random.uniform(1.3, 4.3, (count, 1))
    season = 0.25 * random.normal(size=(count, 12))
    law = level * (1 + random.normal(0, 0.05, (count, 1)) * t / 12) * np.exp(season - season.mean(1, keepdims=True))[:, t % 12]
    return np.maximum(law, 1) * np.exp(0.08 * random.normal(size=law.shape))


def _measure(values: np.ndarray, folder: Path) -> dict:
    months = np.datetime_as_string(np.datetime64("2021-01", "M") + np.arange(values.shape[1]))
    path = folder / f"{len(values)}.csv"
    rows = (f"item {i},{month},{value:.2f}" for i, row in enumerate(values) for month, value in zip(months, row))
    path.write_text("item,month,sales\n" + "\n".join(rows) + "\n")
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    trained = train(folder, "forecast", f"data.source={path}", "data.target=sales", f"data.horizon={HORIZON}", bundle=f"b{len(values)}")
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if trained.code:
        sys.exit(trained.message)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    errors = {name: trained.baseline(name, "mase") for name in ("seasonal naive", "holt-winters")}
    return {"seconds": round(seconds, 1), "cpu_seconds": round(spent, 1), "fitting": round(_fitting(path), 2),
            "mase": trained.metric("mase"), "coverage": trained.metric("coverage"),
            **errors}  # fmt: skip


def _fitting(path: Path) -> float:
    """Seconds of reading and of fitting in a process that has done it before, without the model of all rows."""
    from applied_dl.tasks.forecast import task
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    keys = {"data.source": str(path), "data.target": "sales", "data.horizon": HORIZON, "train.refit": False}
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        recipe = recipes.read_recipe({"task": "forecast"}, keys)
        prepared = task.prepare(recipe, path.parent)
        recipe = task.resolve_defaults(recipe, prepared)
        task.fit(recipe, prepared, CheckpointingTrainer())
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    size, generator = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT, np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as made:
        one, many = (_measure(values, Path(made)) for values in (_series(generator, 1, 120), _series(generator, size, MONTHS)))
    write("forecast_many", {"count": size, "one": one, "many": many})
