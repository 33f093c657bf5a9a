"""python -m benchmarks.training.doctor [WORDS]: planted faults to be found, healthy models and recipes to be passed."""

import os
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

from benchmarks.runner import ROOT, SHARED, Row, read, write

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
BUDGET = 90.0  # seconds: a shorter training is observed to its end
WEIGHTS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def summary(found: dict) -> list[Row]:
    """Named, and false alarms."""
    named, alarms = f"{found['named']} of {found['faults']}", f"{found['false_alarms']} in {found['healthy']}"
    return [
        Row(
            "doctor: planted faults named",
            named,
            "20 of 20",
            found["named"] == found["faults"] >= 20,
            f"{found['named_first']} named first",
        ),
        Row("doctor: findings on healthy models and the shipped recipes", alarms, "0", found["false_alarms"] == 0),
    ]


def details(found: dict) -> list[str]:
    """Every fault and what the doctor reported."""
    rows = [f"| {row['fault']} | {row['expected']} | {', '.join(row['named'])} |" for row in found["rows"]]
    return ["| planted fault | expected | found, causes first |", "|---|---|---|", *rows]


def main(folder: str) -> None:
    from applied_dl.core import console
    from tests.training.faults import FAULTS, HEALTHY

    console.quiet = True
    chosen = sys.argv[1:]
    wanted = lambda name: not chosen or any(word in name for word in chosen)  # noqa: E731
    sick, healthy = [], []
    for name, (expected, make) in FAULTS.items():
        if wanted(name):
            start = time.perf_counter()
            names = [finding.name for finding in make()]
            sick.append({"fault": name, "expected": expected, "named": names, "seconds": round(time.perf_counter() - start, 1)})
            log("ok" if names[:1] == [expected] else "later" if expected in names else "MISSED", name, names)
    for name, make in {**HEALTHY, **shipped(folder)}.items():
        if wanted(name):
            start = time.perf_counter()
            lines = [str(line) for line in make()]
            healthy.append({"model": name, "findings": lines, "seconds": round(time.perf_counter() - start, 1)})
            log("FALSE" if lines else "ok", name, lines)
    old = read("training_doctor") or {"rows": [], "healthy_rows": []}  # what was not examined again stays
    sick = list({row["fault"]: row for row in [*old["rows"], *sick]}.values())
    healthy = list({row["model"]: row for row in [*old["healthy_rows"], *healthy]}.values())
    result = {
        "faults": len(sick),
        "named": sum(row["expected"] in row["named"] for row in sick),
        "named_first": sum(row["named"][:1] == [row["expected"]] for row in sick),
        "healthy": len(healthy),
        "false_alarms": sum(len(row["findings"]) for row in healthy),
        "rows": sick,
        "healthy_rows": healthy,
    }
    write("training_doctor", result)


def shipped(folder: str) -> dict:
    """The recipes of `pipelines/`, each examined through `applied-dl doctor`; those whose data is not in the package get its place."""
    from applied_dl.tasks import TASKS
    from applied_dl.workflows import recipes
    from applied_dl.workflows.diagnose import doctor_recipe

    def make(path, overrides):
        return lambda: [f"{f['name']}: {f['observed']}" for f in doctor_recipe(recipes.read_recipe(path, overrides), BUDGET)["findings"]]

    flowers = {"data.source": f"{folder}/flowers5", "model.weights": SHARED / "weights" / WEIGHTS}
    places = {"fashion_mnist": {"data.manual_dir": SHARED / "images" / "fashion_mnist"}, "flowers": flowers}
    if (SHARED / "images").exists():
        with zipfile.ZipFile(SHARED / "images" / "flowers5" / "flowers5.zip") as packed:
            packed.extractall(folder)
    found = {}
    for path in sorted((ROOT / "pipelines").glob("*.toml")):
        overrides = {key: str(value) for key, value in places.get(path.stem, {}).items()}
        if tomllib.loads(path.read_text(encoding="utf-8"))["task"] not in TASKS:
            log("skipped", path.name, ["its task is missing"])
        elif all(Path(value).exists() for value in overrides.values()):
            found[path.name] = make(path, overrides)
        else:
            log("skipped", path.name, ["its data is not beside this checkout"])
    return found


def log(verdict: str, name: str, what: list) -> None:
    print(f"{verdict:<8} {name}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(place)
