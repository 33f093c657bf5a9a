"""Character n-grams of sub-words."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.text.token_features import COLUMNS, LENGTHS, character_ngrams


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5))
def test_every_window_of_every_token_is_counted(tokens):
    found = character_ngrams(tokens)
    assert found.shape == (len(tokens), COLUMNS)
    for row, token in zip(np.asarray(found.sum(1)).ravel(), tokens):
        size = len(token.removeprefix("##")) + (1 if token.startswith("##") else 2)  # its end, and its start where a word starts
        assert row == sum(max(0, size - n + 1) for n in range(LENGTHS[0], LENGTHS[1] + 1))


def test_tokens_of_similar_letters_are_similar_and_a_start_is_not_a_middle():
    walk, talk, table, inside = character_ngrams(["walking", "talking", "table", "##walking"]).toarray()
    assert walk @ talk > 3 * (walk @ table)
    assert walk @ walk > walk @ inside > 0
