"""Series from files: layouts, clocks, stated policies, and one sentence for what cannot be read."""

import datetime

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.readers.tables import BUILT_IN, load_table, numbers
from applied_dl.tasks.forecast.series import Columns


def days(n, step="1d", start=datetime.datetime(2024, 1, 1)):
    return pl.datetime_range(start, start + datetime.timedelta(days=10**4), step, eager=True)[:n]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_series_are_there(name):
    found = read_series(name, Columns())
    assert found.aligned
    assert len(found.values[0]) > 100


def test_wide_long_and_rows_are_the_same_series(tmp_path):
    a, b = np.arange(6.0), np.arange(6.0) ** 2
    pl.DataFrame({"date": days(6).dt.to_string("%Y-%m-%d"), "a": a, "b": b}).write_csv(tmp_path / "wide.csv")
    stamps = days(6).to_list()
    pl.DataFrame({"series": ["a"] * 6 + ["b"] * 6, "time": stamps * 2, "value": [*a, *b]}).write_parquet(tmp_path / "long.parquet")
    (tmp_path / "rows.csv").write_text("id;" + ";".join(f"V{i}" for i in range(6)) + "\n" + "\n".join(
        f"{n};" + ";".join(map(str, v)) for n, v in (("a", a), ("b", b))))  # fmt: skip
    found = [read_series(tmp_path / name, Columns()) for name in ("wide.csv", "long.parquet", "rows.csv")]
    assert [f.columns.layout for f in found] == ["wide", "long", "rows"]
    for one in found:
        assert one.names == ["a", "b"]
        assert np.array_equal(np.stack(one.values), np.stack([a, b]))
    assert found[0].clock.name == found[1].clock.name == "d"


def test_gaps_and_repeats_follow_the_policy_and_are_reported():
    stamps = [*days(10).to_list()[:4], days(10)[3], *days(10).to_list()[6:]]
    found = read_series({"date": stamps, "x": [0.0, 1, 2, 3, 5, 6, 7, 8, 9]}, Columns())
    assert np.array_equal(found.values[0], [0, 1, 2, 4, np.nan, np.nan, 6, 7, 8, 9], equal_nan=True)
    assert "1 repeated stamps" in found.notes[0]
    with pytest.raises(DataError, match="occur more than once"):
        read_series({"date": stamps, "x": np.arange(9.0)}, Columns(duplicates="refuse"))


def test_zoned_stamps_become_utc_across_the_clock_change():
    text = [f"2024-03-31T0{h}:00:00+0{1 if h < 2 else 2}:00" for h in (0, 1, 3, 4, 5)]
    found = read_series({"time": text, "x": np.arange(5.0)}, Columns())
    assert found.clock.name == "h"
    assert len(found.values[0]) == 5
    assert found.clock.text(np.array([5])) == ["2024-03-31T04:00:00Z"]


