"""Words to rows, and the files of the encoder."""

import numpy as np
import pytest

from applied_dl.encoders import words as encoders
from applied_dl.encoders.words import WordEncoder, grams, load, rows_of, save, subword_rows, tokens
from applied_dl.errors import DataError


def test_case_marks_and_length():
    assert tokens("The Café, naïve_x", False) == ["The", "Café", "naïve", "x"]
    assert tokens("THE Straße") == ["the", "straße"]
    assert [len(word) for word in tokens("a" * 5000 + " b")] == [encoders.LONGEST, 1]
    assert tokens("\u200f \x00 …") == []


def test_grams_are_those_of_the_paper():
    assert grams("where", (3, 3)) == ["<wh", "whe", "her", "ere", "re>"]
    assert grams("a", (3, 6)) == []  # the whole is the word itself
    assert grams("ab", (3, 4)) == ["<ab", "ab>"]


def test_a_phrase_then_known_words_then_sub_words():
    encoder = WordEncoder(words=["the", "new_york", "cat"], ngrams=(3, 4), buckets=50)
    assert rows_of(encoder, "New York") == [2]
    assert rows_of(encoder, "new_york") == [2]
    assert rows_of(encoder, "the grey cat") == [1, 3]
    assert rows_of(encoder, "dog") == subword_rows(encoder, "dog")
    assert all(3 < row < encoder.rows for row in rows_of(encoder, "dog"))
    assert rows_of(encoder, " !") == []
    plain = WordEncoder(words=["the"])
    assert rows_of(plain, "dog") == []


def test_what_is_saved_is_loaded(tmp_path):
    words = ["the", "日本", "שלום", "😀"]
    encoder = WordEncoder(words=words, lowercase=False, ngrams=(2, 3), buckets=9, arrays={"counts": np.arange(4)})
    save(encoder, tmp_path)
    found = load(tmp_path)
    assert (found.words, found.lowercase, found.ngrams, found.buckets) == (words, False, (2, 3), 9)
    np.testing.assert_array_equal(found.arrays["counts"], np.arange(4))
    (tmp_path / "encoder.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)
