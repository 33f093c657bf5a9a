"""Texts in, vectors and neighbours out, without TensorFlow; an index on disk."""

import io
import zipfile

import numpy as np
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.sentences.encoder import SubwordEncoder, train_tokenizer
from applied_dl.tasks.sentences.predict import SentenceIndex, encode, expand_inputs, postprocess

TEXTS = ["the cat sat on the mat", "a dog ran over the road", "日本語の文", "שלום עולם", "\U0001f600 smile"]


@pytest.fixture(scope="module")
def encoder():
    return SubwordEncoder(length=8, tokenizer=train_tokenizer(TEXTS * 3, 200))


@pytest.fixture
def index():
    vectors = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    return SentenceIndex(TEXTS, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_texts_keep_their_places_and_bad_ones_are_named(encoder):
    found = encode(encoder, ["the cat", "", b"the \xff dog", 3, " \0\t", "\ud800 cat", "the cat " * 9, "\u200b"])
    assert found.kept == [0, 2, 5, 6]
    assert set(found.errors) == {1, 3, 4, 7}
    assert "input 4 must be a text, received int" in found.errors[3]
    assert "input 2 is empty" in found.errors[1]
    assert found.inputs["ids"].shape == (4, 8)
    assert found.warnings == ["1 of 4 texts reach the model's 8 tokens; the rest is not read"]
    np.testing.assert_array_equal(found.inputs["ids"][0], encode(encoder, ["THE  CAT"]).inputs["ids"][0])


def test_byte_models_take_utf8():
    found = encode(SubwordEncoder(length=6), ["héllo w", "ab"])
    assert found.inputs["bytes"].tolist() == [list("héllo".encode()), [97, 98, 0, 0, 0, 0]]
    empty = encode(SubwordEncoder(length=6), ["!!!", "ab", "      late", "“…”"])
    assert empty.kept == [1]
    assert "'!!!' holds nothing that the model reads; give a text with letters or digits." in empty.errors.values()
    assert set(encode(SubwordEncoder(length=6), ["", " "]).errors) == {0, 1}
    cut = encode(SubwordEncoder(length=2), ["aé"])
    assert cut.inputs["bytes"].tolist() == [[97, 0]]  # never half a character


def test_an_answer_has_its_vector_neighbours_and_label(encoder, index):
    whole = SubwordEncoder(
        length=8, tokenizer=encoder.tokenizer, labels=("no", "yes"), index={"texts": TEXTS, "vectors": index.vectors}
    )  # fmt: skip
    outputs = {"vector": index.vectors[:2], "probabilities": np.array([[0.2, 0.8], [0.6, 0.4]], np.float32)}
    first, second = postprocess(whole, outputs, Encoded(inputs={}, kept=[0, 1]), nearest=2, top=1, vector=True)
    assert (first["label"], second["label"]) == ("yes", "no")
    assert first["top"] == [{"label": "yes", "probability": pytest.approx(0.8)}]
    assert first["nearest"][0] == {"text": TEXTS[0], "similarity": pytest.approx(1, abs=1e-5)}
    assert len(first["nearest"]) == 2
    assert first["vector"] == pytest.approx(index.vectors[0].tolist(), abs=1e-6)
    with pytest.raises(UsageError, match=r"predict\.index was 0"):
        postprocess(encoder, outputs, Encoded(inputs={}, kept=[0, 1]), nearest=2)


def test_nearest_is_the_exact_order(index):
    queries = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)
    scores = queries @ index.vectors.T
    for count in (1, 3, 5, 99):
        for row, found in zip(scores, index.nearest(queries, count)):
            wanted = np.argsort(-row)[: min(count, 5)]
            assert [text for text, _ in found] == [TEXTS[i] for i in wanted]
            assert [s for _, s in found] == pytest.approx(row[wanted].tolist(), rel=1e-5)


