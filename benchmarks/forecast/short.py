"""python -m benchmarks.forecast.short [--series 300] [--sets m3_year,…]: the default on short and many series, beside FLAIR and others.

Every case hides the last steps of each series (of M3, its official test): nothing is chosen on them. The default recipe is trained on the
steps before, and the model that is shipped forecasts the hidden ones. The others see the same steps and seasons; of FLAIR's samples the
median counts, which has the smaller absolute error. MASE in units of the seasonal naive forecast on the known steps, CPU-seconds without
imports. AutoETS has no season above 24, and reads the last 1,500 steps, as AutoTheta does.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.forecast.common import SHARED, write
from benchmarks.forecast.m3 import FREQUENCIES, rows_of
from benchmarks.runner import Row, peer, read

PEER = r"""
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from flaircast import forecast
from statsforecast.models import AutoETS, AutoTheta
cases = json.load(open(sys.argv[1]))
AutoETS(season_length=4).forecast(np.arange(1.0, 25), 2), AutoTheta(season_length=4).forecast(np.arange(1.0, 25), 2)  # compiled before
found = {}
for case in cases:
    h, m = case["horizon"], case["season"]
    methods = {"FLAIR": lambda y: np.median(forecast(y, h, case["flair"], seed=0), axis=0),
               "AutoETS": lambda y: AutoETS(season_length=m if m <= 24 else 1).forecast(y[-1500:], h)["mean"],
               "AutoTheta": lambda y: AutoTheta(season_length=m).forecast(y[-1500:], h)["mean"]}
    found[case["name"]] = {}
    for name, method in methods.items():
        start = time.process_time()
        answers = [np.asarray(method(np.array(y, float))).tolist() for y in case["known"]]
        found[case["name"]][name] = {"forecast": answers, "cpu_seconds": time.process_time() - start}
