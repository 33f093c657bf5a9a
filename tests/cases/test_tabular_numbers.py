"""Columns of numbers as people write them: each kind of cell is read as the number it means, in training and at prediction."""

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.io.numbers import find_sentinels, learn_format, read_numbers
from applied_dl.io.quantities import split_quantity
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular import predict
from applied_dl.tasks.tabular.encoder import encode
from tests.tasks.tabular.tables import learned

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(1, 400, 120).round(1)
WHOLE = RANDOM.integers(70, 200, 120)
GERMAN = [f"{v:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".") for v in X]
KINDS = {  # cells and the numbers that they mean
    "unit": ([f"{v} kmpl" for v in X], X),
    "unit without a blank": ([f"{v}CC" for v in WHOLE], WHOLE),
    "unit with a condition": ([f"{v}Nm@ {v * 7}rpm" for v in WHOLE], WHOLE),
    "percent": ([f"{v}%" for v in X], X),
    "dollars": ([f"${v * 1000:,.2f}" for v in X], X * 1000),
    "dollars in thousands and millions": ([f"${v}K" if v < 200 else f"${v / 1000:.4f}M" for v in X], X * 1000),
    "accounting": ([f"(${v:,.2f})" if i % 3 else f"${v:,.2f}" for i, v in enumerate(X)], [-v if i % 3 else v for i, v in enumerate(X)]),
    "trailing minus": ([f"{v}-" if i % 3 else f"{v}" for i, v in enumerate(X)], [-v if i % 3 else v for i, v in enumerate(X)]),
    "a minus before the currency": ([f"{v}-  EUR" if i % 3 else f"{v} EUR" for i, v in enumerate(X)],
                                    [-v if i % 3 else v for i, v in enumerate(X)]),
    "brackets after the currency": ([f"$ ({v:,.2f})" if i % 3 else f"${v:,.2f}" for i, v in enumerate(X)],
                                    [-v if i % 3 else v for i, v in enumerate(X)]),
    "credit and debit": ([f"{v:,.2f} {'DR' if i % 3 else 'CR'}" for i, v in enumerate(X)], [-v if i % 3 else v for i, v in enumerate(X)]),
    "euro after a German number": ([f"{v} €" for v in GERMAN], X),
    "Swiss francs": ([f"CHF {v}'{v:03d}.-" for v in WHOLE], WHOLE * 1001),
    "rupees": ([f"Rs. {v},000" for v in WHOLE], WHOLE * 1000),
    "ranges": ([f"{v}-{v + 10}" for v in WHOLE], WHOLE + 5),
    "ranges in words": ([f"{v} to {v + 10} years" for v in WHOLE], WHOLE + 5),
    "ranges of money": ([f"${v},000 – ${v + 10},000" for v in WHOLE], (WHOLE + 5) * 1000),
    "open ranges": (["< 100" if v < 100 else "180+" if v > 180 else f"{v}" for v in WHOLE],
                    [50 if v < 100 else 180 if v > 180 else v for v in WHOLE]),
    "durations": ([f"{v // 60}h {v % 60:02d}m" for v in WHOLE], WHOLE * 60),
    "durations in words": ([f"{v // 60} hrs {v % 60} min" for v in WHOLE], WHOLE * 60),
    "durations, some in one unit": ([f"{v // 60}h {v % 60}m" if v % 60 else f"{v // 60}h" for v in WHOLE], WHOLE * 60),
    "hours with minutes after them": ([f"{v // 60}h{v % 60:02d}" if v % 60 else f"{v // 60}h" for v in WHOLE], WHOLE * 60),
    "clock": ([f"00:{v // 60:02d}:{v % 60:02d}" for v in WHOLE], WHOLE),
    "ISO durations": ([f"PT{v // 60}H{v % 60}M" for v in WHOLE], WHOLE * 60),
    "feet and inches": ([f"{5 + v % 2}'{v % 12}\"" for v in WHOLE], [(5 + v % 2) * 12 + v % 12 for v in WHOLE]),
    "grams and kilograms": ([f"{v} kg" if i % 2 else f"{v * 1000:.0f} g" for i, v in enumerate(X)], X),
    "megabytes and kilobytes": ([f"{v}M" if i % 2 else f"{v}k" for i, v in enumerate(X)],
                                [v * (1e6 if i % 2 else 1e3) for i, v in enumerate(X)]),
    "ordinals": ([f"{v}{'st' if v % 10 == 1 else 'nd' if v % 10 == 2 else 'rd' if v % 10 == 3 else 'th'}" for v in WHOLE], WHOLE),
    "about": ([f"~{v}" if i % 2 else f"ca. {v}" for i, v in enumerate(WHOLE)], WHOLE),
    "minus signs of typographers": ([f"−{v}" for v in X], -X),
    "about in words": ([f"about {v}" if i % 2 else f"c. {v}" for i, v in enumerate(WHOLE)], WHOLE),
    "between": ([f"between {v} and {v + 10}" for v in WHOLE], WHOLE + 5),
    "intervals": ([f"({v}, {v + 10}]" for v in WHOLE], WHOLE + 5),
    "estimates of salaries": ([f"${v}K-${v + 10}K (Glassdoor est.)" for v in WHOLE], (WHOLE + 5) * 1000),
    "an error beside the number": ([f"{v} ± 0.3" if i % 2 else f"{v} (0.3)" for i, v in enumerate(X)], X),
    "footnotes": ([f"{v}[1]" if i % 5 == 0 else f"{v}†" if i % 7 == 0 else f"{v}" for i, v in enumerate(X)], X),
    "arrows": ([f"▲ {v}" if i % 2 else f"▼ {v}" for i, v in enumerate(X)], [v if i % 2 else -v for i, v in enumerate(X)]),
    "powers of ten": ([f"{v}×10^3" for v in X], X * 1000),
    "texts of a spreadsheet": ([f"'{v}" for v in X], X),
    "a label before the number": ([f"Size: {v}" for v in X], X),
    "Indian prices": ([f"Rs. {v}/-" for v in WHOLE], WHOLE),
    "Arabic digits": ([str(v).translate({ord(str(d)): chr(0x660 + d) for d in range(10)}) for v in WHOLE], WHOLE),
    "degrees and minutes": ([f"{'NS'[i % 2]} {v % 90}°30'" for i, v in enumerate(WHOLE)],
                            [(v % 90 + 0.5) * (-1 if i % 2 else 1) for i, v in enumerate(WHOLE)]),
    "degrees of both sides": ([f"{v}{'NS'[i % 2]}" for i, v in enumerate(X)], [v * (-1 if i % 2 else 1) for i, v in enumerate(X)]),
    "Indian thousands": ([f"₹{v},{v},0{v}" for v in WHOLE % 90 + 10], (WHOLE % 90 + 10) * 101001),
    "fractions": ([f'{v} {v % 7 + 1}/8"' for v in WHOLE], WHOLE + (WHOLE % 7 + 1) / 8),
    "signs of fractions": ([f"{v}{'¼½¾'[v % 3]}" for v in WHOLE], WHOLE + (WHOLE % 3 + 1) / 4),
    "numero": ([f"No. {v}" for v in WHOLE], WHOLE),
    "an interval beside the number": ([f"{v} (95% CI {v - 1:.1f}-{v + 1:.1f})" for v in X], X),
    "lap times": ([f"{v // 60}:{v % 60:02d}.50" if i % 3 else f"{v % 60}.50" for i, v in enumerate(WHOLE)],
                  [v + 0.5 if i % 3 else v % 60 + 0.5 for i, v in enumerate(WHOLE)]),
    "blanks between thousands": ([f"{v} {v:03d}" for v in WHOLE], WHOLE * 1001),
}  # fmt: skip
MARKS = (r"\N", "--", ".", "?", "n/a", "N.A.", "missing", "unknown", "#DIV/0!", "k.A.", "not available", "…")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_number_is_read(kind):
    cells, wanted = KINDS[kind]
    form, share = learn_format(pl.Series("x", cells), "," if "German" in kind else ".")
    values, wrong = read_numbers(pl.Series("x", cells), form)
    assert (share, len(wrong)) == (1.0, 0)
    np.testing.assert_allclose(values, wanted, rtol=1e-9)


PAIRS = [(int(a), int(b)) for a, b in RANDOM.integers(5, 90, (120, 2))]
MEASURES = {
    "a size": [f"{a} x {b} x 3 cm" for a, b in PAIRS],
    "a size with each unit": [f"{a} cm × {b} cm" for a, b in PAIRS],
    "a size in words": [f"{a} by {b} ft" for a, b in PAIRS],
    "a screen": [f"Full HD {a}x{b}" for a, b in PAIRS],
    "blood pressure": [f"{a}/{b}" for a, b in PAIRS],
    "blood pressure with its unit": [f"{a}/{b} mmHg" for a, b in PAIRS],
    "a place": [f"({a}, {b})" for a, b in PAIRS],
    "a place of geographic software": [f"POINT ({a} {b})" for a, b in PAIRS],
    "a tyre": [f"{a}/{b} R16" for a, b in PAIRS],
    "power": [f"{a} kW ({b} PS)" for a, b in PAIRS],
    "stone and pounds": [f"{a}st {b}lb" for a, b in PAIRS],
    "a result": [f"{a}-{b}" for a, b in PAIRS],
    "a sum": [f"{a}+{b}" for a, b in PAIRS],
    "a share": [f"{a} out of {b}" for a, b in PAIRS],
    "rooms": [f"{a} bd | {b} ba" for a, b in PAIRS],
}


@pytest.mark.parametrize("kind", MEASURES)
def test_several_numbers_in_a_cell_are_several_inputs(kind):
    cells = ["n/a" if i == 7 else cell for i, cell in enumerate(MEASURES[kind])]
    encoder, notes = learned({"x": cells, "y": X})
    assert [column.kind for column in encoder.columns] == ["measures"]
    assert " numbers; data.categorical" in notes[0]
    found = encode(encoder, read_table({"x": [*cells, "5 apples"]}))
    assert list(found.errors) == [120]
    wanted = np.array(PAIRS, float)
    wanted[7] = np.nan
    np.testing.assert_array_equal(np.stack([found.inputs["x_1"], found.inputs["x_2"]], axis=1)[:120], wanted)


def test_decimals_and_signs_of_several_numbers():
    for cells, wanted in (
        ([f"{a / 10:.1f} x {b / 10:.1f} cm".replace(".", ",") for a, b in PAIRS], np.array(PAIRS) / 10),
        ([f"{a / 10:.1f},-{b / 10:.1f}" for a, b in PAIRS], np.array(PAIRS) / [10, -10]),
        ([f"{a},000 x {b},000" for a, b in PAIRS], np.array(PAIRS) * 1000),
    ):
        encoder, _ = learned({"x": cells, "y": X})
        found = encode(encoder, read_table({"x": cells})).inputs
        np.testing.assert_allclose(np.stack([found["x_1"], found["x_2"]], axis=1), wanted, rtol=1e-6)


def test_a_decimal_comma_before_a_unit_is_no_separator():
    for unit in ("km/h", "l/100km", "€ TTC", "min"):
        cells = [f"{v} {unit}".replace(".", ",") for v in X]
        for decimal in (None, "."):
            encoder, _ = learned({"x": cells, "y": X}, decimal=decimal)
            np.testing.assert_allclose(encode(encoder, read_table({"x": cells})).inputs["x"], X, rtol=1e-6)


def test_a_file_of_both_decimal_marks_is_read_at_prediction_as_in_training():
    frame = {
        "x": [f"{v / 300:.3f}".replace(".", ",") for v in X],
        "z": [f"{v / 100:.3f}" for v in X],
        "k": [f"{v / 7:.3f}" for v in X],
        "y": X,
    }
    for names in (("x", "z", "k", "y"), ("x", "z", "y")):
        encoder, _ = learned({name: frame[name] for name in names})
        for row in range(20):
            found = encode(encoder, read_table({name: frame[name][row : row + 1] for name in names})).inputs
            assert [found[name][0] for name in ("x", "z")] == pytest.approx([X[row] / 300, X[row] / 100], abs=1e-3)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"{a * 400:05d}-{b * 90:04d}" for a, b in PAIRS[:20]] * 6, "category"),
        ([f"{a + 100}-{b * 9:04d}" for a, b in PAIRS[:20]] * 6, "category"),
        ([f"{a}-{a + b}" for a, b in PAIRS], "number"),
        ([f"[{a}, {a + 10})" for a, _ in PAIRS], "number"),
        ([f"{a}/100" for a, _ in PAIRS], "number"),
        ([f"{a % 24}:{b % 60:02d}" for a, b in PAIRS], "number"),
        ([f"{a}.5E+0{b % 9}" for a, b in PAIRS], "number"),
        ([f"{a % 12 + 1}/{b % 28 + 1}/2020" for a, b in PAIRS], "moment"),
        ([f"May {b % 28 + 1}, {2000 + a % 20}" for a, b in PAIRS], "moment"),
        ([f"2020-0{a % 9 + 1}-1{b % 9} 10:{b % 50 + 10}" for a, b in PAIRS], "moment"),
        ([f"A{a % 6}/{b % 6}" for a, b in PAIRS], "category"),
        ([f"10.0.{a % 6}.{b % 6}" for a, b in PAIRS], "category"),
    ],
)
def test_ranges_dates_and_codes_are_not_several_numbers(cells, kind):
    assert learned({"x": cells, "y": X})[0].columns[0].kind == kind


