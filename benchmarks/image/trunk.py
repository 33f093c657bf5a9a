"""python -m benchmarks.image.trunk [SEEDS] [SET[:KIND]…]: the default, with the trunk inside the package, beside training from scratch

Sets: flowers5 (550 training and 200 test photographs), cifar10_subset (8,000 and 2,000 images of 32 by 32). The first seed is exported too.
Runs that an earlier call left in the result stay, unless they are made again.
"""

import sys
import tempfile
import zipfile

from benchmarks import runner
from benchmarks.image.common import SHARED, seeds
from benchmarks.runner import Row, format_mean, seeds_argument

NAME = "image_trunk"
SETS = {"flowers5": "five flowers, 550 photographs", "cifar10_subset": "CIFAR-10, 8,000 images"}
KINDS = {"default": {}, "scratch": {"model.weights": "none"}}  # overrides of the recipe
FLOWERS_GOAL, CIFAR_GAIN = 0.90, 0.10
NEEDED = 2  # seeds, under which it is open whether a goal is met


def summary(found: dict) -> list[Row]:
    """Accuracy of the default beside that of training from scratch, and what it costs."""
    rows = []
    for name, what in SETS.items():
        runs = found["sets"].get(name, {})
        if "default" not in runs:
            continue
        ours, scratch = (_column(runs.get(kind, []), lambda row: row["test"]["accuracy"]) for kind in KINDS)
        before = sum(scratch) / len(scratch) if scratch else None
        goal = FLOWERS_GOAL if name == "flowers5" else None if before is None else before + CIFAR_GAIN
        met = None if goal is None or len(ours) < NEEDED else sum(ours) / len(ours) >= goal
        beside = "" if before is None else f"from scratch {format_mean(scratch)}"
        rows.append(
            Row(f"{what}, default without a download: test accuracy", format_mean(ours), f"≥ {goal:.3g}" if goal else "", met, beside)
        )
        seconds = {kind: _column(runs.get(kind, []), lambda row: row["cpu_seconds"]) for kind in KINDS}
        shown = {kind: f"{sum(values) / len(values):.0f} CPU-seconds" for kind, values in seconds.items() if values}
        rows.append(Row(f"{what}: training", shown["default"], "", None, f"from scratch {shown['scratch']}" if "scratch" in shown else ""))
        for row in runs["default"]:
            if files := row.get("exports"):
                int8 = files.get("tflite int8")
                drop = max(file["loss"] for key, file in files.items() if key.startswith("tflite"))
                shown = f"{drop:+.4f}" + (f", int8 {int8['bytes'] / 1e6:.2f} MB" if int8 else ", int8 refused")
                rows.append(Row(f"{what}: largest drop of an exported file", shown, "≤ 0.005", round(drop, 6) <= 0.005))
    return rows


def _column(rows: list[dict], value) -> list[float]:
    return [value(row) for row in rows]


def _run(name: str, kind: str, chosen: list[int]) -> None:
    """Train, and add the rows to the result."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(SHARED / "images" / name / f"{name}.zip") as packed:
            packed.extractall(folder)
        for seed in chosen:
            settings = {"data.source": f"{folder}/{name}", **KINDS[kind]}
            (row,) = seeds("flowers.toml", settings, [seed], export=kind == "default" and seed == chosen[0])["rows"]
            found = runner.read(NAME) or {"sets": {}}
            kept = [old for old in found["sets"].get(name, {}).get(kind, []) if old["seed"] != seed]
            found["sets"].setdefault(name, {})[kind] = sorted([*kept, row], key=lambda row: row["seed"])
            runner.write(NAME, found)


if __name__ == "__main__":
    wanted = sys.argv[2:] or [f"{name}:{kind}" for name in SETS for kind in KINDS]
    for text in wanted:
        name, _, kind = text.partition(":")
        for one in [kind] if kind else KINDS:
            _run(name, one, seeds_argument(2))
