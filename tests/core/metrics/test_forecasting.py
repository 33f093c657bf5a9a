"""Errors of forecasts compared with loops over their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from applied_dl.core.metrics.forecasting import mae, mase, mase_scale, owa, row_mase, row_smape, smape

ROWS = st.integers(0, 10**6).map(lambda seed: np.random.default_rng(seed))


def pair(random, *shape, missing=0.0):
    truth, forecast = random.normal(0, 10, shape), random.normal(0, 10, shape)
    truth[random.random(shape) < missing] = np.nan
    truth.flat[0] = 1.0  # never all missing
    return truth, forecast


@settings(deadline=None)
@given(ROWS, st.integers(1, 6), st.integers(1, 5))
def test_absolute_errors_equal_scikit_learn(random, n, h):
    truth, forecast = pair(random, n, h)
    assert mae(truth, forecast) == pytest.approx(sklearn.mean_absolute_error(truth, forecast))


@settings(deadline=None)
@given(ROWS, st.integers(1, 6), st.integers(2, 5))
def test_missing_truths_are_left_out(random, n, h):
    truth, forecast = pair(random, n, h, missing=0.4)
    seen = ~np.isnan(truth)
    assert mae(truth, forecast) == pytest.approx(np.mean(np.abs(truth[seen] - forecast[seen])))


@settings(deadline=None)
@given(ROWS, st.integers(1, 5), st.integers(1, 5))
def test_smape_by_its_formula(random, n, h):
    truth, forecast = pair(random, n, h, missing=0.2)
    truth[:, 0] = random.normal(0, 10, n)
    rows = [np.mean([200 * abs(y - f) / (abs(y) + abs(f)) for y, f in zip(ys, fs) if not np.isnan(y)]) for ys, fs in zip(truth, forecast)]
    assert row_smape(truth, forecast) == pytest.approx(rows)
    assert smape(truth, forecast) == pytest.approx(np.mean(rows))
    assert 0 <= smape(truth, forecast) <= 200 + 1e-9


def test_zero_against_zero_is_no_error():
    assert smape(np.zeros((1, 2)), np.zeros((1, 2))) == 0
    assert smape(np.array([[100.0, 0]]), np.array([[50.0, 0]])) == pytest.approx(100 / 3)


@settings(deadline=None)
@given(ROWS, st.integers(2, 9), st.integers(10, 40))
def test_the_scale_is_the_in_sample_error_of_the_seasonal_naive(random, season, steps):
    history = random.normal(0, 3, steps)
    assert mase_scale(history, season) == pytest.approx(np.mean([abs(history[t] - history[t - season]) for t in range(season, steps)]))
    truth, forecast = pair(random, 4, 6)
    scale = random.uniform(0.5, 2, 4)
    expected = [np.mean(np.abs(truth[i] - forecast[i])) / scale[i] for i in range(4)]
    assert row_mase(truth, forecast, scale) == pytest.approx(expected)
    assert mase(truth, forecast, scale) == pytest.approx(np.mean(expected))


def test_short_histories_and_histories_with_gaps_have_a_scale():
    assert mase_scale(np.array([1.0, 2, 4]), 12) == 1.5  # shorter than a season: single steps
    assert mase_scale(np.array([1.0, np.nan, 4, 8]), 1) == 4.0
    assert np.isnan(mase_scale(np.array([1.0, np.nan, 4]), 1))


def test_every_channel_has_its_own_scale():
    truth, forecast = np.zeros((1, 2, 2)), np.array([[[1.0, 10], [1, 10]]])
    assert mase(truth, forecast, np.array([[1.0, 10]])) == 1.0


@settings(deadline=None)
@given(st.floats(0.1, 50), st.floats(0.1, 5))
def test_owa_of_the_reference_is_one(smape_, mase_):
    assert owa(smape_, mase_, smape_, mase_) == pytest.approx(1)
    assert owa(smape_ / 2, mase_, smape_, mase_) == pytest.approx(0.75)


def test_a_constant_series_has_no_scale_and_no_scaled_error():
    truth, found = np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([[2.0, 3.0], [5.1, 5.0]])
    assert row_mase(truth, found, np.array([2.0, 0.0])).tolist() == [0.25, pytest.approx(np.nan, nan_ok=True)]
    assert mase(truth, found, np.array([2.0, 0.0])) == 0.25
