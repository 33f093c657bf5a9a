"""Stamps: texts of any usual form become the moments that Python's own parser reads; the grid's policies, each by hand."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.io.clock import Clock
from applied_dl.io.stamps import moments, on_grid, time_order

HOURLY = Clock(unit="h", origin="2024-01-01T00:00:00")
WHOLE = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M")


def hours(*steps):
    return np.datetime64("2024-01-01", "us") + (3600e6 * np.array(steps)).astype("timedelta64[us]")


@settings(deadline=None)
@given(st.sampled_from(WHOLE), st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2090, 1, 1)))
def test_texts_become_the_moments_that_python_reads(form, start):
    start = start.replace(second=0, microsecond=0)
    days = [start + datetime.timedelta(days=n) for n in range(40)]  # over a month, so that day and month can be distinguished
    found, zoned, *_ = moments(pl.Series("t", [day.strftime(form) for day in days]), "here")
    assert not zoned
    assert found.astype("datetime64[us]").tolist() == days


@settings(deadline=None)
@given(st.integers(-12, 14), st.integers(0, 10**6))
def test_offsets_are_taken_off(offset, seed):
    zone = datetime.timezone(datetime.timedelta(hours=offset))
    start = datetime.datetime(2024, 1, 1, tzinfo=zone) + datetime.timedelta(minutes=seed % 10**5)
    texts = [(start + datetime.timedelta(hours=n)).isoformat() for n in range(5)]
    found, zoned, *_ = moments(pl.Series("t", texts), "here")
    assert zoned
    assert found.astype("datetime64[us]").tolist() == [
        (start + datetime.timedelta(hours=n)).astimezone(datetime.UTC).replace(tzinfo=None) for n in range(5)
    ]


def test_quarters_numbers_and_neither():
    assert moments(pl.Series("t", ["2024Q1", "2024-Q2", "2024q4"]), "here")[0].astype("datetime64[M]").astype(str).tolist() == [
        "2024-01", "2024-04", "2024-10",
    ]  # fmt: skip
    assert moments(pl.Series("t", [3, 4, 9]), "here")[0].tolist() == [3, 4, 9]
    assert moments(pl.Series("t", ["red", "green"]), "here") is None
    assert moments(pl.Series("t", [0.5, 1.5]), "here") is None
    assert moments(pl.Series("t", [1960.0, 1960.25, 1960.5]), "here").form == "decimal_year:4"


def test_a_cell_that_is_no_time_is_named_by_its_row():
    with pytest.raises(DataError, match="here, column 't', row 4: expected a time, received 'soon'"):
        moments(pl.Series("t", ["2024-01-01", "2024-01-02", "soon", "2024-01-04"]), "here")
    with pytest.raises(DataError, match="row 3: expected a time, received None"):
        moments(pl.Series("t", ["2024-01-01", None, "2024-01-04"]), "here")


def test_rows_in_any_order_are_sorted_and_reported():
    assert time_order(hours(0, 1, 1, 2), "here") == (None, "")
    order, note = time_order(hours(3, 2, 2, 0), "here", "a")
    assert (order.tolist(), note) == ([3, 1, 2, 0], "here, series 'a': the newest row comes first; the rows were sorted by time")
    order, note = time_order(hours(0, 9, 3, 4), "here")
    assert order.tolist() == [0, 2, 3, 1]
    assert "1 row is out of order" in note
    assert "the clock is set back at 2023-12-31 23:45:00" in time_order(hours(0, 0.25, 0.5, -0.25, 0, 0.25), "here")[1]


@pytest.mark.parametrize(("policy", "value"), [("mean", 3), ("sum", 6), ("last", 4)])
def test_several_values_at_one_time_are_combined_as_asked_and_covariates_averaged(policy, value):
    rows = np.array([[1.0, 7], [2, 1], [4, 3], [5, 7]])
    found = on_grid(hours(0, 1, 1, 2), rows, HOURLY, "a", "here", duplicates=policy, targets=1)[1]
    assert found.tolist() == [[1, 7], [value, 2], [5, 7]]


def test_values_lie_on_their_steps_and_gaps_are_empty():
    first, rows, notes = on_grid(hours(5, 6, 8), np.array([[1.0], [2], [3]]), HOURLY, "a", "here")
    assert (first, notes) == (5, [])
    assert np.array_equal(rows[:, 0], [1, 2, np.nan, 3], equal_nan=True)


def test_jitter_is_moved_and_reported_and_too_much_is_refused():
    values = np.arange(40.0)[:, None]
    near, one_off = np.arange(40) + np.tile([0.02, -0.02], 20), np.arange(40.0)
    one_off[7] += 0.3
    first, rows, notes = on_grid(hours(*near), values, HOURLY, "a", "here")
    assert np.array_equal(rows, values)
    assert notes == ["series 'a': 40 stamps slightly off the grid of 'h' were moved onto it"]
    assert "1 stamps off the grid of 'h' were moved to the nearest step" in on_grid(hours(*one_off), values, HOURLY, "a", "here")[2][0]
    with pytest.raises(DataError, match="series 'a': 50% of the stamps are off the grid of 'h' .the first: 2024-01-01 01:18:00"):
        on_grid(hours(*(np.arange(40) + np.tile([0, 0.3], 20))), values, HOURLY, "a", "here")


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 30), st.floats(-9, 9)), min_size=2, max_size=60))
def test_resampling_is_the_mean_of_each_step(pairs):
    at = np.sort(np.array([p[0] for p in pairs]).round(3))
    values = np.array([p[1] for p in pairs])
    first, rows, _ = on_grid(hours(*at), values[:, None], HOURLY, "a", "here", irregular="resample")
    steps = np.floor(at + 1e-6).astype(int)
    for i, got in enumerate(rows[:, 0]):
        here = values[steps == first + i]
        assert np.isnan(got) if len(here) == 0 else got == pytest.approx(here.mean())


def test_repeats_are_averaged_or_refused():
    stamps, values = hours(0, 1, 1, 2), np.array([[1.0], [2], [4], [5]])
    first, rows, notes = on_grid(stamps, values, HOURLY, "a", "here")
    assert rows[:, 0].tolist() == [1, 3, 5]
    assert "1 repeated stamps (the first: 2024-01-01 01:00:00) were replaced by the mean of their values, which differ at 1" in notes[0]
    with pytest.raises(DataError, match="1 stamps occur more than once"):
        on_grid(stamps, values, HOURLY, "a", "here", duplicates="refuse")


def test_a_repeat_and_a_gap_do_not_make_up_for_each_other():
    for policy in ("refuse", "resample"):
        first, rows, _ = on_grid(hours(10, 10, 12), np.array([[1.0], [3], [7]]), HOURLY, "a", "here", irregular=policy)
        assert np.array_equal(rows[:, 0], [2, np.nan, 7], equal_nan=True)


def test_another_frequency_and_endless_gaps_are_refused():
    with pytest.raises(DataError, match="series 'a': mixed frequencies: its stamps are mostly 24 steps of 'h' apart"):
        on_grid(hours(*range(0, 240, 24)), np.zeros((10, 1)), HOURLY, "a", "here")
    with pytest.raises(DataError, match="4 stamps span 900,003 steps"):
        on_grid(hours(0, 1, 2, 900002), np.zeros((4, 1)), HOURLY, "a", "here")
