"""Columns of numbers as people of many countries write them give the numbers that Python reads in its own notation."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.io.numbers import NumberFormat, find_sentinels, learn_format, read_numbers, read_units

LOCALES = {  # the mark between groups and the decimal mark, as the Unicode locale data has them
    "en_US": (",", "."), "de_DE": (".", ","), "fr_FR": ("\u202f", ","), "de_CH": ("’", "."), "es_ES": (".", ","), "pt_BR": (".", ","),
    "sv_SE": ("\u00a0", ","), "pl_PL": ("\u00a0", ","), "ru_RU": ("\u00a0", ","), "it_CH": ("'", "."), "tr_TR": (".", ","),
    "ja_JP": (",", "."), "en_IN": (",", "."), "en_ZA": ("\u00a0", ","), "nb_NO": (" ", ","), "id_ID": (".", ","),
}  # fmt: skip


def written(cents: int, locale: str) -> str:
    """An amount with two decimals, its digits grouped by three; in India the last three and then by two."""
    group, mark = LOCALES[locale]
    whole, rest = divmod(abs(cents), 100)
    digits, parts = str(whole), []
    parts, digits = [digits[-3:]], digits[:-3]
    size = 2 if locale == "en_IN" else 3
    while digits:
        parts, digits = [digits[-size:], *parts], digits[:-size]
    return f"{'-' * (cents < 0)}{group.join(parts)}{mark}{rest:02d}"


@pytest.mark.parametrize("locale", LOCALES)
def test_amounts_of_every_locale(locale):
    @settings(max_examples=25, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.integers(-(10**11), 10**11), min_size=20, max_size=60))
    def check(cents):
        cells = pl.Series("x", [written(one, locale) for one in cents])
        form, share = learn_format(cells, LOCALES[locale][1])
        values, wrong = read_numbers(cells, form)
        assert share == 1.0
        assert not len(wrong)
        assert values.tolist() == [float(Decimal(one) / 100) for one in cents]

    check()


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40),
    st.sampled_from([repr, "{:e}".format, "{:+.3f}".format]),
)
def test_notation_of_python(numbers, write):
    cells = pl.Series("x", [write(number) for number in numbers])
    form, share = learn_format(cells)
    values, wrong = read_numbers(cells, form)
    assert (share, len(wrong), form.units) == (1.0, 0, {})
    assert values.tolist() == [float(cell) for cell in cells]


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.integers(10_000, 10**9), min_size=30, max_size=60),
    st.sampled_from(["$", "€", "£", "₹", "CHF "]),
    st.sampled_from(["", " kg"]),
)
def test_what_stands_around_a_number_changes_none(cents, before, after):
    cells = pl.Series("x", [f"{before}{one / 100:,.2f}{after}" for one in cents])
    form, share = learn_format(cells, ".")
    assert share == 1.0
    np.testing.assert_allclose(read_numbers(cells, form)[0], np.array(cents) / 100, rtol=1e-12)


def test_texts_that_mean_missing_are_learned_and_single_ones_are_mistakes():
    cells = pl.Series("x", [*(f"{i} kg" for i in range(60)), *["ask us"] * 3, None])
    form, share = learn_format(cells)
    assert (form.missing, share) == (("ask us",), 1.0)
    values, wrong = read_numbers(pl.Series("x", ["5 kg", "ask us", "n/a", "five", None]), form)
    assert np.isnan(values).tolist() == [False, True, True, True, True]
    assert wrong.tolist() == [3]
    assert learn_format(cells, words=False)[0].missing == ()
    assert learn_format(pl.Series("x", [*(f"{i} kg" for i in range(300)), "ask us"]))[0].missing == ()


def test_percentages_beside_shares_are_of_one_scale():
    cells = pl.Series("x", [f"{i}%" if i % 2 else f"{i / 100}" for i in range(1, 100)])
    form, share = learn_format(cells)
    assert share == 1.0
    np.testing.assert_allclose(read_numbers(cells, form)[0], np.arange(1, 100) / 100)


def test_the_unit_of_each_cell():
    form = NumberFormat(units={"kg": 1.0, "l": 1.0}, units_apart=True)
    assert read_units(pl.Series("x", ["5 kg", "3 l", "4 m", None]), form).to_list() == ["kg", "l", None, None]


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.integers(0, 500), min_size=100, max_size=150, unique=True), st.sampled_from([-999, -99, 99_999, -9999]), st.integers(3, 9)
)
def test_sentinels_are_found_and_numbers_without_them_have_none(values, sentinel, count):
    numbers = np.array(values, float)
    assert find_sentinels(numbers) == ()
    assert find_sentinels(np.append(numbers, [sentinel] * count)) == (float(sentinel),)
