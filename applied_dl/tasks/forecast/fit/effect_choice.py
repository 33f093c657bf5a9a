"""The effect of covariates that forecasts best: whether they add or multiply, bend or not, by rolling origins in the known steps."""

from __future__ import annotations

import numpy as np

from applied_dl.tasks.forecast.fit.effect import Effect, bent, known_series, moved_by, unit_of, without_effect
from applied_dl.tasks.forecast.fit.effect_stretches import FOLDS, Stretches, solve, stretches
from applied_dl.tasks.forecast.models.effect import MOST

MOST_SERIES, MOST_ORIGINS = 200, 100  # that forecasts are scored on, of a large set
SEASONS = (4, 12)  # of a stretch
WITHOUT = 24  # steps of a stretch without a season
KNOTS = (-1.0, 0.0, 1.0)  # deviations of a covariate from its mean where its effect may bend
FEWEST_VALUES, MOST_BENT = 10, 40  # different values of a covariate that may bend; covariates
PROFILE = 4  # seasons whose mean the scored forecasts take


def effect_of(prepared) -> Effect | None:
    """The effect that forecasts best; None where no covariate is known ahead."""
    if "future" not in prepared.test.inputs:
        return None
    encoder, series = prepared.encoder, known_series(prepared)
    series = series[:: max(1, -(-len(series) // MOST_SERIES))]
    features, longest = series[0][1].shape[1], max(len(values) for values, _ in series)
    none = Effect(np.zeros((features, encoder.channels), np.float32), False)
    scored: list[tuple[float, Effect]] = [(_error(encoder, series, [none] * FOLDS), none)]
    for knots in ((), KNOTS) if _may_bend(series, features) else ((),):
        rows = [(values, bent(known, knots)) for values, known in series]
        for length, seasonal in _ways(encoder, longest):
            found = stretches(rows, length, encoder.season if seasonal else 1, seasonal)
            if not len(found.values):
                continue
            for multiplies in (False, True) if _may_multiply(encoder, series) else (False,):
                scored.append(_scored(encoder, series, found, multiplies, knots))
    return min(scored, key=lambda pair: pair[0])[1]


def _scored(encoder, series: list, found: Stretches, multiplies: bool, knots: tuple[float, ...]) -> tuple[float, Effect]:
    """The effect from all stretches, and the error of those from all but a fold in the fold."""
    unit = None if encoder.form == "panel" else np.array(encoder.scale)
    fit = lambda pick: Effect(solve(found, pick, unit, multiplies), multiplies, knots)  # noqa: E731
    whole = fit(np.ones(len(found.fold), bool))
    folds = [fit(found.fold != fold) if (found.fold != fold).any() else whole for fold in range(FOLDS)]
    return _error(encoder, series, folds), whole


def _may_bend(series: list, features: int) -> bool:
    """Whether there are few covariates, one of them with many different values."""
    many = (len(np.unique(known[:, i])) > FEWEST_VALUES for _, known in series[:5] for i in range(features))
    return features <= MOST_BENT and any(many)


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
            found = found * np.exp(np.clip(moved, -MOST, MOST)) if effect.multiplies else found + moved * unit_of(encoder, values, size)
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
