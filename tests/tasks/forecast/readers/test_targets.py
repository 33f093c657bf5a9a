"""Columns that count, repeat the times or ended long ago are not forecast."""

import numpy as np
import pytest

from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.series import Columns

RANDOM = np.random.default_rng(0)
YEARS = np.arange(1950, 1980)


def table(**columns):
    return {"year": YEARS, "sales": 100 + RANDOM.normal(size=30), **columns}


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("rownames", YEARS, "counts the rows"),
        ("rownames", np.cumsum(RANDOM.integers(1, 4, 30)), "counts the rows"),
        ("nr", np.arange(31, 61), "counts the rows"),
        ("label", YEARS, "counts the rows"),
        ("date", 3.5 + np.arange(30) / 8, "counts up evenly"),
    ],
)
def test_what_counts_is_not_forecast(name, values, why):
    found = read_series(table(**{name: values}), Columns(time="year"))
    assert found.columns.targets == ("sales",)
    assert any(f"{name} {why}" in note for note in found.notes)


def test_a_copy_of_the_times_is_not_forecast():
    years = np.array([1950, 1960, 1970, 1980, 1990, 2000])
    assert read_series({"rownames": years, "year": years, "people": [3.1, 3.4, 3.9, 4.2, 4.8, 5.0]}, Columns()).names == ["people"]
    assert read_series({"label": years, "year": years, "people": [3.1, 3.4, 3.9, 4.2, 4.8, 5.0]}, Columns()).names == ["people"]


def test_an_index_that_rises_is_forecast():
    assert read_series({"year": YEARS, "index": np.cumsum(RANDOM.integers(1, 4, 30))}, Columns()).names == ["index"]


def test_columns_known_ahead_are_not_those_beside_a_series_that_ended():
    ended = np.where(np.arange(30) < 20, 1.5, np.nan) * np.arange(30)
    ahead = np.where(np.arange(30) < 26, 1.5, np.nan) * np.arange(30)
    assert read_series(table(other=ended), Columns()).names == ["sales", "other"]
    assert read_series(table(other=ahead), Columns()).names == ["other"]


def test_days_of_the_year_and_a_last_gap_decide_nothing():
    days = (np.datetime64("2023-01-01") + np.arange(400)).astype(str)
    yearday = [int(day) for day in (np.datetime64("2023-01-01") + np.arange(400) - np.datetime64("2023-01-01")).astype(int) % 365 + 1]
    gusts = np.where(np.arange(400) % 4 == 0, 9.5, np.nan)
    gusts[-1] = np.nan
    table = {"date": days, "wind": RANDOM.normal(10, 1, 400), "gust": gusts, "day_of_year": yearday}
    assert read_series(table, Columns()).names == ["wind", "gust"]


@pytest.mark.parametrize("name", ["units_per_day", "month_sales", "calls per hour"])
def test_what_is_counted_in_a_time_is_no_part_of_the_date(name):
    found = read_series({"year": YEARS, name: RANDOM.integers(1, 50, 30)}, Columns())
    assert found.columns.targets == (name,)
    assert not any("part of the date" in note for note in found.notes)
    assert name in read_series(table(**{name: RANDOM.integers(1, 50, 30)}), Columns(time="year")).columns.targets


def test_decimals_that_rise_evenly_are_not_forecast_without_times():
    assert read_series({"t": 1 + np.arange(60) / 12, "y": RANDOM.normal(size=60)}, Columns()).names == ["y"]
