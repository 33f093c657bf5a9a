"""Words to rows, and the files of the encoder."""

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.words.encoder import MOST_GRAMS, MOST_WORDS, WordEncoder, grams, joined, load, rows_of, save, spread, subword_rows


def test_grams_are_those_of_the_paper():
    assert grams("where", (3, 3)) == ["<wh", "whe", "her", "ere", "re>"]
    assert grams("a", (3, 6)) == []  # the whole is the word itself
    assert grams("ab", (3, 4)) == ["<ab", "ab>"]


def test_a_phrase_then_known_words_then_sub_words():
    encoder = WordEncoder(words=["the", "new_york", "cat"], ngrams=(3, 4), buckets=50)
    assert rows_of(encoder, "New York") == [2]
    assert rows_of(encoder, "new_york") == [2]
    assert rows_of(encoder, "The cat, New York!") == [1, 3, 2]
    assert rows_of(WordEncoder(words=encoder.words), "the grey cat") == [1, 3]
    assert rows_of(encoder, "dog") == subword_rows(encoder, "dog")
    assert all(3 < row < encoder.rows for row in rows_of(encoder, "dog"))
    assert rows_of(encoder, " !") == []
    plain = WordEncoder(words=["the"])
    assert rows_of(plain, "dog") == []


def test_every_word_of_a_line_weighs_the_same():
    encoder = WordEncoder(words=["the", "cat"], ngrams=(3, 4), buckets=5000)
    grey, long = subword_rows(encoder, "grey"), spread(subword_rows(encoder, "x" * 10 + "abcdefghijklmnopqrstuvwxyz"), MOST_GRAMS)
    assert (len(grey), len(long)) == (7, MOST_GRAMS)
    assert sorted(rows_of(encoder, "the grey cat")) == sorted([1] * 7 + [2] * 7 + grey)
    found = rows_of(encoder, "grey the " + "x" * 10 + "abcdefghijklmnopqrstuvwxyz")
    assert sorted(found) == sorted(grey * 5 + [1] * 32 + long)
    assert spread(list(range(9)), 3) == [0, 4, 8]
    assert len(rows_of(encoder, "the grey " * 1000)) == 2 * 2000
    assert len(rows_of(encoder, "the cat " * 9000)) == MOST_WORDS


def test_phrases_are_joined_longest_first():
    words = ["new", "york", "new_york", "new_york_city_hall", "city_hall", "a_b_c", "b"]
    encoder = WordEncoder(words=words)
    assert joined(encoder, ["in", "new", "york", "city", "hall", "now"]) == ["in", "new_york_city_hall", "now"]
    assert joined(encoder, ["new", "york", "city"]) == ["new_york", "city"]
    assert joined(encoder, ["york", "city", "hall", "new"]) == ["york", "city_hall", "new"]
    assert joined(encoder, ["a", "b", "c", "a", "b", "d"]) == ["a_b_c", "a", "b", "d"]  # a_b is none by itself
    assert joined(WordEncoder(words=["new"]), ["new", "york"]) == ["new", "york"]


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
