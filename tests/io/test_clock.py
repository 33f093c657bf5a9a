"""Clocks: the grid of a file's stamps, seen from them, and the stamps of any step, against the calendars of polars and pandas' rules."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import UsageError
from applied_dl.io.clock import Clock, moment, parse_frequency
from applied_dl.io.infer_clock import infer_clock

START = datetime.datetime(2023, 12, 29, 6)
UNITS = ["15min", "h", "2h", "d", "b", "w", "m", "q", "y", "30s"]


def clock(text: str) -> Clock:
    unit, every = parse_frequency(text)
    return Clock(unit=unit, every=every, origin="2024-01-01T00:00:00")


@pytest.mark.parametrize("text", UNITS)
def test_a_clock_finds_itself_in_its_own_stamps_and_goes_on(text):
    known = clock(text)
    found = infer_clock(known.stamps(np.arange(60)), "here")
    assert found.name == known.name
    assert np.array_equal(found.place(known.stamps(np.arange(100))), np.arange(100))


@settings(deadline=None)
@given(st.sampled_from(UNITS), st.integers(-500, 2000))
def test_the_place_of_a_stamp_is_its_step(text, step):
    known = clock(text)
    assert known.place(known.stamps(np.array([step])))[0] == pytest.approx(step)


@pytest.mark.parametrize(
    ("text", "every"), [("15min", "15m"), ("h", "1h"), ("d", "1d"), ("w", "1w"), ("m", "1mo"), ("q", "1q"), ("y", "1y")]
)
def test_the_stamps_are_those_of_polars(text, every):
    theirs = pl.datetime_range(datetime.datetime(2024, 1, 1), datetime.datetime(2090, 1, 1), every, eager=True, time_unit="us")[
        :50
    ].to_numpy()
    assert np.array_equal(clock(text).stamps(np.arange(50)), theirs)


def test_business_days_skip_the_weekend():
    days = Clock(unit="b", origin="2024-02-01T17:00:00").stamps(np.arange(4))  # a Thursday
    assert days.astype(str).tolist() == [f"2024-02-0{d}T17:00:00.000000" for d in (1, 2, 5, 6)]
    assert (
        Clock(unit="b", origin="2024-02-01").place(np.array(["2024-02-03"], "datetime64[us]"))[0] % 1 == 0.5
    )  # a Saturday is off the grid


def test_month_ends_stay_month_ends():
    stamps = np.array(["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], "datetime64[us]")
    assert infer_clock(stamps, "here").text(np.array([4, 13])) == ["2024-05-31", "2025-02-28"]


@pytest.mark.parametrize(("text", "season", "horizon"), [("h", 24, 48), ("15min", 96, 96), ("d", 7, 14), ("w", 52, 13), ("m", 12, 18),
                                                         ("q", 4, 8), ("y", 1, 6), ("b", 5, 10), ("2h", 12, 12)])  # fmt: skip
def test_seasons_and_horizons_are_those_people_use(text, season, horizon):
    assert (clock(text).season, clock(text).horizon) == (season, horizon)


@pytest.mark.parametrize("text", ["fortnight", "0h", "-1d", "", "h2", "1.5h"])
def test_unknown_frequencies_are_reported(text):
    with pytest.raises(UsageError, match="data.frequency must be a number and a unit"):
        parse_frequency(text)


@pytest.mark.parametrize(
    ("text", "found"), [("H", ("h", 1)), ("15 min", ("min", 15)), ("MS", ("m", 1)), ("weekly", ("w", 1)), ("T", ("min", 1))]
)
def test_other_tools_names_of_frequencies_are_understood(text, found):
    assert parse_frequency(text) == found


def test_texts_are_dates_times_or_numbers():
    assert clock("d").text(np.array([1])) == ["2024-01-02"]
    assert clock("h").text(np.array([1])) == ["2024-01-01T01:00:00"]
    assert Clock(unit="h", origin="2024-01-01", zone=True).text(np.array([0])) == ["2024-01-01T00:00:00Z"]
    assert Clock(unit="step", every=5, origin="10").text(np.array([0, 2])) == ["10", "20"]
    assert (moment(np.datetime64("2024-01-01T05:00", "us")), moment(np.int64(7))) == ("2024-01-01 05:00:00", "7")
