"""python -m benchmarks.forecast.levels [--seeds 2]: the default on made series whose level changes, beside naive, ETS, Theta and FLAIR.

Every series has a level, a season (or none) and noise, and ends in a horizon that is hidden: nothing is chosen on it. The level changes
within the known steps as `CHANGES` says, or not at all. Each series is a file of its own, forecast by the default recipe; the others see
the same steps. MASE in units of the season's usual change before any change of level, so that all kinds weigh alike.
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import numpy as np

from benchmarks.forecast.common import write
from benchmarks.forecast.short import OTHERS, Case, others, ours
from benchmarks.runner import Row

METHODS = ("default", "seasonal naive", *OTHERS)
CHANGES = {  # shares of the horizon before the end at which the level changes, and how
    "none": "no change of level",
    "old": "a step five horizons ago",
    "recent": "a step one and a half horizons ago",
    "newest": "a step half a horizon ago",
    "product": "a step that multiplies level and season, two horizons ago",
    "return": "a level that left and came back",
    "stairs": "three steps",
    "ramp": "a change spread over a horizon, two horizons ago",
    "walk": "a level that wanders",
}


class Form(NamedTuple):
    """Known steps, horizon, season, frequency for FLAIR, size of the season and of the noise; the level is 100, a step about 40."""

    known: int
    horizon: int
    season: int
    flair: str
    swing: float
    noise: float


FORMS = {
    "yearly": Form(60, 6, 1, "A", 0.0, 4.0), "quarterly": Form(80, 8, 4, "Q", 10.0, 3.0), "monthly": Form(120, 12, 12, "M", 10.0, 3.0),
    "daily": Form(210, 14, 7, "D", 10.0, 4.0),
}  # fmt: skip


def made(form: Form, change: str, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """The series (known and hidden steps), and its unit: the mean change from season to season without a change of level."""
    h, count = form.horizon, form.known + form.horizon
    t, end = np.arange(count), form.known
    season = random.normal(0, 1, form.season)
    season = form.swing * (season - season.mean())[t % form.season]
    noise = random.normal(0, form.noise, count)
    size = random.choice([-1, 1]) * random.uniform(30, 50)
    after = lambda steps: (t >= end - round(steps * h)).astype(float)  # noqa: E731
    level = {
        "old": size * after(5), "recent": size * after(1.5), "newest": size * after(0.5),
        "return": size * (after(4) - after(2)), "stairs": size * (after(6) - 0.7 * after(4) + 0.9 * after(2)),
        "ramp": size * np.clip((t - (end - 2 * h)) / h, 0, 1), "walk": np.cumsum(random.normal(0, 0.8 * form.noise, count)),
    }.get(change, np.zeros(count))  # fmt: skip
    values = 100 + season + level + noise
    if change == "product":
        values = np.where(after(2) > 0, values * (1 + size / 100), values)
    calm = season + noise
    return np.maximum(values, 1.0), float(np.abs(calm[form.season :] - calm[: -form.season]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    cases, units = [], []
    for place, (name, form) in enumerate(FORMS.items()):
        for number, change in enumerate(CHANGES):
            for seed in range(options.seeds):
                values, unit = made(form, change, np.random.default_rng([place, number, seed]))
                known, hidden = values[: form.known], values[None, form.known :]
                cases.append(Case(f"{name} {change} {seed}", [known], hidden, form.season, "step", form.flair, True))
                units.append(unit)
    theirs, found = others(cases), {}
    for case, unit in zip(cases, units):
        own, steps = ours(case), np.arange(case.hidden.shape[1])
        naive = case.known[0][len(case.known[0]) - case.season + steps % case.season]
        answers = {"default": own["forecast"], "seasonal naive": naive, **{one: theirs[case.name][one]["forecast"] for one in OTHERS}}
        errors = {method: float(np.abs(np.array(answers[method]) - case.hidden).mean() / unit) for method in METHODS}
        inside = float(((case.hidden >= own["lower"]) & (case.hidden <= own["upper"])).mean())
        width = float((own["upper"] - own["lower"]).mean() / unit)
        found[case.name] = {"mase": errors, "coverage": inside, "width": width, "cpu_seconds": own["cpu_seconds"]}
        print(case.name, {method: round(value, 3) for method, value in errors.items()}, round(inside, 2), file=sys.stderr, flush=True)
    groups = dict.fromkeys(FORMS, 0), dict.fromkeys(CHANGES, 1)
    means = {name: _mean([one for key, one in found.items() if key.split()[at] == name]) for group in groups for name, at in group.items()}
    write("forecast_levels", {"seeds": options.seeds, "all": _mean(list(found.values())), "means": means})


def _mean(some: list[dict]) -> dict:
    """Mean errors of every method, coverage and width of the default's intervals, CPU-seconds, and the number of series."""
    rounded = lambda key: round(float(np.mean([one[key] for one in some])), 3)  # noqa: E731
    return {
        "series": len(some),
        "mase": {method: round(float(np.mean([one["mase"][method] for one in some])), 3) for method in METHODS},
        "won": {method: round(float(np.mean([one["mase"]["default"] < one["mase"][method] for one in some])), 2) for method in METHODS[1:]},
        "coverage": rounded("coverage"), "width": rounded("width"), "cpu_seconds": rounded("cpu_seconds"),
    }  # fmt: skip


def summary(found: dict) -> list[Row]:
    """All series, and each kind of change."""
    rows = []
    for text, one in [("series with changes of level", found["all"]), *((CHANGES[name], found["means"][name]) for name in CHANGES)]:
        best = min(one["mase"][method] for method in METHODS[1:])
        beside = ", ".join(f"{method} {one['mase'][method]:.3f}" for method in METHODS[1:])
        measured = f"{one['mase']['default']:.3f}, coverage {one['coverage']:.2f}"
        met = one["mase"]["default"] <= best if one is found["all"] else None
        rows.append(Row(f"{text}, {one['series']}: MASE", measured, "at most the best other" if met is not None else "", met, beside))
    return rows


def details(found: dict) -> list[str]:
    """By length of the step."""
    lines = [
        "| made series | series | " + " | ".join(METHODS) + " | coverage of 90% | CPU-seconds each |",
        "|" + "---|" * (len(METHODS) + 4),
    ]
    for name in FORMS:
        one = found["means"][name]
        errors = " | ".join(f"{one['mase'][method]:.3f}" for method in METHODS)
        lines.append(f"| {name} | {one['series']} | {errors} | {one['coverage']:.3f} | {one['cpu_seconds']:.1f} |")
    return lines


if __name__ == "__main__":
    main()