@pytest.mark.parametrize("kind", ["unit", "dollars in thousands and millions", "durations", "grams and kilograms", "ranges"])
@pytest.mark.parametrize("mark", MARKS)
def test_what_training_learned_holds_at_prediction_for_the_same_cells_and_marks(kind, mark):
    cells = [mark if i % 11 == 0 else cell for i, cell in enumerate(KINDS[kind][0])]
    encoder, _ = learned({"x": cells, "y": list(range(len(cells)))})
    found = encode(encoder, read_table({"x": [*cells, mark]}))
    assert not found.errors
    column = found.inputs["x"]
    assert np.isnan(column[::11]).all()
    assert np.isfinite(np.delete(column[:-1], np.s_[::11])).all()


def test_a_suffix_that_training_never_had_is_converted():
    encoder, _ = learned({"pay": [f"${v}K" for v in X], "y": X})
    np.testing.assert_allclose(encode(encoder, read_table({"pay": ["$1.2M", "$800", "$3K"]})).inputs["pay"], [1.2e6, 800, 3000])
    encoder, _ = learned({"mass": [f"{v} kg" for v in X], "y": X})
    found = encode(encoder, read_table({"mass": ["500 g", "2", "3 apples"]}))
    np.testing.assert_allclose(found.inputs["mass"][:2], [0.5, 2])
    assert "received '3 apples'" in found.errors[2]


