"""Shared by the forecast benchmarks: train a recipe through the task's own functions, score it, write one JSON."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import runner
from benchmarks.runner import RESULTS, write

SHARED = runner.SHARED / "timeseries"
__all__ = ["RESULTS", "SHARED", "measure", "write"]


def measure(overrides: dict, baselines: bool = False) -> dict:
    """Validation and test scores of one recipe, CPU-seconds of preparing and fitting, parameters."""
    import numpy as np

    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.forecast import task
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    recipe = recipes.read_recipe({"task": "forecast"}, {"train.refit": False, **overrides})  # the shipped model would know the test rows
    set_up(recipe.train.seed, True)
    cpu, wall = time.process_time(), time.perf_counter()
    prepared = task.prepare(recipe, Path("."))
    recipe = task.resolve_defaults(recipe, prepared)
    set_up(recipe.train.seed, True)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    serving = task.serving(recipe, fitted, prepared)
    row = {"model": recipe.model.name, "cpu_seconds": round(cpu, 1), "seconds": round(wall, 1), "parameters": fitted.model.count_params()}
    for part in ("validation", "test"):
        rows = getattr(prepared, part)
        answers = keras_outputs(serving, rows)
        scores = task.score(recipe, answers, rows, prepared.encoder)
        row[part] = {name: round(value, 5) for name, value in scores.metrics.items()}
        if part == "test":
            row["intervals"] = {name: [round(v, 5) for v in pair] for name, pair in scores.intervals.items()}
            row["windows"] = len(rows)
            inside = (rows.target >= answers["lower"]) & (rows.target <= answers["upper"])
            row["coverage_by_step"] = [round(float(v), 3) for v in np.mean(inside, axis=(0, 2))[:: max(1, prepared.encoder.horizon // 8)]]
    if "weights" in fitted.extra:
        row["weights"] = {name: round(weight, 3) for name, weight in fitted.extra["weights"].items()}
    if baselines:
        row["baselines"] = {name: {k: round(v, 5) for k, v in s.metrics.items()} for name, s in task.baselines(recipe, prepared).items()}
    return row
