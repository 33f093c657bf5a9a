"""python -m benchmarks.tabular.small_tables [SEEDS] [TABLES]: seven small tables, beside CatBoost and AutoGluon best_quality.

Each table is split at random into 80% for training and 20% for testing. All three get the same two files. AutoGluon has `LIMIT` seconds
for a fit, or the seconds that ours took where they are more; its results are kept, and computed again only where they are missing.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from applied_dl.core.splits import split_rows
from applied_dl.io.tables import read_table
from benchmarks import runner
from benchmarks.runner import Row, peer
from benchmarks.tabular.adult import COLUMNS
from benchmarks.tabular.common import TABLES, seeds_argument

LIMIT = 45  # seconds of AutoGluon
ADULT_ROWS = 2500  # of which 2,000 train
NAME = "tabular_small_tables"
CASES = {  # file, target, whether classes, columns left out
    "german credit": ("german_credit/credit.csv", "default", True, ()),
    "mpg": ("mpg/mpg.csv", "mpg", False, ()),
    "concrete": ("concrete/concrete.csv", "strength", False, ()),
    "wine red": ("wine_quality/winequality-red.csv", "column_12", False, ()),
    "wine white": ("wine_quality/winequality-white.csv", "column_12", False, ()),
    "adult, 2,000 rows": ("adult/adult.data.gz", "income", True, ()),
    "ames": ("ames_housing/AmesHousing.csv.gz", "SalePrice", False, ("Order", "PID")),
}
CODE = """
import json, os, sys, time
import numpy as np, pandas as pd
folder, name, target, classes, limit = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "1", float(sys.argv[5])
train, test = (pd.read_csv(f"{folder}/{part}.csv") for part in ("train", "test"))
x, y, start, cpu = test.drop(columns=[target]), test[target], time.perf_counter(), os.times()
if name == "CatBoost":
    import catboost
    texts = [c for c in x.columns if train[c].dtype.kind not in "if"]
    fill = lambda frame: frame.assign(**{c: frame[c].astype(str).fillna("") for c in texts})
    maker = catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor
    model = maker(verbose=0, random_seed=0, thread_count=2, allow_writing_files=False)
    model.fit(fill(train.drop(columns=[target])), train[target].astype(str) if classes else train[target], cat_features=texts)
    p = model.predict_proba(fill(x)) if classes else model.predict(fill(x))
    order, used = [str(c) for c in model.classes_] if classes else [], catboost.__version__
else:
    from autogluon.tabular import TabularPredictor, __version__ as used
    kind = "regression" if not classes else "binary"
    model = TabularPredictor(target, problem_type=kind, eval_metric="log_loss" if classes else "root_mean_squared_error",
                             path=f"{folder}/models", verbosity=0)
    model.fit(train, presets="best_quality", time_limit=limit, num_cpus=2)
    p = model.predict_proba(x) if classes else model.predict(x)
    order, p = ([str(c) for c in p.columns] if classes else []), p.to_numpy()
seconds = time.perf_counter() - start
if classes:
    from sklearn.metrics import roc_auc_score
    at = np.array([order.index(str(label)) for label in y])
    found = {"log_loss": float(-np.mean(np.log(np.clip(p[np.arange(len(y)), at], 1e-7, 1)))), "auc": float(roc_auc_score(at, p[:, 1]))}
else:
    found = {"rmse": float(np.sqrt(np.mean((p - y.to_numpy()) ** 2)))}
