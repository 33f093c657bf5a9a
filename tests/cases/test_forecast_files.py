"""People's files of series as they are: order, calendars, clocks under any name, times in parts, covariates in words, mixed columns.

Each test writes a small file of one kind and checks how it is understood; the second half checks that `predict` reads it the same way.
"""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.predict import encode
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.readers.windows import State
from applied_dl.tasks.forecast.series import Columns
from applied_dl.workflows import recipes

DAYS = [dt.date(2022, 1, 3) + dt.timedelta(i) for i in range(300)]
WAVE = [round(50 + i * 0.1 + 8 * np.sin(i * 2 * np.pi / 7), 3) for i in range(300)]


def read(table: dict, **columns):
    return read_series(pl.DataFrame(table), Columns(**columns))


def prepared(tmp_path, table: dict, name="x.csv", **data):
    pl.DataFrame(table).write_csv(tmp_path / name)
    keys = {f"data.{key}": value for key, value in data.items()}
    return task.prepare(recipes.read_recipe({"task": "forecast"}, {"data.source": str(tmp_path / name), **keys}), Path("."))


@pytest.mark.parametrize("order", ["newest first", "shuffled"])
def test_rows_in_any_order_are_sorted(order):
    rows = np.arange(300)[::-1] if order == "newest first" else np.random.default_rng(0).permutation(300)
    found = read({"Date": [DAYS[i] for i in rows], "Close": [WAVE[i] for i in rows]})
    assert found.values[0].tolist() == WAVE
    assert any(("newest row comes first" if order == "newest first" else "out of order") in note for note in found.notes)


def test_series_of_a_long_file_are_sorted_each_by_itself():
    table = {"day": [*DAYS[::-1], *DAYS], "shop": ["a"] * 300 + ["b"] * 300, "sales": [*WAVE[::-1], *WAVE]}
    found = read(table)
    assert (found.names, found.values[0].tolist(), found.values[1].tolist()) == (["a", "b"], WAVE, WAVE)


FRENCH = ["janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
GERMAN = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"]
DATE_FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%Y%m%d", "%A, %d %B %Y", "%m/%d/%Y", "%d/%m/%y", "%Y.%m.%d",
              "%y-%m-%d", "%Y-%j", "%d-%b-%Y 00:00", "%Y-%m-%dT00:00:00Z")  # fmt: skip


@pytest.mark.parametrize("form", DATE_FORMS)
def test_dates_are_read_in_every_common_form(form, tmp_path):
    found = prepared(tmp_path, {"Datum": [day.strftime(form) for day in DAYS], "Wert": WAVE})
    assert found.encoder.clock.unit == "d"
    assert found.facts["from"][:10] == "2022-01-03"
    assert found.encoder.columns.targets == ("Wert",)


