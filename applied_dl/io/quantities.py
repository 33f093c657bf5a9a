"""Numbers as people write them: with units, currencies, K/M/B, percent signs, bracketed negatives, ranges, bounds and durations.

A cell is split into the text of its number and its unit; the number is then read in the decimal style of the column. How each unit of a
column is converted is learned from the training cells and kept, so that the same cell always gives the same number.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl

SYMBOL = r"(?:US|A|C|R|CA|AU|NZ|HK)?[$]|[€£¥₹₽₩₺₫฿₪₴]|zł"
CODE = r"(?:USD|EUR|GBP|JPY|CHF|INR|CNY|RMB|AUD|CAD|SEK|NOK|DKK|PLN|CZK|BRL|ZAR|TRY|Rs|Fr|kr)\b\.?"
CURRENCY = f"(?:{SYMBOL}|{CODE})"
INDIAN = r"\d{1,2}(?:,\d\d)+,\d{3}(?![\d,])(?:\.\d*)?"  # 12,34,567
GROUPS = r"\d+(?:['’]\d{3}(?!\d)|[.,]\d+)*(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d*)?"
NUMBER = rf"(?:{INDIAN}|{GROUPS}|[.,]\d+)(?:[eE][+-]?\d+)?"
LESS, MORE = r"<=?|≤|under|below|less than|fewer than|up to|unter|bis", r">=?|≥|over|above|more than|at least|from|über|ab"
CELL = re.compile(
    rf"""(?:(?:~|≈|±|\#|ca\.?|circa|about|approx\.?|approximately|around|etwa|env\.)\s*)?
    (?:(?P<less>{LESS})|(?P<more>{MORE}))?\s*
    (?P<open>\()?\s*(?P<sign>[+\-−–])?\s*(?:(?P<before>{CURRENCY})\s*)?(?P<inner>[+\-−–])?\s*
    (?P<first>{NUMBER})
    (?:\s*(?P<between>[%°A-Za-z]{{0,12}}|{CURRENCY})\s*(?:-|–|—|~|\bto\b|\bbis\b|\bà\b|\.\.+)\s*(?:{CURRENCY}\s*)?(?P<second>{NUMBER}))?
    \s*(?P<plus>\+|(?:\b(?:and|or|und|oder)\s+(?:more|over|above|mehr|older|up)\b))?\s*(?:\bor\s+less\b)?
    (?P<unit>(?:[^\W\d_]|[%‰°/"'′″µμ*]|{CURRENCY}).{{0,24}}?)?
    \s*(?P<close>\))?(?P<minus>[-−])?$""",
    re.VERBOSE | re.IGNORECASE,
)
CLOCK = re.compile(
    r"(?P<sign>-)?(?:(?P<d>\d+)(?:\s+|\.|\s*days?,?\s+|d\s*))?(?P<a>\d+):(?P<b>[0-5]?\d(?=:)|[0-5]\d)(?::(?P<c>[0-5]?\d(?:[.,]\d+)?))?(?:\s*(?P<half>[ap])\.?m\.?)?$",
    re.IGNORECASE,
)
HOURS = re.compile(r"(?P<h>\d+)\s?h\s?(?P<m>[0-5]\d)$", re.IGNORECASE)  # 2h09
LAP = re.compile(r"(?P<m>\d+):(?P<s>[0-5]\d[.,]\d+)$")  # minutes and seconds with their fraction
FEET = re.compile(r"(?P<feet>\d+)\s*(?:'|′|ft\.?|feet)\s*(?P<inches>\d{1,2}(?:\.\d+)?)\s*(?:\"|″|''|in\.?|inches)?$", re.IGNORECASE)
SPAN = {"y": 31557600.0, "mo": 2629800.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
SPANS = {
    name: SPAN[key]
    for key, names in {
        "y": "y yr yrs year years jahr jahre an ans", "mo": "mo mos month months monat monate mois",
        "w": "w wk wks week weeks woche wochen",
        "d": "d day days tag tage jour jours", "h": "h hr hrs hour hours std stunde stunden heure heures",
        "m": "m min mins minute minutes minuten", "s": "s sec secs second seconds sek sekunde sekunden seconde secondes",
        "ms": "ms msec millisecond milliseconds",
    }.items()
    for name in names.split()
}  # fmt: skip
SPAN_PART = re.compile(r"(?P<n>\d+(?:[.,]\d+)?)\s*(?P<unit>[a-z]+)\.?(?:\s*,?\s*(?:and|und|et)?\s*)", re.IGNORECASE)
ISO_SPAN = re.compile(r"P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?$")
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
DEGREES = re.compile(  # latitude or longitude in degrees, with minutes and seconds
    r"(?P<before>[NSEW]\s*)?(?P<d>\d+(?:\.\d+)?)\s*[°º]\s*(?:(?P<m>\d+(?:\.\d+)?)\s*(?:['′’]\s*(?:(?P<s>\d+(?:\.\d+)?)\s*(?:\"|″|”|''))?)?)?"
    r"\s*(?P<after>[NSEW])?$"
)
LEVEL, BESIDE = "(?:CI|KI|IC|CrI)", r"[-−\d.,;%\s–]"  # an error, a share or a confidence interval in brackets beside a number
SIMPLER = [  # what people add to a number: the pattern, and what replaces it
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (r"[.,][-–—]{1,2}$", ""),  # a round price, 25.-
        (r"(?<=\d)\s*/[-=]$", ""),  # an Indian price, Rs. 250/-
        (r"^['’](?=[\d+\-−])", ""),  # a number that a spreadsheet holds as text
        (r"^[^\W\d_](?:[^\W\d_]| )*[:=]\s*(?=[\d+\-−])", ""),  # Size: 10
        (r"^[▲△↑⬆]\s*", "+"),
        (r"^[▼▽↓⬇]\s*(?=\d)", "-"),
        (rf"^({CURRENCY})\s*\(\s*({NUMBER})\s*\)$", r"(\1\2)"),  # $(1,200), as $ (1,200)
        (rf"^({NUMBER})\s?[-−](?=\s*{CURRENCY}$)", r"-\1"),  # 1.200,00- EUR
        (r"^(?:no|nr|num|№)\.?\s*(?=\d)", ""),
        (r"^(?:c\.|appr\.|approximately|roughly|nearly|almost|rund|zirka|environ|vers)\s*(?=\d)", "~"),
        (rf"(?<=\d)\s*(?:±|\+/-)\s*{NUMBER}\s*%?", ""),  # 12.1 ± 0.3
        (rf"(?<=\d)\s*[(\[](?:\s*9\d(?:\.\d)?\s*%?\s*{LEVEL}\s*[:=,]?)?{BESIDE}*(?:to\s)?{BESIDE}*\d[%\s]*[)\]]$", ""),  # 12.1 (0.3)
        (r"(?<=\d)\s*(?:\[(?:\w|note ?\d+|\d+)\]|[†‡§])+$", ""),  # a footnote
        (r"\s*\((?:[\w ]*\s)?(?:est|estimated|estimate|approx|approximate)\.?\)$", ""),
        (r"(?<=\d)\s*[×x*]\s*10\s*\^?\s*([+-]?\d+)$", r"e\1"),  # 1.2×10^3
        (rf"^(?:between|zwischen|entre)\s+(?P<a>{NUMBER})\s+(?:and|und|et|y)\s+(?=\d)", r"\g<a> - "),
    )
]
FRACTION = re.compile(  # 9 3/8, 9¾
    r"^(?P<whole>\d+)(?:[ -]+(?P<up>\d{1,2})\s*[/⁄]\s*(?P<down>2|3|4|5|6|8|16|32|64)(?![\d/])| ?(?P<sign>[¼-¾⅐-⅞]))"
)
INTERVAL = re.compile(rf"\[\s*({NUMBER})\s*,\s*({NUMBER})\s*\)$|\(\s*({NUMBER})\s*,\s*({NUMBER})\s*\]$")  # as pandas.cut writes it
OPEN, MOST_OPEN = re.compile(r"\s*\d+\s*[-−–]\s*"), 20  # a range without an end, and how many of them may be all cells of a column
LONGEST = 200  # characters of a quantity; the patterns would take minutes for a cell of blanks without end
SAMPLE = 200  # different cells that are tried first
MOST_UNITS = 6  # units of one column that no family joins
CERTAIN = 0.99  # share of the sample that has to be quantities


class Quantity(NamedTuple):
    """A cell in parts: the texts of its numbers (two for a range), its sign, its unit, "less" or "more" for a bound, and its currency.

    A duration (in seconds) or a height in feet (in inches) has no `numbers`; `value` holds it.
    """

    numbers: tuple[str, ...]
    sign: float = 1.0
    unit: str = ""
    bound: str = ""
    currency: str = ""
    value: float = math.nan


def split_quantity(text: str) -> Quantity | None:
    """The parts of a cell such as `$45.6K`, `(1,234.00)`, `<5`, `10-20`, `1h 32m` or `190Nm@ 2000rpm`; None where it is none of these."""
    text = text.strip()
    return _split(text) if len(text) <= LONGEST else None


@lru_cache(1 << 16)
def _split(text: str) -> Quantity | None:
    text = _simpler(text)
    if (place := DEGREES.match(text)) is not None and (place["m"] or place["before"] or place["after"]):
        return _place(place)
    if (seconds := _duration(text)) is not None:
        return Quantity((), unit="duration", value=seconds)
    if (height := FEET.match(text)) is not None:
        if float(height["inches"]) >= 12:  # 3'45" is a time
            return None
        return Quantity((), unit="feet", value=12 * float(height["feet"]) + float(height["inches"]))
    found = CELL.match(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [found[name] for name in ("sign", "inner", "minus") if found[name]]
    if len(signs) > 1:
        return None
    negative = bool(found["open"]) or bool(signs and signs[0] != "+")
    unit, bound = found["unit"] or "", "less" if found["less"] else "more" if found["more"] or found["plus"] else ""
    if found["second"] and (negative or _falls(found["first"], found["second"])):
        return None
    currency = found["before"] or (re.match(CURRENCY, unit) or [""])[0] or ""
    currency = {"US$": "$", "USD": "$", "EUR": "€", "GBP": "£"}.get(currency.upper(), currency.rstrip(". "))
    unit = _unit(re.sub(CURRENCY, "", unit))
    numbers = tuple(found[name] for name in ("first", "second") if found[name])
    return Quantity(numbers, -1.0 if negative else 1.0, unit, bound, currency)


def _simpler(text: str) -> str:
    """A cell in ASCII digits, with decimals for fractions, without what people add to a number: a footnote, an error, an arrow."""
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(sign)) if sign > "\x7f" and sign.isdecimal() else sign for sign in text)
    if (part := FRACTION.match(text)) is not None:
        share = unicodedata.numeric(part["sign"]) if part["sign"] else int(part["up"]) / int(part["down"])
        text = f"{int(part['whole']) + share:.12g}{text[part.end() :]}" if share < 1 else text
    if (interval := INTERVAL.match(text)) is not None:
        return " - ".join(part for part in interval.groups() if part)
    for pattern, plain in SIMPLER:
        text = pattern.sub(plain, text, count=1)
    return text


def _place(found: re.Match[str]) -> Quantity | None:
    """Degrees of a latitude or longitude; south and west are negative."""
    side = ((found["before"] or "") + (found["after"] or "")).strip()
    minutes, seconds = float(found["m"] or 0), float(found["s"] or 0)
    if len(side) > 1 or minutes >= 60 or seconds >= 60:
        return None
    value = float(found["d"]) + minutes / 60 + seconds / 3600
    return Quantity((), -1.0 if side in ("S", "W") else 1.0, unit="degrees", value=value)


def _falls(first: str, second: str) -> bool:
    """Whether whole numbers fall, which those of a range do not: 75031-5038 is a code."""
    return first.isdecimal() and second.isdecimal() and int(first) > int(second)


def _duration(text: str) -> float | None:
    """Seconds of `1h 32m`, `2 days 4 hours`, `00:12:30`, `12:30` (hours and minutes) or `PT1H32M`; one unit alone is no duration."""
    if (clock := CLOCK.match(text)) is not None:
        days, a, b = float(clock["d"] or 0), float(clock["a"]), float(clock["b"])
        c = float((clock["c"] or "0").replace(",", "."))
        if clock["half"]:
            a = a % 12 + 12 * (clock["half"].lower() == "p")
        return (-1.0 if clock["sign"] else 1.0) * (days * 86400 + a * 3600 + b * 60 + c)
    if (lap := LAP.match(text)) is not None:
        return float(lap["m"]) * 60 + float(lap["s"].replace(",", "."))
    if (hours := HOURS.match(text)) is not None:
        return float(hours["h"]) * 3600 + float(hours["m"]) * 60
    if text[:1] == "P" and (iso := ISO_SPAN.match(text)) is not None and len(text) > 2:
        return sum(float(iso[key] or 0) * SPAN[key] for key in "dhms")
    at, total, parts = 0, 0.0, 0
    while (part := SPAN_PART.match(text, at)) is not None and part["unit"].lower() in SPANS:
        total += float(part["n"].replace(",", ".")) * SPANS[part["unit"].lower()]
        at, parts = part.end(), parts + 1
    return total if parts > 1 and at == len(text) else None


def _unit(text: str) -> str:
    """One spelling of a unit: without blanks, full stops, the plural and what follows `@`, `at` or a number, unless it is a denominator."""
    plain = re.split(r"@|\bat\b", text)[0]
    plain = re.sub(r"[\s.()]+", "", plain)
    if not re.match(r"/\d", plain) and not re.fullmatch(r"[A-Za-z]+\d+", text.strip(" .()")):  # m2; D1 is no D
        plain = re.split(r"\d", plain)[0]
    return plain[:-1] if len(plain) > 3 and plain.lower().endswith("s") else plain


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
