"""python -m benchmarks.forecast.recipes: the shipped forecast recipes compared with the classical methods from the same origins."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.forecast.common import write
from benchmarks.runner import ROOT, Row

RECIPES = ("forecast", "forecast_covariates", "forecast_panel")


def summary(found: dict) -> list[Row]:
    """The main metric of each, compared with the best classical method."""
    rows = []
    for name in RECIPES:
        if name in found:
            one = found[name]
            peer = min(one["baselines"], key=lambda key: one["baselines"][key])
            low, high = one["interval"]
            measured = f"{one['main']} {one['value']:.4f} [{low:.4f}, {high:.4f}], coverage {one['coverage']:.2f}"
            rows.append(Row(f"pipelines/{name}.toml", measured, "", None, f"{peer} {one['baselines'][peer]:.4f}"))
    return rows


def main() -> None:
    import applied_dl

    found = {}
    for name in RECIPES:
        cpu, wall = time.process_time(), time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            run = applied_dl.train(ROOT / "pipelines" / f"{name}.toml", out=Path(folder) / "b")
        main_ = run.manifest.main
        found[name] = {
            "main": main_, "value": run.metrics["test"][main_], "interval": run.manifest.intervals["test"][main_],
            "coverage": run.metrics["test"]["coverage"], "model": run.manifest.recipe["model"]["name"],
            "baselines": {key: scores[main_] for key, scores in run.manifest.baselines.items()},
            "bytes": {item.variant: item.bytes for item in run.manifest.exports if item.format == "tflite"},
            "cpu_seconds": round(time.process_time() - cpu, 1), "seconds": round(time.perf_counter() - wall, 1),
        }  # fmt: skip
        print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    write("forecast_recipes", found)


if __name__ == "__main__":
    main()
