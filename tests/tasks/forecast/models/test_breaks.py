"""Level breaks: found where a person would see one, left alone in everything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.forecast.models.breaks import without_break


def steadied(y: np.ndarray, season: int) -> np.ndarray:
    return np.asarray(without_break(y[None].astype(np.float32), season))[0]


@settings(deadline=None, max_examples=60)
@given(
    season=st.sampled_from([1, 4, 7, 12]), sign=st.sampled_from([-1, 1]), share=st.floats(0.2, 0.8), seed=st.integers(0, 1000),
    size=st.floats(30, 200),  # of which a quarter, the most that may change beside a break, is beyond what the noise does
)  # fmt: skip
def test_a_break_is_undone_wherever_it_stands(season, sign, share, size, seed):
    """Beside a reference that knows the place: everything before it is raised by about the break, nothing after it changes."""
    length = max(10 * season, 48)
    at, random = round(share * length), np.random.default_rng(seed)
    y = 50 + 10 * np.sin(2 * np.pi * np.arange(length) / max(season, 2)) * (season > 1) + random.normal(size=length)
    found = steadied(y + sign * size * (np.arange(length) >= at), season)
    np.testing.assert_allclose(found, y + sign * size, atol=4)


UNBROKEN = {
    "noise": lambda i, random: random.normal(size=len(i)),
    "trend": lambda i, random: 3.0 * i + random.normal(size=len(i)),
    "growth": lambda i, random: np.exp(i / 20),
    "ramp": lambda i, random: np.maximum(i - 40, 0) + 0.1 * random.normal(size=len(i)),
    "random walk": lambda i, random: np.cumsum(random.normal(size=len(i))),
    "season that grows": lambda i, random: (100 + i) * (1 + 0.3 * np.sin(2 * np.pi * i / 12)),
    "rare demand": lambda i, random: (random.random(len(i)) < 0.1) * random.poisson(20, len(i)),
    "one outlier": lambda i, random: random.normal(size=len(i)) + 500.0 * (i == 60),
    "a burst of four steps": lambda i, random: random.normal(size=len(i)) + 500.0 * ((i >= 60) & (i < 64)),
    "nothing": lambda i, random: np.full(len(i), 7.0),
    "a history lengthened by its first value": lambda i, random: np.maximum(i - 84, 0) * 2.0 + 5,
}


@pytest.mark.parametrize("name", UNBROKEN)
@pytest.mark.parametrize("season", [1, 7, 12])
def test_what_is_no_break_stays_as_it_is(name, season):
    for seed in range(20):
        y = UNBROKEN[name](np.arange(96), np.random.default_rng(seed)).astype(np.float32)
        np.testing.assert_array_equal(steadied(y, season), y)


def test_a_week_of_hours_with_a_calm_weekend_has_no_break():
    hours = np.arange(192)
    for start in range(0, 168, 6):
        at = hours + start
        y = 100 + 20 * np.sin(2 * np.pi * at / 24) - 30 * ((at // 24) % 7 >= 5)
        np.testing.assert_array_equal(steadied(y, 24), y.astype(np.float32))


def test_a_level_that_left_and_came_back_is_one_again():
    random, i = np.random.default_rng(0), np.arange(84)
    y = 100 + random.normal(size=84)
    away = (i >= 30) & (i < 44)
    np.testing.assert_allclose(steadied(y - 60 * away, 7), y, atol=3)


@pytest.mark.parametrize(("season", "steps"), [(1, 3), (1, 5), (4, 4), (7, 4), (12, 6), (12, 11)])
def test_the_last_steps_show_a_break_that_just_happened(season, steps):
    """Beside a reference that knows it; with fewer steps it might be a burst."""
    i = np.arange(96)
    for seed in range(10):
        y = 100 + 10 * np.sin(2 * np.pi * i / max(season, 2)) * (season > 1) + np.random.default_rng(seed).normal(size=96)
        np.testing.assert_allclose(steadied(y + 80 * (i >= 96 - steps), season), y + 80, atol=4)
        early = y + 80 * (i >= 96 - (season * -(-6 // season) // 2 - 1))
        np.testing.assert_array_equal(steadied(early, season), early.astype(np.float32))


def test_windows_too_short_to_tell_stay_as_they_are():
    y = np.r_[np.zeros(10), np.full(10, 100.0)]
    np.testing.assert_array_equal(steadied(y, 7), y.astype(np.float32))


def test_of_breaks_of_one_size_each_is_undone():
    i = np.arange(96)
    for y in (100 - 40.0 * ((i >= 30) & (i < 60)), 100 - 40.0 * (i >= 30) - 40.0 * (i >= 60)):
        np.testing.assert_array_equal(steadied(y, 1), np.full(96, y[-1], np.float32))


@pytest.mark.parametrize("season", [7, 12])
@pytest.mark.parametrize("level", [150, 2500, 6000])
def test_a_break_of_values_that_swing_in_proportion_is_a_factor(level, season):
    """Beside the series as it were at the new level from the beginning: none below zero, where logarithms end."""
    for seed in range(5):
        i, random = np.arange(108), np.random.default_rng(seed)
        y = (1 + 0.4 * np.sin(2 * np.pi * i / season)) * np.exp(0.03 * random.normal(size=108))
        found = steadied(y * np.where(i < 70, 1000, level), season)
        np.testing.assert_allclose(found, level * y, rtol=0.15)


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1.0, 1e6])
def test_a_level_is_raised_alike_in_every_unit_where_it_was_flat_before_the_break(unit):
    y = np.r_[np.tile([1.0, 2.0], 9), np.full(14, 1.5), np.tile([6.5, 8.5], 15)]
    np.testing.assert_allclose(steadied(unit * y, 1)[:32] / unit, y[:32] + 6, rtol=1e-4)
