"""People's files of series in other layouts: a row for each year, a column for each date, hours that are counted, totals below, units.

Each test writes a small file of one kind and checks that all of its forms are understood as the same series.
"""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.series import Columns

MONTHS = {
    "english": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "german": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "numbers": "1 2 3 4 5 6 7 8 9 10 11 12",
}
DAYS = [dt.date(2023, 1, 1) + dt.timedelta(i) for i in range(60)]
HOURS = [dt.datetime(2023, 1, 1) + dt.timedelta(hours=i) for i in range(24 * 30)]


def wave(count: int) -> list[float]:
    return [round(50 + 8 * float(np.sin(i * np.pi / 6)) + i / 100, 3) for i in range(count)]


def read(table: dict, **columns):
    return read_series(pl.DataFrame(table), Columns(**columns))


@pytest.mark.parametrize("names", MONTHS.values(), ids=MONTHS)
def test_a_row_for_each_year_and_a_column_for_each_month_is_one_series(names):
    values = np.array(wave(240)).reshape(20, 12)
    table = {"Year": list(range(2000, 2020)), **dict(zip(names.split(), values.T.tolist())), "Annual": values.mean(axis=1).tolist()}
    found = read(table)
    assert (found.names, found.clock.name, found.values[0].tolist()) == (["value"], "m", wave(240))
    assert any("Annual is left out" in note for note in found.notes)
    again = read_series(pl.DataFrame(table).head(3), found.columns, found.clock)
    assert again.values[0].tolist() == wave(36)


def test_a_row_for_each_year_and_a_column_for_each_quarter_is_one_series():
    values = np.array(wave(80)).reshape(20, 4)
    found = read({"year": list(range(2000, 2020)), **{f"Q{i + 1}": values[:, i].tolist() for i in range(4)}})
    assert (found.clock.name, found.values[0].tolist()) == ("q", wave(80))


@pytest.mark.parametrize(("names", "unit"), [
    ([f"{day.month}/{day.day}/{day:%y}" for day in DAYS], "d"), ([str(day) for day in DAYS], "d"),
    ([str(1960 + i) for i in range(60)], "y"), ([f"{1960 + i} [YR{1960 + i}]" for i in range(60)], "y"),
], ids=["m/d/yy", "iso", "years", "world bank"])  # fmt: skip
def test_a_column_for_each_date_or_year_gives_dated_series(names, unit):
    table = {"Province": ["", "", "north"], "Country": ["A", "B", "B"], "Lat": [1.5, 2.5, 3.5]}
    found = read(table | {name: [value, value + 1, value + 2] for name, value in zip(names, wave(60))})
    assert (found.names, found.clock.unit, found.values[0].tolist()) == (["A", "B", "north B"], unit, wave(60))


