"""Shared by the tabular benchmarks: a table under several seeds and splits, our model and tree ensembles on the same rows."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import runner
from benchmarks.runner import ROOT, SHARED, Row, format_mean, mean_interval, peer, seeds_argument

__all__ = ["ROOT", "SHARED", "seeds_argument", "ratio_row", "run", "format_mean", "value_row"]
TABLES = SHARED / "tabular"

PEERS = """
import json, sys, time
import numpy as np
folder = sys.argv[1]
data = np.load(folder + "/parts.npz", allow_pickle=False)
classes, codes, wanted = int(data["classes"]), [int(i) for i in data["codes"]], sys.argv[2].split(",")
parts = {name: (data["x_" + name].astype(np.float64), data["y_" + name]) for name in ("train", "validation", "test")}
(x, y), (xv, yv), (xt, yt) = (parts[name] for name in ("train", "validation", "test"))

def score(found):
    return float(np.mean(found == yt)) if classes else float(np.sqrt(np.mean((found - yt) ** 2)))

def trees(kind):
    from sklearn.ensemble import HistGradientBoostingClassifier as C, HistGradientBoostingRegressor as R
    own = {} if kind == "default" else dict(learning_rate=0.05, max_iter=1000, early_stopping=True, max_features=0.5)
    return (C if classes else R)(categorical_features=codes or None, random_state=0, **own).fit(x, y)

