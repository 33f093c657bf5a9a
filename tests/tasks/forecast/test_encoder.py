"""The series encoder: windows by hand, padding, covariates, the calendar against Python's, and a round trip through its file."""

import datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from applied_dl.core.errors import DataError
from applied_dl.io.clock import Clock
from applied_dl.tasks.forecast.encoder import SeriesEncoder, base, blocks, calendar, inputs_at, load, periods, save
from applied_dl.tasks.forecast.gaps import lengthen
from applied_dl.tasks.forecast.series import Columns, SeriesSet

HOURLY = Clock(unit="h", origin="2024-02-28T00:00:00")
FEW = settings(max_examples=30, deadline=None)


def encoder(form="aligned", names=("a", "b"), lookback=4, horizon=2, **more) -> SeriesEncoder:
    count = len(names) if form == "aligned" else 1
    return SeriesEncoder(columns=Columns(targets=names, future=("p",)), clock=HOURLY, form=form, names=names, lookback=lookback,
                         horizon=horizon, season=2, center=(0.0,) * count, scale=(1.0,) * count, coverage=0.9, **more)  # fmt: skip


def data(*values, start=0, **more) -> SeriesSet:
    names = [chr(97 + i) for i in range(len(values))]
    return SeriesSet(
        names=names, values=[np.array(v, float) for v in values], starts=[start] * len(values), clock=HOURLY, columns=Columns(), **more
    )


@FEW
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.data())
def test_a_window_is_the_steps_before_its_end(lookback, horizon, channels, given_):
    steps = given_.draw(st.integers(lookback, 25))
    rows = np.random.default_rng(steps).standard_normal((channels, steps))
    e = encoder(names=tuple("abc"[:channels]), lookback=lookback, horizon=horizon)
    block = blocks(e, data(*rows))[0]
    ends = np.array(given_.draw(st.lists(st.integers(lookback, steps), min_size=1, max_size=4)))
    found = inputs_at(e, block, ends)["history"]
    for row, end in zip(found, ends):
        assert np.allclose(row, rows[:, end - lookback : end].T)


@pytest.mark.parametrize(
    ("values", "found"),
    [([1e9 + 75, 1e9 + 305], 1e9), ([-3e7 + 80, -3e7 + 290], -3e7), ([1e9 - 5, 1e9 + 225], 999_999_000), ([20_000.01, 20_000.02], 20_000),
     ([5e6, 5e6], 5e6), ([12_345_678, 12_346_001], 12_345_000)],
)  # fmt: skip
def test_the_base_of_values_is_the_roundest_number_close_below_them(values, found):
    assert base(np.array(values)) == found


@given(least=st.floats(-1e12, 1e12), span=st.floats(1e-3, 1e6))
@example(least=-5e-324, span=2.0)
def test_the_base_is_never_above_the_values_nor_farther_than_ten_times_their_range(least, span):
    values = np.array([least, least + span])
    span = float(values[1] - values[0])
    assert base(values) <= values[0]
    assert span == 0 or values[0] - base(values) <= 10 * span * (1 + 1e-6)


def test_series_are_brought_into_the_order_of_training_and_gaps_are_filled_but_remembered():
    e = encoder(names=("b", "a"))
    block = blocks(e, data([1, np.nan, 3, 4], [5, 6, 7, 8]))[0]
    assert block.values.tolist() == [[5, 1], [6, 1], [7, 3], [8, 4]]
    assert np.array_equal(block.truth[:, 1], [1, np.nan, 3, 4], equal_nan=True)


def test_a_panels_short_series_is_lengthened_and_an_aligned_one_refused():
    e = encoder("panel", names=("a",), lookback=6)
    block = blocks(e, data([1, 2, 3]))[0]
    assert inputs_at(e, block, np.array([3]))["history"][0, :, 0].tolist() == lengthen(np.array([1.0, 2, 3]), 6, 2).tolist()
    with pytest.raises(DataError, match="The history of a, b has 3 steps, expected at least 4"):
        inputs_at(encoder(), blocks(encoder(), data([1, 2, 3], [1, 2, 3]))[0], np.array([3]))


def test_lacking_and_unequal_series_are_named():
    with pytest.raises(DataError, match="lacks the series 'b'; expected: a, b; received: a"):
        blocks(encoder(), data([1, 2, 3, 4]))
    with pytest.raises(DataError, match="do not cover the same steps"):
        blocks(encoder(), data([1, 2, 3, 4], [1, 2, 3]))


