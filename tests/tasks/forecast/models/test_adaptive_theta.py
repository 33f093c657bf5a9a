"""The adaptive Theta method beside the textbook one, and its season beside the truth."""

import numpy as np
import pytest

from applied_dl.tasks.forecast import classical
from applied_dl.tasks.forecast.models.adaptive_theta import THETAS, thetas


def forecast(x, horizon, season, how="additive", drift=0.5):
    (name,) = (name for name, way in THETAS.items() if way == (how, drift))
    return np.asarray(thetas(np.atleast_2d(x).astype(np.float32), [name], horizon, season)[name])


@pytest.mark.parametrize("alpha", [0.2, 0.9])
def test_it_follows_the_constant_that_made_the_series(alpha):
    rng = np.random.default_rng(0)
    level, rows = 100.0, []
    for _ in range(90):
        rows.append(level + rng.normal())
        level += alpha * (rows[-1] - level)
    found = forecast(rows, 6, 1)[0]
    by_textbook = classical.theta(np.array(rows), np.array([90]), 6, 1, 90)[0]
    assert np.abs(found - by_textbook).max() < 0.15


@pytest.mark.parametrize("how", ["additive", "ratio", "log"])
def test_a_clear_season_comes_back(how):
    t = np.arange(72)
    x = 100 * (1 + 0.3 * np.sin(2 * np.pi * t / 12)) if how != "additive" else 100 + 30 * np.sin(2 * np.pi * t / 12)
    ahead = np.arange(72, 84)
    truth = 100 * (1 + 0.3 * np.sin(2 * np.pi * ahead / 12)) if how != "additive" else 100 + 30 * np.sin(2 * np.pi * ahead / 12)
    assert np.abs(forecast(x, 12, 12, how)[0] - truth).max() < 2.5


def test_noise_is_no_season():
    x = 50 + np.random.default_rng(3).normal(size=(40, 60))
    assert np.ptp(forecast(x, 12, 12), axis=1).mean() < 0.5 * np.ptp(x[:, -12:], axis=1).mean() / 2


@pytest.mark.parametrize("length", [1, 2, 3, 7, 25, 150])
@pytest.mark.parametrize(("how", "drift"), THETAS.values())
def test_any_length_gives_finite_forecasts(length, how, drift):
    x = np.random.default_rng(length).uniform(0, 5, (3, length))
    x[0] = 0.0
    found = forecast(x, 5, 12, how, drift)
    assert found.shape == (3, 5)
    assert np.isfinite(found).all()


def test_a_line_goes_on_by_the_drift_of_its_slope():
    x = np.arange(40.0)
    assert np.diff(forecast(x, 4, 1, "additive", 0.5)[0]) == pytest.approx(0.5, abs=0.02)
    assert np.diff(forecast(x, 4, 1, "additive", 1.0)[0]) == pytest.approx(1.0, abs=0.02)
