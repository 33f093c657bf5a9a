"""python -m benchmarks.training.dry_run [WORDS]: the time that `train --dry-run` predicts and the time that `train` takes."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import ROOT, Row, read, write

RECIPES = ("digits", "tabular", "forecast", "sentences")
WITHIN = 2.0  # times


def summary(found: dict) -> list[Row]:
    """The worst of the recipes, whichever way it is wrong."""
    off = {name: row["predicted"] / row["taken"] for name, row in found["recipes"].items()}
    worst = max(max(ratio, 1 / ratio) for ratio in off.values())
    beside = ", ".join(f"{name} {row['predicted']:.0f} s for {row['taken']:.0f} s" for name, row in found["recipes"].items())
    return [Row("dry run: predicted against real time", f"within {worst:.1f} ×", "within 2 ×", worst <= WITHIN, beside)]


def main() -> None:
    import applied_dl
    from applied_dl.workflows import recipes
    from applied_dl.workflows.dry_run import dry_run

    found = (read("training_dry_run") or {"recipes": {}})["recipes"]
    for name in sys.argv[1:] or RECIPES:
        recipe = recipes.read_recipe(ROOT / "pipelines" / f"{name}.toml")
        with tempfile.TemporaryDirectory() as folder:
            predicted = dry_run(recipe, str(Path(folder) / "b"))[0]["seconds"]
            start = time.perf_counter()
            applied_dl.train(recipe, out=Path(folder) / "b")
            found[name] = {"predicted": predicted, "taken": round(time.perf_counter() - start, 1)}
    write("training_dry_run", {"recipes": found})


if __name__ == "__main__":
    main()
