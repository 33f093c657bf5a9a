"""Cells of series as people have them: what stands for no value, signs around numbers, rows that hold none, and times in the header.

Each file is read, and a later export of it is read for prediction in the same way.
"""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast import task
from applied_dl.tasks.forecast.predict import encode
from applied_dl.workflows import recipes

N = 200
DAYS = [dt.date(2022, 1, 3) + dt.timedelta(i) for i in range(N)]
WAVE = np.round([50 + i * 0.1 + 8 * np.sin(i * 2 * np.pi / 7) for i in range(N)], 2)
EMPTY = (50, 51, 120)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def lines(header: str, rows, separator=",") -> str:
    return "\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n"


def prepared(path: Path, text: str, **data):
    path.write_text(text)
    return task.prepare(recipes.read_recipe({"task": "forecast"}, {"data.source": str(path), **data}), Path("."))


def history(found, path: Path, text: str) -> np.ndarray:
    """The values that the model is given of a later file."""
    path.write_text(text)
    encoded = encode(found.encoder, [str(path)])
    assert encoded.errors == {}, encoded.errors
    return np.concatenate([array[0].ravel() for array in encoded.inputs.values()])


def values(found) -> np.ndarray:
    block = found.state.blocks[0]
    return block.truth[:, 0].astype(float) + (0 if block.offset is None else block.offset[0])


def test_ordinary_numbers_are_values(tmp_path):
    busy = [(day, 99 if i in EMPTY else i % 12) for i, day in enumerate(DAYS)]
    assert values(prepared(tmp_path / "x.csv", lines("date,sold", busy))).tolist() == [sold for _, sold in busy]
    whole = [(i % 12 + 1.2, value) for i, value in enumerate(WAVE)]  # no months of the year 2000
    found = prepared(tmp_path / "x.csv", lines("load,level", whole), **{"data.target": "level"})
    np.testing.assert_allclose(values(found), WAVE, rtol=1e-6)


MARKS = ["-999", "-9999.0", "-99.9", "9999", "M", "Bad", "closed", "No Data", "---", ".", "*", "ND", "NaN", "#N/A"]


@pytest.mark.parametrize("mark", MARKS)
def test_what_stands_for_no_value_is_none(tmp_path, mark):
    marked = [(day, mark if i in EMPTY else value) for i, (day, value) in enumerate(zip(DAYS, WAVE))]
    found = prepared(tmp_path / "x.csv", lines("date,level", marked))
    assert np.flatnonzero(np.isnan(values(found))).tolist() == list(EMPTY)
    if any(c.isdigit() for c in mark) or mark in ("M", "Bad", "closed"):
        assert any("stands for no value" in note for note in found.warnings)
    later = [(day + dt.timedelta(N), mark if i == 40 else value) for i, (day, value) in enumerate(zip(DAYS[:60], WAVE))]
    plain = [(day, "" if cell == mark else cell) for day, cell in later]
    text = lines("date,level", later), lines("date,level", plain)
    np.testing.assert_array_equal(*(history(found, tmp_path / "later.csv", some) for some in text))


def test_numbers_that_only_look_like_marks_stay(tmp_path):
    steady = [(day, -999 + i % 7) for i, day in enumerate(DAYS)]
    assert np.nanmin(values(prepared(tmp_path / "x.csv", lines("date,depth", steady)))) == -999
    refunds = [(day, -100 if i in EMPTY else value) for i, (day, value) in enumerate(zip(DAYS, WAVE))]
    assert np.nanmin(values(prepared(tmp_path / "y.csv", lines("date,sales", refunds)))) == -100
    with pytest.raises(DataError, match="expected a number, received 'high'"):
        prepared(tmp_path / "z.csv", lines("date,y", [(d, "high" if i == 9 else v) for i, (d, v) in enumerate(zip(DAYS, WAVE))]))
    units = [(day, f"{value} kW" if i % 3 else f"{value / 1000} MW") for i, (day, value) in enumerate(zip(DAYS, WAVE))]
    with pytest.raises(DataError, match="no column of numbers"):
        prepared(tmp_path / "u.csv", lines("date,y", units))


@pytest.mark.parametrize(
    ("form", "factor"), [("${:.2f}K", 1000), ("({:.2f})", -1), ("{:.2f}-", -1), ("{:.2f}*", 1), ("-${:.2f}", -1), ("{:.2f} †", 1)]
)
def test_signs_around_some_numbers(tmp_path, form, factor):
    some = [(day, form.format(value) if factor == 1000 or i % 5 == 0 else value) for i, (day, value) in enumerate(zip(DAYS, WAVE))]
    wanted = [value * (factor if factor == 1000 or i % 5 == 0 else 1) for i, value in enumerate(WAVE)]
    found = prepared(tmp_path / "x.csv", lines("date,pnl", some))
    np.testing.assert_allclose(values(found), wanted, rtol=1e-5)


