"""python -m benchmarks.recommend.default [SEEDS]: the two built-in sets of people with planted tastes, default settings.

The seed decides the split too. "tastes" are events, "stars" are ratings of the same people.
"""

from __future__ import annotations

import json
import sys

from benchmarks.recommend.common import ours
from benchmarks.runner import Row, format_mean, mean_interval, seeds_argument, write


def summary(found: dict) -> list[Row]:
    """Beside the baselines on the same rows."""
    rows = []
    for name, metric, bases in (("tastes", "ndcg_at_10", ("most popular", "item-kNN")), ("stars", "rmse", ("means of users and items",))):
        runs, digits = found[name], 3
        values = [run["metrics"][metric] for run in runs]
        others = {base: mean_interval([run["baselines"][base][metric] for run in runs])[0] for base in bases}
        better = all((min(values) > value) if metric != "rmse" else (max(values) < value) for value in others.values())
        beside = ", ".join(f"{base} {value:.{digits}f}" for base, value in others.items())
        seconds = mean_interval([run["cpu_seconds"] for run in runs])[0]
        label = {"ndcg_at_10": "NDCG@10", "rmse": "RMSE"}[metric]
        goal = "better than the baselines"
        rows.append(Row(f"`{name}`, default: {label}", format_mean(values, digits), goal, better, f"{beside}; {seconds:.1f} CPU-seconds"))
    return rows


if __name__ == "__main__":
    found: dict = {"tastes": [], "stars": []}
    for name, runs in found.items():
        for seed in seeds_argument(3):
            runs.append(ours({"data.source": name, "train.seed": seed}))
            print(name, seed, json.dumps(runs[-1]["metrics"]), file=sys.stderr, flush=True)
    write("recommend_default", found)