def test_rows_after_the_last_value_are_the_known_future():
    found = read_series(
        {"date": days(6), "x": [1.0, 2, 3, 4, None, None], "price": np.arange(6.0)}, Columns(targets=("x",), future=("price",))
    )
    assert len(found.values[0]) == 4
    assert found.future[0][:, 0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("table", "columns", "says"), [
    ({"date": days(5), "x": ["1", "2", "high", "4", "5"]}, {}, "column 'x', row 4: expected a number, received 'high'"),
    ({"date": days(5), "x": [None] * 5}, {"targets": ("x",)}, "every value of x is missing"),
    ({"date": ["2024-01-01", "2024-01-02", "soon", "2024-01-04"], "x": np.arange(4.0)}, {}, "row 4: expected a time, received 'soon'"),
    ({"date": days(2), "x": [1.0, 2.0]}, {}, "at least 3"),
    ({"date": days(20).to_list() + days(20, "1h", datetime.datetime(2024, 2, 1)).to_list(), "x": np.arange(40.0)}, {}, "mixed frequenc"),
    ({"date": days(5), "x": np.arange(5.0)}, {"targets": ("y",)}, "no column 'y'"),
    ({"date": days(5), "x": [1.0, np.inf, 2, 3, 4]}, {}, "row 3: expected a finite number"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(table, columns, says):
    with pytest.raises(DataError) as error:
        read_series(table, Columns(**columns))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_empty_columns_are_reported_and_empty_covariates_refused():
    found = read_series({"date": days(6), "x": np.arange(6.0), "void": [None] * 6}, Columns())
    assert found.names == ["x"]
    assert found.notes == ["the table: the columns void hold no value and are left out"]
    with pytest.raises(DataError, match="the column 'void' of data.past_covariates holds no value"):
        read_series({"date": days(6), "x": np.arange(6.0), "void": [None] * 6}, Columns(targets=("x",), past=("void",)))


def test_a_column_has_one_meaning():
    with pytest.raises(UsageError, match="'x' is named by data.target and by data.future_covariates"):
        read_series({"date": days(6), "x": np.arange(6.0)}, Columns(targets=("x",), future=("x",)))


def test_numbers_with_decimal_commas_are_read(tmp_path):
    (tmp_path / "comma.csv").write_text("date;x\n" + "".join(f"{d:%Y-%m-%d};{i},5\n" for i, d in enumerate(days(5))))
    assert read_series(tmp_path / "comma.csv", Columns()).values[0].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_a_long_table_without_times_counts_the_rows_of_each_series():
    found = read_series({"shop": ["b", "a", "b", "a", "b"], "sold": [1.0, 2, 3, 4, 5]}, Columns(series="shop"))
    assert found.names == ["b", "a"]
    assert [v.tolist() for v in found.values] == [[1, 3, 5], [2, 4]]
    assert found.clock.unit == "step"


def test_keys_of_another_layout_are_refused(tmp_path):
    rows = {"id": ["a", "b"], **{f"V{i}": [1.0, 2.0] for i in range(6)}}
    with pytest.raises(UsageError, match="data.past_covariates has no meaning for the table, which has a row for each series"):
        read_series(rows, Columns(layout="rows", past=("V1",)))
    with pytest.raises(UsageError, match="data.static_covariates is for a long file"):
        read_series({"date": days(6), "x": np.arange(6.0), "kind": np.arange(6.0)}, Columns(layout="wide", static=("kind",)))


def test_files_that_are_not_there_or_empty_are_reported(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_series(tmp_path / "no.csv", Columns())
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match="empty"):
        read_series(tmp_path / "empty.csv", Columns())


@pytest.mark.parametrize("cells", [["", "", "", "", "1.5"], ["1", "2", "3", "4", "5.5"], ["1", "2", "3", "4", ""]])
def test_a_column_is_numbers_whatever_its_first_rows_are(cells, tmp_path):
    (tmp_path / "late.csv").write_text("date,a,b\n" + "\n".join(f"2024-01-0{i + 1},{c},{i}" for i, c in enumerate(cells)))
    table = load_table(tmp_path / "late.csv").table
    np.testing.assert_array_equal(numbers(table, "a", "late.csv"), [float(c) if c else np.nan for c in cells])
    assert table["a"].dtype.is_numeric()


DAYS = [str(np.datetime64("2024-01-01") + i) for i in range(60)]


def put(folder, head, rows, separator=",", **how):
    text = "\n".join(separator.join(map(str, row)) for row in ([head.split(",")] if head else []) + list(rows)) + "\n"
    (folder / "x.csv").write_text(text, **({"encoding": "utf-8"} | how))
    return folder / "x.csv"


@pytest.mark.parametrize(
    ("head", "rows", "how", "says"),
    [
        ("date,a", [(d, f"{i},{i % 10}") for i, d in enumerate(DAYS)], {}, "line 2: 3 cells, more cells than the header"),
        ("date,a,b", [(d, 7, 1, 2) if i == 9 else (d, 1, 2) for i, d in enumerate(DAYS)], {}, "line 11: 4 cells"),
        ("date,a", [(d, "1.100,5x" if i == 3 else i) for i, d in enumerate(DAYS)], {"separator": ";"}, "row 5: expected a number"),
    ],
)
def test_files_are_read_like_tables(tmp_path, head, rows, how, says):
    with pytest.raises(DataError) as caught:
        read_series(put(tmp_path, head, rows, **how), Columns())
    assert says in str(caught.value)


def test_a_file_without_a_header_and_short_rows_are_reported(tmp_path):
    found = read_series(put(tmp_path, "", [(d, i + 0.5, i * 2.5) for i, d in enumerate(DAYS)]), Columns())
    assert (found.columns.time, found.columns.targets, found.values[0][0]) == ("column_1", ("column_2", "column_3"), 0.5)
    assert "has no header: line 1 holds values" in found.notes[0]
    short = read_series(put(tmp_path, "date,a,b", [(d, 2 * i) if i == 20 else (d, 2 * i, i) for i, d in enumerate(DAYS)], "|"), Columns())
    assert np.flatnonzero(np.isnan(short.values[1])).tolist() == [20]
    assert "1 row has fewer cells than line 1 (the first: row 22, 2 of 3)" in short.notes[0]


def test_numbers_are_written_in_the_style_of_the_file(tmp_path):
    german = [(d, f"1.{100 + i}", f"{i},5", f"2.{i % 9}00,25") for i, d in enumerate(DAYS)]
    found = read_series(put(tmp_path, "date,a,b,c", german, ";"), Columns())
    assert [v[1] for v in found.values] == [1101, 1.5, 2100.25]
    assert found.columns.style == "comma"
    later = read_series(put(tmp_path, "date,a,b,c", [(d, "1.200", 1, 2) for d in DAYS], ";"), found.columns, found.clock)
    assert later.values[0][0] == 1200  # where no cell says otherwise, as the training file
    other = read_series(put(tmp_path, "date,a,b,c", [(d, "1.200", 1, 2) for d in DAYS]), found.columns, found.clock)
    assert other.values[0][0] == 1.2  # a file of commas between the cells has none within numbers
    quoted = read_series(put(tmp_path, "date,a,b", [(d, f'"{i},{i % 10}"', f'"1,{100 + i}"') for i, d in enumerate(DAYS)]), Columns())
    assert [v[11] for v in quoted.values] == [11.1, 1.111]
    english = read_series(put(tmp_path, "date,a", [(d, f'"1,{100 + i}"') for i, d in enumerate(DAYS)]), Columns())
    assert english.values[0][0] == 1100
    assert "'1,100' is read as 1100; data.decimal = ','" in english.notes[0]
    real = read_series({"date": DAYS, "a": [i + 0.125 for i in range(60)]}, Columns(style="comma"))
    assert real.values[0][2] == 2.125


class Index(list):
    """As an index of pandas."""

    nlevels, names = 1, [None]

    def get_level_values(self, place):
        return self


class Cells:
    """As `iloc` of pandas."""

    def __getitem__(self, place):
        return np.arange(6.0)


class Frame:
    """As a frame of pandas: one column, and times as its index."""

    columns, index, iloc = ["a"], Index(days(6).to_list()), Cells()


def test_an_index_of_times_is_the_time():
    found = read_series(Frame(), Columns())
    assert (found.columns.time, found.clock.name, found.clock.text(np.array([6]))) == ("time", "d", ["2024-01-07"])


def test_columns_that_are_not_read_and_missing_times_are_reported():
    found = read_series({"date": DAYS, "x": np.arange(60.0), "town": ["Ulm"] * 59 + ["Bonn"]}, Columns())
    assert found.notes == [
        "the table: the columns town are not read; data.target, data.past_covariates or data.future_covariates would name them"
    ]
    assert read_series({"x": np.arange(9.0)}, Columns()).notes == ["the table: no column of times is found among x; its rows are numbered"]
    assert not read_series({"date": DAYS, "x": np.arange(60.0), "n": ["a"] * 60}, found.columns, found.clock).notes


@pytest.mark.parametrize(
    ("times", "clock", "after"),
    [
        ([int(d.replace("-", "")) for d in DAYS], "d", "2024-03-01"),
        ([202001 + i // 12 * 100 + i % 12 for i in range(60)], "m", "2025-01-01"),
        ([f"Q{i % 4 + 1} {2000 + i // 4}" for i in range(60)], "q", "2015-01-01"),
        ([1700000000 + 3600 * i for i in range(60)], "h", "2023-11-17T10:13:20Z"),
        ([f"01/{i % 12 + 1:02d}/{2000 + i // 12}" for i in range(60)], "m", "2005-01-01"),
        ([f"{i % 12 + 1:02d}/01/{2000 + i // 12}" for i in range(60)], "m", "2005-01-01"),
        ([f"2024-{i // 28 + 1:02d}-{i % 28 + 1:02d}T00:00+01:00" for i in range(28)], "d", "2024-01-28T23:00:00Z"),
    ],
)
def test_times_as_people_write_them(tmp_path, times, clock, after):
    for source in (put(tmp_path, "time,a", zip(times, range(60))), {"time": times, "a": list(range(len(times)))}):
        found = read_series(source, Columns())
        assert (found.clock.name, found.clock.text(np.array([len(times)]))) == (clock, [after])


def test_the_order_of_day_and_month_is_kept_for_later_files():
    first = read_series({"date": [f"{d[8:]}/{d[5:7]}/{d[:4]}" for d in DAYS], "a": np.arange(60.0)}, Columns())
    short = {"date": [f"{i:02d}/03/2024" for i in range(1, 10)], "a": np.arange(9.0)}  # of itself, it could be nine months
    later = read_series(short, first.columns, first.clock)
    assert (later.starts, len(later.values[0]), later.notes) == ([60], 9, [])
    iso = read_series({"date": DAYS, "a": np.arange(60.0)}, first.columns, first.clock)
    assert iso.starts == [0]


def test_daily_stamps_on_a_monthly_clock_are_refused():
    monthly = read_series({"date": [f"2020-{m:02d}-01" for m in range(1, 13)], "a": np.arange(12.0)}, Columns())
    with pytest.raises(DataError, match="mixed frequencies: .* share a step of 'm'"):
        read_series({"date": DAYS, "a": np.arange(60.0)}, monthly.columns, monthly.clock)
