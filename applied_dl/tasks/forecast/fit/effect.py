"""What covariates known ahead do to the values: whether they add to them or multiply them, and how much, by rolling origins.

The effect is estimated within short stretches of the known steps, from which level, line and season are projected out of values and
covariates alike (Frisch & Waugh, 1933), so that a growing level or a promotion that is always on Fridays is not taken for it. A factor
solves the moment condition of a Poisson regression (Santos Silva & Tenreyro, 2006), which zeros do not disturb as they do logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.tasks.forecast.models.effect import MOST

FOLDS = 4  # of time: the effect on one is estimated from the others
PENALTY = 1e-3  # share of the covariates' variance that is added to it
STEPS = 6  # of Newton's method
LEAST = 0.1  # of a stretch's mean that its expected values are at least
MOST_ROWS, MOST_SERIES, MOST_ORIGINS = 200_000, 200, 100  # of a large set, what is estimated from and scored on
SEASONS = (4, 12)  # of a stretch
WITHOUT = 24  # steps of a stretch without a season
KNOTS = (-1.0, 0.0, 1.0)  # deviations of a covariate from its mean where its effect may bend
FEWEST_VALUES, MOST_BENT = 10, 40  # different values of a covariate that may bend; covariates
PROFILE = 4  # seasons whose mean the scored forecasts take


class Effect(NamedTuple):
    """kernel: (F, D) of the standardised covariates, or (F (1 + knots), D) with bends. multiplies: whether the sum is the logarithm of
    a factor; else it is a distance in standardised units, of a panel in shares of its history's mean size."""

    kernel: np.ndarray
    multiplies: bool
    knots: tuple[float, ...] = ()


class Stretches(NamedTuple):
    """Values (C, T, D) and covariates (C, T, F) without level, line and season (and the former with them), their folds (C,)."""

    values: np.ndarray
    known: np.ndarray
    nuisance: np.ndarray
    fold: np.ndarray


