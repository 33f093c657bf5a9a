"""python -m benchmarks.export.precisions [TASK…]: five tasks in every precision: metric, drop with its interval, cost.

The default recipe of each task on its offline data, with a held-out part large enough that at least 500 rows score each file. For tables,
a regression: eight epochs of an MLP on California's houses, where the shared data folder is beside the checkout. The figures are those of
each bundle's own verification.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.runner import SHARED, Row, read, write

HOUSES = SHARED / "tabular" / "california_housing" / "housing.csv.gz"
LEAST = 500


def recipes() -> dict[str, dict]:
    """Task → sections that differ from its default recipe."""
    found = {"image": {"data": {"split": [0.5, 0.1, 0.4]}}, "forecast": {"data": {"split": [0.5, 0.2, 0.3]}}, "words": {}, "sentences": {}}
    if HOUSES.exists():
        found["tabular"] = {
            "data": {"source": str(HOUSES), "target": "median_house_value"},
            "model": {"name": "mlp"},
            "train": {"epochs": 8},
        }
    return found


def measure(task: str, sections: dict) -> dict:
    """The verification of a trained bundle's files."""
    import msgspec
    import numpy as np

    import applied_dl

    with tempfile.TemporaryDirectory() as folder:
        done = applied_dl.train(task, out=Path(folder) / task, export={"formats": ["tflite"]}, **sections)
        manifest = done.manifest
        from applied_dl.exporting.verification import VERIFICATION_ROWS

        files = [msgspec.to_builtins(item) for item in manifest.exports]
        for item in files:
            item["ops"] = len(item["ops"])
        rows = _rows(done.bundle)
        return {
            "metric": manifest.main,
            "test": manifest.metrics["test"][manifest.main],
            "rows": int(min(VERIFICATION_ROWS, rows)),
            "max_metric_drop": manifest.recipe["export"]["max_metric_drop"],
            "files": files,
            "seconds": float(np.round(manifest.seconds, 1)),
        }


def _rows(bundle: Path) -> int:
    """Held-out rows of a bundle, read again from its data."""
    from applied_dl.core.bundle import read_manifest
    from applied_dl.core.cache import cache_folder
    from applied_dl.tasks import load_task
    from applied_dl.workflows import recipes

    recipe = recipes.resolve(read_manifest(bundle).recipe, str(bundle))
    return len(load_task(recipe.task).prepare(recipe, cache_folder()).test)


def summary(found: dict) -> list[Row]:
    """The chosen file of each task compared with fp32."""
    rows = []
    for task, one in found["tasks"].items():
        files = {item["variant"]: item for item in one["files"]}
        chosen = next((item for item in one["files"] if item["chosen"]), None)
        if chosen is None:
            rows.append(Row(f"the file of {task}", "none was allowed", "one", False))
            continue
        loss, low, high = (value + 0.0 for value in (chosen["metric_drop"], *(chosen["metric_drop_interval"] or (float("nan"),) * 2)))
        rows.append(
            Row(
                f"`model.tflite` of {task}, {one['rows']:,} held-out rows",
                f"{chosen['variant']}, {chosen['bytes'] / 1000:,.0f} kB, drop {loss:.2g} [{low:.2g}, {high:.2g}]",
                f"≤ {one['max_metric_drop']:g}",
                chosen["metric_drop"] <= one["max_metric_drop"] and one["rows"] >= LEAST,
                f"fp32: {files['fp32']['bytes'] / 1000:,.0f} kB, within {files['fp32']['max_rel_diff']:.0e} of Keras",
            )
        )
    return rows


def details(found: dict) -> list[str]:
    """Every file."""
    lines = [
        "| task | precision | kB | metric | drop [95%] | largest, median difference | ms, 1 thread | at several | start ms | MB | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for task, one in found["tasks"].items():
        for item in one["files"]:
            if item["metric"] is None:
                lines.append(f"| {task} | {item['variant']} | — | — | — | — | — | — | — | — | refused: {item['refused']} |")
                continue
            loss = ", ".join(f"{end + 0.0:.2g}" for end in item["metric_drop_interval"] or ())
            lines.append(
                f"| {task} | {item['variant']} | {item['bytes'] / 1000:,.1f} | {one['metric']} {item['metric']:.4g} | "
                f"{item['metric_drop'] + 0.0:.2g} [{loss}] | {item['max_abs_diff']:.1e}, {item['median_abs_diff']:.1e} | "
                f"{item['latency_ms']:.3g}, {item['latency_p95_ms']:.3g} | {item['threaded_ms']:.3g}, {item['threaded_p95_ms']:.3g} | "
                f"{item['cold_start_ms']:.2g} | {item['memory_mb']:.1f} | "
                f"{'**model.tflite**' if item['chosen'] else 'refused by the metric' if item['refused'] else ''} |"
            )
    return lines


def main(wanted: list[str]) -> None:
    found = (read("export_precisions") or {"tasks": {}})["tasks"] if wanted else {}
    for task, sections in recipes().items():
        if not wanted or task in wanted:
            found[task] = measure(task, sections)
            write("export_precisions", {"tasks": found})


if __name__ == "__main__":
    main(sys.argv[1:])
