"""python -m benchmarks.forecast.short_intervals [--series 150]: 90% intervals of short series in several units, before the tests of M3.

The unit of short sets was chosen here; the official test steps of M3 are not read. The last horizon of each known part is hidden, and the
mean of Theta and damped Holt-Winters is forecast from every origin before, as a short set is calibrated. Each way turns these errors into
an interval around the forecast of the hidden steps. The interval score (Gneiting and Raftery, 2007) is the width, and twenty times what
lies outside, in units of the mean change from season to season; its geometric mean counts, so that no series outweighs the others.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from benchmarks.forecast.common import write
from benchmarks.forecast.m3 import rows_of
from benchmarks.runner import Row

KINDS = {"Year": (1, 6), "Quart": (4, 8), "Month": (12, 18), "Other": (1, 8)}  # season, horizon
WAYS = {  # unit, whether windows overlap: description
    ("deviation", False): "in deviations of the window", ("season", False): "in the unit of long sets",
    ("season", True): "in the unit of long sets, overlapping windows", ("short", False): "in the unit of short sets",
    ("short", True): "in the unit of short sets, overlapping windows (the default)",
}  # fmt: skip


def summary(found: dict) -> list[Row]:
    """Each way over all series."""
    rows = []
    for (unit, overlapping), text in WAYS.items():
        one = found["all"][f"{unit} {overlapping}"]
        rows.append(
            Row(f"90% intervals of {found['series']} short series {text}", f"{one['coverage']:.3f}, interval score {one['score']:.2f}")
        )
    return rows


def measure(known: np.ndarray, hidden: np.ndarray, season: int) -> dict[str, tuple[float, float]]:
    """By way: share of the hidden steps inside, and the interval score."""
    from applied_dl.tasks.forecast.classical import holt_winters, theta
    from applied_dl.tasks.forecast.gaps import lengthen
    from applied_dl.tasks.forecast.models.intervals import Margin, conformal_margin
    from applied_dl.tasks.forecast.readers.lengths import short_lookback
    from applied_dl.tasks.forecast.readers.windows import first_origin

    steps, horizon = len(known), len(hidden)
    lookback = short_lookback(steps, season)
    origins = np.arange(min(first_origin(steps, season), steps - 1), steps + 1)  # the last one is that of the hidden steps
    forecast = np.mean([method(known, origins, horizon, season, steps) for method in (theta, holt_winters)], axis=0)
    truth = np.concatenate([known, np.full(horizon, np.nan)])[origins[:-1, None] + np.arange(horizon)]
    history = np.stack([lengthen(known[:o][-lookback:], lookback, season) for o in origins])[..., None].astype(np.float32)
    scale = float(np.abs(known[season:] - known[:-season]).mean()) or 1.0
    error, found = np.abs(hidden - forecast[-1]), {}
    for unit, overlapping in WAYS:
        spread = np.asarray(Margin(horizon, season, (known.std() or 1.0,), unit).spread(history), np.float64)
        margin = conformal_margin(np.abs(truth - forecast[:-1])[..., None], spread[:-1], 0.9, overlapping)
        half = (margin * spread[-1])[:, 0]
        score = (2 * half + 20 * np.maximum(error - half, 0)) / scale
        found[f"{unit} {overlapping}"] = float((error <= half).mean()), float(score.mean())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=150)
    each = parser.parse_args().series
    by_kind: dict[str, dict[str, list]] = {kind: defaultdict(list) for kind in KINDS}
    for kind, (season, horizon) in KINDS.items():
        train, _ = rows_of(kind)
        for row in np.unique(np.linspace(0, len(train) - 1, min(each, len(train))).astype(int)):
            values = np.array(train[row][1:], float)
            if len(values) >= 2 * (horizon + season) + 4:
                for way, one in measure(values[:-horizon], values[-horizon:], season).items():
                    by_kind[kind][way].append(one)
    mean = lambda rows: {"coverage": round(float(np.mean([c for c, _ in rows])), 4),  # noqa: E731
                         "score": round(float(np.exp(np.mean(np.log([s for _, s in rows])))), 3), "series": len(rows)}  # fmt: skip
    ways = [f"{unit} {overlapping}" for unit, overlapping in WAYS]
    both = {way: mean([one for kind in KINDS for one in by_kind[kind][way]]) for way in ways}
    kinds = {kind: {way: mean(by_kind[kind][way]) for way in ways} for kind in KINDS}
    write("forecast_short_intervals", {"series": both[ways[0]]["series"], "all": both, "kinds": kinds})


if __name__ == "__main__":
    main()
