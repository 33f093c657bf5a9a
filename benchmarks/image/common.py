"""Shared by the image benchmarks: train a recipe under several seeds, score the test rows, write one JSON with every seed."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import runner
from benchmarks.runner import ROOT, SHARED, Row, format_mean, seeds_argument

__all__ = ["ROOT", "SHARED", "accuracy_rows", "seeds_argument", "seeds", "write"]


def seeds(recipe: str, overrides: dict, chosen: list[int], export: bool = False) -> dict:
    """Accuracy on the test rows of the `chosen` seeds (which also draw the split, where the source has none of its own)."""
    import numpy as np

    from applied_dl.core.cache import cache_folder
    from applied_dl.tasks.image import task
    from applied_dl.training.hardware import as_float32
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    rows = []
    for seed in chosen:
        settings = recipes.read_recipe(ROOT / "pipelines" / recipe, {**overrides, "train.seed": seed})
        set_up(seed, True)
        prepared = task.prepare(settings, cache_folder())
        settings = task.resolve_defaults(settings, prepared)
        set_up(seed, True)
        cpu, wall = time.process_time(), time.perf_counter()
        fitted = task.fit(settings, prepared, CheckpointingTrainer())
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        serving = task.serving(settings, fitted._replace(model=as_float32(fitted.model)), prepared)
        row = {"seed": seed, "cpu_seconds": round(cpu, 1), "seconds": round(wall, 1), "parameters": fitted.model.count_params()}
        for part in ("validation", "test"):
            outputs = serving.model.predict(getattr(prepared, part).inputs, batch_size=256, verbose=0)
            scores = task.score(settings, {k: np.asarray(v) for k, v in outputs.items()}, getattr(prepared, part), prepared.encoder)
            row[part] = {name: round(value, 5) for name, value in scores.metrics.items()}
        row["baselines"] = {name: round(s.value, 5) for name, s in task.baselines(settings, prepared).items()}
        if export:
            row["exports"] = _exports(task, settings, serving, prepared)
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    shown = {key: os.path.relpath(value, ROOT) if str(value).startswith("/") else value for key, value in overrides.items()}
    return {"recipe": recipe, "overrides": shown, "rows": rows}


def _exports(task, settings, serving, prepared) -> dict:
    from applied_dl.exporting.precisions import export_files

    with tempfile.TemporaryDirectory() as folder:
        found, _ = export_files(
            serving,
            settings.export,
            prepared.train,
            prepared.test,
            lambda o, p, metrics_only=False: task.score(settings, o, p, prepared.encoder, metrics_only),
            Path(folder),
            "benchmark",
        )
    for one in found:
        if one.refused:
            print(f"{one.variant}: {one.refused}", file=sys.stderr, flush=True)
    return {
        f"{e.format} {e.variant}": {"bytes": e.bytes, "accuracy": e.metric, "loss": e.metric_drop}
        for e in found
        if e.bytes and not e.refused
    }


def write(name: str, result: dict) -> None:
    """One JSON; seeds that an earlier run left there stay, unless they were run again."""
    old = (runner.read(name) or {"rows": []})["rows"]
    again = {row["seed"] for row in result["rows"]}
    rows = sorted([row for row in old if row["seed"] not in again] + result["rows"], key=lambda row: row["seed"])
    runner.write(name, {**result, "rows": rows})


def accuracy_rows(found: dict, what: str, goal: float, needed: int) -> list[Row]:
    """Mean test accuracy over the seeds compared with the best baseline; undecided while seeds are missing."""
    rows = found["rows"]
    values = [row["test"]["accuracy"] for row in rows]
    means = {name: sum(row["baselines"][name] for row in rows) / len(rows) for name in rows[0]["baselines"]}
    best = max(means, key=means.get)
    met = sum(values) / len(values) >= goal if len(rows) >= needed else None
    return [Row(f"{what}: test accuracy", format_mean(values), f"≥ {goal}", met, f"{best} {means[best]:.4f}")]


def cost_rows(found: dict, what: str, goal: float | None = None) -> list[Row]:
    """Training time; the goal is in seconds of wall time."""
    rows = found["rows"]
    cpu, wall = (sum(row[key] for row in rows) / len(rows) for key in ("cpu_seconds", "seconds"))
    best = min(row["seconds"] for row in rows)
    measured = f"{best:.0f} s at best, mean {wall:.0f} s ({cpu:.0f} CPU-seconds)"
    return [Row(f"{what}: training time", measured, f"≤ {goal:.0f} s" if goal else "", best <= goal if goal else None)]
