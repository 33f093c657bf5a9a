"""Tables from Python: every kind of cell becomes one of few kinds, and a number stays a number."""

import datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.io.cells import as_numbers
from applied_dl.io.frames import alike, column, from_columns, from_pandas, from_rows, tidy

NOON = datetime.datetime(2024, 1, 31, 12)


class NAType:
    """As pandas.NA: no truth value, even of its comparisons."""

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


@pytest.mark.parametrize(
    ("values", "kind", "wanted"),
    [
        ([1, None, NAType()], pl.Int64, [1, None, None]),
        ([1, 2.5, float("nan")], pl.Float64, [1.0, 2.5, None]),
        ([np.float32(0.5), Decimal("1.25")], pl.Float64, [0.5, 1.25]),
        ([True, None], pl.Boolean, [True, None]),
        ([np.datetime64("2024-01-31T12"), np.datetime64("NaT")], pl.Datetime("us"), [NOON, None]),
        ([NOON, NOON.date()], pl.Datetime("us"), [NOON, datetime.datetime(2024, 1, 31)]),
        ([NOON.date()], pl.Date, [NOON.date()]),
        (np.array([1, 2], np.uint8), pl.Int64, [1, 2]),
        (np.array([0.5, np.nan], np.float16), pl.Float64, [0.5, None]),
        (np.array(["2024-01-31T12", "NaT"], "datetime64[ns]"), pl.Datetime("us"), [NOON, None]),
        (["a", None], pl.String, ["a", None]),
        ([10**400, 1], pl.String, [str(10**400), "1"]),
        (["\ud800"], pl.String, ["?"]),
        ([[1, 2]], pl.String, ["1|2"]),
        ([datetime.timedelta(hours=1), None], pl.Float64, [3600.0, None]),
        (np.array([1, "NaT"], "timedelta64[s]"), pl.Float64, [1.0, None]),
        ([None, None], pl.String, [None, None]),
        ([NOON.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))], pl.String, ["2024-01-31T12:00:00+02:00"]),
    ],
)
def test_cells_of_any_kind(values, kind, wanted):
    found = column("x", values)
    assert (found.dtype, found.to_list()) == (kind, wanted)


def test_times_of_a_zone_keep_it():
    from zoneinfo import ZoneInfo

    found = column("t", [NOON.replace(tzinfo=ZoneInfo("Europe/Berlin")), None])
    assert found.dtype == pl.Datetime("us", "Europe/Berlin")
    assert found.dt.convert_time_zone("UTC").dt.hour().to_list() == [11, None]


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["plain", "thousands", "comma"]))
def test_a_number_among_texts_is_the_same_in_every_style(value, style):
    cells = column("x", [value, "n"])
    assert cells.dtype == pl.String
    assert as_numbers(cells, style)[0][0] == value


def test_lists_become_texts_durations_seconds_and_fields_of_structs_columns():
    frame = tidy(pl.DataFrame({"list": [["a", "b"], ["c"], None], "span": [datetime.timedelta(hours=1), None, datetime.timedelta(1)]}))
    assert frame["list"].to_list() == ["a|b", "c", None]
    assert frame["span"].to_list() == [3600.0, None, 86400.0]
    nested = tidy(pl.DataFrame({"x": [{"a": 1, "b": {"c": "u"}}], "x.a": [2.0]}))
    assert nested.to_dict(as_series=False) == {"x.a": [1], "x.b.c": ["u"], "x.a_2": [2.0]}
    with pytest.raises(DataError, match="Column 'x' holds Binary"):
        tidy(pl.DataFrame({"x": [b"1"]}))


def test_polars_kinds_become_few():
    frame = pl.DataFrame(
        {"d": [Decimal("1.5")], "c": pl.Series(["u"], dtype=pl.Categorical), "u": pl.Series([2**63], dtype=pl.UInt64), "f": [float("nan")]}
    )
    assert tidy(frame).schema == {"d": pl.Float64, "c": pl.String, "u": pl.Float64, "f": pl.Float64}
    assert tidy(frame)["f"].to_list() == [None]


def test_rows_and_columns():
    assert from_rows([{"a": 1}, {"b": "x"}]).rows() == [(1, None), (None, "x")]
    with pytest.raises(DataError, match="different numbers of cells: 'a' 1, 'b' 2"):
        from_columns({"a": [1], "b": [1, 2]})
    assert from_columns({1: [1], "1": [2], "1_2": [3]}).columns == ["1", "1_2_", "1_2"]


def test_frames_are_joined_as_numbers_or_as_texts():
    first, second = alike([pl.DataFrame({"n": [1], "c": ["1"], "s": ["a"]}), pl.DataFrame({"n": [0.5], "c": [1.0], "s": ["b"]})])
    assert first.schema == second.schema == {"n": pl.Float64, "c": pl.String, "s": pl.String}
    assert second.row(0) == (0.5, "1", "b")


def test_pandas_frames_and_their_indexes():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2024-03-29", periods=3, freq="h", tz="Europe/Berlin")
    found = from_pandas(pd.DataFrame({"a": [1.0, 2, 3]}, index=times))
    assert found.columns == ["time", "a"]
    assert found["time"].dtype == pl.Datetime("us", "Europe/Berlin")
    months = pd.period_range("2024-01", periods=3, freq="M", name="month")
    assert from_pandas(pd.Series([1, 2, 3], index=months))["month"].dt.month().to_list() == [1, 2, 3]
    assert from_pandas(pd.DataFrame({"a": [1, 2]})).columns == ["a"]
    mixed = pd.DataFrame(
        {"i": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean"), "t": pd.to_datetime(["2024-01-01", None])}
    )
    assert from_pandas(mixed).row(1) == (None, None, None)
    keys = pd.MultiIndex.from_product([["a", "b"], pd.to_datetime(["2024-01-01", "2024-01-02"])], names=["shop", None])
    assert from_pandas(pd.DataFrame({"v": range(4)}, index=keys)).columns == ["shop", "time", "v"]
    assert from_pandas(pd.DataFrame([[1, 2, 3]], columns=["a", "a", "a"])).columns == ["a", "a_2", "a_3"]


def test_fields_of_mappings_are_columns():
    rows = [{"id": 1, "size": {"width": 3, "inner": {"x": "a"}}}, {"id": 2, "size": {"width": 4.5}}]
    assert from_rows(rows).to_dict(as_series=False) == {"id": [1, 2], "size.width": [3.0, 4.5], "size.inner.x": ["a", None]}
