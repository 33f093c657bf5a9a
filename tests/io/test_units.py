"""Units of a column are converted as physics defines them, and codes that look like ranges are none."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants

from applied_dl.io.cells import as_numbers
from applied_dl.io.units import learn_units, parse_quantities

SIZES = {  # in the first unit, which scipy's constants have in SI
    "mass": {"kg": 1.0, "g": constants.gram, "lb": constants.lb, "oz": constants.oz, "st": constants.stone, "t": 1000.0},
    "length": {"m": 1.0, "cm": constants.centi, "km": constants.kilo, "in": constants.inch, "ft": constants.foot, "yd": constants.yard,
               "mi": constants.mile, "µm": constants.micro},
    "area": {"m²": 1.0, "ha": constants.hectare, "acre": constants.acre, "sqft": constants.foot**2},
    "volume": {"l": 1.0, "ml": 1e-3, "gal": constants.gallon / constants.liter},
    "time": {"s": 1.0, "min": constants.minute, "h": constants.hour, "day": constants.day, "week": constants.week},
    "bytes": {"kb": constants.kilo, "MB": constants.mega, "KiB": constants.kibi, "GiB": constants.gibi},
    "energy": {"Wh": 1.0, "kWh": constants.kilo, "GWh": constants.giga},
}  # fmt: skip


def read(cells: list[str], units: dict[str, float]) -> np.ndarray:
    return parse_quantities(pl.Series("x", cells), units, lambda texts: as_numbers(texts)[0])[0]


@pytest.mark.parametrize("quantity", SIZES)
def test_units_of_one_quantity_become_one(quantity):
    sizes = SIZES[quantity]
    random = np.random.default_rng(0)
    picked = [list(sizes)[i % len(sizes)] for i in range(120)]
    numbers = random.uniform(1, 90, 120).round(1)
    cells = [f"{number} {unit}" for number, unit in zip(numbers, picked)]
    units, apart = learn_units(pl.Series("x", cells))
    assert not apart
    np.testing.assert_allclose(read(cells, units), [n * sizes[unit] for n, unit in zip(numbers, picked)], rtol=1e-6)


def test_a_unit_that_training_lacks_is_converted_where_it_can_be():
    units, _ = learn_units(pl.Series("x", [f"{i} kg" for i in range(1, 60)]))
    np.testing.assert_allclose(read(["5 kg", "500 g", "5", "5 m"], units), [5, 0.5, 5, np.nan])


def test_units_of_different_kinds_stay_apart():
    units, apart = learn_units(pl.Series("x", [f"{i} {('kg', 'ml')[i % 2]}" for i in range(60)]))
    assert apart
    assert units == {"kg": 1.0, "ml": 1.0}


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 60)), min_size=40, max_size=80, unique=True))
def test_ranges_are_their_middles(pairs):
    cells = [f"{low}-{low + width}" for low, width in pairs]
    found = learn_units(pl.Series("x", cells))
    if np.std([low for low, _ in pairs]) > 60:  # ends that go together, which those of equal starts need not
        assert found == ({"": 1.0}, False)
        np.testing.assert_allclose(read(cells, found[0]), [low + width / 2 for low, width in pairs])


@pytest.mark.parametrize("seed", range(20))
def test_codes_of_two_numbers_are_no_ranges_though_all_of_them_rise(seed):
    random = np.random.default_rng(seed)
    codes = [f"{a}-{b}" for a, b in zip(random.integers(10, 99, 60), random.integers(100, 999, 60))]
    assert learn_units(pl.Series("x", codes)) is None


@pytest.mark.parametrize("cells", [
    ["18-24", "25-34", "35-44", "45-54", "55-64", "65+"] * 10, [f"{10 * i}-{10 * i + 9}" for i in range(1, 40)],
    [f"{i},000-{i + 5},000" for i in range(1, 40)], [*(f"{i}-{i + 2}" for i in range(1, 30)), *map(str, range(30))],
])  # fmt: skip
def test_usual_classes_are_ranges(cells):
    assert learn_units(pl.Series("x", cells)) is not None