def test_units_of_different_kinds_and_currencies_are_a_feature_of_their_own():
    torque = [f"{v} Nm" if v % 2 else f"{v} kgm" for v in WHOLE]
    price = [f"${v}" if i % 2 else f"€{v}" for i, v in enumerate(WHOLE)]
    encoder, notes = learned({"torque": torque, "price": price, "y": X})
    found = encode(encoder, read_table({"torque": ["5 Nm", "6 kgm", None], "price": ["$3", "€4", "€5"]})).inputs
    np.testing.assert_allclose(found["torque"], [5, 6, np.nan])
    np.testing.assert_allclose(found["price"], [3, 4, 5])
    assert len(set(found["torque_unit"].tolist())) == 3
    assert found["price_unit"].tolist() == [2, 3, 3]
    assert "a feature of their own" in " ".join(notes)
    assert predict.raw_inputs(encoder) == [("torque", "BYTES"), ("price", "BYTES")]  # a column once, and its cells are texts
    (error,) = predict.encode(encoder, [{"torque": "5 Nm"}]).errors.values()
    assert error.startswith("row 0 lacks 'price'; give every column")


@pytest.mark.parametrize(
    "cells",
    [
        [f"{v}{'ABC'[v % 3]}" for v in range(1, 40)],
        [f"E{v:02d}" for v in range(40)],
        [f"M{v}V {v}T" for v in range(40)],
        [f"{v}D{v % 9}" for v in range(40)],
        [f"{v}.{v}.{v}" for v in range(40)],
        [f"12/{v}" for v in range(40)],
        ["12 Main Street", "7 High Road", "3 Mill Lane", "9 Kings Road"] * 10,
    ],
)
def test_codes_and_addresses_are_no_numbers(cells):
    series = pl.Series("x", cells)
    assert len(read_numbers(series, learn_format(series)[0])[1]) > len(cells) / 2