def test_shares_below_one_of_a_search_trend(tmp_path):
    rows = [(f"{2010 + i // 12}-{i % 12 + 1:02d}", "<1" if i % 9 == 0 else i % 7 + 1) for i in range(120)]
    found = prepared(tmp_path / "x.csv", "Category: All categories\n\n" + lines("Month,kale: (Worldwide)", rows))
    np.testing.assert_allclose(values(found), [0.5 if i % 9 == 0 else i % 7 + 1 for i in range(120)])


@pytest.mark.parametrize(
    ("header", "below"),
    [("Date,Load", [("", "[MW]")]), ("Date,Load", [("yyyy-mm-dd", "MW")]), ("Price,Close", [("Ticker", "AMD"), ("Date", "")])],
)
def test_rows_of_units_and_second_headers(tmp_path, header, below):
    found = prepared(tmp_path / "x.csv", lines(header, [*below, *zip(DAYS, WAVE)]))
    np.testing.assert_allclose(values(found), WAVE, rtol=1e-5)
    assert any(f"{len(below)} row" in note and "below the header" in note for note in found.warnings)
    same = [history(found, tmp_path / "l.csv", lines(header, [*some, *zip(DAYS, WAVE)])) for some in (below, [])]
    np.testing.assert_array_equal(*same)


def test_footnotes_with_dates_below_the_rows(tmp_path):
    text = lines("Date,Sales", zip(DAYS, WAVE)) + "\nSource: our shop\nDownloaded 2024-01-01\n"
    np.testing.assert_allclose(values(prepared(tmp_path / "x.csv", text)), WAVE, rtol=1e-5)


def test_the_download_of_an_indicator_begins_with_lines_of_two_cells(tmp_path):
    above = '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-01-01",\n\n'
    countries = ("France", "Spain", "Italy")
    rows = [[f'"{name}"', f'"{name[:3]}"', *(1000 + 10 * k + year for year in range(30))] for k, name in enumerate(countries)]
    years = ",".join(f'"{1990 + year}"' for year in range(30))
    found = prepared(tmp_path / "x.csv", above + lines(f'"Country Name","Country Code",{years}', rows))
    assert found.encoder.names == ("France", "Spain", "Italy")
    assert found.facts["from"].startswith("1990")


HOURS = {
    "clock": [f"{h:02d}:00" for h in range(24)], "interval": [f"{h:02d}:00-{h + 1:02d}:00" for h in range(24)],
    "ending": [f"HE{h:02d}" for h in range(1, 25)], "h": [f"H{h}" for h in range(24)], "word": [f"Hour {h}" for h in range(1, 25)],
    "half": [f"{h // 2}:{h % 2 * 30:02d}" for h in range(48)],
}  # fmt: skip


@pytest.mark.parametrize("form", HOURS)
def test_a_row_for_each_day_and_a_column_for_each_hour(tmp_path, form):
    names = HOURS[form]
    load = np.round(20 + 5 * np.sin(np.arange(30 * len(names)) * 2 * np.pi / len(names)), 3).reshape(30, -1)
    found = prepared(tmp_path / "x.csv", lines("Date," + ",".join(names), [(day, *row) for day, row in zip(DAYS, load)]))
    assert (found.encoder.clock.unit, found.encoder.clock.every) == (("min", 30) if form == "half" else ("h", 1))
    np.testing.assert_allclose(values(found), load.ravel(), rtol=1e-5)
    assert found.facts["from"][:16] == "2022-01-03T00:00"
    later = [(day + dt.timedelta(30), *row) for day, row in zip(DAYS[:8], load)]
    assert len(history(found, tmp_path / "l.csv", lines("Date," + ",".join(names), later)))


def test_columns_that_are_no_hours_stay_series(tmp_path):
    for names in ([f"H{h}" for h in range(1, 13)], [str(h) for h in range(1, 25)], [f"P{h}" for h in range(24)]):
        text = lines("Date," + ",".join(names), [(day, *(value + k for k in range(len(names)))) for day, value in zip(DAYS, WAVE)])
        assert prepared(tmp_path / "x.csv", text).encoder.names == tuple(names)


@pytest.mark.parametrize("months", [MONTHS, range(1, 13)])
def test_a_row_for_each_month_and_a_column_for_each_year(tmp_path, months):
    series = np.round(100 + np.arange(120) + 10 * np.sin(np.arange(120) * 2 * np.pi / 12), 2)
    years = ",".join(str(2012 + k) for k in range(10))
    rows = [[month, *series[k::12]] for k, month in enumerate(months)]
    rows += [["Total", *series.reshape(10, 12).sum(1)]] if months is MONTHS else []
    found = prepared(tmp_path / "x.csv", lines(f"Month,{years}", rows))
    np.testing.assert_allclose(values(found), series, rtol=1e-5)
    assert (found.encoder.clock.unit, found.facts["from"][:7]) == ("m", "2012-01")
    later = lines(f"Month,{years.replace('2012,', '')},2022", [[month, *series[k + 12 :: 12], 250] for k, month in enumerate(months)])
    assert len(history(found, tmp_path / "l.csv", later))


