"""Texts to sub-word ids: known ids, any text at all, and the files of a bundle."""

import json
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.encoder import MOST_BYTES, SubwordEncoder, encode_texts, load, read_tokenizer, save, train_tokenizer

TEXTS = ["the cat sat on the mat", "the dog ran over the road", "Unhappiness is unhappily un-happy"] * 4


@pytest.fixture(scope="module", params=["wordpiece", "bpe"])
def encoder(request):
    return SubwordEncoder(length=12, tokenizer=train_tokenizer(TEXTS, 300, request.param))


def wordpiece(text: str, vocabulary: dict[str, int]) -> list[int]:
    """Greedy longest match (Wu et al., 2016), in plain Python."""
    ids = []
    for word in text.lower().replace("-", " - ").split():
        start, found = 0, []
        while start < len(word):
            stop = len(word)
            while stop > start and ("##" if start else "") + word[start:stop] not in vocabulary:
                stop -= 1
            if stop == start:
                found = [vocabulary["[UNK]"]]
                break
            found.append(vocabulary[("##" if start else "") + word[start:stop]])
            start = stop
        ids += found
    return ids


def test_ids_are_those_of_greedy_matching():
    encoder = SubwordEncoder(length=50, tokenizer=train_tokenizer(TEXTS, 60))
    vocabulary = json.loads(encoder.tokenizer)["model"]["vocab"]
    assert [vocabulary[name] for name in ("[PAD]", "[UNK]", "[MASK]")] == [0, 1, 2]
    assert len(vocabulary) == encoder.vocabulary <= 60
    for text in [*TEXTS[:3], "happy cats, un-happy dogs", "zzz the qqq"]:
        assert encode_texts(encoder, [text])[0].tolist() == wordpiece(text.replace(",", " ,"), vocabulary)


def test_ids_are_padded_and_cut(encoder):
    ids = encode_texts(encoder, ["the cat", "", "the cat sat " * 50])
    assert (ids.dtype, ids.shape) == (np.int32, (3, 12))
    assert (ids[1] == 0).all()
    assert (ids[2] > 0).all()
    np.testing.assert_array_equal(encode_texts(encoder, ["the cat"], 12)[0], ids[0])
    assert encode_texts(encoder, []).shape == (0, 1)
    assert encoder.id("[MASK]") == 2
    assert encoder.id("no such token") is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_any_text_has_ids_and_its_neighbours_do_not_matter(texts):
    encoder = SubwordEncoder(length=16, tokenizer=train_tokenizer(TEXTS, 100))
    together = encode_texts(encoder, texts, 16)
    assert together.max(initial=0) < encoder.vocabulary
    for text, row in zip(texts, together):
        np.testing.assert_array_equal(encode_texts(encoder, [text], 16)[0], row)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.integers(1, 40))
def test_bytes_are_utf8_and_never_half_a_character(text, length):
    (row,) = encode_texts(SubwordEncoder(length=length), [text])
    raw = bytes(row[row > 0].tolist())
    clean = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode().replace("\0", " "))
    assert clean.startswith(raw.decode())  # decodes, and is how the text begins
    assert len(raw) == length or len(raw) > length - 4 or raw.decode() == clean


def test_a_hundred_megabytes_in_one_text_is_cut_first(encoder):
    text = "the cat sat " * (100 * 2**20 // 12)
    np.testing.assert_array_equal(encode_texts(encoder, [text]), encode_texts(encoder, [text[:MOST_BYTES]]))
    np.testing.assert_array_equal(encode_texts(SubwordEncoder(length=9), [text])[0], list(b"the cat s"))
    made = train_tokenizer(["x" * 2**22, *TEXTS], 100)  # one word of four megabytes teaches nothing and costs nothing
    assert SubwordEncoder(length=4, tokenizer=made).vocabulary <= 100


def test_an_encoder_comes_back_from_its_files(encoder, tmp_path):
    whole = SubwordEncoder(
        length=12, tokenizer=encoder.tokenizer, padding=0, special=True, labels=("a", "ü"),
        index={"texts": ["x", "שלום"], "vectors": np.ones((2, 3), np.float32)},
    )  # fmt: skip
    save(whole, tmp_path)
    found = load(tmp_path)
    assert found.index.pop("texts") == whole.index.pop("texts")
    np.testing.assert_array_equal(found.index.pop("vectors"), whole.index.pop("vectors"))
    assert found == whole


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("encoder.json", b""),
        ("encoder.json", b'{"length": "long"}'),
        ("encoder.json", b'{"length": 0, "padding": 0, "special": false, "labels": [], "index": []}'),
        ("encoder.npz", b"PK\x03\x04 no"),
        ("encoder.npz", b""),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"\xff"),
    ],
)
def test_damaged_files_are_one_sentence(encoder, tmp_path, name, content):
    save(SubwordEncoder(length=4, tokenizer=encoder.tokenizer, index={"texts": ["x"], "vectors": np.ones((1, 3))}), tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read|is not a tokenizer\.json"):
        load(tmp_path)


def test_what_is_no_tokenizer_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no tokenizer at"):
        read_tokenizer(tmp_path)
    with pytest.raises(UsageError, match="Did you mean 'wordpiece'"):
        train_tokenizer(TEXTS, 100, "wordpieces")


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_the_same_texts_give_the_same_tokenizer_in_every_process(tmp_path, kind):
    words = ["".join(chr(97 + (7 * i + j * j) % 26) for j in range(3 + i % 5)) for i in range(400)]
    texts = [" ".join(words[i::40]) + " Straße 日本語 café naïve" for i in range(40)]
    (tmp_path / "t.json").write_text(json.dumps(texts))
    program = (
        "import hashlib, json, sys; from applied_dl.tasks.sentences.encoder import train_tokenizer\n"
        "print(hashlib.sha256(train_tokenizer(json.load(open(sys.argv[1])), 300, sys.argv[2]).encode()).hexdigest())"
    )
    run = [sys.executable, "-c", program, str(tmp_path / "t.json"), kind]
    found = {subprocess.run(run, check=True, capture_output=True, text=True).stdout for _ in range(4)}
    assert len(found) == 1


def test_ideographs_and_accents_have_pieces():
    texts = ["日本語 の 文章", "Straße café naïve", "don't stop"] * 5
    encoder = SubwordEncoder(length=20, tokenizer=train_tokenizer(texts, 300))
    for text in texts[:3]:
        assert 1 not in encode_texts(encoder, [text])[0]  # nothing is unknown
    assert [token["content"] for token in json.loads(encoder.tokenizer)["added_tokens"]] == ["[PAD]", "[UNK]", "[MASK]"]
