"""Which forecasters of the smoothing family are exported, with which penalties: by their errors from many origins of the known steps."""

from __future__ import annotations

import numpy as np
from keras import ops

from applied_dl.tasks.forecast.models.adaptive_theta import THETAS
from applied_dl.tasks.forecast.models.breaks import without_break
from applied_dl.tasks.forecast.models.ets import (
    OWN,
    SCALES,
    SHARPNESS,
    Member,
    Smoothing,
    applied,
    by_name,
    family_of,
    layer_of,
    origins_of,
    scaled,
)
from applied_dl.tasks.forecast.models.intermittent import TSB
from applied_dl.tasks.forecast.readers.windows import first_origin

USUAL = (
    "exponential smoothing with damped trend (alpha 0.3, beta 0.02, damping 0.97)",
    "exponential smoothing with trend (alpha 0.1, beta 0.02, damping 1)",
)  # where too few steps are known to choose
KEPT, FAST_KEPT = 10, 2  # forecasters of different kinds, the best of each; and the best of those that follow a change of level
FEWEST_ERRORS = 20  # known values forecast from the origins, under which nothing is chosen
MOST_WINDOWS, MOST_EACH = 3000, 60  # origins of all series, and of one
FEW_SERIES = 20  # up to so many the older half of their steps is forecast from, too
MOST_LENGTHS = 10  # different lengths of histories
ENOUGH = 20  # horizons of known values, forecast from the origins, with which half of the sharpness is reached
CHUNK = 2**22  # numbers of forecasts at once
CAP = 10.0  # times the usual error of a window: no forecaster's counts more
BREAK = 5.0  # times the usual error of a series: a window whose level breaks says nothing about calm times
STILL = 0.01  # share of the mean error of a series at which its usual one says nothing: its few changes are all there is to know
SOME_ZEROS = 0.3  # share of zeros from which demand is intermittent


def fit_ets(series: list[np.ndarray], horizon: int, season: int, window: int) -> Smoothing:
    """Choose forecasters by their errors from many origins of the known steps, all series together.

    Args:
        series: Known steps (T, D) of each series, without NaN.
        horizon: Steps ahead.
        season: Steps of the season; 1 for none.
        window: The newest steps that a forecast reads; histories with fewer are lengthened as they are when predicting.

    Returns:
        The best of each kind, up to `KEPT`, and their penalties.
    """
    columns = [column for rows in series for column in rows.T]
    positive = all((column > 0).all() for column in columns)
    least = min(float(column.min()) for column in columns)
    zeros = np.mean([np.mean(column == 0) for column in columns])
    intermittent = least >= 0 and zeros >= SOME_ZEROS
    windows = rolling_windows(columns, horizon, season, window)
    pool = _members(window, horizon, season, positive, intermittent)
    known = sum(int(np.isfinite(target).sum()) for _, target, *_ in windows)
    if known < FEWEST_ERRORS:
        scale = "plain" if not positive else "ratio" if season > 1 else "log"
        family = family_of(scale, window, horizon, season)
        chosen = [m for m in pool if not m.name and m.scale == scale and family[m.kind].names[m.place] in USUAL]
        relative = np.ones(len(chosen))
    else:
        errors = _errors(pool, windows, horizon, season)
        best: dict[tuple, Member] = {}
        for i in np.argsort(errors, kind="stable"):
            best.setdefault((pool[i].kind, pool[i].scale, "tsb" if pool[i].name in TSB else pool[i].name), pool[i])
        kept = list(best.values())[:KEPT]
        kept += [m for m in (pool[i] for i in np.argsort(errors, kind="stable")) if _is_fast(m, window, horizon, season) and m not in kept][
            :FAST_KEPT
        ]
        chosen = sorted(kept, key=lambda m: (bool(m.name), SCALES.index(m.scale)))
        relative = np.array([errors[pool.index(m)] for m in chosen])
        relative = relative / max(float(relative.min()), 1e-9)
    share = 1 - OWN if origins_of(window, season) else 1.0
    penalty = share * SHARPNESS * relative * known / (known + ENOUGH * horizon)
    found = Smoothing(tuple(chosen), penalty.astype(np.float32), 0.0, _names(chosen, penalty, window, horizon, season))
    return found._replace(error=_average_error(found, windows, horizon, season))


Windows = list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


