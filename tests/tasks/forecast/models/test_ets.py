"""Exponential smoothing as matrices: against the recursions written out, and the graph against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.forecast.models import Spec, ets, fit_ets
from applied_dl.tasks.forecast.models.ets import MOST_AVERAGED, candidates, seasons, window_of


def kernel_of(name: str, length: int, horizon: int, season: int) -> np.ndarray:
    return next(kind.kernels[kind.names.index(name)] for kind in candidates(length, horizon, season) if name in kind.names)


def apply(kernel, y):
    return y[-1] + (y - y[-1]) @ kernel


def forecast(found, y, horizon, season):
    """(H,) from the newest steps of a series (T,): the weighted mean of both averages of forecasters."""
    y = y[-len(found.kernel) :]
    line, index, within, ahead = seasons(len(y), horizon, season)
    indices = (y / (y @ line)) @ index
    indices /= indices.mean()
    ratio = apply(found.ratio_kernel, y / (indices @ within)) * (indices @ ahead)
    return (1 - found.ratio_share) * apply(found.kernel, y) + found.ratio_share * ratio


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_holt_winters_is_its_recursion(seed):
    random = np.random.default_rng(seed)
    season, length, horizon = 4, 12, 6
    a, b, g, d = 0.3, 0.15, 0.15, 0.97
    y = random.normal(50, 10, length)
    means = y.reshape(3, 4).mean(axis=1)
    slope, first = np.polyfit(np.arange(3) * 4 + 1.5, means, 1)
    level, trend = first - slope, slope
    rest = y - first - slope * np.arange(length)
    cycle = rest.reshape(3, 4).mean(axis=0)
    for t, value in enumerate(y):
        expected = level + d * trend
        error = value - expected - cycle[t % 4]
        level, trend = expected + a * error, d * trend + a * b * error
        cycle[t % 4] += g * (1 - a) * error
    h = np.arange(1, horizon + 1)
    wanted = level + np.cumsum(d**h) * trend + cycle[(length + h - 1) % 4]
    name = "Holt-Winters with damped trend (alpha 0.3, beta 0.15, gamma 0.15, damping 0.97)"
    assert apply(kernel_of(name, length, horizon, season), y) == pytest.approx(wanted)


def test_theta_is_smoothing_with_half_the_slope():
    y = np.random.default_rng(0).normal(50, 10, 15)
    level = y[0]
    for value in y[1:]:
        level += 0.3 * (value - level)
    slope = np.polyfit(np.arange(15), y, 1)[0]
    wanted = level + 0.5 * slope * (np.arange(5) + (1 - 0.7**15) / 0.3)
    assert apply(kernel_of("Theta (alpha 0.3)", 15, 5, 1), y) == pytest.approx(wanted)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 12), st.integers(2, 40), st.integers(1, 15), st.floats(-50, 50), st.floats(0, 100))
def test_every_member_follows_a_level_and_kinds_are_the_same_for_every_length(season, length, horizon, level, unit):
    family = candidates(length, horizon, season)
    assert [len(kind.names) for kind in family] == [len(kind.names) for kind in candidates(60, horizon, season)]
    for kind in family:
        for kernel in kind.kernels:
            assert apply(kernel, np.full(length, level)) == pytest.approx(level)


def test_what_is_regular_is_continued_exactly():
    t = np.arange(60)
    season = np.array([1.3, 0.9, 0.8, 1.0])
    line = fit_ets([(10 + 2.0 * t)[:, None]], 6, 1, 30, True)
    assert forecast(line, 10 + 2.0 * t, 6, 1) == pytest.approx(10 + 2.0 * np.arange(60, 66), rel=1e-6)
    times = 100 * season[t % 4]
    found = fit_ets([times[:, None]], 6, 4, window_of(40, 4), True)
    assert forecast(found, times, 6, 4) == pytest.approx(100 * season[np.arange(60, 66) % 4], rel=1e-6)


def test_a_multiplicative_season_is_found():
    t, noise = np.arange(120), np.random.default_rng(0).normal(0, 0.5, 120)
    y = (20 + t) * (1 + 0.4 * np.sin(t * np.pi / 6)) + noise
    found = fit_ets([y[:96, None]], 12, 12, 60, True)
    assert found.ratio_share == 1.0
    assert len(found.names) <= MOST_AVERAGED
    assert np.abs(forecast(found, y[:96], 12, 12) - y[96:108]).mean() < 2.5
    plain = fit_ets([y[:96, None] - 500], 12, 12, 60, False)
    assert plain.ratio_share == 0.0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_graph_gives_what_numpy_gives(channels):
    t = np.arange(90)[:, None]
    y = (50 + t) * (1 + 0.3 * np.sin(t * np.pi / 6 + np.arange(channels))) + np.random.default_rng(1).normal(0, 1, (90, channels))
    found = fit_ets([y], 9, 12, 48, True)._replace(ratio_share=0.5, kernel=kernel_of("seasonal naive", 48, 9, 12))
    center, scale = tuple(y.mean(axis=0)), tuple(y.std(axis=0))
    spec = Spec(lookback=60, horizon=9, channels=channels, season=12, center=center, scale=scale)
    model = ets(spec, found.kernel, found.ratio_kernel, found.ratio_share, 48)
    history = np.stack([y[:60], y[25:85]]).astype(np.float32)
    x = history[:, -48:].astype(np.float64).transpose(0, 2, 1)
    line, index, within, ahead = seasons(48, 9, 12)
    indices = (x / (x @ line)) @ index
    indices /= indices.mean(axis=-1, keepdims=True)
    plain = x / (indices @ within)
    ratio = (plain[..., -1:] + (plain - plain[..., -1:]) @ found.ratio_kernel) * (indices @ ahead)
    naive = x[..., -12:-3]
    wanted = (0.5 * ratio + 0.5 * naive).transpose(0, 2, 1)
    assert model.predict({"history": history}, verbose=0) * np.array(scale) + np.array(center) == pytest.approx(wanted, rel=1e-4)
