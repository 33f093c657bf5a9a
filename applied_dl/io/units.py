"""Units of a column: how each is converted is learned from the training cells and kept, so that a cell always gives the same number."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl

from applied_dl.io.quantities import SPANS, Quantity, split_quantity

FAMILIES = {  # units of one quantity, each with its factor; a column that mixes them is converted to the unit of factor 1
    "scale": {"": 1.0, "%": 0.01, "‰": 0.001, "k": 1e3, "thousand": 1e3, "tsd": 1e3, "t": 1e3, "lakh": 1e5, "lac": 1e5, "m": 1e6, "mm": 1e6,
              "mn": 1e6, "mio": 1e6, "mil": 1e6, "million": 1e6, "cr": 1e7, "crore": 1e7, "b": 1e9, "bn": 1e9, "mrd": 1e9, "billion": 1e9,
              "tn": 1e12, "trillion": 1e12},
    "ordinal": dict.fromkeys(("", "st", "nd", "rd", "th", "er", "ème", "º", "ª"), 1.0),
    "time": SPANS,
    "mass": {"µg": 1e-9, "mcg": 1e-9, "mg": 1e-6, "g": 1e-3, "gr": 1e-3, "gram": 1e-3, "kg": 1.0, "kilo": 1.0, "t": 1e3, "ton": 1e3,
             "tonne": 1e3, "lb": 0.45359237, "lbs": 0.45359237, "pound": 0.45359237, "oz": 0.028349523, "st": 6.35029318},
    "length": {"nm": 1e-9, "µm": 1e-6, "um": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "meter": 1.0, "metre": 1.0, "km": 1e3, "in": 0.0254,
               "inch": 0.0254, '"': 0.0254, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "'": 0.3048, "yd": 0.9144, "mi": 1609.344,
               "mile": 1609.344},
    "area": {"mm²": 1e-6, "cm²": 1e-4, "m²": 1.0, "m2": 1.0, "sqm": 1.0, "ha": 1e4, "km²": 1e6, "km2": 1e6, "sqft": 0.09290304,
             "ft²": 0.09290304, "ft2": 0.09290304, "acre": 4046.8564},
    "volume": {"ml": 1e-3, "cl": 1e-2, "dl": 0.1, "l": 1.0, "liter": 1.0, "litre": 1.0, "m³": 1e3, "m3": 1e3, "gal": 3.785411784},
    "bytes": {"b": 1.0, "byte": 1.0, "kb": 1e3, "kib": 1024.0, "mb": 1e6, "mib": 1048576.0, "gb": 1e9, "gib": 1073741824.0, "tb": 1e12},
    "frequency": {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "energy": {"wh": 1.0, "kwh": 1e3, "mwh": 1e6, "gwh": 1e9},
    "concentration": {"ng/ml": 1e-3, "µg/ml": 1.0, "ug/ml": 1.0, "µg/l": 1e-3, "ug/l": 1e-3, "mg/dl": 10.0, "g/dl": 1e4, "mg/l": 1.0,
                      "g/l": 1e3},
}  # fmt: skip
OPPOSITE = ({"n": 1.0, "s": -1.0}, {"e": 1.0, "w": -1.0}, {"cr": 1.0, "dr": -1.0})  # 33.5S, 151.2E, and credit and debit
OPEN, MOST_OPEN = re.compile(r"\s*\d+\s*[-−–]\s*"), 20  # a range without an end, and how many of them may be all cells of a column
SAMPLE = 200  # different cells that are tried first
MOST_UNITS = 6  # units of one column that no family joins
LEAST_RANGES, TOGETHER = 10, 0.5  # different ranges that show whether they are some, and the least correlation of their ends
CERTAIN = 0.99  # share of the sample that has to be quantities


def learn_units(cells: pl.Series) -> tuple[dict[str, float], bool] | None:
    """How the cells of a column of texts become comparable numbers: the factor of each unit.

    A key is a unit, or `currency|unit` where the column has several currencies.

    Args:
        cells: texts without missing ones.

    Returns:
        The factors by unit, and whether units or currencies of different kinds remain, so that the unit is a feature of its own; None
        where the cells are no quantities.
    """
    counted = cells.value_counts(sort=True)
    texts = counted[cells.name].to_list()
    sample = texts[:SAMPLE]
    if _open_ranges(texts):
        return None
    if sum(split_quantity(text) is not None for text in sample) < CERTAIN * len(sample):
        return None
    units: Counter[str] = Counter()
    currencies, values = set(), set()
    for text, count in zip(texts, counted["count"].to_list()):
        if (part := split_quantity(text)) is not None:
            units[part.unit] += count
            currencies.add(part.currency)
            values.add(part.numbers or part.value)
    if _are_codes([part.numbers for part in map(split_quantity, texts) if part is not None and len(part.numbers) == 2], units, currencies):
        return None
    factors = _factors(units, bool(currencies - {""}), len(values), len(cells))
    if factors is not None and len(currencies - {""}) > 1:
        return {f"{currency}|{unit}": factor for currency in sorted(currencies) for unit, factor in factors.items()}, True
    if factors is not None:
        return factors, False
    known = [unit for unit in units if unit]
    if len(units) > MOST_UNITS or len(values) < 3 * len(units) or all(len(unit) == 1 and unit.isalpha() for unit in known):
        return None  # 12A, 3B, 7C are codes
    return dict.fromkeys(units, 1.0), True


def _open_ranges(texts: list[str]) -> bool:
    """Whether a minus behind a whole number means "and more" rather than a negative number: 15-24, 25-39, 40-; or 50-, 55-, 60-."""
    some = [text for text in texts[:SAMPLE] if OPEN.fullmatch(text)]
    if not some:
        return False
    others = [split_quantity(text) for text in texts[:SAMPLE] if not OPEN.fullmatch(text)]
    return any(part is not None and (len(part.numbers) > 1 or part.bound) for part in others) or (not others and len(some) <= MOST_OPEN)


def _are_codes(ranges: list[tuple[str, ...]], units: Counter[str], currencies: set[str]) -> bool:
    """Whether bare ranges, such as 88-641, have ends that tell nothing of each other, as those of ranges do."""
    if (
        set(units) != {""}
        or currencies != {""}
        or len(ranges) < LEAST_RANGES
        or not all(a.isdecimal() and b.isdecimal() for a, b in ranges)
    ):
        return False
    ends = np.log1p(np.array(ranges, np.float64)).T
    spread = ends.std(axis=1)
    return bool((spread > 0).all() and np.corrcoef(ends)[0, 1] < TOGETHER)


def _factors(units: Counter[str], currency: bool, values: int, cells: int) -> dict[str, float] | None:
    known = [unit for unit in units if unit]
    if len(units) == 1:
        if known and len(known[0]) == 1 and known[0].isalpha() and values < 3 and not currency:
            return None
        return {unit: FAMILIES["scale"].get(unit.lower(), 1.0) if currency else 1.0 for unit in units}
    if "duration" in units and all(unit.lower() in SPANS for unit in known if unit != "duration"):
        return {unit: 1.0 if unit == "duration" else SPANS.get(unit.lower(), 1.0) for unit in units}
    if "feet" in units and all(unit.lower() in FAMILIES["length"] for unit in known if unit != "feet"):
        return {unit: 1.0 if unit == "feet" else FAMILIES["length"].get(unit.lower(), 1.0) / 0.0254 for unit in units}
    if (family := _family(units, currency)) is not None:
        return {unit: family[unit.lower()] for unit in units}
    if len(known) == 1 and units[""] <= 0.5 * cells:  # a unit that some cells leave out
        return dict.fromkeys(units, 1.0)
    return None


def _family(units: Counter[str], currency: bool) -> dict[str, float] | None:
    lower = {unit.lower() for unit in units}
    if (signs := next((signs for signs in OPPOSITE if lower == signs.keys()), None)) is not None:
        return signs
    for name, family in FAMILIES.items():
        if not lower <= family.keys():
            continue
        if name == "scale" and "%" in lower:
            continue
        if name == "scale" and "m" in lower and not (currency or "M" in units or lower & {"k", "b", "bn"}):
            continue
        return family
    return None


def parse_quantities(cells: pl.Series, units: dict[str, float], read: Callable[[pl.Series], np.ndarray]) -> tuple[np.ndarray, pl.Series]:
    """Numbers of a column whose units were learned.

    A range is its middle, `<5` half of the bound, `10+` and `>10` the bound.

    Args:
        cells: texts, null where empty.
        units: factors as `learn_units` gives them.
        read: texts of numbers → (N,) float64 in the decimal style of the column, NaN where one cannot be read.

    Returns:
        (N,) float64, NaN where a cell is empty or no quantity of these units; and the unit of each cell, null where the number is NaN.
    """
    texts = cells.unique().drop_nulls().to_list()
    parts = [split_quantity(text) for text in texts]
    numbers = [number for part in parts if part is not None for number in part.numbers]
    parsed = iter(read(pl.Series("number", numbers, dtype=pl.String)).tolist() if numbers else ())
    rows = []
    for text, part in zip(texts, parts):
        if part is None:
            continue
        found = [next(parsed) for _ in part.numbers] or [part.value]
        value = found[-1] / 2 if part.bound == "less" else sum(found) / len(found)
        unit, factor = _known_unit(part, units)
        if math.isfinite(value) and unit is not None:
            rows.append((text, part.sign * value * factor, unit))
    table = pl.DataFrame(rows, schema={"text": pl.String, "value": pl.Float64, "unit": pl.String}, orient="row")
    joined = cells.alias("text").to_frame().join(table, on="text", how="left", maintain_order="left")
    return joined["value"].fill_null(math.nan).to_numpy(writable=True), joined["unit"].alias(cells.name)


def _known_unit(part: Quantity, units: dict[str, float]) -> tuple[str | None, float]:
    """The unit of a cell as the column knows it and its factor; (None, 1) for a unit that cannot be converted to a known one."""
    lower = {unit.lower(): unit for unit in units}
    for key in (part.unit, f"{part.currency}|{part.unit}"):
        if key in units or key.lower() in lower:
            unit = key if key in units else lower[key.lower()]
            return unit, units[unit]
    bare = {unit.split("|")[-1].lower(): factor for unit, factor in units.items()}
    for family in FAMILIES.values():
        if bare and part.unit.lower() in family and bare.keys() <= family.keys():
            unit, factor = next(iter(bare.items()))
            return next(iter(units)), family[part.unit.lower()] * factor / family[unit]
    return (next(iter(units)), 1.0) if len(units) == 1 and not part.unit else (None, 1.0)