def effect_of(prepared) -> Effect | None:
    """The effect that forecasts best; None where no covariate is known ahead."""
    if "future" not in prepared.test.inputs:
        return None
    e, series = prepared.encoder, known_series(prepared)
    series = series[:: max(1, -(-len(series) // MOST_SERIES))]
    factors = (False, True) if _may_multiply(e, series) else (False,)
    features = series[0][1].shape[1]
    none = Effect(np.zeros((features, e.channels), np.float32), False)
    scored: list[tuple[float, Effect]] = [(_error(e, series, [none] * FOLDS), none)]
    bends = (
        ((), KNOTS)
        if features <= MOST_BENT and any(len(np.unique(x[:, i])) > FEWEST_VALUES for _, x in series[:5] for i in range(features))
        else ((),)
    )
    for knots in bends:
        rows = [(values, bent(known, knots)) for values, known in series]
        for length, seasonal in _ways(e, max(len(values) for values, _ in series)):
            found = stretches(rows, length, e.season if seasonal else 1, seasonal)
            for multiplies in factors if len(found.values) else ():
                scored.append(_scored(e, series, found, multiplies, knots))
    return min(scored, key=lambda pair: pair[0])[1]


def _scored(encoder, series: list, found: Stretches, multiplies: bool, knots: tuple[float, ...]) -> tuple[float, Effect]:
    """The effect from all stretches, and the error of those from all but a fold in the fold."""
    unit = None if encoder.form == "panel" else np.array(encoder.scale)
    solve = lambda pick: Effect(_solve(found, pick, unit, multiplies), multiplies, knots)  # noqa: E731
    whole = solve(np.ones(len(found.fold), bool))
    folds = [solve(found.fold != fold) if (found.fold != fold).any() else whole for fold in range(FOLDS)]
    return _error(encoder, series, folds), whole


def known_series(prepared, all_steps: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values (T, D) of each block in the user's units, and the standardised covariates of the same steps (T, F): of the known steps, or of
    all."""
    state = prepared.state
    center, scale = (np.array(values) for values in state.units["future"])
    lengths = [len(block) for block in state.blocks] if all_steps else [len(known) for known in state.known]
    return [(block.values[:end].astype(np.float64), (block.future[:end] - center) / scale) for block, end in zip(state.blocks, lengths)]


def without_effect(encoder, values: np.ndarray, known: np.ndarray, effect: Effect, size=None) -> np.ndarray:
    """Values (…, T, D) without what their covariates (…, T, F) explain. size: of a panel's values, by default their mean."""
    found = moved_by(known, effect)
    if effect.multiplies:
        return values / np.exp(np.clip(found, -MOST, MOST))
    return values - found * _unit(encoder, values, size)


def recent_size(values: np.ndarray, steps: int) -> np.ndarray:
    """(T, D): the mean size of the last `steps` values up to each, of the first ones of as many as there are."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(np.abs(values), axis=0)])
    ends = np.maximum(np.arange(len(values)) + 1, min(steps, len(values)))
    starts = np.maximum(ends - steps, 0)
    return (total[ends] - total[starts]) / (ends - starts)[:, None]


def moved_by(known: np.ndarray, effect: Effect) -> np.ndarray:
    """(…, T, D) of covariates (…, T, F)."""
    return bent(known, effect.knots) @ effect.kernel


def bent(known: np.ndarray, knots: tuple[float, ...]) -> np.ndarray:
    return np.concatenate([known, *(np.maximum(known - knot, 0) for knot in knots)], axis=-1)


def _unit(encoder, values: np.ndarray, size=None):
    if encoder.form != "panel":
        return np.array(encoder.scale)
    return np.abs(values).mean(axis=-2, keepdims=True) if size is None else size


def _may_multiply(encoder, series: list) -> bool:
    """No value is negative, and zero is the user's own."""
    return not encoder.offset and not encoder.own_offset and all((values >= 0).all() for values, _ in series)


def _ways(encoder, longest: int) -> list[tuple[int, bool]]:
    """Lengths of stretches, and whether line and season are projected out or the mean alone."""
    season = encoder.season
    lengths = [count * season for count in SEASONS] if season > 1 else [WITHOUT, 4 * WITHOUT]
    ways = [(length, True) for length in lengths if length <= longest // 2]
    if not ways and longest >= max(2 * season + 4, 8):
        ways = [(longest if len(lengths) < 2 or longest < 2 * lengths[0] else lengths[0], longest >= 3 * season)]
    return [*ways, (max(2, min(encoder.lookback, longest // 2)), False)]


def stretches(series: list, length: int, season: int, line: bool) -> Stretches:
    """The newest whole stretches of every series; of many every so many."""
    values, known, fold = [], [], []
    for y, x in series:
        count = len(y) // length
        first = len(y) - count * length
        values.append(y[first:].reshape(count, length, y.shape[1]))
        known.append(x[first:].reshape(count, length, x.shape[1]))
        fold.append((FOLDS * (first + length * (np.arange(count) + 0.5)) / len(y)).astype(int))
    y, x, folds = np.concatenate(values), np.concatenate(known), np.concatenate(fold)
    every = max(1, len(y) * length // MOST_ROWS)
    t = np.arange(length)
    columns = [np.ones((length, 1))]
    if line:
        columns += [(t[:, None] - t.mean()) / length, np.eye(season)[t % season][:, 1:]]
    nuisance = np.linalg.qr(np.concatenate(columns, axis=1))[0]
    return Stretches(y[::every], x[::every], nuisance, folds[::every])


def _smooth(nuisance: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What level, line and season explain of rows (C, T, ·)."""
    return np.matmul(nuisance, np.matmul(nuisance.T, rows))


def _solve(found: Stretches, pick: np.ndarray, unit, multiplies: bool) -> np.ndarray:
    """(F, D)"""
    y, x = found.values[pick], found.known[pick]
    apart = x - _smooth(found.nuisance, x)
    ridge = PENALTY * apart.shape[0] * apart.shape[1] * np.eye(x.shape[2])
    size = np.abs(y).mean(axis=1, keepdims=True) + 1e-12  # (C, 1, D)
    if not multiplies:
        rows = y / (size if unit is None else unit)
        rows = rows - _smooth(found.nuisance, rows)
        flat = apart.reshape(-1, x.shape[2])
        return np.linalg.solve(flat.T @ flat + ridge, flat.T @ rows.reshape(len(flat), -1)).astype(np.float32)
    kernel = np.zeros((x.shape[2], y.shape[2]))
    for channel in range(y.shape[2]):
        rows, mean = y[..., channel : channel + 1], size[..., channel : channel + 1]
        own = np.zeros(x.shape[2])
        for _ in range(STEPS):
            clean = rows / np.exp(np.clip(x @ own, -MOST, MOST))[..., None] / mean
            base = _smooth(found.nuisance, clean)
            weight = np.maximum(base, LEAST)
            gram = np.einsum("ctf,ctg->fg", apart * weight, apart, optimize=True) + ridge
            own = own + np.clip(np.linalg.solve(gram, np.einsum("ctf,ct->f", apart, (clean - base)[..., 0]) - ridge @ own), -1, 1)
        kernel[:, channel] = own
    return kernel.astype(np.float32)


def _error(encoder, series: list, effects: list[Effect]) -> float:
    """Mean absolute scaled error of the last seasons' mean with the effect of other times, from origins of the known steps."""
    H, m = encoder.horizon, encoder.season
    window = PROFILE * m if m > 1 else 12
    total = count = 0.0
    for values, known in series:
        steps = len(values)
        length = min(window, max(2, steps // 2))
        lag = m if m < length else 1
        ends = np.arange(length, steps)
        if not len(ends):
            continue
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, min(MOST_ORIGINS, len(ends))).astype(int))]
        unit = np.abs(values[lag:] - values[:-lag]).mean(axis=0) + 1e-12
        matrix = _profile(length, H, lag)
        padded = np.concatenate([values, np.full((H, values.shape[1]), np.nan)])
        covered = np.concatenate([known, np.repeat(known[-1:], H, axis=0)])
        fold = (FOLDS * np.minimum(ends + H / 2, steps - 1) / steps).astype(int)
        for number, effect in enumerate(effects):
            at = ends[fold == number][:, None]
            if not len(at):
                continue
            back, ahead = at - length + np.arange(length), at + np.arange(H)
            size = np.abs(values[back]).mean(axis=1, keepdims=True)  # of the window, as the exported graph takes it
            clean = without_effect(encoder, values[back], known[back], effect, size)
            found, moved = np.einsum("hl,nld->nhd", matrix, clean), moved_by(covered[ahead], effect)
            found = found * np.exp(np.clip(moved, -MOST, MOST)) if effect.multiplies else found + moved * _unit(encoder, values, size)
            gaps = np.abs(found - padded[ahead]) / unit
            total, count = total + np.nansum(gaps), count + np.isfinite(gaps).sum()
    return float(total / max(count, 1))


def _profile(size: int, horizon: int, season: int) -> np.ndarray:
    """(H, L): the mean of the last season (of the last two, of short ones), with the window's mean distances to it by phase."""
    recent = min(size, season if season >= 12 else 2 * season if season > 1 else 4)
    level = np.zeros(size)
    level[-recent:] = 1 / recent
    whole = size // season * season
    phase = np.zeros((season, size))
    for k in range(whole):
        phase[(size - whole + k - size) % season, size - whole + k] = season / whole
    mean = np.zeros(size)
    mean[-whole:] = 1 / whole
    return level + (phase - mean)[np.arange(horizon) % season] if season > 1 else np.repeat(level[None], horizon, axis=0)