spent = sum(os.times()[i] - cpu[i] for i in range(4))
print("RESULT" + json.dumps({**found, "seconds": round(seconds, 1), "cpu_seconds": round(spent, 1), "version": used}))
"""


def split(case: str, seed: int, folder: Path) -> None:
    """train.csv and test.csv of a table, as the seed cuts it."""
    file, target, classes, ignored = CASES[case]
    if case.startswith("adult"):
        lines = [line.strip().replace(", ", ",") for line in gzip.open(TABLES / file, "rt") if line.count(",") == 14]
        chosen = np.sort(np.random.default_rng(seed).permutation(len(lines))[:ADULT_ROWS])
        (folder / "adult.csv").write_text("\n".join([COLUMNS, *(lines[i] for i in chosen)]) + "\n")
        frame = read_table(str(folder / "adult.csv")).frame
    else:
        frame = read_table(str(TABLES / file)).frame.drop(ignored)
    frame = frame.filter(pl.col(target).is_not_null())
    strata = np.unique(frame[target].cast(pl.String).to_numpy().astype(str), return_inverse=True)[1] if classes else None
    rows = split_rows(len(frame), (0.8, 0.0, 0.2), seed, strata=strata)
    for part in ("train", "test"):
        frame[getattr(rows, part)].write_csv(folder / f"{part}.csv")


def ours(case: str, seed: int, folder: Path) -> dict:
    """The default recipe on the two files: scores on the test rows, and what reading and fitting took."""
    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.tabular import task
    from applied_dl.training.trainer import CheckpointingTrainer
    from benchmarks.tabular.common import _prepare

    _, target, classes, _ = CASES[case]
    start, cpu = time.perf_counter(), time.process_time()
    recipe, prepared = _prepare(
        {"data.train": str(folder / "train.csv"), "data.test": str(folder / "test.csv"), "data.target": target,
         "data.split": (0.8, 0.2, 0.0), "data.kind": "classification" if classes else "regression", "train.seed": seed}
    )  # fmt: skip
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    spent = time.perf_counter() - start, time.process_time() - cpu
    serving = task.serving(recipe, fitted, prepared)
    found = task.score(recipe, keras_outputs(serving, prepared.test), prepared.test, prepared.encoder, metrics_only=True).metrics
    weights = {name: round(weight, 3) for name, weight in fitted.extra.get("weights", {}).items()}
    return {**{key: found[key] for key in ("rmse", "log_loss", "auc") if key in found}, "seconds": round(spent[0], 1),
            "cpu_seconds": round(spent[1], 1), "parameters": fitted.model.count_params(), "weights": weights}  # fmt: skip


def other_library(name: str, case: str, folder: Path, limit: float) -> dict:
    """Another library on the two files, in an environment of its own."""
    packages = ("catboost",) if name == "CatBoost" else ("autogluon.tabular[catboost,fastai,lightgbm,xgboost]==1.6.3",)
    python = peer("autogluon" if name != "CatBoost" else "tabular", *packages, "scikit-learn", "pandas")
    _, target, classes, _ = CASES[case]
    command = [str(python), "-c", CODE, str(folder), name, target, str(int(classes)), str(limit)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT")).removeprefix("RESULT"))


def relative_loss(rows: list[dict], case: str, name: str) -> list[float]:
    """Our error (RMSE or log loss) over that of the other library, seed by seed, less 1."""
    metric = "log_loss" if CASES[case][2] else "rmse"
    return [row["ours"][metric] / row[name][metric] - 1 for row in rows if "ours" in row and name in row]


def summary(found: dict) -> list[Row]:
    """On how many tables the default is at most as wrong as each other library, and the largest loss."""
    lines = []
    for name in ("CatBoost", "AutoGluon"):
        means = {case: float(np.mean(values)) for case, rows in found["cases"].items() if (values := relative_loss(rows, case, name))}
        if not means:
            continue
        wins, worst = sum(value <= 0 for value in means.values()), max(means.values())
        listed = ", ".join(f"{case} {value:+.1%}" for case, value in means.items())
        seeds = max(len(rows) for rows in found["cases"].values())
        lines.append(
            Row(
                f"error / {name}, {len(means)} tables, {seeds} seed{'s' * (seeds > 1)}: lower or equal on",
                f"{wins}",
                "≥ 5",
                wins >= 5,
                listed,
            )
        )
        lines.append(Row(f"error / {name}: largest loss", f"{worst:+.1%}", "≤ 2%", worst <= 0.02))
        lines.append(Row(f"small tables, error / {name}: mean", f"{np.mean(list(means.values())):+.1%}", "", None, listed))
    return lines


def _shown(value: float, form: str) -> str:
    return "—" if np.isnan(value) else format(value, form)


def details(found: dict) -> list[str]:
    """Means over the seeds: RMSE or log loss, and seconds."""
    names = ("ours", "CatBoost", "AutoGluon")
    lines = ["| table | metric | " + " | ".join(names) + " | seconds in the same order |", "|---|---|---|---|---|---|"]
    for case, rows in found["cases"].items():
        for metric in ("log_loss", "auc") if CASES[case][2] else ("rmse",):
            mean = [np.mean([row[name][metric] for row in rows if name in row] or [np.nan]) for name in names]
            seconds = [np.mean([row[name]["seconds"] for row in rows if name in row] or [np.nan]) for name in names]
            cells = [
                case,
                metric.replace("_", "-"),
                *(_shown(value, ".4g") for value in mean),
                ", ".join(_shown(value, ".0f") for value in seconds),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    wanted = sys.argv[2].split(";") if len(sys.argv) > 2 else list(CASES)
    others = sys.argv[3].split(",") if len(sys.argv) > 3 else ["CatBoost", "AutoGluon"]
    known = (runner.read(NAME) or {"cases": {}})["cases"]
    for seed in seeds_argument(2):
        for case in wanted:
            rows = {row["seed"]: row for row in known.get(case, [])}
            row = rows.setdefault(seed, {"seed": seed})
            with tempfile.TemporaryDirectory() as name:
                split(case, seed, Path(name))
                row["ours"] = ours(case, seed, Path(name))
                for other in others:
                    row[other] = row.get(other) or other_library(other, case, Path(name), max(LIMIT, row["ours"]["seconds"]))
            known[case] = [rows[one] for one in sorted(rows)]
            print(case, json.dumps(row), file=sys.stderr, flush=True)
            runner.write(NAME, {"cases": known, "limit": LIMIT})
