"""Why some reading is written by hand: what libraries for it do with the columns of a table (docs/dependencies.md)."""

import io

import polars as pl
import pytest

from applied_dl.io.cells import as_moments, as_numbers, decimal_mark, moment_style
from applied_dl.io.numbers import learn_format, read_numbers


def test_dateutil_mixes_the_order_of_day_and_month_within_a_column_and_takes_words_for_dates():
    parser = pytest.importorskip("dateutil.parser")
    texts = ["12/05/2020", "13/05/2020", "14/05/2020"]
    assert [parser.parse(text).month for text in texts] == [12, 5, 5]
    assert parser.parse("May")
    assert parser.parse("10")
    cells = pl.Series("day", texts)
    found = as_moments(cells, moment_style(cells).form)[0].astype("datetime64[s]")
    assert found.astype("datetime64[D]").astype(str).tolist() == ["2020-05-12", "2020-05-13", "2020-05-14"]
    assert moment_style(pl.Series("name", ["May", "April", "June"] * 9)) is None


def test_polars_needs_the_decimal_mark():
    file = b"a;b\n1,5;2\n2,25;3\n"
    assert pl.read_csv(io.BytesIO(file), separator=";")["a"].dtype == pl.String
    assert pl.read_csv(io.BytesIO(file), separator=";", decimal_comma=True)["a"].dtype.is_float()
    frame = pl.DataFrame({"a": ["1,5", "2,25"]})
    assert decimal_mark(frame, ";") == ","
    assert as_numbers(frame["a"], "comma")[0].tolist() == [1.5, 2.25]


def test_pint_reads_no_suffixes_bounds_or_ranges():
    pint = pytest.importorskip("pint")
    registry = pint.UnitRegistry()
    for text in ("$45.6K", "<5", "10+"):
        with pytest.raises(Exception):  # noqa: B017 - each is another kind of error
            registry.Quantity(text)
    cells = pl.Series("x", ["$45.6K", "$1.2M", "$800", "$2K"])
    assert read_numbers(cells, learn_format(cells)[0])[0].tolist() == [45_600, 1_200_000, 800, 2_000]
