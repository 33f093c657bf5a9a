"""Level and shape: what is regular is continued, noise is not, and the ridge is the one that solving gives."""

import numpy as np
import pytest

from applied_dl.tasks.forecast.models import level_shape as module
from applied_dl.tasks.forecast.models.level_shape import level_shape


def test_a_profile_is_repeated_from_any_phase():
    profile = np.array([1.0, 3.0, 2.0])
    x = np.stack([profile[(np.arange(13) + k) % 3] for k in range(3)]).astype(np.float32)
    wanted = np.stack([profile[(13 + np.arange(5) + k) % 3] for k in range(3)])
    assert np.asarray(level_shape(x, 5, 3)) == pytest.approx(wanted, abs=1e-3)


def test_noise_has_no_profile():
    x = np.random.default_rng(0).normal(size=(400, 48)).astype(np.float32)
    shapes = np.asarray(level_shape(x, 12, 12))
    apart = shapes - shapes.mean(axis=1, keepdims=True)
    assert np.abs(apart).mean() < 0.5 * np.abs(x[:, -12:] - x[:, -12:].mean(axis=1, keepdims=True)).mean()


def test_the_levels_are_those_of_averaged_ridges():
    level = np.cumsum(np.random.default_rng(3).normal(0.5, 1, 12))
    change, before = np.diff(level), level[:-1]
    center, deviation = before.mean(), before.std()
    away, rows = (center - before) / deviation, len(change)
    fits, logs = [], []
    for a in module.SHARES:
        for b in module.SHARES:
            coefficients = np.array([a * change.mean(), b * (change @ away) / rows])
            x = np.stack([np.ones(rows), away], axis=1)
            leverage = a / rows + b * away**2 / rows
            fits.append(coefficients)
            logs.append(-0.5 * rows * np.log(np.mean(((change - x @ coefficients) / (1 - leverage)) ** 2)))
    weights = np.exp(np.array(logs) - max(logs))
    drift, pull = weights / weights.sum() @ np.array(fits)
    last, wanted = level[-1], []
    for _ in range(4):
        last = last + drift + min(max(pull / deviation, 0.0), 1 - 1e-3) * (center - last)
        wanted.append(last)
    assert np.asarray(level_shape(level[None].astype(np.float32), 4, 1))[0] == pytest.approx(wanted, rel=1e-4)


def test_a_full_share_is_least_squares():
    random = np.random.default_rng(0)
    before, change = random.normal(size=20), random.normal(size=20)
    away = (before.mean() - before) / before.std()
    solved = np.linalg.lstsq(np.stack([np.ones(20), away], axis=1), change, rcond=None)[0]
    assert solved == pytest.approx([change.mean(), (change * away).mean()])


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_short_windows_have_a_level(length):
    x = np.full((2, length), 4.0, np.float32)
    assert np.asarray(level_shape(x, 7, 12)) == pytest.approx(4.0)
