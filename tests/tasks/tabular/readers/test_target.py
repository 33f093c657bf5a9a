"""Classes under one spelling: what differs by case, blanks or a full stop is the same class; single characters stay apart."""

import polars as pl

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
