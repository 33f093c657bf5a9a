"""Which columns name the series: also numbers that are called anything, and several columns together."""

from itertools import product

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.series import Columns

RANDOM = np.random.default_rng(1)


def panel(parts: dict[str, list], steps: int = 8) -> dict:
    rows = list(product(*parts.values(), range(2000, 2000 + steps)))
    columns = {name: [row[i] for row in rows] for i, name in enumerate((*parts, "year"))}
    return columns | {"sales": RANDOM.normal(100, 5, len(rows)).round(2)}


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ({"firm": [1, 2, 3]}, ["1", "2", "3"]),
        ({"panelvar": [7, 11, 12]}, ["7", "11", "12"]),
        ({"state": ["A", "B"], "gender": ["f", "m"], "legal": ["yes", "no"]}, None),
        ({"area": [1, 2], "group": [10, 20], "kind": [5, 6]}, None),
    ],
)
def test_series_are_separated_by_the_columns_that_name_them(parts, names):
    table = panel(parts)
    found = read_series(table, Columns())
    count = int(np.prod([len(values) for values in parts.values()]))
    assert found.names == (names or [" ".join(map(str, row)) for row in product(*parts.values())])
    assert [len(values) for values in found.values] == [8] * count
    assert np.allclose(np.concatenate(found.values), table["sales"])


def test_measured_whole_numbers_name_no_series():
    years = np.repeat(np.arange(2000, 2030), [1, 3] * 15)  # rows of a year that no column separates
    found = read_series({"year": years, "visits": RANDOM.integers(100, 900, 60), "age": RANDOM.integers(20, 60, 60)}, Columns())
    assert found.columns.series is None
    assert len(found.values[0]) == 30


def test_rows_that_are_things_are_refused():
    names = [f"{a}{b}" for a, b in product("PQRST", "aeiou")]
    states = {"state": names, **{name: RANDOM.normal(size=25) for name in ("violent", "murder", "poverty", "single", "urban")}}
    with pytest.raises(DataError, match=r"no column of times, and each row has a name of its own in 'state'.*data\.layout"):
        read_series(states, Columns())
    assert len(read_series(states, Columns(layout="rows")).names) == 25
    assert len(read_series(states, Columns(layout="wide")).names) == 5
    counted = {"state": names, **{f"d_{i}": RANDOM.normal(size=25) for i in range(5, 11)}}
    assert read_series(counted, Columns()).columns.layout == "rows"


def test_as_many_rows_at_each_time_without_a_part_of_the_time_are_refused():
    table = {"year": np.repeat(np.arange(1981, 1990), 12), "accidents": RANDOM.normal(900, 50, 108)}
    with pytest.raises(DataError, match=r"12 rows at each of its 9 times in 'year'.*data\.layout to 'wide'"):
        read_series(table, Columns())
    assert len(read_series(table, Columns(layout="wide")).values[0]) == 9


def test_times_that_begin_anew_with_each_series_are_its_steps():
    table = {"Time": [*range(1, 20), *range(1, 16)], "Cow": [7] * 19 + [9] * 15, "protein": RANDOM.normal(3, 0.1, 34)}
    found = read_series(table, Columns())
    assert (found.columns.time, found.names, [len(v) for v in found.values]) == ("Time", ["7", "9"], [19, 15])


@pytest.mark.parametrize(("name", "kind"), [("Time", float), ("time", int), ("t", int), ("visit", int)])
def test_numbers_that_begin_anew_with_each_series_are_its_times(name, kind):
    weight = RANDOM.normal(100, 5, 60).round(2)
    table = {"weight": weight, name: np.tile(np.arange(12), 5).astype(kind), "chick": np.repeat([3, 1, 2, 8, 5], 12)}
    found = read_series(table, Columns())
    assert (found.columns.time, found.columns.series, found.columns.targets) == (name, "chick", ("weight",))
    assert [len(values) for values in found.values] == [12] * 5
    assert np.allclose(np.concatenate(found.values), weight)


def test_numbers_that_rise_in_each_series_from_different_ones_are_measured():
    cases = np.concatenate([start + np.cumsum(RANDOM.integers(1, 9, 20)) for start in (5, 1, 3)])
    found = read_series({"cases": cases, "who": np.repeat(["a", "b", "c"], 20)}, Columns())
    assert (found.columns.time, found.columns.targets) == (None, ("cases",))


def test_numbers_that_are_guessed_to_name_series_are_reported():
    note = "the numbers of 'promo' name 2 series, each with a row of its own at a time"
    assert any(note in one for one in read_series(panel({"promo": [0, 1]}), Columns()).notes)
    assert read_series(panel({"store": [0, 1]}), Columns()).notes == []