def test_years_and_weeks_in_one_number(tmp_path):
    weeks = [100 * year + week for year in (2021, 2022, 2023) for week in range(1, 53)]
    found = prepared(tmp_path / "x.csv", lines("yearweek,units", zip(weeks, np.resize(WAVE, 156))))
    assert (found.encoder.clock.unit, found.facts["from"][:10]) == ("w", "2021-01-04")
    assert len(history(found, tmp_path / "l.csv", lines("yearweek,units", [(202401 + k, 50 + k) for k in range(52)])))


@pytest.mark.parametrize(
    ("form", "unit"),
    [("%d.%m.%Y, %H:%M", "h"), ("%m/%d/%Y, %I:%M:%S %p", "h"), ("%Y-%m-%d_%H:%M:%S", "h"), ("%d/%m/%Y %H.%M", "h"), ("%Y-%m-%d %Hh", "h"),
     ("%d%b%Y:%H:%M:%S", "h"), ("[%d/%b/%Y:%H:%M:%S +0000]", "h"), ("%Y%m%d%H", "h"), ("w/c %d %b %Y", "w"),
     ("Week ending: %d/%m/%Y", "w")],
)  # fmt: skip
def test_times_as_logs_browsers_and_reports_write_them(tmp_path, form, unit):
    step = dt.timedelta(hours=1) if unit == "h" else dt.timedelta(7)
    times = [dt.datetime(2024, 1, 1) + i * step for i in range(N)]
    found = prepared(tmp_path / "x.csv", lines("t;v", [(t.strftime(form), value) for t, value in zip(times, WAVE)], ";"))
    assert (found.encoder.clock.unit, found.facts["from"][:10]) == (unit, "2024-01-01")
    np.testing.assert_allclose(values(found), WAVE, rtol=1e-5)


def test_hours_of_a_day_with_a_zero_in_front(tmp_path):
    rows = [(f"{DAYS[i // 24]:%m/%d/%Y}", f"{i % 24 + 1:02d}", value) for i, value in enumerate(WAVE)]
    found = prepared(tmp_path / "x.csv", lines("Date,HourEnding,MW", rows), **{"data.target": "MW"})
    np.testing.assert_allclose(values(found), WAVE, rtol=1e-5)
    assert found.encoder.clock.unit == "h"


def test_a_row_without_the_name_of_its_series_is_named(tmp_path):
    rows = [(shop if i != 20 else "", day, value) for shop in "AB" for i, (day, value) in enumerate(zip(DAYS, WAVE))]
    with pytest.raises(DataError, match="column 'store', row 22: the series has no name"):
        prepared(tmp_path / "x.csv", lines("store,date,sales", rows))


def test_numbered_days_in_the_header_beside_several_texts(tmp_path):
    rows = [(f"FOODS_{k}_CA", f"FOODS_{k}", "CA", *np.round(WAVE + k, 2)) for k in range(4)]
    found = prepared(tmp_path / "x.csv", lines("id,item_id,store_id," + ",".join(f"d_{i + 1}" for i in range(N)), rows))
    assert found.encoder.names == tuple(f"FOODS_{k}_CA" for k in range(4))
    np.testing.assert_allclose(values(found), WAVE, rtol=1e-5)


def test_seconds_that_count_up_evenly_are_not_forecast(tmp_path):
    found = prepared(tmp_path / "x.csv", lines("seconds,force", [(round(i * 0.01, 2), value) for i, value in enumerate(WAVE)]))
    assert found.encoder.names == ("force",)
    assert any("seconds counts up evenly" in note for note in found.warnings)


def test_a_series_without_a_value_is_left_out_and_reported(tmp_path):
    rows = [(shop, day, value if shop != "B" else "") for shop in "ABC" for day, value in zip(DAYS, WAVE)]
    found = prepared(tmp_path / "x.csv", lines("store,date,sales", rows))
    assert found.encoder.names == ("A", "C")
    assert any("no value" in note and "B" in note for note in found.warnings)


@pytest.mark.parametrize(
    ("cell", "alike"),
    [
        (lambda i, v: f"{v / 1000:.5f} K" if i % 3 == 0 else f"{v}", lambda v: f"{v / 1000:.5f} K"),
        (lambda i, v: f"${v / 1000:.5f}K" if i % 2 else f"${v}", lambda v: f"${v / 1000:.5f}K"),
        (lambda i, v: f"{v:.2f}%" if i % 3 else f"{v / 100:.4f}", lambda v: f"{v:.2f}%"),
    ],
    ids=["thousands", "dollars", "percentages"],
)
def test_a_later_file_with_one_of_the_units_means_the_same(tmp_path, cell, alike):
    found = prepared(tmp_path / "x.csv", lines("date,load", [(day, cell(i, v)) for i, (day, v) in enumerate(zip(DAYS, WAVE))]))
    mixed = history(found, tmp_path / "y.csv", lines("date,load", [(day, cell(i, v)) for i, (day, v) in enumerate(zip(DAYS, WAVE))]))
    one = history(found, tmp_path / "z.csv", lines("date,load", [(day, alike(v)) for day, v in zip(DAYS, WAVE)]))
    np.testing.assert_allclose(one, mixed, rtol=1e-3, atol=1e-4)
