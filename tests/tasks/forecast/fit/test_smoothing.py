"""What is chosen from the family, and how it forecasts."""

import numpy as np
import pytest

from applied_dl.tasks.forecast.fit.smoothing import fit_ets, rolling_windows
from applied_dl.tasks.forecast.models.ets import layer_of


def forecast(found, window: int, horizon: int, season: int, *histories: np.ndarray) -> np.ndarray:
    layer = layer_of(found.members, window, horizon, season)
    layer.build((None, window))
    layer.choose(found.members, found.penalty)
    return np.asarray(layer(np.stack([y[-window:] for y in histories]).astype(np.float32)))


def test_what_is_regular_is_continued():
    t = np.arange(60)
    found = fit_ets([(10 + 2.0 * t)[:, None]], 6, 1, 30)
    assert forecast(found, 30, 6, 1, 10 + 2.0 * t)[0] == pytest.approx(10 + 2.0 * np.arange(60, 66), rel=1e-2)
    season = np.array([1.3, 0.9, 0.8, 1.0])
    times = 100 * season[t % 4]
    found = fit_ets([times[:, None]], 6, 4, 40)
    assert forecast(found, 40, 6, 4, times)[0] == pytest.approx(100 * season[np.arange(60, 66) % 4], rel=1e-3)


def test_a_multiplicative_season_is_found():
    t, noise = np.arange(120), np.random.default_rng(0).normal(0, 0.5, 120)
    y = (20 + t) * (1 + 0.4 * np.sin(t * np.pi / 6)) + noise
    found = fit_ets([y[:96, None]], 12, 12, 60)
    assert np.abs(forecast(found, 60, 12, 12, y[:96])[0] - y[96:108]).mean() < 2.5
    below_zero = fit_ets([y[:96, None] - 500], 12, 12, 60)
    assert {m.scale for m in below_zero.members} == {"plain"}


def test_intermittent_demand_is_never_negative_and_below_the_seasonal_naive():
    random = np.random.default_rng(0)
    series = [np.where(random.random(48) < 0.3, 1 + random.poisson(2, 48), 0).astype(float) for _ in range(60)]
    known = [y[:-12] for y in series]
    found = fit_ets([y[:, None] for y in known], 12, 12, 24)
    assert {"median", "tsb", "tsb_fast", "tsb_slow"} & {m.name for m in found.members}
    answers = forecast(found, 24, 12, 12, *known)
    errors = np.abs(answers - np.stack([y[-12:] for y in series])).mean()
    naive = np.abs(np.stack([y[-24:-12] - y[-12:] for y in series])).mean()
    assert errors < 0.9 * naive
    assert answers.min() > -0.2


@pytest.mark.parametrize("count", [1, 30])
def test_histories_longer_than_the_window_are_cut(count):
    windows = rolling_windows([np.arange(30.0)] * count, 12, 12, 18)  # of which two seasons are known from step 24 on
    assert {history.shape[1] for history, *_ in windows} == {18}


@pytest.mark.parametrize("count", [3, 40])
def test_windows_hold_what_was_known_and_what_followed(count):
    columns = [np.arange(20.0 + k) for k in range(count)]
    for history, target, unit, _ in rolling_windows(columns, 4, 1, 12):
        assert (np.diff(history, axis=1) == 1).all()
        assert (target[:, 0] == history[:, -1] + 1).all()
        assert np.nanmax(target) <= 19 + count
        assert (unit == 1).all()


def test_of_many_series_all_their_columns_are_read(monkeypatch):
    monkeypatch.setattr("applied_dl.tasks.forecast.fit.smoothing.MOST_WINDOWS", 40)
    columns = [np.arange(20.0), -np.arange(20.0)] * 20  # of 20 series
    signs = np.concatenate([np.sign(target[:, 0]) for _, target, *_ in rolling_windows(columns, 4, 1, 12)])
    assert len(signs) == 40
    assert 10 <= (signs > 0).sum() <= 30


def test_a_series_that_rarely_changes_is_kept_at_its_newest_value():
    """Most windows are flawless by any forecaster; those in which the value changes decide."""
    t = np.arange(240)
    y = 10.0 + 3 * np.searchsorted([50, 70, 150, 165, 220], t, side="right") - 5 * np.searchsorted([110, 190], t, side="right")
    found = fit_ets([y[:, None]], 4, 1, 36)
    assert len(set(np.round(found.penalty, 3))) > 1
    assert forecast(found, 36, 4, 1, y)[0] == pytest.approx([y[-1]] * 4, abs=0.5)
