"""How long everything is: the cuts in time, horizon and lookback by default, and what is too short for them."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.clock import Clock
from applied_dl.tasks.forecast.readers.read import Cuts
from applied_dl.tasks.forecast.readers.windows import steps_read
from applied_dl.tasks.forecast.series import SeriesSet

LOOKBACK = 512
SHORT_STEPS = 20  # of a training part without a season, beside two horizons, under which there is no validation part
LEAST_TRAINED = 120  # training steps below which smoothing, which reads whole histories, beats what learns from windows
LEAST_STEPS = 4  # before the test, of the longest series


def default_cuts(data: SeriesSet, d, form: str, horizon: int) -> Cuts:
    if form == "panel":
        ahead = horizon * (d.test_horizons or 1)
        return Cuts([len(v) - ahead - horizon for v in data.values], [len(v) - ahead for v in data.values])
    steps = len(data.values[0])
    train, validation = round(d.split[0] * steps), round((d.split[0] + d.split[1]) * steps)
    return Cuts([train] * len(data.names), [validation] * len(data.names))


def earlier(data: SeriesSet, cuts: Cuts, form: str, horizon: int, back: int) -> tuple[SeriesSet, Cuts]:
    """The series without their last `back` steps, the last horizon of the rest their test; validation as long as it was."""
    values = [v[: len(v) - back] for v in data.values]
    ends = [max(0, len(v) - horizon) for v in values]
    ahead = [horizon if form == "panel" else b - a for a, b in zip(cuts.train, cuts.validation)]
    return replace(data, values=values), Cuts([max(0, end - a) for end, a in zip(ends, ahead)], ends)


def default_horizon(clock: Clock, data: SeriesSet, form: str, notes: list[str]) -> int:
    """The clock's horizon; less where the series are shorter than five of it."""
    steps = max(len(v) for v in data.values)
    most = clock.horizon
    if steps >= (3 if form == "panel" else 5) * most:
        return most
    fits = max(steps // 4, min(clock.season, steps // 3) if clock.season > 1 else 1, 1)
    if fits < most:
        notes.append(f"data.horizon is {fits}: the {steps} steps of the series are too few for the usual {most}")
    return min(most, fits)


def default_lookback(cuts: Cuts, form: str, horizon: int, season: int) -> int:
    """512 steps, or what the history allows, in whole seasons where at least two fit."""
    if form == "aligned":
        most = min(LOOKBACK, max((cuts.train[0] - horizon) // 3, 1))
    else:
        typical = float(np.median([end for end in cuts.train if end >= horizon + 2]))
        most = int(max(min(7 * horizon, 0.4 * typical), min(horizon, typical / 2), 2))
    if form == "aligned" and most == LOOKBACK:
        return most
    if most >= 2 * season:
        return most // season * season
    if form == "aligned" and season > 1:  # two seasons, or one at the least, where enough training windows are left
        room = cuts.train[0] - horizon - max(horizon, season)
        return max(most, min(2 * season, room // season * season))
    return max(most, min(season, most))


def is_short(cuts: Cuts, data: SeriesSet, d, form: str, horizon: int, season: int, given: bool, smoothed: bool) -> bool:
    """Whether the history leaves no room for a training part of two seasons and two horizons, and a validation part, before the test.

    smoothed: whether the model may be exponential smoothing, which needs no validation part: then a few more steps are short too.

    Files of training and validation that were given, and shares that were, are used as they are.
    """
    if d.split != type(d)().split or d.validation or (given and not d.train):
        return False
    if form == "panel":
        return max(cuts.train) < horizon + 2
    steps = len(data.values[0])
    least = max(2 * horizon + (2 * season if season > 1 else SHORT_STEPS), LEAST_TRAINED if smoothed else 0)
    return cuts.train[0] < least or cuts.validation[0] - cuts.train[0] < horizon or steps - cuts.validation[0] < horizon


def short_cuts(data: SeriesSet, cuts: Cuts, form: str, horizon: int, ahead: int, given: bool) -> Cuts:
    """Training up to the test: the last horizon (of a panel `ahead` of them), or the test file that was given."""
    ends = cuts.validation if given else [len(v) - horizon * (ahead if form == "panel" else 1) for v in data.values]
    return Cuts(list(ends), list(ends))


def short_lookback(most: int, season: int) -> int:
    """All of `most` steps, in whole seasons where they are two or more, up to what exponential smoothing reads."""
    read = min(most, steps_read(season))
    return read // season * season if read >= 2 * season else read


def smoothing_lookback(cuts: Cuts, season: int) -> int:
    """Of a panel that is smoothed: what a rather long series has before its test, with a season; before its validation, without one.

    Shorter ones are lengthened by their trend, as all are in validation where there is a season: a season that is seen once more in the
    test is worth more than a validation part without such steps, though the intervals, which are calibrated there, become wider than they
    promise (benchmarks/forecast/many.py). Without a season the longer windows gain nothing.
    """
    ends = cuts.validation if season > 1 else cuts.train
    usual = int(np.quantile(ends, 0.75))
    return short_lookback(max(usual, min(2 * season, max(ends)), 2), season)


def long_enough(data: SeriesSet, cuts: Cuts, horizon: int, notes: list[str], one_cut: bool) -> tuple[SeriesSet, Cuts]:
    """Series with no history before the test are left out; those too short to train on are still forecast. Both are named."""
    kept = [i for i, end in enumerate(cuts.validation) if end >= 2]
    left = [data.names[i] for i in range(len(data.names)) if i not in set(kept)]
    short = [data.names[i] for i in kept if cuts.train[i] < horizon + 2 and not one_cut]
    for names, what in (
        (left, "have no history before their test and were left out"),
        (short, "are too short to train on and are only forecast"),
    ):
        if names:
            notes.append(f"{len(names)} series {what}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}")
    if not left:
        return data, cuts
    pick = lambda items: [items[i] for i in kept] if items else items  # noqa: E731
    data = replace(data, names=pick(data.names), values=pick(data.values), starts=pick(data.starts), past=pick(data.past),
                   future=pick(data.future), static=pick(data.static))  # fmt: skip
    return data, Cuts(pick(cuts.train), pick(cuts.validation))


def check_lengths(data: SeriesSet, cuts: Cuts, form: str, horizon: int, d, short: bool) -> None:
    """Refuse what cannot be forecast, by series and reason."""
    if short:
        longest = int(np.argmax(cuts.train))
        if cuts.train[longest] < LEAST_STEPS:
            raise DataError(
                f"Series {data.names[longest]!r} has {len(data.values[longest])} steps; expected at least {horizon + LEAST_STEPS} for a "
                f"horizon of {horizon}; give a longer history or a smaller data.horizon."
            )
        if d.lookback and d.lookback > max(map(len, data.values)):
            raise DataError(
                f"Series {data.names[longest]!r} has {len(data.values[longest])} steps, expected at least {d.lookback}, the data.lookback; "
                "give a smaller one."
            )
    elif form == "aligned":
        steps = len(data.values[0])
        for name, size in (
            ("training", cuts.train[0]),
            ("validation", cuts.validation[0] - cuts.train[0]),
            ("test", steps - cuts.validation[0]),
        ):
            least = 2 * horizon + (d.lookback or 1) if name == "training" else horizon
            if size < least:
                raise DataError(
                    f"Series {data.names[0]!r} has {steps} steps, {size} of them for {name}; expected at least {least} for a "
                    f"horizon of {horizon}"
                    f"{f' and a lookback of {d.lookback}' if d.lookback else ''}; give a longer history or a smaller data.horizon"
                    f"{' or data.lookback' if d.lookback else ''}."
                )
    elif max(cuts.train) < horizon + 2:
        longest = int(np.argmax(cuts.train))
        raise DataError(
            f"Every series is too short: the longest, {data.names[longest]!r}, has {len(data.values[longest])} steps, expected at least "
            f"{3 * horizon + 2} for a horizon of {horizon} with one for validation and one for the test."
        )
    if d.season and d.season > max(cuts.train):
        raise DataError(
            f"data.season = {d.season} is longer than the {max(cuts.train)} training steps of the longest series; give a shorter one."
        )
    if all(np.nanmax(v[: max(end, 1)]) == np.nanmin(v[: max(end, 1)]) for v, end in zip(data.values, cuts.train)):
        raise DataError(
            f"Series {data.names[0]!r} is constant ({np.nanmax(data.values[0]):g}) over its training steps; there is nothing to learn."
        )