def test_a_repeated_word_that_no_list_has_means_missing_and_a_single_one_is_a_mistake():
    cells = [f"{v}M" for v in X]
    cells[5] = cells[9] = cells[17] = "Varies with device"
    encoder, notes = learned({"size": cells, "y": X})
    assert "'Varies with device' counts as missing" in " ".join(notes)
    assert not encode(encoder, read_table({"size": ["Varies with device", "3M"]})).errors
    assert encode(encoder, read_table({"size": ["Depends", "3M"]})).errors


@pytest.mark.parametrize("sentinel", [-999, -9999.0, 9999, -200, 99999])
def test_sentinels_count_as_missing(sentinel):
    values = RANDOM.uniform(0, 80, 300)
    values[::20] = sentinel
    assert find_sentinels(values) == (sentinel,)
    encoder, notes = learned({"x": values, "y": list(range(300))})
    assert np.isnan(encode(encoder, read_table({"x": [float(sentinel), 5.0]})).inputs["x"]).tolist() == [True, False]
    assert any(f"{sentinel:g} counts as missing" in note for note in notes)


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.integers(0, 100, 2000),
        RANDOM.normal(0, 1000, 2000).round(),
        np.r_[RANDOM.poisson(3, 500), [-1] * 20],
        np.exp(RANDOM.normal(0, 4, 2000)).round(),
        np.r_[RANDOM.uniform(0, 1, 300), 9999.0],
        np.repeat([9.99, 19.99, 99.99, 49.99], 100),
    ],
)
def test_usual_numbers_have_no_sentinel(values):
    assert find_sentinels(np.asarray(values, float)) == ()


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("0123456789.,-+%$€ KMhms()<>/'\":aé٣½²"), max_size=12))
def test_any_text_is_a_quantity_or_none(text):
    part = split_quantity(text)
    assert part is None or part.numbers or np.isfinite(part.value)