def rolling_windows(columns: list[np.ndarray], horizon: int, season: int, window: int) -> Windows:
    """Windows by length: histories (N, L), what followed (N, H) with NaN beyond the known steps, units (N,): mean seasonal changes, and the
    series' numbers (N,).

    L is what is known, as one of a few lengths: a history of another loses its first steps.
    """
    each = int(np.clip(MOST_WINDOWS // max(1, len(columns)), 2, MOST_EACH))
    every = max(1, len(columns) * each // MOST_WINDOWS)
    firsts = [_first(len(column), season, len(columns)) for column in columns]
    lengths = np.unique(np.linspace(min(window, *firsts), window, MOST_LENGTHS).astype(int))
    rows: dict[int, list] = {int(length): [] for length in lengths}
    used = np.linspace(0, len(columns) - 1, len(columns) // every).round().astype(int)  # not always the same column of each series
    for place in used:
        column, first, steps = columns[place], firsts[place], len(columns[place])
        lag = season if season < steps else 1
        unit = float(np.abs(column[lag:] - column[:-lag]).mean()) if steps > lag else 0.0
        ends = np.arange(first, steps)
        padded = np.concatenate([column, np.full(horizon, np.nan)])
        for end in ends[np.unique(np.linspace(0, len(ends) - 1, min(len(ends), each)).astype(int))] if len(ends) else ():
            length = int(lengths[np.searchsorted(lengths, min(end, window), side="right") - 1])
            rows[length].append((column[end - length : end], padded[end : end + horizon], unit if unit > 0 else 1.0, place))
    stacked = [tuple(np.array(part) for part in zip(*some)) for some in rows.values() if some]
    return [(history.astype(np.float32), target, unit, owner) for history, target, unit, owner in stacked]


def _first(steps: int, season: int, series: int) -> int:
    """The fewest known steps from which a series is forecast; of many series half of them, as what is forecast next knows even more."""
    half = steps // 2 if series > FEW_SERIES else 0
    return max(1, min(max(first_origin(steps, season), half), steps - 1))


def _members(window: int, horizon: int, season: int, positive: bool, intermittent: bool) -> list[Member]:
    """All forecasters that the data allow. Logarithms have no trend without an end."""
    found = []
    for scale in SCALES if positive and season > 1 else SCALES[:2] if positive else SCALES[:1]:
        for kind, one in enumerate(family_of(scale, window, horizon, season)):
            if not (scale == "log" and one.grows):
                found += [Member(kind, place, scale) for place in range(len(one.kernels))]
    ways = {"additive", *(["log"] if positive else []), *(["ratio"] if positive and season > 1 else [])}
    names = [name for name, (how, _) in THETAS.items() if how in ways]
    names += ["level_shape", *(["log_level_shape"] if positive else []), *([*TSB, "median"] if intermittent else [])]
    return found + [Member(name=name) for name in names]


def _errors(pool: list[Member], windows: Windows, horizon: int, season: int) -> np.ndarray:
    """(M,) mean absolute errors in the series' units; none counts more than `CAP` usual ones of its window and `BREAK` of its series.

    A window counts by the share of its horizon that is known: forecasters of a few steps are not those of many.
    """
    found, size = [], max(1, CHUNK // (len(pool) * horizon))
    for history, target, unit, owner in windows:
        families = {scale: family_of(scale, history.shape[1], horizon, season) for scale in SCALES}
        for start in range(0, len(history), size):
            x, truth = without_break(ops.convert_to_tensor(history[start : start + size]), season), target[start : start + size]
            rows = []
            for scale, family in families.items():
                places = [(m.kind, m.place) for m in pool if not m.name and m.scale == scale]
                if places:
                    kernels = np.concatenate([family[kind].kernels[place] for kind, place in places], axis=1).astype(np.float32)
                    values, back = scaled(x, scale, horizon, season)
                    rows.append(np.asarray(back(applied(values, kernels, horizon), np.arange(horizon))))
            rows += [np.asarray(one)[:, None] for one in by_name(x, [m.name for m in pool if m.name], horizon, season)]
            gaps = np.nanmean(np.abs(np.concatenate(rows, axis=1) - truth[:, None]), axis=2) / unit[start : start + size, None]  # (N, M)
            weights = np.isfinite(truth).mean(axis=1)[:, None]
            found.append((gaps, weights, owner[start : start + size]))
    gaps, weights, owner = (np.concatenate(part) for part in zip(*found))
    usual = np.median(gaps, axis=1)
    cap = CAP * usual
    for one in np.unique(owner):
        own = owner == one
        calm = np.median(usual[own])
        if calm > STILL * usual[own].mean():
            cap[own] = np.minimum(cap[own], BREAK * calm)
    return (weights * np.minimum(gaps, cap[:, None])).sum(axis=0) / weights.sum()


def _average_error(found: Smoothing, windows: Windows, horizon: int, season: int) -> float:
    """Of the weighted average, from the longest histories."""
    history, target, unit, _ = windows[-1]
    layer = layer_of(found.members, history.shape[1], horizon, season)
    layer.build(history.shape)
    layer.choose(found.members, found.penalty)
    return float(np.mean(np.nanmean(np.abs(np.asarray(layer(history)) - target), axis=1) / unit))


def _is_fast(member: Member, window: int, horizon: int, season: int) -> bool:
    return not member.name and family_of(member.scale, window, horizon, season)[member.kind].fast[member.place]


def _names(chosen: list[Member], penalty: np.ndarray, window: int, horizon: int, season: int) -> tuple[str, ...]:
    """Of the chosen forecasters, the best first."""
    words = {"level_shape": "level and shape", "log_level_shape": "level times shape", "median": "median"}
    words |= {name: f"{name.split('_')[0].capitalize()} with smoothing per window, {how} season" for name, (how, _) in THETAS.items()}
    ends = {"plain": "", "log": " of logarithms", "ratio": ", multiplicative season"}

    def text(m: Member) -> str:
        if m.name:
            return words.get(m.name, m.name)
        return family_of(m.scale, window, horizon, season)[m.kind].names[m.place] + ends[m.scale]

    return tuple(text(chosen[i]) for i in np.argsort(penalty, kind="stable"))
