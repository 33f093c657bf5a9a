"""python -m benchmarks.recommend.movielens: ratings of MovieLens 100K in its five folds, beside SVD and SVD++ of Surprise.

Default settings on u1 … u5 (the base trains; a tenth of it is held out for validation and trained on in the end). SVD and SVD++ of Surprise
with their own defaults run on the same folds, one after the other on the same machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.recommend.common import FOLDS, fold_files, ours
from benchmarks.runner import Row, mean_interval, peer, write

GOAL, TIMES = 0.910, 10.0
SURPRISE = r"""
import json, sys, time
import numpy as np
from surprise import SVD, SVDpp, Dataset, Reader
from surprise.model_selection import PredefinedKFold
base, test = sys.argv[1:3]
lines = lambda path: open(path).read().split()[1:]
found = {}
for path in (base, test):
    with open(path + ".tab", "w") as file:
        file.write("\n".join(line.replace(",", "\t") for line in lines(path)))
data = Dataset.load_from_folds([(base + ".tab", test + ".tab")], Reader("ml-100k"))
((train, held),) = PredefinedKFold().split(data)
for name, model in (("SVD", SVD(random_state=0)), ("SVD++", SVDpp(random_state=0))):
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(train)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    error = np.array([one.est - one.r_ui for one in model.test(held)])
    found[name] = {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.abs(error).mean()), "seconds": seconds, "cpu_seconds": cpu}
print("RESULT" + json.dumps(found))
"""


def summary(found: dict) -> list[Row]:
    """Mean over the folds, and the time beside SVD++."""
    folds = found["folds"]
    rmse = [one["ours"]["metrics"]["rmse"] for one in folds]
    mean = mean_interval(rmse)[0]
    compared = [one for one in folds if "surprise" in one]
    others = {name: mean_interval([one["surprise"][name]["rmse"] for one in compared])[0] for name in ("SVD", "SVD++") if compared}
    names = ("means of users and items", "item-kNN")
    bases = {name: mean_interval([one["ours"]["baselines"][name]["rmse"] for one in folds])[0] for name in names}
    which = "" if len(compared) == len(folds) else f" on the first {len(compared)} folds"
    named = {f"{name}{which}": value for name, value in others.items()} | bases
    beside = ", ".join(f"{name} {value:.4f}" for name, value in named.items())
    spread = f"folds {', '.join(f'{value:.4f}' for value in rmse)}"
    rows = [Row("MovieLens 100K, u1 to u5, default: RMSE", f"{mean:.4f} ({spread})", f"≤ {GOAL}", mean <= GOAL, beside)]
    for name in ("svdpp",):
        values = [one[name]["metrics"]["rmse"] for one in folds if name in one]
        if values:
            rows.append(Row(f"`{name}`: RMSE", f"{mean_interval(values)[0]:.4f}"))
    if others:
        ratio = sum(one["ours"]["cpu_seconds"] for one in compared) / sum(one["surprise"]["SVD++"]["cpu_seconds"] for one in compared)
        seconds = sum(one["ours"]["cpu_seconds"] for one in folds) / len(folds)
        rows.append(
            Row(
                "training, CPU time over Surprise's SVD++",
                f"{ratio:.2f} × ({seconds:.1f} CPU-seconds a fold)",
                f"≤ {TIMES:.0f} ×",
                ratio <= TIMES,
            )
        )
    return rows


if __name__ == "__main__":
    try:
        python = peer("surprise", "scikit-surprise")
    except subprocess.CalledProcessError:
        python = None
        print("Surprise does not install here: ours alone", file=sys.stderr)
    found: dict = {"folds": []}
    with tempfile.TemporaryDirectory() as folder:
        files = [fold_files(Path(folder), fold) for fold in range(FOLDS)]
        for keys in files:
            found["folds"].append({"ours": ours(keys), "svdpp": ours({**keys, "model.name": "svdpp"})})
            print(json.dumps(found["folds"][-1]), file=sys.stderr, flush=True)
        for one, keys in zip(found["folds"], files if python else ()):
            write("recommend_movielens", found)
            done = subprocess.run([python, "-c", SURPRISE, *keys.values()], capture_output=True, text=True, check=True)
            one["surprise"] = json.loads(done.stdout.split("RESULT")[1])
    write("recommend_movielens", found)
