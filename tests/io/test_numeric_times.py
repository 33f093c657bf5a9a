"""Numbers that count time: years of two digits, dates without a century, and seasons as R counts them."""

import numpy as np
import pytest

from applied_dl.io.numeric_times import from_numbers, numeric_form, season_in_times


def days(first: str, count: int) -> np.ndarray:
    return np.datetime64(first, "D") + np.arange(count)


@pytest.mark.parametrize(
    ("values", "name", "form", "first"),
    [
        (np.arange(63, 93), "year", "short:19:year", "1963-01-01"),
        (95 + np.arange(24) / 12, "Date", "short:19:decimal_year:12", "1995-01-01"),
        ([int(str(day).replace("-", "")[2:]) for day in days("1980-01-05", 40)], "date", "short:19:compact:8", "1980-01-05"),
        ([int(str(day).replace("-", "")[2:]) for day in days("2024-01-31", 40)], "date", "short:20:compact:8", "2024-01-31"),
        ([202401, 202402, 202403], "month", "compact:6", "2024-01-01"),
    ],
)
def test_a_century_that_is_left_out(values, name, form, first):
    values = np.asarray(values, np.float64)
    assert numeric_form(values, True, name) == form
    assert str(from_numbers(values, form)[0])[:10] == first
    assert (np.diff(from_numbers(values, form)).astype(int) > 0).all()


@pytest.mark.parametrize("name", ["age", "time", "weight"])
def test_two_digits_are_years_only_where_the_name_says_so(name):
    assert numeric_form(np.arange(63.0, 93.0), True, name) is None
    assert numeric_form(60 + np.arange(24) / 4, True, name) is None


def test_seasons_with_decimals_are_those_of_series_without_dates():
    assert numeric_form(1 + np.arange(3, 60) / 7, True, "time") == "cycle:7"
    assert season_in_times("cycle:7") == 7
    assert season_in_times("decimal_year:12") is None
    for sampled in (np.arange(60) / 10, 1 + np.arange(60) / 10, np.arange(60) / 7):  # a sensor's seconds; from zero
        assert numeric_form(sampled, True, "time") is None
    assert numeric_form(1 + np.arange(10) / 7, True, "time") is None  # less than two seasons


def test_months_in_single_precision():
    months = np.array([year + month / 100 for year in range(1947, 1960) for month in range(1, 13)], np.float32).astype(np.float64)
    assert numeric_form(months, True, "date") == "year.month"
