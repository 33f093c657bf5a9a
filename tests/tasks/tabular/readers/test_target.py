"""Classes under one spelling: what differs by case, blanks or a full stop is the same class; single characters stay apart.
Words and numbers that stand for no value."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.numbers import read_numbers
from applied_dl.tasks.tabular.readers.target import learn_target


def labels(*cells):
    found, notes = learn_target(pl.Series("bought", cells), None, None)
    return found.labels, notes


def test_spellings_of_a_label_are_one_class_in_its_commonest_spelling():
    found, notes = labels(*["Yes"] * 9, *["No"] * 7, "yes ", "YES", "NO.")
    assert found == ("No", "Yes")
    assert notes == ["IMPORTANT: target 'bought': 'YES' is read as 'Yes', 'yes ' is read as 'Yes', 'NO.' is read as 'No'"]


def test_letters_of_an_alphabet_stay_apart():
    assert labels(*"aaaabbbbAAAABBBB")[0] == ("A", "B", "a", "b")


@pytest.mark.parametrize("form", ["{:.1f}/5", "{:.1f} /5", "{:.1f}", "{:.1f} kg"])
def test_words_among_the_numbers_of_a_target_are_no_classes(form):
    numbers = [2 + i % 29 / 10 for i in range(200)]
    cells = pl.Series("rate", ["NEW" if i % 9 == 0 else "soon" if i % 31 == 0 else form.format(v) for i, v in enumerate(numbers)])
    with pytest.raises(DataError, match=r"'NEW', 'soon' among its numbers \(29 of 200 .* data.kind = 'regression' to leave"):
        learn_target(cells, None, None)
    found, notes = learn_target(cells, "regression", None)
    assert notes[0] == "IMPORTANT: target 'rate': rows with 'NEW', 'soon' are left out"
    values, wrong = read_numbers(cells, found.format)
    assert not len(wrong)
    np.testing.assert_allclose(values, [np.nan if cell.isalpha() else number for cell, number in zip(cells, numbers)], atol=1e-9)
    assert len(learn_target(cells, "classification", None)[0].labels) == cells.n_unique()


def test_codes_with_a_word_are_classes():
    assert learn_target(pl.Series("seat", [f"{i % 9}{'ABCD'[i % 4]}" for i in range(300)] + ["free"] * 9), None, None)[0].labels


def test_a_number_that_stands_for_no_value_is_left_out_of_a_target():
    found, notes = learn_target(pl.Series("depth", [-999 if i % 20 == 0 else i % 83 for i in range(400)]), None, None)
    assert found.format.sentinels == (-999.0,)
    assert notes == ["IMPORTANT: target 'depth': -999 stands for no value; 20 rows are left out"]
    for real in (999, -100, -9):
        assert learn_target(pl.Series("depth", [real if i % 20 == 0 else i % 83 for i in range(400)]), None, None)[1] == []


@pytest.mark.parametrize("levels", [("<=20", "20-40", ">40"), ("15-24", "25-39", "40-"), ("under 5", "5+")])
def test_groups_of_ages_are_classes(levels):
    assert set(learn_target(pl.Series("age", list(levels) * 30), None, None)[0].labels) == set(levels)


def test_texts_of_which_most_are_missing_are_no_numbers():
    cells = pl.Series("why", [r"\N"] * 90 + [f"reason {i % 12}, page {i % 12}" for i in range(36)])
    assert learn_target(cells, None, None)[0].labels


@pytest.mark.parametrize("days", [40, 1500])
def test_dates_as_a_target_are_refused_as_dates(days):
    cells = pl.Series("sold", [f"{2015 + i // 336}-{i // 28 % 12 + 1:02}-{i % 28 + 1:02}" for i in range(days)])
    with pytest.raises(DataError, match=r"'sold' holds dates or times; .* make a column of days from a start; to forecast"):
        learn_target(cells, None, None)
