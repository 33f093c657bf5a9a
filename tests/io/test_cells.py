"""Cells as numbers, moments and levels: any number written in any style is read back, and what arrives as a number stays one."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.io.cells import as_levels, as_moments, as_numbers, decimal_mark, moment_style, number_style, places, unsure

STYLES = {  # mark between thousands, decimal mark, and the style's name
    "english": (",", ".", "."),
    "german": (".", ",", ","),
    "french": ("\u202f", ",", ","),
    "swiss": ("'", ".", "."),
    "plain": ("", ".", "."),
    "comma": ("", ",", ","),
}


def written(value: float, style: str, decimals: int) -> str:
    group, point, _ = STYLES[style]
    return f"{value:,.{decimals}f}".replace(",", "G").replace(".", "P").replace("G", group).replace("P", point)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20), st.sampled_from(sorted(STYLES)), st.integers(0, 4), st.booleans())
def test_any_number_in_any_style_is_read_back(values, style, decimals, money):
    """With the decimal mark of its file, as the other columns show it; without it, where the cell leaves no choice."""
    texts = [("$ " * money) + written(v, style, decimals) for v in values]
    wanted = [float(f"{v:.{decimals}f}") for v in values]
    cells = pl.Series("x", texts)
    for mark in [STYLES[style][2]] + ([None] if not unsure(cells, number_style(cells)[0]) else []):
        found, share = number_style(cells, mark)
        assert share == 1.0, (texts, mark)
        np.testing.assert_allclose(as_numbers(cells, found)[0], wanted)


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e9, 1e9), st.sampled_from(["plain", "thousands", "comma"]))
def test_what_arrives_as_a_number_is_read_in_no_style(value, style):
    assert as_numbers(pl.Series("x", [value]), style)[0].tolist() == [value]


@pytest.mark.parametrize(
    ("text", "comma", "thousands", "plain"),
    [
        ("0,126", 0.126, None, None),
        ("-1,350", -1.35, -1350, None),
        ("17.3", None, 17.3, 17.3),
        ("1.5", None, 1.5, 1.5),
        ("1.234", 1234, 1.234, 1.234),
        ("1.234.567,8", 1234567.8, None, None),
        ("2,000.50", None, 2000.5, 2000.5),
        ("2,000", 2, 2000, None),
        ("12,34", 12.34, None, None),
        ("1234,567", 1234.567, None, None),
        ("1,5e-3", 0.0015, None, None),
        ("1e-3", 0.001, 0.001, 0.001),
    ],
)
def test_a_mark_between_thousands_parts_groups_of_three(text, comma, thousands, plain):
    for style, wanted in (("comma", comma), ("thousands", thousands), ("plain", plain)):
        values, wrong = as_numbers(pl.Series("x", [text]), style)
        assert (values[0], len(wrong)) == (wanted, 0) if wanted is not None else len(wrong) == 1


@pytest.mark.parametrize(
    ("columns", "separator", "mark"),
    [
        ({"a": ["0,126", "-1,350"], "b": ["1.234", "5.678"]}, ";", ","),
        ({"a": ["1.5"], "b": ["1,234"]}, ",", "."),
        ({"a": ["1,234"]}, ";", ","),
        ({"a": ["1,234"]}, ",", "."),
        ({"a": ["1.234"]}, ";", None),
        ({"a": ["0.9978"], "b": ["7"]}, ";", "."),
        ({"a": ["3,5"], "b": ["3.5"]}, ";", None),
        ({"a": ["x,y", "see p. 3"], "b": ["7", "8"]}, ";", None),
    ],
)
def test_the_decimal_mark_is_the_files(columns, separator, mark):
    assert decimal_mark(pl.DataFrame(columns), separator) == mark


def test_one_slip_does_not_turn_a_column_into_thousands():
    cells = pl.Series("x", [f"{i}.{100 + i}" for i in range(1, 400)] + ["3.5"])
    style, share = number_style(cells, ",")
    assert (style, round(share, 4)) == ("comma", 0.9975)
    assert "'1.101' is read as 1101; data.decimal = '.'" in unsure(cells[:9], "comma")


@settings(deadline=None)
@given(
    st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2090, 1, 1)).map(lambda t: t.replace(microsecond=0)),
    st.sampled_from(["%d.%m.%Y", "%m/%d/%Y %H:%M", "%Y-%m-%d"]),
)
def test_iso_and_real_datetimes_are_read_beside_every_style(moment, style):
    wanted = (moment - datetime.datetime(1970, 1, 1)).total_seconds()
    texts = [moment.isoformat(), moment.isoformat(" "), moment.isoformat() + "Z", moment.isoformat() + ".000000"]
    for cells in (pl.Series("t", texts), pl.Series("t", [moment]), pl.Series("t", [moment.replace(tzinfo=datetime.UTC)])):
        values, wrong = as_moments(cells, style)
        assert values.tolist() == [wanted] * len(cells)
        assert not len(wrong)
    day = pl.Series("t", [moment.date()])
    assert as_moments(day, style)[0].tolist() == as_moments(day.cast(pl.String), style)[0].tolist()
    assert as_moments(pl.Series("t", ["soon", None]), style)[1].tolist() == [0]


def test_whole_numbers_are_dates_where_every_one_is():
    assert moment_style(pl.Series("t", [20240101, 20240229])).form == "%Y%m%d"
    assert moment_style(pl.Series("t", [202401, 202402])).form == "%Y%m"
    assert moment_style(pl.Series("t", [20240101, 20240230])) is None
    seconds, _ = as_moments(pl.Series("t", [20240229, None]), "%Y%m%d")
    assert np.datetime64(int(seconds[0]), "s") == np.datetime64("2024-02-29")


def test_levels_are_alike_whatever_file_they_came_through():
    assert as_levels(pl.Series([True, None])).to_list() == ["true", None]
    assert as_levels(pl.Series([1.0, None, 3.0])).to_list() == ["1", None, "3"]
    assert as_levels(pl.Series([0.5, 1.0])).to_list() == ["0.5", "1.0"]
    assert as_levels(pl.Series([datetime.datetime(2024, 1, 2)])).to_list() == ["2024-01-02"]
    for cells in (["True", "False"], ["true", "false"], [True, False]):
        assert places(pl.Series(cells), ("False", "True")).tolist() == [1, 0]
    for cells in ([0, 1, None], [0.0, 1.0, None], ["0", "1.0", None]):
        assert places(pl.Series(cells), ("0", "1")).tolist() == [0, 1, -1]
    assert places(pl.Series(["1.10", "1.1", "1.100"]), ("1.1", "1.10")).tolist() == [1, 0, -2]  # versions that differ by it
    assert places(pl.Series(["00123", "0123"]), ("123", "0123")).tolist() == [-2, 1]  # codes are no numbers
