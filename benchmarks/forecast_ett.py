"""python benchmarks/forecast_ett.py [ETTh1 ETTh2] [--models ridge,blend] [--preset best] — four horizons each, every test window.

The usual protocol: rows 0-8640 train, 8640-11520 validation, 11520-14400 test, z-score of the training rows, windows of stride 1, none
dropped. Lookback, penalties, weights and epochs come from the recipe's defaults and the validation windows.
"""

from __future__ import annotations

import argparse
import json
import sys

from forecast_common import RESULTS, SHARED, measure, write

HORIZONS = (96, 192, 336, 720)
PUBLISHED = {  # MSE averaged over the four horizons, tables whose test drops no window (TFB, Table 3 of DUET)
    "ETTh1": {"DUET": 0.398, "PDF": 0.407, "FITS": 0.408, "PatchTST": 0.419, "DLinear": 0.425, "iTransformer": 0.439},
    "ETTh2": {"DUET": 0.334, "FITS": 0.335, "PDF": 0.347, "PatchTST": 0.351, "DLinear": 0.470},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["ETTh1", "ETTh2"])
    parser.add_argument("--models", default="ridge,blend")
    parser.add_argument("--preset", default="best")
    parser.add_argument("--horizons", default=",".join(map(str, HORIZONS)))
    options = parser.parse_args()
    path = RESULTS / "forecast_ett.json"
    found = json.loads(path.read_text()) if path.exists() else {}
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
