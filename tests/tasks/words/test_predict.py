"""Vectors by name, neighbours, analogies, and the files of other programs."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.words.encoder import WordEncoder
from applied_dl.tasks.words.predict import encode, postprocess
from applied_dl.tasks.words.vectors import WordVectors


@pytest.fixture
def table():
    words = ["king", "queen", "man", "woman", "日本", "é"]
    vectors = np.array([[1, 1, 0], [1, -1, 0], [0, 1, 0.1], [0, -1, 0.1], [0, 0, 1], [-1, 0, 0]], np.float32)
    return WordVectors(words, vectors + np.float32(1 / 3) * 1e-3)


def test_neighbours_analogies_and_similarity(table):
    assert table.analogy("man", "king", "woman")[0][0] == "queen"
    assert table.most_similar("king", count=2)[0][0] == "man"
    assert [w for w, _ in table.most_similar("king", count=99)] != []
    assert len(table.most_similar("king", count=99)) == 5
    assert table.most_similar("king", restrict=2) == [("queen", pytest.approx(table.similarity("king", "queen")))]
    brute = table.units @ table.units.T
    for i, row in enumerate(table.nearest(table.vectors, 6)):
        assert [s for _, s in row] == pytest.approx(sorted(brute[i], reverse=True), abs=1e-6)
    with pytest.raises(DataError, match="'kin' has no vector. Did you mean 'king'"):
        table["kin"]
    with pytest.raises(UsageError, match="at least one word"):
        table.most_similar()
    with pytest.raises(UsageError, match="one row per word"):
        WordVectors(["a"], np.zeros((2, 3)))


@pytest.mark.parametrize("name", ["v.npz", "v.bin", "v.txt", "v.vec"])
def test_files_come_back_bit_for_bit(table, tmp_path, name):
    table.save(tmp_path / name)
    found = WordVectors.load(tmp_path / name)
    assert found.words == table.words
    np.testing.assert_array_equal(found.vectors, table.vectors)
    assert WordVectors.load(tmp_path / name, limit=2).words == ["king", "queen"]
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="holds no word vectors"):
        WordVectors.load(tmp_path / name)


def test_an_unknown_word_may_have_a_vector_by_other_means(table):
    king = table["king"]
    found = WordVectors(table.words, table.vectors, lambda word: 2 * king if word == "kinglyish" else None)
    np.testing.assert_array_equal(found["kinglyish"], 2 * king)
    assert found.similarity("kinglyish", "king") == pytest.approx(1)
    assert found.most_similar("kinglyish", count=1) == [("king", pytest.approx(1))]
    with pytest.raises(DataError, match="'zzz' has no vector"):
        found["zzz"]
    with pytest.raises(DataError, match="'kinglyish' has no vector"):
        table["kinglyish"]


def test_other_endings_and_words_with_spaces_are_refused(table, tmp_path):
    with pytest.raises(UsageError, match=r"\.npz, \.bin, \.txt, \.vec"):
        table.save(tmp_path / "v.pkl")
    with pytest.raises(UsageError, match="separates words by spaces"):
        WordVectors(["a b"], np.zeros((1, 2))).save(tmp_path / "v.txt")
    (tmp_path / "v.txt").write_text("a 1 2\nb 1\n")
    with pytest.raises(DataError, match="line 2 has 1 numbers"):
        WordVectors.load(tmp_path / "v.txt")
    (tmp_path / "glove.txt").write_text("a 1 2\nb 3 4\n")  # without its head line
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "glove.txt").vectors, [[1, 2], [3, 4]])


GENSIM = """
import json, sys
import numpy as np
from gensim.models import KeyedVectors
for name, binary in (("v.bin", True), ("v.txt", False)):
    found = KeyedVectors.load_word2vec_format(f"{sys.argv[1]}/{name}", binary=binary)
    found.save_word2vec_format(f"{sys.argv[1]}/g{name}", binary=binary)
    np.save(f"{sys.argv[1]}/{name}.npy", found.vectors)
    print(json.dumps([found.index_to_key, found.most_similar("king", topn=5)]))
"""


def test_gensim_reads_ours_and_we_read_gensims(table, tmp_path):
    python = Path(__file__).resolve().parents[3] / ".peers" / "gensim" / "bin" / "python"
    if not python.exists():
        pytest.skip("gensim is installed for the benchmarks only, in an environment of its own that benchmarks/words/gensim.py makes")
    for name in ("v.bin", "v.txt"):
        table.save(tmp_path / name)
    done = subprocess.run([str(python), "-c", GENSIM, str(tmp_path)], capture_output=True, text=True, check=True)
    for name, line in zip(("v.bin", "v.txt"), done.stdout.splitlines(), strict=True):
        words, nearest = json.loads(line)
        assert words == table.words
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), table.vectors)
        np.testing.assert_array_equal(WordVectors.load(tmp_path / f"g{name}").vectors, table.vectors)
        assert WordVectors.load(tmp_path / f"g{name}").words == table.words
        ours = table.most_similar("king", count=5)
        assert [word for word, _ in nearest] == [word for word, _ in ours]
        assert [cosine for _, cosine in nearest] == pytest.approx([cosine for _, cosine in ours], abs=1e-6)


def test_inputs_keep_their_places():
    encoder = WordEncoder(words=["the", "cat"])
    found = encode(encoder, ["cat", "", b"the cat", 3, "zzz", "\ud800"])
    assert found.kept == [0, 2]
    assert found.inputs["ids"].tolist() == [[2, 0], [1, 2]]
    assert set(found.errors) == {1, 3, 4, 5}
    assert "received int" in found.errors[3]


def test_a_huge_text_is_read_from_its_beginning():
    found = encode(WordEncoder(words=["the", "cat"]), ["the cat " * 10**5, "the"])
    assert found.inputs["ids"].shape == (2, 4096)
    assert found.warnings == ["1 of 2 texts are longer than 4,096 words; the rest is not read"]


def test_nearest_leaves_the_asked_word_out(table):
    encoder = WordEncoder(words=table.words, arrays={"vectors": table.vectors})
    asked = Encoded(inputs={"ids": np.array([[1]], np.int32)}, kept=[0])
    (found,) = postprocess(encoder, {"vector": table.vectors[:1]}, asked, nearest=2)
    assert [n["word"] for n in found["nearest"]] == [w for w, _ in table.most_similar("king", count=2)]
    with pytest.raises(UsageError, match="at least 1"):
        postprocess(encoder, {"vector": table.vectors[:1]}, asked, nearest=0)
