"""Exponential smoothing as matrices: against the recursions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.forecast.models.smoothing import candidates


def kernel_of(name: str, length: int, horizon: int, season: int) -> np.ndarray:
    return next(kind.kernels[kind.names.index(name)] for kind in candidates(length, horizon, season) if name in kind.names)


def apply(kernel, y):
    return y[-1] + (y - y[-1]) @ kernel


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
