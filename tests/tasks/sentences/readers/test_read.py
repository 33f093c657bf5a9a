"""Groups of texts: each once, never on two sides, never a test sentence in training; and the inputs that people get wrong."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.readers.read import (
    ABSENT,
    Groups,
    balanced,
    distinct_pairs,
    exclude,
    plain,
    read_groups,
    read_similarity,
    split_groups,
)
from applied_dl.tasks.sentences.recipe import Data


def groups_of(tmp_path, content, name="a.csv", **data):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_groups((str(path),), Data(**data))


def pairs_of(groups):
    return [tuple(groups.texts[i] for i in row if i != ABSENT) for row in groups.rows]


def test_running_text_becomes_pairs_of_neighbours(tmp_path):
    line = "The first sentence stands here. The second one follows it at once. And the third one ends it."
    found = groups_of(tmp_path, line + "\nAnother line has only one.\n", "a.txt")
    assert pairs_of(found) == [
        ("The first sentence stands here.", "The second one follows it at once."),
        ("The second one follows it at once.", "And the third one ends it."),
    ]
    assert found.kind == "text"


def test_duplicates_count_once_and_are_reported(tmp_path):
    found = groups_of(tmp_path, "anchor,positive\na b,c d\nc d,a b\na  b,c d\ne f,e f\ng h,\ni j,k l\n")
    assert pairs_of(found) == [("a b", "c d"), ("i j", "k l")]
    assert found.warnings == [
        "1 row dropped: without enough text or without a label.",
        "1 pair of one text with itself was dropped.",
        "2 repeated rows were dropped.",
    ]


def test_contradictory_labels_are_left_out_by_name(tmp_path):
    found = groups_of(tmp_path, "text,label\na b,x\nc d,y\na b,y\nc d,y\ne f,x\ng h,\n")
    assert [(found.texts[r], label) for r, label in zip(found.rows[:, 0], found.labels)] == [("c d", ("y",)), ("e f", ("x",))]
    assert any("2 rows whose text has two different labels were dropped (the first: 'a b')" in text for text in found.warnings)
    with pytest.raises(DataError, match="have 0 different labels after 4 rows were dropped because their text has two different labels"):
        groups_of(tmp_path, "text,label\na b,x\na b,y\nc d,x\nc d,y\n")
    with pytest.raises(DataError, match="have 1 different labels, expected at least 2"):
        groups_of(tmp_path, "text,label\na b,x\nc d,x\n")


def test_sets_triplets_and_the_most_rows(tmp_path):
    sets = groups_of(tmp_path, '["a", "b", "c"]\n["d", "e"]\n["f"]\n', "a.jsonl")
    assert sets.rows.tolist() == [[0, 1, 2], [3, 4, ABSENT]]
    assert groups_of(tmp_path, "a b,c d,e f\ng h,i j,\n", kind="sets").rows.tolist() == [[0, 1, 2], [3, 4, ABSENT]]
    pl.DataFrame({"texts": [["a", "b"], None, ["c", "d", "e"]]}).write_parquet(tmp_path / "s.parquet")
    assert pairs_of(read_groups((str(tmp_path / "s.parquet"),), Data())) == [("a", "b"), ("c", "d", "e")]
    triplets = groups_of(tmp_path, "anchor,positive,negative\na b,c d,e f\na b,c d,g h\ni j,k l,\n")
    assert [triplets.texts[i] for i in triplets.negatives] == ["e f", "g h"]
    assert len(groups_of(tmp_path, "".join(f"a {i},b {i}\n" for i in range(9)), max_rows=4)) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "no usable rows were found"),
        ("a.txt", b"word\n", "no usable rows were found"),
        ("a.txt", "One sentence of some length only.\n".encode("utf-16"), "no usable rows were found"),
        ("a.txt", b"\0" * 4096, "is not a text"),
        ("a.csv", b"anchor,positive\na,a\nb,b\n", "All 2 pairs hold the same text twice"),
        ("a.csv", b"anchor,positive\n,\n", "holds no rows"),
    ],
)
def test_nothing_to_learn_from_is_one_sentence(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        groups_of(tmp_path, content, name)


def test_strange_characters_are_read_as_stated(tmp_path):
    content = (
        b"A sentence with bad \xff\xfe bytes in it. Another one with a NUL \0 inside it.\n"
        + "הילד הלך לבית הספר בבוקר מוקדם. אחר כך הוא חזר הביתה לאכול צהריים.\n".encode()
        + "Emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 stand in this sentence. ".encode()
        + "\U0001f600 And this one begins with one of them.\n".encode()
    )
    found = groups_of(tmp_path, content, "a.txt")
    assert pairs_of(found) == [
        ("A sentence with bad bytes in it.", "Another one with a NUL inside it."),
        ("הילד הלך לבית הספר בבוקר מוקדם.", "אחר כך הוא חזר הביתה לאכול צהריים."),
        ("Emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 stand in this sentence.", "\U0001f600 And this one begins with one of them."),
    ]
    assert any("not UTF-8" in text for text in found.warnings)
    assert any("NUL" in text for text in found.warnings)


def test_a_line_of_a_hundred_megabytes_is_cut_and_reported(tmp_path):
    sentence = b"This sentence number %07d is one of very many of them. "
    (tmp_path / "a.txt").write_bytes(b"".join(sentence % i for i in range(2_000_000))[: 100 * 2**20])
    found = read_groups((str(tmp_path / "a.txt"),), Data(max_rows=30_000))
    assert len(found) == 30_000
    (tmp_path / "b.txt").write_bytes(b"x" * (100 * 2**20))
    with pytest.raises(DataError, match="no usable rows"):
        read_groups((str(tmp_path / "b.txt"),), Data())


def test_kinds_do_not_mix_and_must_fit_the_file(tmp_path):
    (tmp_path / "p.csv").write_text("anchor,positive\na b,c d\n")
    (tmp_path / "l.csv").write_text("text,label\na b,x\nc d,y\n")
    with pytest.raises(UsageError, match="mixes labelled texts with other kinds"):
        read_groups((str(tmp_path / "p.csv"), str(tmp_path / "l.csv")), Data())
    (tmp_path / "t.txt").write_text("One sentence of some length here. And another one follows it.\n")
    with pytest.raises(DataError, match="is running text, but data.kind is 'pairs'"):
        read_groups((str(tmp_path / "t.txt"),), Data(kind="pairs"))
    with pytest.raises(UsageError, match="Did you mean 'pairs'"):
        read_groups((str(tmp_path / "t.txt"),), Data(kind="pair"))
    assert read_groups((str(tmp_path / "p.csv"), str(tmp_path / "t.txt")), Data()).kind == "mixed"


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


def test_similarity_needs_three_pairs_and_two_scores(tmp_path):
    for content in ("a b,c d,1\ne f,g h,2\n", "a b,c d,1\ne f,g h,1\ni j,k l,1\n"):
        (tmp_path / "s.csv").write_text(content)
        with pytest.raises(DataError, match="expected at least 3 and 2"):
            read_similarity(str(tmp_path / "s.csv"))
    (tmp_path / "s.csv").write_text("a b,c d,1\ne f,g h,2\ni j,k l,3\n")
    assert read_similarity(str(tmp_path / "s.csv")).scores.tolist() == [1, 2, 3]
