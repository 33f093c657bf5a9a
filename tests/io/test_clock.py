"""Clocks: the grid of a file's stamps, seen from them, and the stamps of any step, against the calendars of polars and pandas' rules."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.clock import Clock, infer_clock, moment, parse_frequency

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


@settings(deadline=None)
@given(st.sampled_from([60, 600, 3600, 86400]), st.integers(30, 80), st.integers(0, 10**6), st.floats(0, 0.04))
def test_a_jittering_clock_is_seen_through(step, count, seed, share):
    """Every stamp up to 4 % of a step beside the grid."""
    true = np.datetime64("2024-03-01T00:00:00", "us") + (np.arange(count) * step).astype("timedelta64[s]")
    noise = np.random.default_rng(seed).uniform(-share, share, count) * step * 1e6
    found = infer_clock(true + noise.astype("timedelta64[us]"), "here")
    assert found.place(true[[0, -1]]).round(1).tolist() in ([0, count - 1], [-0.0, count - 1])


def test_stamps_on_no_grid_are_refused_with_their_spread():
    random = np.random.default_rng(0)
    gaps = np.cumsum(3600 + random.integers(-600, 600, 300))
    with pytest.raises(DataError, match="here: irregular stamps: they lie about .* name the step with data.frequency"):
        infer_clock(np.datetime64("2024-01-01", "us") + gaps.astype("timedelta64[s]"), "here")
    two = np.concatenate([np.arange(30) * 3600, 30 * 3600 + np.arange(30) * 5000])
    with pytest.raises(DataError, match="mixed frequencies: the commonest step is 1 hour.*the first that is not: 2024-01-02 06:00:00"):
        infer_clock(np.datetime64("2024-01-01", "us") + two.astype("timedelta64[s]"), "here")
    with pytest.raises(DataError, match="1 time stamp, expected at least 3"):
        infer_clock(np.array(["2024-01-01"], "datetime64[us]"), "here")


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


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (lambda m: np.busday_offset((m + 1).astype("datetime64[D]"), -1, roll="forward"), ["2005-01-31", "2005-02-28", "2005-04-29"]),
        (lambda m: np.busday_offset(m.astype("datetime64[D]"), 0, roll="forward"), ["2005-01-03", "2005-02-01", "2005-04-01"]),
        (lambda m: np.busday_offset(m.astype("datetime64[D]") + 14, 0, roll="forward"), ["2005-01-17", "2005-02-15", "2005-04-15"]),
        (
            lambda m: np.minimum(m.astype("datetime64[D]") + 29, (m + 1).astype("datetime64[D]") - 1),
            ["2005-01-30", "2005-02-28", "2005-04-30"],
        ),
    ],
)
@pytest.mark.parametrize("first", ["2000-01", "2000-02"])
def test_months_by_their_last_weekday_or_their_30th(day, following, first):
    months = np.arange(np.datetime64(first), np.datetime64("2005-01"))
    found = infer_clock(day(months).astype("datetime64[us]"), "here")
    assert found.name == "m"
    assert found.text(np.array([0, 1, 3]) + len(months)) == following
    assert found.place(day(months)).tolist() == list(range(len(months)))
