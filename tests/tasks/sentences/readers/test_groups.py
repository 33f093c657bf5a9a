"""Groups of texts are separated so that no text is on two sides, no test sentence trains, and labels are evened out."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.readers.groups import Groups, balanced, distinct_pairs, exclude, plain, split_groups
from tests.tasks.sentences.readers.test_read import groups_of, pairs_of


def test_test_sentences_never_train(tmp_path):
    found = groups_of(
        tmp_path,
        "anchor,positive,negative\nA man, walks!,c d,e f\n".replace("A man, walks!", '"A man, walks!"') + "g h,i j,k l\nm n,o p,E  F\n",
    )
    kept = exclude(found, ["a man walks", "e f?"])
    assert pairs_of(kept) == [("g h", "i j")]
    assert kept.facts == {"rows removed because they hold a test sentence": 2}
    assert plain("A man, WALKS!") == "a man walks"


edges = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=12, max_size=60)


@settings(max_examples=60, deadline=None)
@given(edges, st.integers(0, 5))
def test_no_text_is_on_two_sides(pairs, seed):
    rows = np.array([[a, b + 26] for a, b in pairs], np.int32)
    whole = Groups(texts=[str(i) for i in range(52)], rows=rows, source=np.zeros(len(rows), np.int32))
    try:
        parts = split_groups(whole, (0.6, 0.2, 0.2), seed)
    except DataError:  # all of them hang together
        assume(False)
    used = [set(part.rows.ravel().tolist()) for part in parts]
    assert len(set.union(*used)) == sum(map(len, used))
    for part in parts[1:]:  # retrieval is scored on pairs that share no text
        assert len(set(part.rows[:, 0].tolist())) == len(set(part.rows[:, 1].tolist())) == len(part)


def test_shares_must_be_shares(tmp_path):
    found = groups_of(tmp_path, "".join(f"a {i},b {i}\n" for i in range(20)))
    with pytest.raises(UsageError, match="three shares of train, validation and test that sum to 1"):
        split_groups(found, (0.5, 0.1, 0.1), 0)
    parts = split_groups(found, (0.6, 0.2, 0.2), 0)
    assert [len(part) for part in parts] == [12, 4, 4]
    again = split_groups(found, (0.6, 0.2, 0.2), 0)
    assert all((a.rows == b.rows).all() for a, b in zip(parts, again))


def test_distinct_pairs_takes_the_first_of_each(tmp_path):
    found = groups_of(tmp_path, "anchor,positive\na b,c d\na b,e f\ng h,c d\ni j,k l\n")
    assert pairs_of(distinct_pairs(found)) == [("a b", "c d"), ("i j", "k l")]


@given(st.lists(st.integers(0, 3), min_size=4, max_size=40), st.sampled_from(["over", "under"]))
def test_balanced_labels_are_equally_many(codes, how):
    codes = np.array(codes)
    rows = balanced(codes, how, 0)
    counts = np.bincount(codes[rows], minlength=4)[np.unique(codes)]
    wanted = np.bincount(codes)[np.unique(codes)]
    assert (counts == (wanted.max() if how == "over" else wanted.min())).all()
    assert set(rows) == set(range(len(codes))) if how == "over" else len(set(rows)) == len(rows)
    np.testing.assert_array_equal(balanced(codes, "none", 0), np.arange(len(codes)))
