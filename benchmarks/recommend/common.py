"""What the benchmarks of recommenders share: a recipe through reading, fitting and scoring, and MovieLens in its five folds."""

from __future__ import annotations

import gzip
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.runner import SHARED

FOLDS, FOLD_ROWS = 5, 20_000  # of ml-100k: the test of fold k are rows k * 20,000 … of u.data, as in u1 … u5


def ours(keys: dict) -> dict:
    """Test metrics, baselines and seconds of a recipe with these keys, everything else by default; nothing is exported."""
    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.recommend import task
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    recipe = recipes.read_recipe({"task": "recommend"}, keys)
    prepared = task.prepare(recipe, Path(tempfile.gettempdir()))
    recipe = task.resolve_defaults(recipe, prepared)
    set_up(recipe.train.seed, recipe.train.deterministic)
    start, cpu = time.perf_counter(), time.process_time()
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    outputs = keras_outputs(task.serving(recipe, fitted, prepared), prepared.test)
    scores = task.score(recipe, outputs, prepared.test, prepared.encoder)
    return {
        "metrics": scores.metrics, "interval": scores.intervals[scores.main], "seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2),
        "chosen": fitted.extra.get("chosen", recipe.model.name), "users": len(prepared.test),
        "baselines": {name: one.metrics for name, one in task.baselines(recipe, prepared).items()},
    }  # fmt: skip


def movielens() -> pl.DataFrame:
    """ml-100k: user, item, rating, timestamp in the order of u.data."""
    raw = gzip.decompress((SHARED / "recommend" / "ml-100k" / "u.data.gz").read_bytes())
    return pl.read_csv(raw, separator="\t", has_header=False, new_columns=["user", "item", "rating", "timestamp"])


def fold_files(folder: Path, fold: int) -> dict[str, str]:
    """The keys of a recipe that trains on the base of a fold and tests on the rest."""
    frame, at = movielens(), np.arange(100_000)
    test = (at >= fold * FOLD_ROWS) & (at < (fold + 1) * FOLD_ROWS)
    paths = {"data.train": folder / f"u{fold + 1}.base.csv", "data.test": folder / f"u{fold + 1}.test.csv"}
    for path, rows in zip(paths.values(), (~test, test)):
        frame.filter(pl.Series(rows)).write_csv(path)
    return {key: str(path) for key, path in paths.items()}
