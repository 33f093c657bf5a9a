"""python -m benchmarks.forecast.coverage: coverage of 90% intervals on periods before the tests of three data sets.

The method of the intervals was chosen here; no test row of the other benchmarks is used. Every period is split 0.6, 0.2, 0.2 in time;
ridge is trained, its interval calibrated on the validation windows alone and with the correction, in several units, and evaluated on the
last fifth. The mean interval score (Gneiting and Raftery, 2007; width, and twenty times what lies outside, in training deviations) measures
the cost of coverage.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.forecast.common import SHARED, write
from benchmarks.runner import Row

SETS = {  # rows before the test, and where the series lie
    "ETTh1": (11520, "ett/ETTh1.csv.gz"), "ETTh2": (11520, "ett/ETTh2.csv.gz"), "exchange": (6070, "exchange_rate/exchange_rate.txt.gz"),
}  # fmt: skip
SHARES, HORIZONS = (0.7, 0.85, 1.0), (96, 336, 720)
WAYS = {  # description, and whether earlier years correct the margins
    "fixed": ("of a fixed width", True), "deviation": ("in deviations of the window", True),
    "validation": ("in the package's unit, from validation alone", False), "corrected": ("in the package's unit (the default)", True),
}  # fmt: skip


def summary(found: dict) -> list[Row]:
    """Every method, over all periods."""
    rows = []
    for way, (text, _) in WAYS.items():
        one = found["mean"][way]
        measured = f"{one['coverage']:.3f}, off by {one['off']:.3f} on average, interval score {one['score']:.2f}"
        rows.append(Row(f"90% intervals {text}, {one['stretches']} periods", measured))
    return rows


def measure(path: Path, rows: int, horizon: int) -> dict | None:
    """Coverage and interval score of ridge's interval, computed in every way; None for a period too short for its test."""
    from keras import ops

    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.forecast import task
    from applied_dl.tasks.forecast.fit import intervals
    from applied_dl.tasks.forecast.models.intervals import Margin
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    if 0.2 * rows < horizon + 100:
        return None
    overrides = {"data.source": str(path), "data.rows": rows, "data.horizon": horizon, "model.name": "ridge",
                 "train.refit": False}  # fmt: skip
    recipe = recipes.read_recipe({"task": "forecast"}, overrides)
    prepared = task.prepare(recipe, Path("."))
    recipe = task.resolve_defaults(recipe, prepared)
    fitted, found, scale = task.fit(recipe, prepared, CheckpointingTrainer()), {}, np.array(prepared.encoder.scale)
    own = intervals.drift, Margin.spread
    units = {"fixed": lambda layer, history: ops.ones_like(history[:, :1]) * ops.array(layer.scale),
             "deviation": lambda layer, history: own[1](Margin(1, 1, layer.scale, unit="deviation"), history)}  # fmt: skip
    for way, (_, corrected) in WAYS.items():
        intervals.drift = own[0] if corrected else lambda prepared, layer: 1.0
        Margin.spread = units.get(way, own[1])
        answers = keras_outputs(task.serving(recipe, fitted, prepared), prepared.test)
        truth, low, high = (np.asarray(a, np.float64) for a in (prepared.test.target, answers["lower"], answers["upper"]))
        score = (high - low + 20 * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0))) / scale
        found[way] = {"coverage": round(float(((truth >= low) & (truth <= high)).mean()), 4), "score": round(float(score.mean()), 4)}
    intervals.drift, Margin.spread = own
    return found


def main() -> None:
    found: dict = {"stretches": {}}
    chosen = sys.argv[1].split(",") if len(sys.argv) > 1 else SETS
    for name in chosen:
        rows, where = SETS[name]
        with tempfile.TemporaryDirectory() as folder:
            path = SHARED / where
            if path.name.endswith(".txt.gz"):  # as a table with names
                path = Path(folder) / "rates.csv.gz"
                path.write_bytes(_named((SHARED / where).read_bytes()))
            for share in SHARES:
                for horizon in HORIZONS:
                    if one := measure(path, int(share * rows), horizon):
                        found["stretches"][f"{name}, {share:.0%} of the rows, {horizon} steps"] = one
                        print(name, share, horizon, json.dumps(one), file=sys.stderr, flush=True)
    ways = {}
    for way in WAYS:
        cover, score = (np.array([one[way][key] for one in found["stretches"].values()]) for key in ("coverage", "score"))
        ways[way] = {"coverage": round(float(cover.mean()), 4), "off": round(float(np.abs(cover - 0.9).mean()), 4),
                     "score": round(float(score.mean()), 4), "stretches": len(cover)}  # fmt: skip
    write("forecast_coverage", {**found, "mean": ways})


def _named(packed: bytes) -> bytes:
    import gzip

    text = gzip.decompress(packed)
    columns = text.split(b"\n", 1)[0].count(b",") + 1
    return gzip.compress(b",".join(b"rate%d" % i for i in range(columns)) + b"\n" + text)


if __name__ == "__main__":
    main()
