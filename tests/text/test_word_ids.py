"""Text to numbered pieces: splits, phrases, bad input, the cache."""

import bz2
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.tasks.words.benchmark_files import is_similarity, read_benchmark
from applied_dl.text import word_ids
from applied_dl.text.word_ids import counts_of, final_ids, join_phrases, read_ids, split_pieces


def write(path, content: bytes):
    path.write_bytes(content)
    return str(path)


def spoken(found):
    return [[found.words[i] for i in found.ids[a:b]] for a, b in zip([0, *found.ends[:-1]], found.ends)]


def test_words_of_any_script_and_what_is_no_word(tmp_path):
    text = "Don’t stop, the CAFÉ’s 3.5!\n\n…\nहिन्दी भाषा שָׁלוֹם عربي 😀👍\n".encode() + b"bad \xff\xfe byte\0nul\n"
    found = read_ids(write(tmp_path / "a.txt", text), None, True, tmp_path)
    assert spoken(found) == [
        ["don't", "stop", "the", "café's", "3", "5"],
        ["हिन्दी", "भाषा", "שָׁלוֹם", "عربي", "😀", "👍"],
        ["bad", "byte", "nul"],
    ]
    assert len(found.warnings) == 2


def test_markup_is_no_word_where_there_is_some(tmp_path):
    text = b'<doc id="7" title="A">\n<p>one &amp; two</p><br />three\n</doc>\n'
    found = read_ids(write(tmp_path / "a.txt", text), None, True, tmp_path)
    assert spoken(found) == [["one", "two", "three"]]
    assert any("HTML tags and entities were removed" in warning for warning in found.warnings)
    found = read_ids(write(tmp_path / "b.txt", b"a < b and List<String> are code\n"), None, True, tmp_path)
    assert spoken(found) == [["a", "b", "and", "list", "string", "are", "code"]]
    assert not found.warnings


