"""The grid that stamps keep: jitter, months by a rule, and refusals that show what was found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.io.infer_clock import infer_clock


@settings(deadline=None)
@given(st.sampled_from([60, 600, 3600, 86400]), st.integers(30, 80), st.integers(0, 10**6), st.floats(0, 0.04))
def test_a_jittering_clock_is_seen_through(step, count, seed, share):
    """Every stamp up to 4% of a step beside the grid."""
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


def test_the_first_days_of_trading_are_months():
    days = ["2006-01-03", "2006-02-01", "2006-03-01", "2006-04-03", "2006-05-01", "2006-06-01", "2006-07-03", "2006-08-01", "2006-09-01",
            "2006-10-02", "2006-11-01", "2006-12-01", "2007-01-03", "2007-02-01"]  # fmt: skip
    clock = infer_clock(np.array(days, "datetime64[us]"), "the table")
    assert (clock.name, clock.place(np.array(days, "datetime64[us]")).tolist()) == ("m", list(range(14)))
    far = np.array([f"2006-{month:02d}-{1 + month * 7 % 28:02d}" for month in range(1, 13)] + ["2007-01-05"], "datetime64[us]")
    with pytest.raises(DataError):
        infer_clock(far, "the table")
