"""The table of English sub-words in the package."""

import numpy as np
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts
from applied_dl.text import subwords


def vectors_of(texts):
    known = subwords.english()
    encoder = SubwordEncoder(length=64, tokenizer=known.tokenizer)
    found = known.vectors[encode_texts(encoder, texts)].sum(1)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_texts_of_the_same_meaning_are_near_without_a_common_word():
    a, b, c, d = vectors_of(["A man is playing a guitar.", "Somebody performs music", "The stock market fell", "Shares lost value"])
    assert a @ b > 0.35 > a @ c
    assert c @ d > 0.35 > b @ d


def test_words_of_every_text_count_little_and_padding_nothing():
    known = subwords.english()
    the, river = (known.vectors[encode_texts(SubwordEncoder(length=4, tokenizer=known.tokenizer), [w])[0, 0]] for w in ("the", "river"))
    assert np.linalg.norm(the) < 0.2 * np.linalg.norm(river)
    assert not known.vectors[0].any()
    assert known.frequencies.sum() == pytest.approx(1, abs=1e-4)
    assert known.frequencies.argmax() in encode_texts(SubwordEncoder(length=4, tokenizer=known.tokenizer), ["the , ."])[0]


def test_what_is_written_is_read_within_the_error_of_8_bits(tmp_path, monkeypatch):
    import hashlib

    words, random = [*subwords.SPECIAL, "a", "##b", "café"], np.random.default_rng(0)
    vectors = random.normal(size=(6, 4)).astype(np.float32) * np.array([[0], [1], [1e-2], [1], [3], [10]])
    path = tmp_path / "table.npz"
    np.savez_compressed(path, **subwords.arrays(words, vectors, np.arange(6)))
    monkeypatch.setattr(subwords, "FILE", path)
    monkeypatch.setattr(subwords, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    found = subwords.english.__wrapped__()
    assert (np.abs(found.vectors - vectors).max(1) <= np.abs(vectors).max(1) / 127).all()
    encoder = SubwordEncoder(length=4, tokenizer=found.tokenizer)
    assert encode_texts(encoder, ["AB a zzz"]).tolist() == [[3, 4, 3, 1]]


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_package_is_reported(tmp_path, monkeypatch, damage):
    path = tmp_path / "table.npz"
    if damage == "changed":
        path.write_bytes(subwords.FILE.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(subwords, "FILE", path)
    with pytest.raises(DataError, match="install applied_dl again"):
        subwords.english.__wrapped__()