print("RESULT" + json.dumps(found))
"""
OTHERS = ("FLAIR", "AutoETS", "AutoTheta")
NAMES = {"m3_year": "M3 yearly", "m3_quart": "M3 quarterly", "m3_month": "M3 monthly", "m3_other": "M3 other", "exchange": "exchange rates",
         "illness": "illness", "ett": "ETTh1 and ETTh2, first rows", "classics": "airline, sunspots, temperatures"}  # fmt: skip


class Case(NamedTuple):
    """Series of one length and horizon: known steps and what is hidden, a season, frequencies (ours, FLAIR's), whether on one clock."""

    name: str
    known: list[np.ndarray]
    hidden: np.ndarray
    season: int
    frequency: str
    flair: str
    aligned: bool


def summary(found: dict) -> list[Row]:
    """The mean over all sets beside each other."""
    rows = []
    for name in [key for key in NAMES if key in found["sets"]]:
        one = found["sets"][name]
        best = min(one["mase"][other] for other in OTHERS)
        beside = ", ".join(f"{other} {one['mase'][other]:.3f}" for other in OTHERS)
        ours = one["mase"]["default"]
        rows.append(Row(f"{NAMES[name]}, {one['series']} series: MASE", f"{ours:.3f}", "below the best other", ours < best, beside))
    means = {method: float(np.mean([one["mase"][method] for one in found["sets"].values()])) for method in ("default", *OTHERS)}
    beside = ", ".join(f"{other} {means[other]:.3f}" for other in OTHERS)
    what = f"short and many series, {len(found['sets'])} sets: mean MASE"
    met = means["default"] < min(means[other] for other in OTHERS)
    rows.insert(0, Row(what, f"{means['default']:.3f}", "below the best other", met, beside))
    share = sum(one["won"]["FLAIR"] * one["series"] for one in found["sets"].values()) / sum(
        one["series"] for one in found["sets"].values()
    )
    rows.append(Row("short and many series: share won against FLAIR", f"{share:.2f}", "≥ 0.60", share >= 0.6))
    times = sum(one["cpu_seconds"]["default"] for one in found["sets"].values()) / sum(
        one["cpu_seconds"]["FLAIR"] for one in found["sets"].values()
    )
    rows.append(Row("short and many series: CPU time over FLAIR's", f"{times:.1f} ×", "≤ 5 ×", times <= 5))
    return rows


def details(found: dict) -> list[str]:
    """Shares of series won, coverage and CPU-seconds of each set."""
    lines = [
        "| set | series | won against FLAIR | AutoETS | AutoTheta | coverage of 90% | CPU-seconds | FLAIR's | AutoETS's | AutoTheta's |"
    ]
    lines.append("|" + "---|" * 10)
    for name in [key for key in NAMES if key in found["sets"]]:
        one = found["sets"][name]
        won = " | ".join(f"{one['won'][other]:.2f}" for other in OTHERS)
        seconds = " | ".join(f"{one['cpu_seconds'][method]:.1f}" for method in ("default", *OTHERS))
        lines.append(f"| {NAMES[name]} | {one['series']} | {won} | {one['coverage']:.3f} | {seconds} |")
    return lines


def numbers(path: str, skip: int = 0, columns=None) -> np.ndarray:
    """Values (T, D) of a file of numbers."""
    with gzip.open(SHARED / path, "rt") if path.endswith(".gz") else (SHARED / path).open() as file:
        rows = list(csv.reader(file))[skip:]
    return np.array([[float(cell.strip('"?')) for cell in row[columns or slice(None)]] for row in rows if row])


def cases_of(name: str, most: int) -> list[Case]:
    """The cases of a set; of M3 at most so many series, evenly spread."""
    if name.startswith("m3"):
        kind = next(kind for kind in FREQUENCIES if name == f"m3_{kind.lower()}")
        season, flair = {"Year": (1, "A"), "Quart": (4, "Q"), "Month": (12, "M"), "Other": (1, "A")}[kind]
        train, test = rows_of(kind)
        at = np.unique(np.linspace(0, len(train) - 1, min(most, len(train))).astype(int))
        known = [np.array(train[i][1:], float) for i in at]
        hidden = np.array([test[i][1:] for i in at], float)
        return [Case(name, known, hidden, season, FREQUENCIES[kind], flair, False)]
    found = []

    def add(values: np.ndarray, lengths: tuple[int, ...], horizon: int, season: int, frequency: str, flair: str) -> None:
        for length in lengths:
            rows = values[:length].T
            known = list(rows[:, :-horizon])
            found.append(Case(f"{name}_{len(found)}", known, rows[:, -horizon:], season, frequency, flair, True))

    if name == "exchange":
        add(numbers("exchange_rate/exchange_rate.txt.gz"), (1500, 3000, 4500, 6000, 7588), 30, 1, "step", "D")
    if name == "illness":
        values = numbers("illness/national_illness.csv.gz")
        add(values, (143,), 39, 52, "w", "W")
        add(values, (300, 500, 700, 966), 24, 52, "w", "W")
    if name == "ett":
        for part in ("ETTh1", "ETTh2"):
            add(numbers(f"ett/{part}.csv.gz", 1, slice(1, 8)), (500, 1000), 48, 24, "h", "H")
    if name == "classics":
        add(numbers("classics/airline-passengers.csv", 1, slice(1, 2)), (72, 96, 120, 144), 12, 12, "m", "M")
        add(numbers("classics/monthly-sunspots.csv", 1, slice(1, 2)), (600, 1200, 2000, 2820), 24, 12, "m", "M")
        add(numbers("classics/daily-min-temperatures.csv", 1, slice(1, 2)), (1000, 2000, 3650), 28, 7, "d", "D")
    return found


def ours(case: Case) -> dict[str, np.ndarray | float]:
    """Forecast and limits (N, H) of the shipped default, CPU-seconds of reading, fitting and calibrating."""
    from applied_dl.tasks.forecast import task
    from applied_dl.tasks.forecast.encoder import inputs_at
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "known.csv"
        horizon = case.hidden.shape[1]
        overrides = {"data.source": str(path), "data.horizon": horizon, "data.season": case.season}
        if case.aligned:
            lines = [",".join(f"s{i}" for i in range(len(case.known))), *(",".join(map(repr, map(float, row))) for row in zip(*case.known))]
            path.write_text("\n".join(lines))
        else:
            width = max(map(len, case.known))
            rows = [[f"s{i}", *map(float, y), *[""] * (width - len(y))] for i, y in enumerate(case.known)]
            lines = [["series", *(f"V{k + 1}" for k in range(width))], *rows]
            path.write_text("\n".join(",".join(map(str, line)) for line in lines))
            overrides |= {"data.layout": "rows", "data.frequency": case.frequency}
        recipe = recipes.read_recipe({"task": "forecast"}, overrides)
        set_up(0, True)
        start = time.process_time()
        prepared = task.prepare(recipe, Path(folder))
    recipe = task.resolve_defaults(recipe, prepared)
    model = task.serving(recipe, task.fit(recipe, prepared, CheckpointingTrainer()), prepared).model
    encoder, blocks = prepared.encoder, prepared.state.blocks
    windows = [inputs_at(encoder, block, np.array([len(block)])) for block in blocks]
    outputs = model.predict({key: np.concatenate([one[key] for one in windows]) for key in windows[0]}, batch_size=256, verbose=0)
    seconds = time.process_time() - start
    flat = {key: np.asarray(outputs[key], np.float64).transpose(0, 2, 1).reshape(-1, horizon) for key in ("forecast", "lower", "upper")}
    offset = np.concatenate([np.zeros(len(block.names)) if block.offset is None else block.offset for block in blocks])[:, None]
    names = [name for block in blocks for name in block.names]
    order = [names.index(f"s{i}") for i in range(len(case.known))]
    return {**{key: (values + offset)[order] for key, values in flat.items()}, "cpu_seconds": seconds, "model": recipe.model.name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--sets", default=",".join(NAMES))
    options = parser.parse_args()
    sets: dict[str, dict] = (read("forecast_short") or {}).get("sets", {})  # of the sets that are not measured now
    for name in options.sets.split(","):
        cases = cases_of(name, options.series)
        theirs = others(cases)
        errors: dict[str, list] = {method: [] for method in ("default", *OTHERS)}
        seconds, inside, models = dict.fromkeys(errors, 0.0), [], set()
        for case in cases:
            own = ours(case)
            models.add(own["model"])
            unit = np.array([_scale(y, case.season) for y in case.known])
            answers = {"default": own["forecast"], **{other: np.array(theirs[case.name][other]["forecast"]) for other in OTHERS}}
            for method, answer in answers.items():
                errors[method] += list(np.abs(answer - case.hidden).mean(axis=1) / unit)
                seconds[method] += own["cpu_seconds"] if method == "default" else theirs[case.name][method]["cpu_seconds"]
            inside += list(((case.hidden >= own["lower"]) & (case.hidden <= own["upper"])).mean(axis=1))
        one = {"series": len(inside), "models": sorted(models), "coverage": round(float(np.mean(inside)), 4)}
        one["mase"] = {method: round(float(np.mean(rows)), 4) for method, rows in errors.items()}
        one["won"] = {other: round(float(np.mean(np.array(errors["default"]) < errors[other])), 4) for other in OTHERS}
        one["cpu_seconds"] = {method: round(value, 2) for method, value in seconds.items()}
        sets[name] = one
        print(name, json.dumps(one), file=sys.stderr, flush=True)
        write("forecast_short", {"sets": sets, "most_series": options.series})


def others(cases: list[Case]) -> dict:
    """By case and other: forecasts and CPU-seconds, from a process in an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.json"
        rows = [
            {"name": c.name, "known": [y.tolist() for y in c.known], "horizon": c.hidden.shape[1], "season": c.season, "flair": c.flair}
            for c in cases
        ]
        path.write_text(json.dumps(rows))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        python = peer("flair", "flaircast==0.6.1", "statsforecast==2.1.1")
        done = subprocess.run([python, "-c", PEER, str(path)], capture_output=True, text=True, env=environment)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"the others failed: {done.stderr.strip()[-400:]}")
    return json.loads(line.removeprefix("RESULT"))


def _scale(values: np.ndarray, season: int) -> float:
    lag = season if len(values) > season else 1
    return float(np.abs(values[lag:] - values[:-lag]).mean())


if __name__ == "__main__":
    main()