def test_what_is_known_ahead_reaches_over_the_horizon_and_must_be_there():
    e = encoder(names=("a",))
    known = np.arange(8.0)[:, None]
    block = blocks(e, data(np.arange(6), future=[known], past=[10 * np.arange(6.0)[:, None]]))[0]
    found = inputs_at(e, block, np.array([6]))
    assert found["future"][0, :, 0].tolist() == [2, 3, 4, 5, 6, 7]
    assert found["past"][0, :, 0].tolist() == [20, 30, 40, 50]
    short = blocks(e, data(np.arange(6), future=[known[:7]]))[0]
    with pytest.raises(DataError, match=r"Series 'a': a column of data.future_covariates \(p\) has no value at 2024-02-28T07:00:00"):
        inputs_at(e, short, np.array([6]))


def test_texts_that_are_constant_for_a_series_are_one_hot_and_unknown_ones_nothing():
    e = encoder("panel", names=("a",), levels=(("cold", "hot"), ()), static_center=(0.0, 2.5))
    e = replace(e, columns=replace(e.columns, static=("kind", "size")))
    rows = [blocks(e, data(np.arange(6), static=[[kind, 3.5]]))[0].static.tolist() for kind in ("hot", "mild")]
    assert rows == [[0, 1, 3.5], [0, 0, 3.5]]
    before = replace(e, static_center=())  # a bundle of before there were any
    assert blocks(before, data(np.arange(6), static=[["hot", None]]))[0].static.tolist() == [0, 1, 0]
    for missing in (None, float("nan")):
        assert blocks(e, data(np.arange(6), static=[["hot", missing]]))[0].static.tolist() == [0, 1, 2.5]
    with pytest.raises(DataError, match="Series 'a': the static column 'size' must be a number, received 'large'"):
        blocks(e, data(np.arange(6), static=[["hot", "large"]]))


@FEW
@given(st.sampled_from(["h", "15min", "d"]), st.integers(0, 20000))
def test_the_calendar_is_pythons(text, step):
    unit, every = ("min", 15) if text == "15min" else (text, 1)
    clock = Clock(unit=unit, every=every, origin="2024-02-28T00:00:00")
    e = replace(encoder(), clock=clock, calendar=("hour", "weekday", "year"))
    moment = datetime.datetime(2024, 2, 28) + step * {"h": datetime.timedelta(hours=1), "d": datetime.timedelta(days=1)}.get(
        text, datetime.timedelta(minutes=15)
    )
    hours = moment.hour + moment.minute / 60
    share = np.array([hours / 24, (moment.isoweekday() + hours / 24) / 7, (moment.timetuple().tm_yday - 1 + hours / 24) / 365.2425])
    expected = np.stack([np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)], axis=1).ravel()
    assert calendar(e, np.array([step]))[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("unit", "found"), [("h", ("hour", "weekday", "year")), ("d", ("weekday", "year")), ("m", ("year",)), ("y", ()),
                                             ("step", ())])  # fmt: skip
def test_only_what_varies_is_in_the_calendar(unit, found):
    assert periods(Clock(unit=unit, origin="2024-01-01")) == found


@FEW
@given(st.integers(2, 50), st.integers(0, 200), st.integers(4, 30))
def test_the_phase_counts_on_from_the_clocks_origin(cycle, start, steps):
    e = encoder(names=("a",), cycle=cycle)
    block = blocks(e, data(np.arange(steps), start=start))[0]
    found = inputs_at(e, block, np.arange(4, steps + 1))["phase"]
    assert found[:, 0].tolist() == [(start + end - 4) % cycle for end in range(4, steps + 1)]


def test_the_file_holds_all_and_a_damaged_one_is_named(tmp_path):
    e = encoder(calendar=("hour",), levels=(("x",),), cycle=7)
    save(e, tmp_path)
    assert load(tmp_path) == e
    (tmp_path / "encoder.json").write_text('{"columns": 3}')
    with pytest.raises(DataError, match="encoder.json"):
        load(tmp_path)


def test_the_base_of_a_panel_does_not_know_later_steps():
    e, values = encoder(form="panel", own_offset=True), 1e9 + np.arange(10.0)
    later = np.r_[values[:6], values[6:] - 5e6]
    found = [blocks(replace(e, columns=Columns()), data(rows), [6])[0] for rows in (values, later)]
    assert found[0].offset == found[1].offset == 1e9
    np.testing.assert_array_equal(found[0].values[:6], found[1].values[:6])
    assert blocks(e, data(later))[0].offset < 1e9  # of a history to forecast, all steps are known
