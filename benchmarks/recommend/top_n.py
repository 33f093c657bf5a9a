"""python -m benchmarks.recommend.top_n: rankings of MovieLens 100K (u1 to u5) and of Last.fm, default settings.

MovieLens: ratings of at least 4 are liked; of the base only those are learned from, and every film that the user did not rate in it is
ranked. Last.fm: fold 0 is the test, artists with at least 5 listeners. The goals are EASE with its best penalty under the same protocol.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.recommend.common import FOLDS, fold_files, ours
from benchmarks.runner import SHARED, Row, mean_interval, write

LIKED = {"data.kind": "implicit", "data.liked": 4.0}
GOALS = {"movielens": (0.400, None), "lastfm": (0.268, 0.342)}  # NDCG@10 and recall@20 of EASE, to three digits


def lastfm(folder: Path) -> dict:
    """The keys of a recipe that trains on folds 1 to 4 and tests on fold 0."""
    raw = gzip.decompress((SHARED / "recommend" / "lastfm-2k" / "user_artists.csv.gz").read_bytes())
    frame = pl.read_csv(raw)
    few = frame.group_by("artist").len().filter(pl.col("len") >= 5)["artist"]
    frame = frame.filter(pl.col("artist").is_in(few.implode()))
    paths = {"data.train": folder / "train.csv", "data.test": folder / "test.csv"}
    for path, rows in zip(paths.values(), (pl.col("fold") != 0, pl.col("fold") == 0)):
        frame.filter(rows).drop("fold").write_csv(path)
    return {key: str(path) for key, path in paths.items()}


def summary(found: dict) -> list[Row]:
    """Beside popularity and item-kNN on the same rows."""
    rows = []
    for name, title in (("movielens", "MovieLens 100K liked films, u1 to u5"), ("lastfm", "Last.fm, 1,868 listeners")):
        runs = found[name]
        mean = {key: mean_interval([run["metrics"][key] for run in runs])[0] for key in ("ndcg_at_10", "recall_at_20")}
        base = {who: mean_interval([run["baselines"][who]["ndcg_at_10"] for run in runs])[0] for who in ("most popular", "item-kNN")}
        beside = ", ".join(f"{who} {value:.3f}" for who, value in base.items())
        seconds = sum(run["cpu_seconds"] for run in runs) / len(runs)
        for key, goal in zip(("ndcg_at_10", "recall_at_20"), GOALS[name]):
            label = {"ndcg_at_10": "NDCG@10", "recall_at_20": "recall@20"}[key]
            note = f"{beside}; {seconds:.0f} CPU-seconds, {runs[0]['chosen']}" if key == "ndcg_at_10" else ""
            text = f"≥ {goal:.3f} (EASE), to three digits" if goal else ""
            note = note if goal else "EASE with penalty 300: 0.390"
            rows.append(Row(f"{title}, default: {label}", f"{mean[key]:.4f}", text, round(mean[key], 3) >= goal if goal else None, note))
    return rows


if __name__ == "__main__":
    found: dict = {"movielens": [], "lastfm": []}
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(FOLDS):
            found["movielens"].append(ours({**fold_files(Path(folder), fold), **LIKED}))
            print(fold, json.dumps(found["movielens"][-1]), file=sys.stderr, flush=True)
        found["lastfm"].append(ours(lastfm(Path(folder))))
    print(json.dumps(found["lastfm"][-1]), file=sys.stderr, flush=True)
    write("recommend_top_n", found)
