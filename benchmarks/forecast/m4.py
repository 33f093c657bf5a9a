"""python -m benchmarks.forecast.m4 [--ensemble 3]: M4 Hourly, the official train and test files, the panel recipe."""

from __future__ import annotations

import argparse

from benchmarks.forecast.common import SHARED, measure, write
from benchmarks.runner import Row

OFFICIAL = {
    "ES-RNN (winner)": {"smape": 9.328, "mase": 0.893, "owa": 0.4401},
    "Pawlikowski et al.": {"smape": 9.611, "mase": 0.873, "owa": 0.4437},
    "Theta": {"smape": 18.138, "mase": 2.455, "owa": 1.0059},
    "seasonal naive": {"smape": 13.912, "mase": 1.193, "owa": 0.6275},
}


def summary(found: dict) -> list[Row]:
    """Against the winners of the competition."""
    test, winner = found["test"], OFFICIAL["ES-RNN (winner)"]
    measured = f"OWA {test['owa']:.3f}, sMAPE {test['smape']:.2f} in {found['seconds']:.0f} s ({found['cpu_seconds']:.0f} CPU-seconds)"
    met = test["owa"] <= 0.41 and test["smape"] <= 9.37 and found["seconds"] <= 60
    inside = Row("M4 Hourly: coverage of 90% intervals", f"{test['coverage']:.3f}", "0.88 to 0.92", 0.88 <= test["coverage"] <= 0.92)
    beside = f"ES-RNN {winner['owa']:.3f}, {winner['smape']:.2f}; seasonal naive {OFFICIAL['seasonal naive']['owa']}"
    return [Row("M4 Hourly, 414 series", measured, "OWA ≤ 0.41, sMAPE ≤ 9.37, ≤ 60 s", met, beside), inside]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ensemble", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = SHARED / "m4"
    overrides = {"data.train": str(folder / "Hourly-train.csv.gz"), "data.test": str(folder / "Hourly-test.csv.gz"), "data.frequency": "h",
                 "train.ensemble": options.ensemble, "train.seed": options.seed}  # fmt: skip
    write("forecast_m4", {**measure(overrides, baselines=True), "ensemble": options.ensemble, "official": OFFICIAL})


if __name__ == "__main__":
    main()
