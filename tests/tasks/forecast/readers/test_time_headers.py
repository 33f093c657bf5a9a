"""Tables whose columns are times: one row a value, and a sentence where a column has a name that is needed."""

import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.readers.time_headers import dated_columns, year_rows
from applied_dl.tasks.forecast.series import Columns

MONTHS = {
    name: [float(i), i + 12.0]
    for i, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
}
YEARS = {str(year): [float(year), -float(year)] for year in range(2001, 2006)}


def test_a_row_for_each_year_is_a_row_for_each_month():
    long, notes = year_rows(pl.DataFrame({"year": [2001, 2002], **MONTHS}), Columns(), "a.csv")
    assert long["value"].to_list() == [float(i) for i in range(24)]
    assert (long.columns, long["month"].to_list()) == (["year", "month", "value"], [*range(1, 13)] * 2)
    assert "a.csv" in notes[0]


def test_a_column_for_each_year_is_a_row_for_each_value():
    long, _ = dated_columns(pl.DataFrame({"country": ["A", "B"], **YEARS}), Columns(), "a.csv")
    found = {name: rows["value"].to_list() for (name,), rows in long.group_by("country")}
    assert found == {"A": [2001.0, 2002.0, 2003.0, 2004.0, 2005.0], "B": [-2001.0, -2002.0, -2003.0, -2004.0, -2005.0]}


@pytest.mark.parametrize(
    ("read", "name", "table"),
    [
        (dated_columns, "value", {"value": ["A", "B"], **YEARS}),
        (year_rows, "value", {"year": [2001, 2002], "value": ["A", "B"], **MONTHS}),
        (year_rows, "month", {"year": [2001, 2002], "month": ["A", "B"], **MONTHS}),
    ],
)
def test_a_column_with_the_name_of_a_new_one_is_to_be_renamed(read, name, table):
    with pytest.raises(DataError, match=rf"a\.csv: .*column '{name}' already; rename it"):
        read(pl.DataFrame(table), Columns(), "a.csv")


def test_flags_of_months_are_no_values_of_months():
    months = [(year, month) for year in range(2000, 2004) for month in range(12)]
    names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    flags = {name: [int(month == i) for _, month in months] for i, name in enumerate(names)}
    table = {"year": [year for year, _ in months], "month": [names[month] for _, month in months], **flags}
    table["claims"] = [(7 * i) % 11 for i in range(48)]
    found = read_series(table, Columns())
    assert (found.names, found.clock.name, len(found.values[0])) == (["claims"], "m", 48)


def test_numbers_of_stores_beside_years_name_the_series():
    found = read_series({"store": [7, 9], **YEARS}, Columns())
    assert (found.names, found.clock.unit, [values.tolist() for values in found.values]) == (
        ["7", "9"], "y", [[2001.0, 2002.0, 2003.0, 2004.0, 2005.0], [-2001.0, -2002.0, -2003.0, -2004.0, -2005.0]]
    )  # fmt: skip
    assert len(read_series({"rank": [1, 2], **YEARS}, Columns()).names) != 2
