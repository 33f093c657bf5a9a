"""Spellings of one label: what is merged in training, what is found again in another file."""

import pytest

from applied_dl.io.labels import known_spellings, label_key, merged_spellings


@pytest.mark.parametrize("pair", [("1.0", "1"), (" >50K. ", ">50k"), ("New  York", "new york."), ("ÉCOLE", "école"), ("-2.00", "-2")])
def test_spellings_of_one_label(pair):
    assert label_key(pair[0]) == label_key(pair[1])


@pytest.mark.parametrize("pair", [("-1", "1"), ("A-", "A"), ("1.5", "1"), ("new_york", "new york"), ("00123", "123")])
def test_other_labels(pair):
    assert label_key(pair[0]) != label_key(pair[1])


def test_the_commonest_spelling_stays():
    assert merged_spellings({"Spam": 1, "spam": 5, "SPAM.": 2, "ham": 3}) == {"SPAM.": "spam", "Spam": "spam"}
    assert merged_spellings({"1": 2, "1.0": 1}) == {"1.0": "1"}


def test_single_letters_stay_apart():
    assert merged_spellings({"a": 3, "A": 2, "a.": 1}) == {}


def test_a_spelling_that_two_labels_share_is_not_known():
    assert known_spellings(("a", "A", "Yes")) == {"yes": "Yes"}
