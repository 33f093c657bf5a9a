"""Gaps: a fill looks back alone, keeps what is known, and is the season and a line."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.forecast.gaps import fill, lengthen

CELLS = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=3, max_size=40)


def array(cells):
    return np.array([np.nan if v is None else v for v in cells])


@settings(deadline=None)
@given(CELLS, st.integers(1, 8), st.data())
def test_a_fill_never_looks_ahead(cells, season, data):
    series = array(cells)
    cut = data.draw(st.integers(1, len(series)))
    known = ~np.isnan(series)
    if not known[:cut].any():
        return
    whole, part = fill(series, season), fill(series[:cut], season)
    first = int(known.argmax())
    assert np.array_equal(whole[first:cut], part[first:])
    assert np.array_equal(whole[known], series[known])
    assert not np.isnan(whole).any()


@settings(deadline=None)
@given(st.integers(2, 8), st.integers(30, 60), st.data())
def test_gaps_in_a_season_and_a_line_are_filled_exactly(season, steps, data):
    t = np.arange(steps)
    truth = 3.0 * (t % season) + 0.5 * t
    start = data.draw(st.integers(2 * season + 1, steps - 1))
    holed = truth.copy()
    holed[start : start + data.draw(st.integers(1, 3 * season))] = np.nan
    assert np.allclose(fill(holed, season)[:steps], truth)


def test_without_a_season_the_last_value_stays_and_leading_gaps_take_the_first():
    assert fill(np.array([np.nan, 2, np.nan, np.nan, 5])).tolist() == [2, 2, 2, 2, 5]
    assert np.isnan(fill(np.full(3, np.nan))).all()
    assert fill(np.array([1, 2])).dtype == np.float64


def test_lengthening_repeats_the_first_season():
    assert lengthen(np.array([1.0, 2, 3, 9]), 9, 3).tolist() == [2, 3, 1, 2, 3, 1, 2, 3, 9]
    assert lengthen(np.array([7.0]), 3, 4).tolist() == [7, 7, 7]
    assert lengthen(np.arange(5.0), 3, 2).tolist() == [0, 1, 2, 3, 4]


@settings(deadline=None)
@given(st.integers(1, 10), st.integers(1, 12), st.integers(0, 40))
def test_a_lengthened_season_goes_on_into_the_series(season, cycles, more):
    wave = np.tile(np.arange(season, dtype=float), cycles)
    found = lengthen(wave, len(wave) + more, season)
    assert len(found) == len(wave) + more
    assert np.array_equal(found, np.resize(np.roll(np.arange(season), more % season), len(found)))
