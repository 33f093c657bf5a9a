"""python -m benchmarks.forecast.covariates [--seeds 3] [--kinds promotion,…]: what is known ahead adds to sales, or multiplies them.

Generated daily, hourly and monthly files as people have them, each with a known law. The default recipe learns its own training and
validation parts and is scored on every window of its test part, with the model of then, and at four origins of it, where AutoARIMA of
statsforecast, with the same columns, is fitted anew. The law itself, without the noise, has the least error that is possible. MASE in
units of the seasonal naive forecast on the training steps.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.forecast.common import write
from benchmarks.runner import Row, format_mean, peer, read, result_of

PEER = r"""
import json, sys, warnings
warnings.filterwarnings("ignore")
import numpy as np
from statsforecast.models import AutoARIMA
found = []
for case in json.load(open(sys.argv[1])):
    y, x, h, m = np.array(case["y"]), np.array(case["x"]), case["horizon"], case["season"]
    model = AutoARIMA(season_length=m, approximation=True, max_p=2, max_q=2, max_P=1, max_Q=1)
    first = max(0, len(y) - 400)
    try:
        found.append(np.asarray(model.forecast(y[first:], h, X=x[first:len(y)], X_future=x[len(y):len(y) + h])["mean"]).tolist())
    except Exception:  # its search ends without a model
        found.append(np.resize(y[-m:], h).tolist())
