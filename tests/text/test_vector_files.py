"""Files of word vectors that are not what they say they are."""

import struct

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.words.vectors import WordVectors

ROW = struct.pack("<2f", 1, 2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"3 2\na 1 2\nb 3 4\n", "says 3 words, but it holds 2"),
        ("a.txt", b"a 1 2\nb 1\n", "line 2 has 1 numbers after its word, expected 2"),
        ("a.txt", b"a\nb\n", "line 1 has 0 numbers after its word, expected 1"),
        ("a.txt", b"a 1 nan\n", "the vector of 'a' holds NaN or infinity"),
        ("a.txt", b"a 1 2\nb 1 x\n", "line 2 does not end in 2 numbers: 'b 1 x'"),
        ("a.vec", b"2 0\na\nb\n", "line 2 has 0 numbers"),
        ("a.txt", b"", "it is empty"),
        ("a.txt", b"1 2\n", "it is empty"),
        ("a.bin", b"99999999999999 300\n" + ROW, "99,999,999,999,999 words of 300 numbers, but it has only 8 bytes: it is cut short"),
        ("a.bin", b"2 2\na " + ROW + b"b " + ROW[:3], "it is cut short"),
        ("a.bin", b"1 2\na " + ROW + b"b " + ROW, "there is more after them"),
        ("a.bin", b"-1 2\n" + ROW, "does not begin with a line of two numbers"),
        ("a.bin", b"1 0\na \n", "does not begin with a line of two numbers"),
        ("a.bin", b"\x00" * 500, "does not begin with a line of two numbers"),
        ("a.bin", b"1 2\na " + struct.pack("<2f", 1, np.inf), "NaN or infinity"),
        ("a.npz", b"PK\x03\x04 no", "holds no word vectors"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        WordVectors.load(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [b"2 2\na 1 2\nb c 3 4\n", b"\xef\xbb\xbfa 1 2\r\nb c 3 4\r\n", b"a\t1\t2\nb c\t3\t4\n", b"\xef\xbb\xbf2 2\na 1 2 \nb c 3 4\n\n"],
)
def test_what_others_write_is_read(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    found = WordVectors.load(tmp_path / "a.txt")
    assert found.words == ["a", "b c"]
    np.testing.assert_array_equal(found.vectors, [[1, 2], [3, 4]])
    assert WordVectors.load(tmp_path / "a.txt", limit=1).words == ["a"]


def test_word2vecs_own_binary_has_line_breaks_between(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"2 2\na " + ROW + b"\nb " + ROW + b"\n")
    assert WordVectors.load(tmp_path / "a.bin").words == ["a", "b"]
