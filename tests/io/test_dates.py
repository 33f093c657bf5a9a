"""How people write dates: texts of a form become moments."""

import datetime

import polars as pl
import pytest

from applied_dl.io.dates import FORMS, SWAPPED, bare_moments, parse


def test_quarters_and_weeks():
    assert parse(pl.Series(["2020Q1", "Q2 2020", "2020-q4", "Q5 2020", None]), "quarter").dt.to_string("%Y-%m").to_list() == [
        "2020-01", "2020-04", "2020-10", None, None,
    ]  # fmt: skip
    assert parse(pl.Series(["2020-W05", "2020W06"]), "week").dt.to_string("%F").to_list() == ["2020-01-27", "2020-02-03"]


QUARTERS = ["III кв. 2024", "3rd quarter 2024", "3er trimestre 2024", "2024-T3", "2024K3", "Quarter 3, 2024", "2024, 3. Quartal", "Q3/24"]


@pytest.mark.parametrize("text", QUARTERS)
def test_quarters_of_several_languages(text):
    assert parse(pl.Series([text]), "quarter").to_list() == [datetime.datetime(2024, 7, 1)]


def test_two_digits_of_a_year_are_of_the_century_that_dates_have():
    assert [moment.year for moment in parse(pl.Series(["Q1/69", "Q1/70", "Q1/99"]), "quarter")] == [2069, 1970, 1999]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Mo, 05.02.2024", "05.02.2024"), ("Fri 2024-01-05", "2024-01-05"), ("2024-01-05 (Fri)", "2024-01-05"),
        ("2024/1/5(金)", "2024/1/5"),
        ("05.02.2024 00:00 - 00:15", "05.02.2024 00:00"), ("05.02.2024 23:45 - 06.02.2024 00:00", "05.02.2024 23:45"),
        ("2024-02-01T00:00Z/2024-02-01T01:00Z", "2024-02-01T00:00Z"), ("2024-01-01 - 2024-01-07", "2024-01-01"),
        ("05.02.2024 00:00 CEST", "05.02.2024 00:00+02:00"), ("2024-02-05T00:00:00+01:00[Europe/Berlin]", "2024-02-05T00:00:00+01:00"),
        ("2024-02-05 00:00 GMT+0100 (Central European Time)", "2024-02-05 00:00 +0100"), ("2024-01-01 00:00 -05:00", None),
        ("mar 5 2024", None), ("Q1 - 2024", None), ("01 - 2024", None), ("2024年1月5日", None), ("5 Jan 2024 - 7", None),
    ],
)  # fmt: skip
def test_what_stands_around_a_moment_is_taken_off(text, bare):
    assert bare_moments(pl.Series([text])).to_list() == [bare or text]


def test_the_other_order_of_day_and_month_is_a_form_too():
    assert set(SWAPPED.values()) <= set(FORMS)