def test_an_index_comes_back_from_disk(index, tmp_path):
    index.save(tmp_path / "i.npz")
    found = SentenceIndex.load(tmp_path / "i.npz")
    assert found.texts == TEXTS
    np.testing.assert_array_equal(found.vectors, index.vectors)
    empty = SentenceIndex([], np.zeros((0, 4), np.float32))
    empty.save(tmp_path / "e.npz")
    assert SentenceIndex.load(tmp_path / "e.npz").texts == []
    with pytest.raises(UsageError, match=r"one vector a text, received 1 texts and an array of shape \(2, 3\)"):
        SentenceIndex(["a"], np.zeros((2, 3)))


def damaged(content: bytes, how: str) -> bytes:
    if how == "half":
        return content[: len(content) // 2]
    if how == "no zip":
        return b"PK\x03\x04" + b"\0" * 40
    if how == "empty":
        return b""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if how == "a member is missing":
        del parts["ends.npy"]
    else:
        parts["ends.npy"] = npy(np.array([9, 2, 3, 4, 5], np.int64))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, member in parts.items():
            archive.writestr(name, member)
    return buffer.getvalue()


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("how", ["half", "no zip", "empty", "a member is missing", "ends out of order"])
def test_a_damaged_index_is_one_sentence(index, tmp_path, how):
    index.save(tmp_path / "i.npz")
    (tmp_path / "bad.npz").write_bytes(damaged((tmp_path / "i.npz").read_bytes(), how))
    with pytest.raises(DataError, match="is no sentence index"):
        SentenceIndex.load(tmp_path / "bad.npz")


def test_every_line_of_a_file_has_its_place(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("applied_dl.text.decoding.BLOCK", 64)
    (tmp_path / "a.txt").write_bytes(b"first\n\n" + b"long " * 100 + b"\nlast \xff\n")
    assert expand_inputs([str(tmp_path / "a.txt")]) == ["first", "", ("long " * 100).strip(), "last"]
    assert "1 places in the text are not UTF-8" in capsys.readouterr().err
    (tmp_path / "b.csv").write_text('id,body,text\n1,"one\ntwo",x\n2\n\n3,,y\n')
    assert expand_inputs([str(tmp_path / "b.csv")], "body") == ["one two", "", ""]
    assert expand_inputs([str(tmp_path / "b.csv")]) == ["x", "", "y"]
    (tmp_path / "c.csv").write_text("id,p,q\n1,a,b\n")
    with pytest.raises(DataError, match="3 columns .id, p, q.; name the one that holds the text: data.column"):
        expand_inputs([str(tmp_path / "c.csv")])


@pytest.mark.parametrize("name", ["in/nofile.txt", "none.csv", "/tmp/none/at/all", "./none", "../none", "/none/"])
def test_a_path_of_nothing_is_no_text(encoder, name):
    (item,) = expand_inputs([name])
    found = encode(encoder, [item, "the cat"])
    assert found.kept == [1]
    assert found.errors[0].startswith(f"there is no file '{name.rstrip('/').removeprefix('./')}'")
    assert expand_inputs(["and/or", "he said x.txt is gone", "https://a.org/b.txt", "1.5", "..."]) == [
        "and/or", "he said x.txt is gone", "https://a.org/b.txt", "1.5", "..."
    ]  # fmt: skip


def test_nearest_is_at_least_one(encoder, index):
    whole = SubwordEncoder(length=8, tokenizer=encoder.tokenizer, index={"texts": TEXTS, "vectors": index.vectors})
    for count in (0, -1):
        with pytest.raises(UsageError, match=f"nearest must be at least 1, received {count}"):
            postprocess(whole, {"vector": index.vectors[:1]}, None, nearest=count)


def test_arguments_are_texts_files_or_standard_input(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("one line\n\ntwo lines\n")
    (tmp_path / "b.csv").write_text("id,text\n1,from a table\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\nagain\n"))
    assert expand_inputs(["plain text", str(tmp_path / "a.txt"), str(tmp_path / "b.csv"), "-"]) == [
        "plain text", "one line", "", "two lines", "from a table", "typed", "again"
    ]  # fmt: skip
    assert expand_inputs(["x" * 5000, "nul\0inside"]) == ["x" * 5000, "nul\0inside"]
