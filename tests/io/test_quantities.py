"""Quantities as people write them: the parts of a cell, compared with tables by hand, with durations and places that Python counts."""

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.io.quantities import LONGEST, split_quantity

WRITTEN = {  # numbers, sign, unit, bound, currency
    # United States, India
    "$45.6K": (("45.6",), 1, "K", "", "$"), "($1,234.00)": (("1,234.00",), -1, "", "", "$"), "US$ 5": (("5",), 1, "", "", "$"),
    "5'11\" tall": None, "Rs. 12,34,567/-": (("12,34,567",), 1, "", "", "Rs"), "under 5 lbs": (("5",), 1, "lbs", "less", ""),
    "10 to 20 years": (("10", "20"), 1, "year", "", ""), "65+": (("65",), 1, "", "more", ""), "190Nm@ 2000rpm": (("190",), 1, "Nm", "", ""),
    "8 (est.)": (("8",), 1, "", "", ""), "between 5 and 10": (("5", "10"), 1, "", "", ""), "3.5k-4k": (("3.5", "4"), 1, "k", "", ""),
    # Germany, Austria, Switzerland
    "1.234,56 €": (("1.234,56",), 1, "", "", "€"), "ca. 5 m²": (("5",), 1, "m²", "", ""), "über 100 Mio": (("100",), 1, "Mio", "more", ""),
    "CHF 1'234.-": (("1'234",), 1, "", "", "CHF"), "1.200,00- EUR": (("1.200,00",), -1, "", "", "€"), "bis 5": (("5",), 1, "", "less", ""),
    "zwischen 5 und 10 kg": (("5", "10"), 1, "kg", "", ""),
    # France, Canada
    "1 234,5 kg": (("1 234,5",), 1, "kg", "", ""), "env. 12 €": (("12",), 1, "", "", "€"), "entre 5 et 10": (("5", "10"), 1, "", "", ""),
    "1\u202f234,50\u00a0$": (("1\u202f234,50",), 1, "", "", "$"),
    # Spain, Brazil, Italy
    "R$ 1.234,50": (("1.234,50",), 1, "", "", "R$"), "3.ª": (("3.",), 1, "ª", "", ""), "5 º": (("5",), 1, "º", "", ""),
    "−4,5 °C": (("4,5",), -1, "°C", "", ""),
    # Sweden, Norway, Denmark, Poland
    "1 234,50 kr": (("1 234,50",), 1, "", "", "kr"), "99,90 zł": (("99,90",), 1, "", "", "zł"),
    # Japan, Russia, Turkey, Arabic countries
    "¥12,000": (("12,000",), 1, "", "", "¥"), "1 234 ₽": (("1 234",), 1, "", "", "₽"), "₺1.250,5": (("1.250,5",), 1, "", "", "₺"),
    "٣٤٫٥": None, "٣٤": (("34",), 1, "", "", ""), "№ 7": (("7",), 1, "", "", ""),
    # signs
    "▲ 5%": (("5",), 1, "%", "", ""), "▼5%": (("5",), -1, "%", "", ""), "12.1 ± 0.3": (("12.1",), 1, "", "", ""),
    "9¾": (("9.75",), 1, "", "", ""),
    "9 3/8": (("9.375",), 1, "", "", ""), "1.2×10^3": (("1.2e3",), 1, "", "", ""), "(0, 10]": (("0", "10"), 1, "", "", ""),
    "5†": (("5",), 1, "", "", ""),
    # no quantities
    "289xx": None, "289XX": None, "75031-5038": None, "abc": None, "": None, "--5": None, "(5": None, "five": None,
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_the_parts_of_a_cell(text):
    found, wanted = split_quantity(text), WRITTEN[text]
    assert (found if found is None else (found.numbers, found.sign, found.unit, found.bound, found.currency)) == wanted


NUMBERS = st.integers(0, 10**6).map(str) | st.tuples(st.integers(0, 999), st.integers(0, 99)).map(lambda two: f"{two[0]}.{two[1]:02d}")
UNITS = ("", "kg", "km/h", "%", "°C", "ml", "µm", "GB", "stars")


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(
    NUMBERS, st.sampled_from(["", "-", "−", "+"]), st.sampled_from(["", "$", "€", "£"]), st.sampled_from(UNITS), st.sampled_from(["", " "])
)
def test_parts_put_together_come_apart(number, sign, currency, unit, blank):
    found = split_quantity(f" {sign}{currency}{blank if currency else ''}{number}{blank}{unit} ")
    assert found is not None
    assert found.numbers == (number,)
    assert found.sign == (-1 if sign in ("-", "−") else 1)
    assert (found.currency, found.unit, found.bound) == (currency, {"stars": "star"}.get(unit, unit), "")


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.timedeltas(datetime.timedelta(seconds=1), datetime.timedelta(days=900)))
def test_durations_of_python_and_of_the_standard(span):
    span = datetime.timedelta(days=span.days, seconds=span.seconds)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    for text in (str(span), f"P{span.days}DT{hours}H{minutes}M{seconds}S", f"{span.days}d {hours}h {minutes}m {seconds}s"):
        found = split_quantity(text)
        assert (found.unit, found.value) == ("duration", span.total_seconds()), text


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(st.integers(0, 179), st.integers(0, 59), st.integers(0, 59), st.sampled_from("NSEW"))
def test_places_in_degrees(degrees, minutes, seconds, side):
    found = split_quantity(f"{degrees}° {minutes}′ {seconds}″ {side}")
    assert found.sign * found.value == pytest.approx((degrees + minutes / 60 + seconds / 3600) * (-1 if side in "SW" else 1))


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(st.integers(4, 7), st.integers(0, 11))
def test_heights_in_inches(feet, inches):
    for text in (f"{feet}'{inches}\"", f"{feet} ft {inches} in", f"{feet}′ {inches}″"):
        assert split_quantity(text).value == 12 * feet + inches


@settings(max_examples=300, deadline=1000, database=None, derandomize=True)
@given(st.text(max_size=LONGEST) | st.text(alphabet="0123456789.,-+%$€()[] kgxh:'\"", max_size=LONGEST))
def test_any_text_is_split_or_refused_in_a_moment(text):
    found = split_quantity(text)
    if found is not None:
        assert all(re.search(r"\d", number) for number in found.numbers)


def test_longer_texts_are_none():
    assert split_quantity("5" + " " * LONGEST + "kg") is None
