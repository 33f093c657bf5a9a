"""The form of a column of dates is seen from its cells, and of day and month the order that fits."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.io.dates import FORMS, parse
from applied_dl.io.infer_dates import whole_form, written

PYTHONS = [form for form in FORMS if form not in ("quarter", "week", "month", "half", "years")]  # those that Python's own writer knows


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PYTHONS), st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2060, 1, 1)))
def test_what_python_writes_is_read_back(form, start):
    days = [start.replace(second=0, microsecond=0) + datetime.timedelta(days=n) for n in range(400)]
    texts = [day.strftime(form.replace("%.f", ".%f")) for day in days]
    found = written(pl.Series(texts))
    assert (found.share, found.guessed) == (1.0, False)
    plain = form.replace("%.f", ".%f")
    wanted = [
        datetime.datetime.strptime(text, plain) if "%d" in form else datetime.datetime.strptime("1 " + text, "%d " + plain)
        for text in texts
    ]
    assert parse(pl.Series(texts), found.form).to_list() == wanted


def ordered(days, form):
    return written(pl.Series([day.strftime(form) for day in days]))


def test_days_of_several_series_do_not_make_the_year_come_first():
    days = [datetime.date(2022, 1, 3) + datetime.timedelta(days=i) for i in range(500)][::-1] * 2
    assert ordered(days, "%d/%m/%y").form == "%d/%m/%y"


def test_day_or_month_first_by_every_row_by_the_grid_or_by_a_guess():
    first = datetime.date(2000, 1, 1)
    months = [datetime.date(2000 + i // 12, i % 12 + 1, 1) for i in range(60)]
    for form in ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"):
        assert ordered([first + datetime.timedelta(days=i) for i in range(40)], form).form == form
        assert tuple(ordered(months, form)) == (form, 1.0, False)  # every number is at most 12: the regular grid decides
    late = [datetime.date(2000, 1, 2)] * 500 + [datetime.date(2000, 1, 31)]
    assert ordered(late, "%d/%m/%Y").form == "%d/%m/%Y"  # one row does not allow the other order
    assert ordered([datetime.date(2000, 2, i) for i in range(1, 13)], "%d/%m/%Y").guessed  # twelve days or twelve months


@pytest.mark.parametrize("texts", [["red", "green"], ["12", "13"], ["3.14"], ["a1"], [None], ["10.0.0.1"]])
def test_no_dates(texts):
    found = written(pl.Series(texts, dtype=pl.String))
    assert found is None or found.share < 0.5


def test_a_bad_cell_lowers_the_share():
    texts = [str(np.datetime64("2024-01-01") + i) for i in range(99)] + ["unknown"]
    assert written(pl.Series(texts)).share == 0.99


def test_whole_numbers():
    assert whole_form(pl.Series([20240131, None])) == "%Y%m%d"
    assert whole_form(pl.Series(["202401", "202412"])) == "%Y%m"
    assert whole_form(pl.Series([202413])) is None
    assert whole_form(pl.Series([1, 2, 3])) is None


@pytest.mark.parametrize("texts", [["January 5, 2024", "May 6, 2024"], ["5 January 2024", "6 May 2024"], ["Jan 5, 2024", "May 6, 2024"]])
def test_months_by_name_whole_or_short(texts):
    found = written(pl.Series(texts))
    assert found.share == 1.0
    assert [str(day)[:10] for day in parse(pl.Series(texts), found.form).to_list()] == ["2024-01-05", "2024-05-06"]


def test_models_of_cars_are_no_months():
    assert written(pl.Series(["M3 2012", "M5 2015", "M2 2020", "M4 2019"] * 9)) is None
    assert written(pl.Series(["M03 2012", "M05 2015"])).form == "month"


def test_quarters_and_weeks():
    assert written(pl.Series(["Q1 2000", "Q2 2000"])).form == "quarter"
    assert written(pl.Series(["2020-W01", "2020-W02"])).form == "week"


@pytest.mark.parametrize(
    "cells",
    [
        [f"{year}/{(year + 1) % 100:02d}" for year in range(2003, 2012)],  # each is a month, too
        [f"{year}-{(year + 1) % 100:02d}" for year in range(1995, 2003)],
        [f"FY {year}/{year + 1}" for year in range(1995, 2003)],
    ],
)
def test_years_that_begin_in_one_and_end_in_the_next(cells):
    found = written(pl.Series(cells))
    assert found == ("years", 1.0, False)
    assert parse(pl.Series(cells), "years").dt.year().to_list() == [int(cell.removeprefix("FY ")[:4]) for cell in cells]


def test_months_are_no_years():
    assert written(pl.Series(["2010-10", "2010-11", "2010-12", "2011-01"])).form == "%Y-%m"
    assert written(pl.Series(["2019-2021", "2020-2022", "2021-2023"])) is None


def test_codes_of_k_and_a_number_are_no_quarters():
    assert written(pl.Series(["K1 50", "K2 80", "K4 10"] * 5)) is None
    assert written(pl.Series(["1K 50", "2K 80", "4K 10"] * 5)) is None
    for texts in (
        ["K1 2024", "K2 2024"],
        ["K1/24", "K2/24"],
        ["2024K1", "2024K2"],
        ["1K 2024", "2K 2024"],
        ["T1 24", "T2 24"],
        ["1T24", "2T24"],
    ):
        assert written(pl.Series(texts)).form == "quarter"
