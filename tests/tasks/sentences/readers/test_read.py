"""Groups of texts: each once, never on two sides, never a test sentence in training; and the inputs that people get wrong."""

import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.readers.groups import ABSENT
from applied_dl.tasks.sentences.readers.read import read_groups, read_similarity
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


@pytest.mark.slow
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


def test_similarity_needs_three_pairs_and_two_scores(tmp_path):
    for content in ("a b,c d,1\ne f,g h,2\n", "a b,c d,1\ne f,g h,1\ni j,k l,1\n"):
        (tmp_path / "s.csv").write_text(content)
        with pytest.raises(DataError, match="expected at least 3 and 2"):
            read_similarity(str(tmp_path / "s.csv"))
    (tmp_path / "s.csv").write_text("a b,c d,1\ne f,g h,2\ni j,k l,3\n")
    assert read_similarity(str(tmp_path / "s.csv")).scores.tolist() == [1, 2, 3]