print("RESULT" + json.dumps(found))
"""
ORIGINS = 4  # of AutoARIMA, over the test part


class Case(NamedTuple):
    """Series (T, N) and their law without noise, covariates by name (T,) or (T, N), horizon, season, first day and step of the clock."""

    values: np.ndarray
    law: np.ndarray
    known: dict[str, np.ndarray]
    horizon: int = 28
    season: int = 7
    step: str = "D"


def _days(seed: int, count: int = 900) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """Random numbers, days, a level that grows by half and a weekly season around one."""
    random = np.random.default_rng(seed)
    t = np.arange(count)
    week = np.exp(0.25 * random.normal(size=7))
    return random, t, 2000 * (1 + 1.0 * t / count), (week / week.mean())[t % 7]


def _runs(random: np.random.Generator, count: int, share: float, length: int) -> np.ndarray:
    """0 and 1: promotions of about `length` steps that take `share` of the time."""
    on, t = np.zeros(count), 0
    while t < count:
        t += 1 + int(random.exponential(length * (1 - share) / share))
        on[t : t + length] = 1
        t += length
    return on


def promotion(seed: int) -> Case:
    """×1.35 in promotions of four days, over a level that doubles and a weekly season."""
    random, t, level, week = _days(seed)
    promo = _runs(random, len(t), 0.2, 4)
    law = level * week * 1.35**promo
    return Case((law * np.exp(0.06 * random.normal(size=len(t))))[:, None], law[:, None], {"promo": promo})


def weekend_promotion(seed: int) -> Case:
    """×1.5 in promotions that are always Friday to Sunday, as the season's best days are."""
    random, t, level, week = _days(seed)
    on = np.repeat(random.random(len(t) // 7 + 1) < 0.35, 7)[: len(t)] & (t % 7 >= 4)
    law = level * week * np.where(t % 7 >= 4, 1.3, 1.0) * 1.5**on
    return Case((law * np.exp(0.06 * random.normal(size=len(t))))[:, None], law[:, None], {"promo": on.astype(float)})


def price(seed: int) -> Case:
    """A price that changes every few weeks, with an elasticity of -1.8."""
    random, t, level, week = _days(seed)
    cuts = np.cumsum(random.integers(5, 25, len(t)))
    prices = np.round(random.uniform(3.5, 6.0, len(t)), 1)[np.searchsorted(cuts, t)]
    law = level * week * (prices / 5) ** -1.8
    return Case((law * np.exp(0.06 * random.normal(size=len(t))))[:, None], law[:, None], {"price": prices})


def holidays(seed: int) -> Case:
    """Holidays at 0.45 of the day's sales, the days before them at 1.4."""
    random, t, level, week = _days(seed)
    holiday = np.zeros(len(t))
    holiday[np.cumsum(random.integers(12, 40, len(t) // 10)) % len(t)] = 1
    before = np.roll(holiday, -1) * (1 - holiday)
    law = level * week * 0.45**holiday * 1.4**before
    return Case((law * np.exp(0.05 * random.normal(size=len(t))))[:, None], law[:, None], {"holiday": holiday, "before_holiday": before})


def shops(seed: int) -> Case:
    """Twelve shops from 50 to 50,000 a day, each with promotions of its own that multiply by 1.4."""
    random, t, level, _ = _days(seed, 420)
    size = 10 ** np.linspace(1.7, 4.7, 12)
    week = np.exp(0.25 * random.normal(size=(7, 12)))[t % 7]
    promo = np.stack([_runs(random, len(t), 0.2, 4) for _ in size], axis=1)
    law = size * (level / 2000)[:, None] * week * 1.4**promo
    return Case(law * np.exp(0.08 * random.normal(size=law.shape)), law, {"promo": promo}, 14)


def few_sales(seed: int) -> Case:
    """A few pieces a day, some days none, twice as many in promotions."""
    random, t, level, week = _days(seed, 700)
    promo = _runs(random, len(t), 0.25, 5)
    law = level / 600 * week * 2.0**promo
    return Case(random.poisson(law).astype(float)[:, None], law[:, None], {"promo": promo})


def months(seed: int) -> Case:
    """Seven years of months, campaigns that multiply by 1.5."""
    random, t = np.random.default_rng(seed), np.arange(84)
    campaign = (random.random(84) < 0.25).astype(float)
    law = 300 * 1.012**t * (1 + 0.3 * np.sin(2 * np.pi * t / 12)) * 1.5**campaign
    return Case((law * np.exp(0.05 * random.normal(size=84)))[:, None], law[:, None], {"campaign": campaign}, 12, 12, "M")


def visitors(seed: int) -> Case:
    """Additive: excursions bring 900 visitors whatever the level, which doubles."""
    random, t, level, week = _days(seed)
    bus = _runs(random, len(t), 0.2, 2)
    law = level * week + 900 * bus
    return Case((law + 120 * random.normal(size=len(t)))[:, None], law[:, None], {"bus": bus})


def heating(seed: int) -> Case:
    """Additive: each degree below 15 adds as much on a Sunday as on a Monday."""
    random, t, _, week = _days(seed)
    cold = (
        12 - 10 * np.cos(2 * np.pi * t / 365.25 - 0.3) * -1 + np.convolve(random.normal(size=len(t) + 20), np.full(5, 0.9), "same")[10:-10]
    )
    law = 600 + 500 * week + 40 * np.maximum(15 - cold, 0)
    return Case((law + 25 * random.normal(size=len(t)))[:, None], law[:, None], {"temperature": cold})


def load(seed: int) -> Case:
    """Additive: hourly load with a day's season, a calmer weekend, and 12 MW for each degree below 16."""
    random, t = np.random.default_rng(seed), np.arange(4000)
    slow = np.convolve(random.normal(size=len(t) + 400), np.full(96, 0.35), "same")[200:-200]
    temperature = 8 + slow + 4 * np.sin(2 * np.pi * (t - 9) / 24) + 0.5 * random.normal(size=len(t))
    day = 100 * np.sin(2 * np.pi * (t - 7) / 24) + 40 * np.sin(4 * np.pi * (t - 5) / 24)
    law = 700 + day - 80 * ((t // 24) % 7 >= 5) + 12 * np.maximum(16 - temperature, 0)
    return Case((law + 12 * random.normal(size=len(t)))[:, None], law[:, None], {"temperature": temperature}, 24, 24, "h")


def idle(seed: int) -> Case:
    """A column that has no effect at all."""
    random, t, level, week = _days(seed)
    law = level * week
    noise = np.exp(0.08 * random.normal(size=len(t)))
    return Case((law * noise)[:, None], law[:, None], {"moon": np.sin(t / 4.7), "lottery": _runs(random, len(t), 0.1, 1)})


KINDS = {
    one.__name__: one for one in (promotion, weekend_promotion, price, holidays, shops, few_sales, months, visitors, heating, load, idle)
}


def table(case: Case, path: Path) -> dict:
    """Write a case as a file, wide or long, and the recipe's keys for it."""
    count, width = case.values.shape
    times = np.datetime64("2015-01" if case.step == "M" else "2022-01-03", case.step) + np.arange(count)
    times = np.datetime_as_string(times, "m" if case.step == "h" else case.step)
    lines = [",".join([*(["shop"] if width > 1 else []), "time", "value", *case.known])]
    for i in range(width):
        columns = [v if v.ndim == 1 else v[:, i] for v in case.known.values()]
        rows = zip(times, case.values[:, i], *columns)
        lines += [",".join([*([f"s{i}"] if width > 1 else []), str(row[0]), *(f"{cell:.6g}" for cell in row[1:])]) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    keys = {"data.source": str(path), "data.target": "value", "data.horizon": case.horizon, "data.future_covariates": tuple(case.known)}
    return keys | ({"data.series": "shop", "data.test_horizons": 4} if width > 1 else {})


def ours(case: Case, **more) -> dict:
    """Mean absolute scaled error on all test windows, of the default and of the law, with the origins and units for the others."""
    from applied_dl.exporting.precisions import keras_outputs
    from applied_dl.tasks.forecast import task
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer
    from applied_dl.workflows import recipes

    with tempfile.TemporaryDirectory() as folder:
        keys = table(case, Path(folder) / "known.csv")
        recipe = recipes.read_recipe({"task": "forecast"}, {"train.refit": False, **keys, **more})
        set_up(0, True)
        prepared = task.prepare(recipe, Path(folder))
    recipe = task.resolve_defaults(recipe, prepared)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    test = prepared.test
    answer = keras_outputs(task.serving(recipe, fitted, prepared), test)
    start = prepared.state.blocks[0].start
    at = np.asarray(test.extra["origin"]) - start
    owner = np.asarray(test.extra["series"]) if "series" in test.extra else np.zeros(len(at), int)
    names = [int(str(block.names[0]).removeprefix("s")) for block in prepared.state.blocks] if case.values.shape[1] > 1 else [0]
    law = np.stack([case.law[a : a + case.horizon, names[o]] for a, o in zip(at, owner)])[..., None]
    unit = np.asarray(test.extra["mase_scale"])[:, None]
    errors = lambda forecast: np.abs(forecast - test.target) / unit  # noqa: E731
    inside = float(np.mean((test.target >= answer["lower"]) & (test.target <= answer["upper"])))
    rows = np.unique(np.linspace(0, len(at) - 1, ORIGINS).astype(int))
    asked = [(int(at[row]), names[int(owner[row])], float(unit[row, 0, 0])) for row in rows]
    found = errors(answer["forecast"])
    return {"default": float(found.mean()), "at origins": float(found[rows].mean()), "law": float(errors(law).mean()), "coverage": inside,
            "model": recipe.model.name, "asked": asked}  # fmt: skip


def theirs(cases: list[tuple[Case, dict]]) -> list[float]:
    """AutoARIMA's mean absolute scaled error of each case, from a process in an environment of its own."""
    rows = []
    for case, found in cases:
        for origin, place, _ in found["asked"]:
            x = np.stack([v if v.ndim == 1 else v[:, place] for v in case.known.values()], axis=1)
            rows.append({"y": case.values[:origin, place].tolist(), "x": x.tolist(), "horizon": case.horizon, "season": case.season})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.json"
        path.write_text(json.dumps(rows))
        python = peer("flair", "flaircast==0.6.1", "statsforecast==2.1.1")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        done = subprocess.run([python, "-c", PEER, str(path)], capture_output=True, text=True, env=environment)
    answers = iter(result_of(done.stdout, done.stderr))
    errors = []
    for case, found in cases:
        gaps = [
            np.abs(np.array(next(answers)) - case.values[origin : origin + case.horizon, place]).mean() / unit
            for origin, place, unit in found["asked"]
        ]
        errors.append(float(np.mean(gaps)))
    return errors


def summary(found: dict) -> list[Row]:
    """Each law: the default's error beside the least that is possible, its coverage, and AutoARIMA's error at the same origins."""
    rows, better = [], 0
    for name, runs in found["kinds"].items():
        ours, there, arima, law, coverage = (
            [run[key] for run in runs] for key in ("default", "at origins", "AutoARIMA", "law", "coverage")
        )
        better += bool(np.mean(there) <= np.mean(arima))
        beside = f"the law itself {np.mean(law):.3f}; at {ORIGINS} origins {np.mean(there):.3f}, AutoARIMA {np.mean(arima):.3f}; "
        beside += f"intervals of 90% hold {np.mean(coverage):.1%}"
        rows.append(Row(f"covariates known ahead, {name.replace('_', ' ')}: MASE", format_mean(ours, 3), compared=beside))
    count = len(found["kinds"])
    return [*rows, Row(f"kinds where the default's mean error at {ORIGINS} origins is at most AutoARIMA's", f"{better} of {count}")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    kinds: dict[str, list] = (read("forecast_covariates") or {}).get("kinds", {})  # of those that are not measured now
    for name in options.kinds.split(","):
        cases = [KINDS[name](seed) for seed in range(options.seeds)]
        runs = [ours(case) for case in cases]
        arima = theirs(list(zip(cases, runs)))
        kinds[name] = [
            {key: round(run[key], 4) if key != "model" else run[key] for key in ("default", "at origins", "law", "coverage", "model")}
            | {"AutoARIMA": round(other, 4)}
            for run, other in zip(runs, arima)
        ]
        print(name, json.dumps(kinds[name]), file=sys.stderr, flush=True)
        write("forecast_covariates", {"kinds": {name: kinds[name] for name in KINDS if name in kinds}})


if __name__ == "__main__":
    main()
