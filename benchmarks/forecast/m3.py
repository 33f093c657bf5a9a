"""python -m benchmarks.forecast.m3 [--ensemble 3]: all 3,003 series of M3, one panel recipe for every frequency, sMAPE as published."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.forecast.common import SHARED, measure, write
from benchmarks.runner import Row

FREQUENCIES = {"Year": "y", "Quart": "q", "Month": "m", "Other": "step"}
PUBLISHED = {"Theta": 13.01, "ForecastPro": 13.19, "Naive2": 15.47}


def summary(found: dict) -> list[Row]:
    """The average over all series."""
    value, count = found["average_smape"], found["series"]
    beside = ", ".join(f"{name} {score}" for name, score in PUBLISHED.items())
    return [Row(f"M3, {count:,} series: average sMAPE", f"{value:.2f}", "≤ 13.0", value <= 13.0 if count == 3003 else None, beside)]


def details(found: dict) -> list[str]:
    """Each frequency compared with the classical methods."""
    lines = [
        "| frequency | series | sMAPE | Theta | Holt-Winters | seasonal naive | coverage | CPU-seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in FREQUENCIES:
        if kind in found:
            one = found[kind]
            peers = [f"{one['baselines'][name]['smape']:.2f}" for name in ("theta", "holt-winters", "seasonal naive")]
            lines.append(f"| {kind} | {one['windows']} | {one['test']['smape']:.2f} | " + " | ".join(peers)
                         + f" | {one['test']['coverage']:.3f} | {one['cpu_seconds']:.0f} |")  # fmt: skip
    return lines


def rows_of(kind: str) -> tuple[list, list]:
    """Training and test values of each series of a frequency."""
    train, test = [], []
    with gzip.open(SHARED / "m3" / "m3.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["frequency"].lower().startswith(kind.lower()[:4]):
                values, horizon = row["values"].split(), int(row["horizon"])
                train.append([row["series"].replace(" ", ""), *values[:-horizon]])
                test.append([row["series"].replace(" ", ""), *values[-horizon:]])
    return train, test


def write_rows(path: Path, rows: list) -> None:
    width = max(map(len, rows))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["series", *(f"V{i}" for i in range(1, width))])
        writer.writerows([*row, *[""] * (width - len(row))] for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ensemble", type=int, default=3)
    parser.add_argument("--kinds", default=",".join(FREQUENCIES))
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    found, total, count = {}, 0.0, 0
    more = {key: json.loads(value) for key, _, value in (text.partition("=") for text in options.set)}
    for kind in options.kinds.split(","):
        train, test = rows_of(kind)
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder) / "train.csv", train), write_rows(Path(folder) / "test.csv", test)
            overrides = {"data.train": f"{folder}/train.csv", "data.test": f"{folder}/test.csv", "data.frequency": FREQUENCIES[kind],
                         "data.layout": "rows", "model.name": "panel",
                         "data.horizon": len(test[0]) - 1, "train.ensemble": options.ensemble, **more}  # fmt: skip
            found[kind] = measure(overrides, baselines=True)
        print(kind, len(train), json.dumps(found[kind]), file=sys.stderr, flush=True)
        total, count = total + found[kind]["test"]["smape"] * found[kind]["windows"], count + found[kind]["windows"]
    found |= {"average_smape": round(total / count, 4), "series": count, "published_smape": PUBLISHED, "ensemble": options.ensemble}
    write("forecast_m3", found)


if __name__ == "__main__":
    main()
