"""Shared by the image benchmarks: train a recipe under several seeds, score the test rows, write one JSON with mean and interval."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SHARED = ROOT.parent / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}  # 97.5 % points by seeds


def seeds(recipe: str, overrides: dict, chosen: list[int], export: bool = False) -> dict:
    """Accuracy on the test rows of the `chosen` seeds (which also draw the split, where the source has none of its own)."""
    import numpy as np

    from applied_dl import config
    from applied_dl.data.caching import cache_folder
    from applied_dl.tasks import image as task
    from applied_dl.train.reproducible import set_up

    rows = []
    for seed in chosen:
        settings = config.read_recipe(ROOT / "pipelines" / recipe, {**overrides, "train.seed": seed})
        set_up(seed, True)
        prepared = task.prepare(settings, cache_folder())
        settings = task.settle(settings, prepared)
        set_up(seed, True)
        cpu, wall = time.process_time(), time.perf_counter()
        fitted = task.fit(settings, prepared, None)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        serving = task.serving(settings, fitted, prepared)
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
    from applied_dl.export import export

    with tempfile.TemporaryDirectory() as folder:
        found, _ = export(
            serving,
            settings.export,
            prepared.train,
            prepared.test,
            lambda o, p: task.score(settings, o, p, prepared.encoder),
            Path(folder),
            "benchmark",
        )
    return {f"{e.format} {e.variant}": {"bytes": e.bytes, "accuracy": e.metric, "loss": e.metric_loss} for e in found}


def _summary(rows: list[dict]) -> dict:
    import numpy as np

    values = np.array([row["test"]["accuracy"] for row in rows])
    half = STUDENT.get(len(values), 1.96) * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return {
        "seeds": len(rows),
        "accuracy_mean": round(float(values.mean()), 5),
        "accuracy_interval": [round(float(values.mean() - half), 5), round(float(values.mean() + half), 5)],
        "cpu_seconds_mean": round(float(np.mean([row["cpu_seconds"] for row in rows])), 1),
        "baselines_mean": {name: round(float(np.mean([row["baselines"][name] for row in rows])), 5) for name in rows[0]["baselines"]},
    }


def write(name: str, result: dict) -> None:
    """To `benchmarks/results/<name>.json` and to stdout; seeds that an earlier run left there stay, unless they were run again."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    if "recipe" in result:
        old = json.loads(path.read_text())["rows"] if path.exists() else []
        again = {row["seed"] for row in result["rows"]}
        rows = sorted([row for row in old if row["seed"] not in again] + result["rows"], key=lambda row: row["seed"])
        result = {"recipe": result["recipe"], "overrides": result["overrides"], **_summary(rows), "rows": rows}
    text = json.dumps(result, indent=1, ensure_ascii=False)
    path.write_text(text + "\n")
    print(text)


def count(default: int) -> list[int]:
    """The seeds, from the command line: a number of them (`3`), or which (`1,2`)."""
    text = sys.argv[1] if len(sys.argv) > 1 else str(default)
    return [int(seed) for seed in text.split(",") if seed] if "," in text else list(range(int(text)))
