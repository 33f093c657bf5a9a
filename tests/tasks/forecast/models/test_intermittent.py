"""Forecasts of intermittent demand, against their sums written out."""

import numpy as np
import pytest

from applied_dl.tasks.forecast.models.intermittent import median, tsb


def test_how_often_times_how_much():
    x = np.random.default_rng(0).poisson(0.4, (5, 30)).astype(np.float32)
    fade, slow = 0.85 ** np.arange(30)[::-1], 0.95 ** np.arange(30)[::-1]
    share = (x > 0) @ (fade / fade.sum())
    size = (x @ slow) / ((x > 0) @ slow)
    assert np.asarray(tsb(x, 3, 0.15, 0.05)) == pytest.approx(np.repeat((share * size)[:, None], 3, axis=1), rel=1e-4)


def test_what_is_no_longer_needed_is_forgotten():
    x = np.concatenate([np.full(20, 5.0), np.zeros(20)])[None].astype(np.float32)
    assert np.asarray(tsb(x, 1, 0.4, 0.1))[0, 0] < 0.01


@pytest.mark.parametrize("length", [4, 7])
def test_the_median(length):
    x = np.random.default_rng(1).normal(size=(6, length)).astype(np.float32)
    assert np.asarray(median(x, 2)) == pytest.approx(np.repeat(np.median(x, axis=1)[:, None], 2, axis=1))


def test_the_unit_of_a_demand_does_not_matter():
    x = np.random.default_rng(2).poisson(0.4, (5, 40)).astype(np.float32)
    for unit in (1e-9, 1e9):
        assert np.asarray(tsb(x * np.float32(unit), 1, 0.15, 0.05)) == pytest.approx(unit * np.asarray(tsb(x, 1, 0.15, 0.05)), rel=1e-4)
    assert (np.asarray(tsb(0 * x, 2, 0.15, 0.05)) == 0).all()
