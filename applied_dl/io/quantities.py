"""Numbers as people write them: with units, currencies, K/M/B, percent signs, bracketed negatives, ranges, bounds and durations.

A cell is split into the text of its number and its unit; `units.py` converts the units of a column.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

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
    (?P<unit>(?!xx+\)?$|['′]\s*\d)(?:[^\W\d_]|[%‰°/"'′″µμ*]|{CURRENCY}).{{0,24}}?)?
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
LONGEST = 200  # characters of a quantity; the patterns would take minutes for a cell of blanks without end


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