def test_the_cache_answers_until_the_file_changes(tmp_path, monkeypatch):
    path = write(tmp_path / "a.txt", b"one two three\n")
    assert spoken(read_ids(path, None, True, tmp_path)) == [["one", "two", "three"]]
    monkeypatch.setattr(word_ids, "_write", None)
    assert spoken(read_ids(path, None, True, tmp_path)) == [["one", "two", "three"]]
    monkeypatch.undo()
    write(tmp_path / "a.txt", b"four\n")
    assert spoken(read_ids(path, None, True, tmp_path)) == [["four"]]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "holds no word"), (b"... !!\n--\n", "holds no word"), (b"\0" * 99, "is not a text")]
)
def test_text_without_words_is_one_sentence(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_ids(write(tmp_path / "a.txt", content), None, True, tmp_path)


def test_a_line_of_megabytes_is_cut_into_pieces(tmp_path):
    found = read_ids(write(tmp_path / "a.txt.bz2", bz2.compress(b"ab cd " * 500_000)), None, True, tmp_path)
    assert len(found.ids) == 1_000_000
    assert np.diff(np.r_[0, found.ends]).max() <= word_ids.PIECE
    assert found.words == ["ab", "cd"]
    assert any("cut at a space" in text for text in found.warnings)


@pytest.mark.slow
def test_a_line_of_a_hundred_megabytes_is_read_in_little_memory(tmp_path):
    source = tmp_path / "a.txt"
    with open(source, "wb") as file:
        for _ in range(100):
            file.write(b"the dog sees a red ball and runs " * (2**20 // 33))
    code = (
        "import resource, sys; from pathlib import Path; from applied_dl.text.word_ids import read_ids; import numpy\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = read_ids(sys.argv[1], None, True, Path(sys.argv[2]))\n"
        "print(len(found.ids), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(source), str(tmp_path)], capture_output=True, text=True, check=True)
    words, grown = map(int, done.stdout.split())
    assert abs(words - 8 * 100 * (2**20 // 33)) <= 200  # a word may be cut in two where a block ends without a space
    assert grown < 60_000  # KiB


def test_ids_take_two_bytes_where_that_holds_them_all(tmp_path):
    found = read_ids(write(tmp_path / "a.txt", b"a b\nc\n"), None, True, tmp_path)
    every = np.ones(2, bool)
    assert final_ids(found, every, np.array([0, 1, 65_535], np.int32))[0].dtype == np.uint16
    wide, _ = final_ids(found, every, np.array([0, 1, 65_536], np.int32))
    assert (wide.dtype, wide.tolist()) == (np.int32, [0, 1, 65_536])
    np.testing.assert_array_equal(word_ids.tally(np.array([2, 0, 2], np.uint16), 4), [1, 0, 2, 0])


def test_too_little_text_to_hold_some_out(tmp_path):
    found = read_ids(write(tmp_path / "a.txt", b"one two\none two\nthree\n"), None, True, tmp_path)
    with pytest.raises(DataError, match="has 2 pieces .* expected at least 3 different ones"):
        split_pieces(found, (0.9, 0.05, 0.05), 0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2**63), min_size=6, max_size=60, unique=True), st.integers(0, 2**31 - 1))
def test_equal_pieces_stay_together_and_every_part_has_some(hashes, seed):
    doubled = np.array([*hashes, *hashes], np.uint64)
    found = word_ids.Ids(ids=np.zeros(0, np.int32), ends=np.zeros(0, np.int64), hashes=doubled, words=[], warnings=[])
    part = split_pieces(found, (0.96, 0.02, 0.02), seed)
    np.testing.assert_array_equal(part[: len(hashes)], part[len(hashes) :])
    assert set(part) == {0, 1, 2}


def test_counts_and_final_ids_of_some_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(word_ids, "BLOCK", 3)
    found = read_ids(write(tmp_path / "a.txt", b"a b a\nc\nb b c a\nd d\n"), None, True, tmp_path)
    kept = np.array([True, False, True, True])
    counts = counts_of(found, kept)
    assert dict(zip(found.words, counts.tolist())) == {"a": 3, "b": 3, "c": 1, "d": 2}
    renamed = np.array([{"a": 0, "b": 1}.get(word, -1) for word in found.words], np.int32)
    for path in (None, tmp_path / "ids"):
        ids, ends = final_ids(found, kept, renamed, path)
        assert list(ids) == [0, 1, 0, 1, 1, 0]
        assert list(ends) == [3, 6, 6]


def test_phrases_join_within_a_piece_alone():
    words = ["new", "york", "is", "big", "so", "city"]
    piece = [0, 1, 2, 3] * 5 + [5, 4] * 3
    ids, ends = np.array([*piece, 0, 0, 1], np.int32), np.array([len(piece), len(piece) + 1, len(piece) + 3])
    new, ends_2, words_2 = join_phrases(ids, ends, words, min_count=3, score=1.2)
    joined = words_2.index("new_york")
    assert list(new[:3]) == [joined, *([words_2.index("is_big"), joined] if "is_big" in words_2 else [2, 3])]
    assert ends_2[-1] == len(new)
    assert list(new[ends_2[0] : ends_2[1]]) == [0]  # a piece of its own is joined to nothing
    assert list(new[ends_2[1] :]) == [joined]


def test_benchmarks_are_read_as_published(tmp_path):
    path = write(tmp_path / "s.csv", b"Word 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n")
    assert read_benchmark(path, "similarity").pairs == [("love", "sex", 6.77), ("tiger", "cat", 7.35)]
    assert is_similarity(path)
    path = write(tmp_path / "q.txt", b": capitals\nathens greece oslo norway\na b c d\n")
    assert read_benchmark(path, "analogies").questions({"athens": 0, "greece": 1, "oslo": 2, "norway": 3}.get).tolist() == [[0, 1, 2, 3]]
    assert not is_similarity(path)
    with pytest.raises(DataError, match="expected word, word, score, received"):
        read_benchmark(write(tmp_path / "bad.txt", b"a b 1\na b c\n"), "similarity")
    with pytest.raises(DataError, match="holds no line of four words"):
        read_benchmark(write(tmp_path / "none.txt", b""), "analogies")