@pytest.mark.parametrize("cell", ["1" + " " * 50_000 + "x", "a" + " " * 50_000, "1 - " * 20_000, "1." * 40_000])
def test_a_long_cell_is_no_quantity_and_takes_no_time(cell):
    start = time.process_time()
    assert split_quantity(cell) is None
    assert time.process_time() - start < 1


def test_percentages_beside_shares_are_of_one_scale():
    share = RANDOM.uniform(0, 1, 200).round(3)
    mixed = [f"{100 * v:.1f}%" if i % 3 else f"{v}" for i, v in enumerate(share)]
    encoder, notes = learned({"x": mixed, "y": list(range(200))})
    found = encode(encoder, read_table({"x": [*mixed, "45 %", "0.45"]})).inputs["x"]
    np.testing.assert_allclose(found, [*share, 0.45, 0.45], rtol=1e-5)
    assert "is read as" in " ".join(notes)
    for other in (
        [f"{100 * v:.1f}{'%' * (i % 3 > 0)}" for i, v in enumerate(share)],
        [f"{100 * v:.1f}%" if i % 3 else "0" for i, v in enumerate(share)],
    ):
        np.testing.assert_allclose(
            encode(learned({"x": other, "y": list(range(200))})[0], read_table({"x": other})).inputs["x"],
            [float(c.rstrip("%")) for c in other],
            rtol=1e-5,
        )


def test_a_column_of_both_decimal_marks_is_read_by_both():
    mixed = [f"{v:.2f}" if i % 3 else f"{v:.1f}".replace(".", ",") for i, v in enumerate(X)]
    values = [float(cell.replace(",", ".")) for cell in mixed]
    encoder, notes = learned({"x": mixed, "z": [f"{v:.2f}" for v in X], "y": X})
    assert "both are read as decimal marks" in " ".join(notes)
    np.testing.assert_allclose(encode(encoder, read_table({"x": mixed, "z": mixed})).inputs["x"], values, rtol=1e-6)
    for row in range(9):
        np.testing.assert_allclose(
            encode(encoder, read_table({"x": mixed[row : row + 1], "z": ["1.5"]})).inputs["x"], values[row], rtol=1e-6
        )
    thousands = [f"{1000 * v:,.2f}" if i % 3 else f"{v:.1f}".replace(".", ",") for i, v in enumerate(X)]
    assert learned({"x": thousands, "z": X, "y": X})[0].columns[0].style != "either"


@pytest.mark.parametrize("levels", [("15-24", "25-39", "40-"), ("50-", "55-", "60-", "65-"), ("24-", "25+")])
def test_ranges_without_an_end_are_no_negative_numbers(levels):
    cells = [levels[i % len(levels)] for i in range(120)]
    found = learned({"group": cells, "y": RANDOM.normal(size=120)})[0].columns[0]
    assert (found.kind, set(found.levels)) == ("category", set(levels))