@pytest.mark.parametrize(
    ("texts", "unit", "first"),
    [
        ([f"{2010 + i // 4}Q{i % 4 + 1}" for i in range(40)], "q", "2010-01-01"),
        ([f"Q{i % 4 + 1} {2010 + i // 4}" for i in range(40)], "q", "2010-01-01"),
        ([f"{i % 4 + 1}Q{10 + i // 4}" for i in range(40)], "q", "2010-01-01"),
        ([f"{2019 + i // 52}-W{i % 52 + 1:02d}" for i in range(80)], "w", "2018-12-31"),
        ([(dt.date(2015 + i // 12, i % 12 + 1, 1)).strftime("%b-%y") for i in range(60)], "m", "2015-01-01"),
        ([f"{2015 + i // 12}M{i % 12 + 1:02d}" for i in range(60)], "m", "2015-01-01"),
        ([f"{m} {2015 + i // 12}" for i in range(60) for m in [FRENCH[i % 12]]],
         "m", "2015-01-01"),
        ([f"1. {m} {2015 + i // 12}" for i in range(60)
          for m in [GERMAN[i % 12]]], "m", "2015-01-01"),
        ([f"{2015 + i // 12}年{i % 12 + 1}月" for i in range(60)], "m", "2015-01-01"),
        ([f"{1960 + i // 2}H{i % 2 + 1}" for i in range(40)], "q", "1960-01-01"),
    ],
)  # fmt: skip
def test_periods_are_read_in_every_common_form(texts, unit, first):
    found = read({"period": texts, "v": WAVE[: len(texts)]})
    assert (found.clock.unit, found.clock.text(np.array([found.starts[0]]))[0]) == (unit, first)
    assert len(found.values[0]) == len(texts)


T0 = dt.datetime(2024, 2, 1, tzinfo=ZoneInfo("Europe/Berlin"))
AROUND = {
    "weekday": lambda t: f"{['Mo', 'Di', 'Mi', 'Do', 'Fr', 'Sa', 'So'][t.weekday()]}, {t:%d.%m.%Y %H:%M}",
    "interval": lambda t: f"{t:%d.%m.%Y %H:%M} - {t + dt.timedelta(hours=1):%d.%m.%Y %H:%M}",
    "zone": lambda t: f"{t:%d.%m.%Y %H:%M} {t.tzname()}",
    "place": lambda t: f"{t.isoformat()}[Europe/Berlin]",
    "twelve hours": lambda t: f"{t:%Y-%m-%d %I:%M %p}",
}


@pytest.mark.parametrize("way", AROUND)
def test_times_with_something_around_them(way):
    found = read({"Zeit": [AROUND[way](T0 + dt.timedelta(hours=i)) for i in range(300)], "Last": WAVE})
    assert (found.columns.time, found.columns.targets, found.clock.name) == ("Zeit", ("Last",), "h")
    assert found.clock.text(np.array([0]))[0] == ("2024-01-31T23:00:00Z" if way in ("zone", "place") else "2024-02-01T00:00:00")


SECONDS = np.arange(300) * 3600 + 1717200000
BY_VALUE = {
    "seconds": (SECONDS, "h"), "milliseconds": (SECONDS * 1000, "h"), "microseconds": (SECONDS * 10**6, "h"),
    "nanoseconds": (SECONDS * 10**9, "h"),
    "quarters": (1960 + np.arange(300) / 4, "q"), "months": ((1949 + np.arange(300) / 12).round(4), "m"),
    "weeks": ((2000 + np.arange(300) * 7 / 365.25).round(3), "w"), "years": (np.arange(300) + 1700, "y"),
    "excel weeks": (43831 + 7 * np.arange(300), "w"), "minutes": ([int(f"20240101{i // 60:02d}{i % 60:02d}") for i in range(300)], "min"),
    "quarters after a point": ([float(f"{1960 + i // 4}.{i % 4 + 1}") for i in range(300)], "q"),
    "months before a point": ([float(f"{i % 12 + 1}.{1960 + i // 12}") for i in range(300)], "m"),
    "months of two decimals": ((1949 + np.arange(300) / 12).round(2), "m"),
    "starts of months": ([float(f"{year + (dt.date(year, month + 1, 1).timetuple().tm_yday - 1) / 365.25:.3f}")
                          for i in range(300) for year, month in [(1980 + i // 12, i % 12)]], "m"),
    "excel hours": ((45444 + np.arange(300) / 24).round(6), "h"),
    "year and month": ([1871 + i // 12 + (i % 12 + 1) / 100 for i in range(300)], "m"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BY_VALUE)
def test_numbers_that_count_time_are_known_by_their_values_whatever_their_name(kind):
    values, unit = BY_VALUE[kind]
    found = read({"c0": values, "c1": WAVE})
    assert (found.columns.time, found.columns.targets, found.clock.unit) == ("c0", ("c1",), unit)
    again = read_series(pl.DataFrame({"c0": values[100:], "c1": WAVE[100:]}), found.columns, found.clock)
    assert again.starts[0] == 100


def test_numbers_that_count_nothing_stay_series():
    random = np.random.default_rng(0)
    found = read(
        {"date": DAYS, "a": random.integers(1e9, 2e9, 300), "b": random.uniform(1900, 2000, 300), "c": random.integers(1, 9, 300) * 1.5}
    )
    assert found.columns.targets == ("a", "b", "c")


def test_irregular_times_are_resampled_to_the_named_frequency():
    random = np.random.default_rng(0)
    t = 1717200000000 + np.cumsum(random.uniform(5000, 7000, 3000)).astype(np.int64)
    found = read({"ts": t, "temp": np.sin(t / 1e6)}, frequency="1min", irregular="resample")
    assert (found.clock.name, found.clock.text(np.array([0]))[0], found.columns.targets) == ("min", "2024-06-01T00:00:00Z", ("temp",))
    assert len(found.values[0]) == (t[-1] - t[0]) // 60000 + 1
    inside = t < 1717200000000 + 60000
    assert found.values[0][0] == pytest.approx(np.sin(t[inside] / 1e6).mean())


def shop(closed=(6,)):
    days = [d for d in DAYS if d.weekday() not in closed]
    return {"date": days, "sales": [100.0 + 10 * d.weekday() for d in days], "promo": [int(d.day % 9 == 0) for d in days]}


@pytest.mark.parametrize("closed", [(6,), (0,), (6, 0), (2,)])
def test_closed_weekdays_are_no_steps(closed, tmp_path):
    found = prepared(tmp_path, shop(closed), horizon=14)
    assert found.facts["missing"] == 0
    assert found.encoder.season == 7 - len(closed)
    ahead = found.encoder.clock.stamps(found.encoder.clock.place(np.array([np.datetime64("2022-06-15")])).astype(int)[0] + np.arange(30))
    assert not any(stamp.astype(dt.datetime).weekday() in closed for stamp in ahead)
    encoded = encode(found.encoder, shop(closed))
    last = encoded.extra["slots"][0][3]
    assert found.encoder.clock.text(np.array([last - 1]))[0] == str(shop(closed)["date"][-1])


def test_opening_hours_are_a_clock_too():
    hours = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=h) for h in range(24 * 60)]
    rows = [t for t in hours if 9 <= t.hour < 18 and t.weekday() < 6]
    found = read({"t": rows, "visitors": np.arange(len(rows)) % 9 + 1.0})
    assert (found.clock.season, len(found.values[0]), np.isnan(found.values[0]).sum()) == (9, len(rows), 0)


def test_date_and_time_of_day_in_columns_of_their_own_are_joined(tmp_path):
    t = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=h) for h in range(600)]
    for clock in ([f"{x:%H:%M}" for x in t], [f"{x:%I:%M %p}" for x in t], [x.hour for x in t]):
        table = {"Datum": [f"{x:%d.%m.%Y}" for x in t], "Uhrzeit": clock, "Last": WAVE + WAVE}
        found = prepared(tmp_path, table)
        assert (found.encoder.columns.time, found.encoder.clock.name, found.encoder.columns.targets) == ("Datum Uhrzeit", "h", ("Last",))
        again = encode(found.encoder, {name: cells[:400] for name, cells in table.items()})
        assert (again.errors, again.extra["slots"][0][3]) == ({}, 400)


@pytest.mark.parametrize("extra", [{}, {"Monat": "names"}, {"day": True}])
def test_year_and_month_columns_are_joined(extra):
    months = [(2010 + i // 12, i % 12 + 1) for i in range(72)]
    if extra.get("day"):
        table = {"Year": [d.year for d in DAYS], "Month": [d.month for d in DAYS], "Day": [d.day for d in DAYS], "v": WAVE}
    else:
        names = [name[:3] for name in GERMAN]
        table = {"Jahr": [y for y, _ in months], "Monat": [names[m - 1] if extra else m for _, m in months], "v": WAVE[:72]}
    found = read(table)
    assert (found.clock.unit, found.columns.targets) == ("d" if extra.get("day") else "m", ("v",))
    again = read_series(pl.DataFrame(table).tail(20), found.columns, found.clock)
    assert again.starts[0] == len(table["v"]) - 20


def local_hours(days=500):
    zone, start = ZoneInfo("Europe/Berlin"), dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
    t = [(start + dt.timedelta(hours=i)).astimezone(zone) for i in range(24 * days)]
    return {
        "Datum": [f"{x:%d.%m.%Y}" for x in t], "Uhrzeit": [f"{x:%H:%M}" for x in t],
        "Last [MW]": [f"{50000 + 900 * np.sin(x.hour):.1f}".replace(".", ",") for x in t],
        "Temperatur": [f"{10 + x.month:.1f}".replace(".", ",") for x in t],
        "Feiertag": ["Neujahr" if (x.day, x.month) == (1, 1) else "Maifeiertag" if (x.day, x.month) == (1, 5) else "" for x in t],
    }  # fmt: skip


def test_clock_changes_with_covariates_in_numbers_and_words(tmp_path):
    table = local_hours(250)
    names = {"target": "Last [MW]", "future_covariates": ["Temperatur", "Feiertag"]}
    found = prepared(tmp_path, table, **names)
    assert (found.facts["missing"], len(found.state.blocks[0])) == (1, 24 * 250 + 1)  # the hour that does not exist
    assert found.encoder.future_columns == (
        ("Temperatur", ""),
        ("Feiertag", "*"),
        ("Feiertag", "Maifeiertag"),
        ("Feiertag", "Neujahr"),
    ) or (found.encoder.future_columns == (("Temperatur", ""), ("Feiertag", "*"), ("Feiertag", "Neujahr"), ("Feiertag", "Maifeiertag")))
    assert not np.isnan(found.state.blocks[0].future[: -found.encoder.horizon]).any()


def test_texts_of_covariates_that_training_lacks_are_reported_and_answered(tmp_path):
    weather = ["sun", "rain", "snow"]
    table = {"date": DAYS, "y": WAVE, "weather": [weather[i % 2 if i < 280 else i % 3] for i in range(300)]}
    found = prepared(tmp_path, table, future_covariates=["weather"], horizon=5)
    assert found.encoder.future_columns == (("weather", "rain"),) or found.encoder.future_columns == (("weather", "sun"),)
    new = {"date": DAYS, "y": [*WAVE[:290], *[None] * 10], "weather": ["hail" if i == 289 else weather[i % 2] for i in range(300)]}
    encoded = encode(found.encoder, new)
    assert encoded.errors == {}
    assert any("'hail' of 'weather'" in note for note in encoded.warnings)


def test_what_is_no_target_is_not_forecast():
    random = np.random.default_rng(0)
    noise = random.uniform(1, 2, 300)
    flag = random.integers(0, 2, 300)
    for extra, reason in [
        ({"promo": flag}, "promo is a flag"), ({"open": flag == 1}, "open is a flag"), ({"": np.arange(300)}, "counts the rows"),
        ({"dayofweek": [d.weekday() for d in DAYS]}, "dayofweek is a part of the date"), ({"Price": noise}, "Price looks like a covariate"),
        ({"holiday": flag, "temperature": noise}, "temperature looks like a covariate"),
        ({"plan": [*noise[:299], 1.5], "sales": [*WAVE[:290], *[None] * 10]}, "plan goes on after the others end"),
    ]:  # fmt: skip
        found = read({"date": DAYS, "sales": WAVE, **extra})
        assert found.columns.targets == ("sales",), extra
        assert any(reason in note and "data.target" in note for note in found.notes), found.notes
    both = read({"date": DAYS, "a": WAVE, "b": 1000 * np.array(WAVE)})
    assert both.columns.targets == ("a", "b")
    assert any("columns of different kinds are forecast (a, b)" in note for note in both.notes)
    alone = read({"date": DAYS, "price": noise})
    assert alone.columns.targets == ("price",)
    stock = read({"Date": DAYS, "Open": noise, "High": noise + 1, "Low": noise - 1, "Close": noise})
    assert stock.columns.targets == ("Open", "High", "Low", "Close")


def test_two_columns_that_name_the_series_together_are_joined():
    rows = [(d, s, i) for s in (1, 2) for i in (7, 8) for d in DAYS[:50]]
    table = {"date": [r[0] for r in rows], "store": [r[1] for r in rows], "item": [r[2] for r in rows], "sales": np.arange(200.0)}
    found = read(table)
    assert found.names == ["1 7", "1 8", "2 7", "2 8"]
    assert found.values[3].tolist() == list(range(150, 200))
    assert read(table, series_parts=("item", "store")).names == ["7 1", "8 1", "7 2", "8 2"]


def test_a_text_column_is_no_name_of_series_where_times_hardly_repeat():
    found = read({"date": DAYS, "y": WAVE, "note": ["checked" if i % 3 else "" for i in range(300)]})
    assert found.columns.layout == "wide"


def test_totals_and_blank_lines_at_the_end_are_left_out():
    found = read({"month": [*map(str, DAYS), None, None], "sales": [*WAVE, None, sum(WAVE)]})
    assert (len(found.values[0]), any("2 rows without a time" in note for note in found.notes)) == (300, True)
    with pytest.raises(DataError, match="row 12: expected a time, received None"):
        read({"month": [*map(str, DAYS[:10]), None, *map(str, DAYS[11:])], "sales": WAVE})


def test_the_state_of_a_prepared_forecast_is_typed(tmp_path):
    assert isinstance(prepared(tmp_path, shop(), horizon=6).state, State)


def test_hourly_columns_known_ahead_bring_hour_and_weekday(tmp_path):
    hours = [dt.datetime(2023, 1, 2) + dt.timedelta(hours=i) for i in range(24 * 120)]
    table = {
        "t": hours,
        "load": [h.hour + 5 * (h.weekday() > 4) + i / 1000 for i, h in enumerate(hours)],
        "temp": [h.day / 7 for h in hours],
    }
    keys = {"target": "load", "future_covariates": ["temp"]}
    assert prepared(tmp_path, table, **keys).encoder.calendar == ("hour", "weekday")
    assert prepared(tmp_path, table, calendar=False, **keys).encoder.calendar == ()
    assert prepared(tmp_path, table, target="load").encoder.calendar == ()
    daily = {"t": DAYS, "load": WAVE, "temp": WAVE[::-1]}
    assert prepared(tmp_path, daily, **keys).encoder.calendar == ()