def light(kind):
    import lightgbm
    own = {} if kind == "default" else dict(learning_rate=0.03, num_leaves=63, n_estimators=3000)
    own |= {} if kind == "default" else dict(subsample=0.9, subsample_freq=1, colsample_bytree=0.8)
    model = (lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(verbose=-1, random_state=0, n_jobs=2, **own)
    stop = [] if kind == "default" else [lightgbm.early_stopping(100, verbose=False)]
    return model.fit(x, y, eval_set=[(xv, yv)], callbacks=stop, categorical_feature=codes or "auto")

def cat(kind):
    import catboost, pandas
    frame = lambda a: pandas.DataFrame(a).astype({i: int for i in codes})
    maker = catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor
    model = maker(verbose=0, random_seed=0, thread_count=2, allow_writing_files=False)
    fitted = model.fit(frame(x), y, cat_features=codes, eval_set=(frame(xv), yv))
    return type("Model", (), {"predict": lambda self, a: np.asarray(fitted.predict(frame(a))).reshape(-1)})()

makers = {"HistGB": trees, "LightGBM": light, "CatBoost": cat}
found = {}
for name in wanted:
    kind, _, how = name.partition(" ")
    cpu = time.process_time()
    model = makers[kind](how)
    found[name] = {"score": score(model.predict(xt)), "cpu_seconds": round(time.process_time() - cpu, 1)}
print(json.dumps(found))
"""


def run(name: str, overrides: dict, seeds: list[int], peers: tuple[str, ...], presets: tuple[str, ...] = ("default",)) -> None:
    """Test scores of our presets and of other libraries on the same rows of each seed; results of earlier seeds are kept."""
    rows = {row["seed"]: row for row in (runner.read(name) or {"rows": []})["rows"]}
    for seed in seeds:
        row = rows.get(seed, {"seed": seed})
        before = {key: old["seconds"] for key, old in row.items() if isinstance(old, dict) and "seconds" in old}
        for preset in presets:
            changes = {**overrides, "train.seed": seed, "model.preset": preset}
            if preset == "best":  # one training of its members for both, with the one that remembers rows and without it
                prepared, both = _best(changes)
                row |= both
            else:
                prepared, row[preset] = _ours(changes)
        for key, least in before.items():  # the wall time is of a machine that others share: the least of a seed's runs is kept
            row[key]["seconds"] = min(least, row[key]["seconds"])
        if missing := [r for r in peers if r not in row]:
            row |= _peers(prepared, missing)
        rows = {other["seed"]: other for other in (runner.read(name) or {"rows": []})["rows"]} | {seed: row}
        print(json.dumps(row), file=sys.stderr, flush=True)
        shown = {key: Path(value).name if str(value).startswith("/") else value for key, value in overrides.items()}
        runner.write(name, {"overrides": shown, "rows": [rows[key] for key in sorted(rows)]})


def _ours(overrides: dict) -> tuple:
    from applied_dl.tasks.tabular import task
    from applied_dl.training.trainer import CheckpointingTrainer

    recipe, prepared = _prepare(overrides)
    cpu, wall = time.process_time(), time.perf_counter()
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    return prepared, _evaluate(recipe, prepared, fitted, time.process_time() - cpu, time.perf_counter() - wall)


def _best(overrides: dict) -> tuple:
    from applied_dl.core import config
    from applied_dl.tasks.tabular.defaults import MEMORY
    from applied_dl.tasks.tabular.fit.ensemble import fit_each, weighed
    from applied_dl.training.trainer import CheckpointingTrainer

    recipe, prepared = _prepare({**overrides, "model.memory": MEMORY})
    cpu, wall = time.process_time(), time.perf_counter()
    fitted = fit_each(recipe, prepared, CheckpointingTrainer(), "best")
    spent = time.process_time() - cpu, time.perf_counter() - wall
    remembering = recipe.model.members.index("retrieval")
    plain = config.replace(recipe, model={"members": recipe.model.members[:remembering], "memory": None})
    found = {"best": _evaluate(plain, prepared, weighed(plain, prepared, fitted[:remembering]), *spent)}
    found["best with memory"] = _evaluate(recipe, prepared, weighed(recipe, prepared, fitted), *spent)
    return prepared, found


def _prepare(overrides: dict) -> tuple:
    from applied_dl.tasks.tabular import task
    from applied_dl.training.reproducible import set_up
    from applied_dl.workflows import recipes

    recipe = recipes.read_recipe({"task": "tabular"}, overrides)
    set_up(recipe.train.seed, True)
    prepared = task.prepare(recipe, Path("."))
    recipe = task.resolve_defaults(recipe, prepared)
    set_up(recipe.train.seed, True)
    return recipe, prepared


def _evaluate(recipe, prepared, fitted, cpu: float, wall: float) -> dict:
    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.tabular import task

    serving = task.serving(recipe, fitted, prepared)
    scored = serving._replace(model=serving.scored or serving.model)  # the shipped model of a small table has seen the test rows too
    answers = {"validation": serving.validation or keras_outputs(scored, prepared.validation), "test": keras_outputs(scored, prepared.test)}
    scores = {part: task.score(recipe, found, getattr(prepared, part), prepared.encoder) for part, found in answers.items()}
    linear = next(s for n, s in task.baselines(recipe, prepared).items() if "regression" in n)
    return {
        "score": scores["test"].value, "validation": scores["validation"].value, "metrics": scores["test"].metrics, "linear": linear.value,
        "cpu_seconds": round(cpu, 1), "seconds": round(wall, 1), "parameters": fitted.model.count_params(), "model": recipe.model.name,
        **({"weights": {name: round(w, 3) for name, w in fitted.extra["weights"].items()}} if "weights" in fitted.extra else {}),
    }  # fmt: skip


def _peers(prepared, names: list[str]) -> dict:
    encoder = prepared.encoder
    columns = list(prepared.train.inputs)
    arrays = {"classes": len(encoder.labels), "codes": [columns.index(name) for name in encoder.codes]}
    for name in ("train", "validation", "test"):
        part = getattr(prepared, name)
        arrays[f"x_{name}"] = np.stack([part.inputs[c].astype(np.float32) for c in columns], axis=1)
        arrays[f"y_{name}"] = part.target
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/parts.npz", **arrays)
        python = peer("tabular", "lightgbm", "catboost", "scikit-learn", "pandas", "numpy")
        done = subprocess.run([python, "-c", PEERS, folder, ",".join(names)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def ratio_row(found: dict, what: str, peer_name: str, goal: float, preset: str = "default") -> list[Row]:
    """The mean over seeds of our error as a share of another library's, on the same rows."""
    rows = [row for row in found["rows"] if preset in row and (peer_name == "ridge" or peer_name in row)]
    if not rows:
        return []
    theirs = [row[preset]["linear"] if peer_name == "ridge" else row[peer_name]["score"] for row in rows]
    ratios = [row[preset]["score"] / other for row, other in zip(rows, theirs)]
    ours = [row[preset]["score"] for row in rows]
    beside = f"{peer_name} {mean_interval(theirs)[0]:.4g}; ours {mean_interval(ours)[0]:.4g}"
    return [Row(f"{what}, {preset}: RMSE / {peer_name}", format_mean(ratios, 3), f"≤ {goal}", mean_interval(ratios)[0] <= goal, beside)]


def value_row(found: dict, what: str, metric: str, low: float, high: float | None = None, preset: str = "default") -> list[Row]:
    """The mean over seeds of a metric, which must be at least `low` (and at most `high`)."""
    values = [row[preset]["metrics"][metric] for row in found["rows"] if preset in row]
    if not values:
        return []
    mean = mean_interval(values)[0]
    goal = f"≥ {low}" if high is None else f"{low} to {high}"
    peers = {name: mean_interval([r[name]["score"] for r in found["rows"] if name in r])[0]
              for name in found["rows"][0] if metric == "accuracy" and " default" in name}  # fmt: skip
    if metric == "accuracy":
        peers["logistic regression"] = mean_interval([row[preset]["linear"] for row in found["rows"] if preset in row])[0]
    beside = ", ".join(f"{name} {value:.4f}" for name, value in peers.items())
    return [Row(f"{what}, {preset}: {metric}", format_mean(values), goal, mean >= low and (high is None or mean <= high), beside)]
