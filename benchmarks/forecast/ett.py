"""python -m benchmarks.forecast.ett [ETTh1 ETTh2] [--models ridge,blend] [--preset best]: ETT, four horizons, every test window.

The usual protocol: rows 0-8640 train, 8640-11520 validation, 11520-14400 test, z-score of the training rows, windows of stride 1, none
dropped. Lookback, penalties, weights and epochs come from the recipe's defaults and the validation windows.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks.forecast.common import RESULTS, SHARED, measure, write
from benchmarks.runner import Row

HORIZONS = (96, 192, 336, 720)
PUBLISHED = {  # MSE averaged over the four horizons, tables whose test drops no window (TFB, Table 3 of DUET)
    "ETTh1": {"DUET": 0.398, "PDF": 0.407, "FITS": 0.408, "PatchTST": 0.419, "DLinear": 0.425, "iTransformer": 0.439},
    "ETTh2": {"DUET": 0.334, "FITS": 0.335, "PDF": 0.347, "PatchTST": 0.351, "DLinear": 0.470},
}


def summary(found: dict) -> list[Row]:
    """ETTh1 at 96 steps, the averages of four horizons, and the coverage."""
    rows, first = [], found["ETTh1"]
    for model, mse, mae, cost in (("ridge", 0.364, None, 5), ("blend", 0.355, 0.386, 180)):
        if "96" in first.get(model, {}):
            one = first[model]["96"]
            measured = f"MSE {one['test']['mse']:.4f}, MAE {one['test']['mae']:.4f} in {one['cpu_seconds']:.0f} CPU-seconds"
            goal = f"MSE ≤ {mse}" + (f", MAE ≤ {mae}" if mae else "") + f", ≤ {cost} s"
            met = one["test"]["mse"] <= mse and one["cpu_seconds"] <= cost and (mae is None or one["test"]["mae"] <= mae)
            rows.append(Row(f"ETTh1, 96 steps: {model}", measured, goal, met, "DUET 0.352, PatchTST 0.377"))
    for name, goal in (("ETTh1", 0.398), ("ETTh2", 0.331)):
        for model in ("ridge", "blend"):
            if average := found.get(name, {}).get(model, {}).get("average"):
                beside = ", ".join(f"{peer} {value}" for peer, value in list(PUBLISHED[name].items())[:3])
                last = model == "blend" or "average" not in found[name].get("blend", {})
                met = average["mse"] <= goal if last else None
                rows.append(Row(f"{name}, four horizons: {model}", f"MSE {average['mse']:.4f}", f"≤ {goal}", met, beside))
                if model == "ridge":
                    share = average["coverage"]
                    by = ", ".join(f"{h} steps {found[name][model][str(h)]['test']['coverage']:.3f}" for h in HORIZONS)
                    rows.append(Row(f"{name}: coverage of 90% intervals", f"{share:.3f}", "0.88 to 0.92", 0.88 <= share <= 0.92, by))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["ETTh1", "ETTh2"])
    parser.add_argument("--models", default="ridge,blend")
    parser.add_argument("--preset", default="best")
    parser.add_argument("--horizons", default=",".join(map(str, HORIZONS)))
    options = parser.parse_args()
    path = RESULTS / "forecast_ett.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    found.pop("machine", None)
    for name in options.sets:
        for model in options.models.split(","):
            rows = found.setdefault(name, {}).setdefault(model, {})
            for horizon in map(int, options.horizons.split(",")):
                overrides = {"data.source": str(SHARED / "ett" / f"{name}.csv.gz"), "data.rows": 14400, "data.horizon": horizon,
                             "model.name": model, "model.preset": options.preset}  # fmt: skip
                rows[str(horizon)] = measure(overrides, baselines=model == "ridge")
                print(name, model, horizon, json.dumps(rows[str(horizon)]), file=sys.stderr, flush=True)
                write("forecast_ett", found)
            if set(rows) >= set(map(str, HORIZONS)):
                average = {k: round(sum(rows[str(h)]["test"][k] for h in HORIZONS) / len(HORIZONS), 5) for k in ("mse", "mae", "coverage")}
                rows["average"] = average
        found[name]["published"] = PUBLISHED[name]
    write("forecast_ett", found)


if __name__ == "__main__":
    main()