@pytest.mark.parametrize("form", ["FY{y}Q{q}", "FY{y} Q{q}", "Q{q} FY{s:02d}", "FY{s:02d}-Q{q}"])
def test_quarters_of_fiscal_years_are_quarters(form):
    found = read({"quarter": [form.format(y=2000 + i // 4, s=i // 4, q=i % 4 + 1) for i in range(80)], "revenue": wave(80)})
    assert (found.clock.name, found.values[0].tolist()) == ("q", wave(80))


@pytest.mark.parametrize("form", ["Q{}", "{}Q", "Quarter {}"])
def test_a_year_and_a_quarter_in_words_are_one_time(form):
    found = read({"year": [2000 + i // 4 for i in range(80)], "quarter": [form.format(i % 4 + 1) for i in range(80)], "v": wave(80)})
    assert (found.clock.name, found.values[0].tolist()) == ("q", wave(80))


@pytest.mark.parametrize(("name", "cell"), [
    ("HE", lambda t: t.hour + 1), ("Interval", lambda t: f"{t.hour:02d}:00-{t.hour + 1:02d}:00"), ("period", lambda t: t.hour + 1),
])  # fmt: skip
def test_hours_counted_from_1_and_intervals_are_times_of_day(name, cell):
    found = read({"date": [t.date() for t in HOURS], name: [cell(t) for t in HOURS], "load": wave(720)})
    assert (found.names, found.clock.name, found.values[0].tolist()) == (["load"], "h", wave(720))


@pytest.mark.parametrize("cell", [lambda t: f"{t:%H%M}", lambda t: t.hour * 100], ids=["texts", "numbers"])
def test_hours_and_minutes_without_a_mark_are_times_of_day(cell):
    found = read({"date": [t.date() for t in HOURS], "time": [cell(t) for t in HOURS], "load": wave(720)})
    assert (found.names, found.clock.name, found.values[0].tolist()) == (["load"], "h", wave(720))


def test_stores_numbered_from_1_to_24_are_no_hours():
    found = read({"date": DAYS * 24, "store_nr": [i for i in range(1, 25) for _ in DAYS], "sales": wave(24 * 60)})
    assert (len(found.names), found.clock.name) == (24, "d")


def test_24_00_is_the_end_of_the_day():
    times = [t + dt.timedelta(hours=1) for t in HOURS]
    text = [f"{t:%d.%m.%Y %H:%M}" if t.hour else f"{t - dt.timedelta(days=1):%d.%m.%Y} 24:00" for t in times]
    found = read({"Zeit": text, "Last": wave(720)})
    assert (found.clock.name, found.values[0].tolist()) == ("h", wave(720))


def test_a_column_of_offsets_gives_times_in_utc():
    local = [(t + dt.timedelta(hours=1 + (i >= 360)), f"+0{1 + (i >= 360)}:00") for i, t in enumerate(HOURS)]
    found = read({"time": [f"{t:%Y-%m-%d %H:%M}" for t, _ in local], "utc_offset": [cell for _, cell in local], "load": wave(720)})
    assert (found.names, found.clock.zone, found.values[0].tolist()) == (["load"], True, wave(720))


@pytest.mark.parametrize("last", ["Total", "Gesamt", "Source: our office"])
def test_totals_and_footnotes_below_the_rows_are_left_out(last):
    found = read({"month": [*(f"{2000 + i // 12}-{i % 12 + 1:02d}" for i in range(120)), last], "sales": [*wave(120), 99999.0]})
    assert found.values[0].tolist() == wave(120)
    assert any("left out" in note for note in found.notes)


def test_totals_between_the_rows_are_left_out():
    days = [str(day) for day in DAYS]
    found = read({"date": [*days[:31], "Total January", *days[31:], "Total 2023"], "sales": [*wave(31), 999.0, *wave(60)[31:], 999.0]})
    assert found.values[0].tolist() == wave(60)


def test_one_unit_behind_every_number_is_taken_off():
    found = read({"date": DAYS, "power": [f"{value} kW" for value in wave(60)]})
    assert found.values[0].tolist() == wave(60)


def test_a_named_frequency_resamples_what_is_off_its_grid():
    random = np.random.default_rng(0)
    times = [dt.datetime(2023, 1, 1) + dt.timedelta(seconds=float(s)) for s in np.cumsum(random.exponential(40, 5000)).round()]
    with pytest.raises(DataError, match="name the step with data.frequency"):
        read({"time": times, "v": wave(5000)})
    found = read({"time": times, "v": wave(5000)}, frequency="h", irregular="auto")
    assert (found.clock.name, found.columns.irregular) == ("h", "resample")
    assert any("off the grid of data.frequency" in note for note in found.notes)
    hourly = read({"time": HOURS, "v": wave(720)}, frequency="h", irregular="auto")
    assert (hourly.columns.irregular, hourly.notes) == ("refuse", [])


def test_many_values_of_one_day_name_the_key_that_adds_them_up():
    found = read({"date": [day for day in DAYS for _ in range(3)], "amount": wave(180)})
    assert any('data.duplicates = "sum"' in note for note in found.notes)
