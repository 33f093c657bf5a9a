"""The text encoders of the page give the ids of the Python encoders and of Hugging Face tokenizers."""

import json
from pathlib import Path

import numpy as np
import pytest

from applied_dl.page.rules import text_rules
from applied_dl.tasks.sentences.encoder import SubwordEncoder, train_tokenizer
from applied_dl.tasks.sentences.page import _unknown_tokenizer
from applied_dl.tasks.sentences.predict import encode as encode_sentences
from applied_dl.tasks.words.encoder import WordEncoder, rows_of
from tests.page import javascript

ODD = json.loads((Path(__file__).parent / "odd_texts.json").read_text(encoding="utf-8"))
CORPUS, TEXTS, WORDS = ODD["corpus"], ODD["texts"], ODD["words"]


def cases() -> list[str]:
    """Odd texts, and mixtures of them with a corpus."""
    random = np.random.default_rng(0)
    parts = [*TEXTS, *CORPUS]
    mixed = [" ".join(parts[i] for i in random.integers(0, len(parts), 3))[:400] for _ in range(120)]
    cut = [text[int(random.integers(0, 5)) : int(random.integers(5, 40))] for text in mixed]
    return [*parts, *mixed, *cut]


@pytest.mark.parametrize("ngrams", [None, (3, 5)])
@pytest.mark.parametrize("lowercase", [True, False])
def test_the_rows_of_words_are_those_of_python(ngrams, lowercase):
    encoder = WordEncoder(words=WORDS, lowercase=lowercase, ngrams=ngrams, buckets=97 if ngrams else 0)
    state = {"words": WORDS, "lowercase": lowercase, "ngrams": ngrams, "buckets": encoder.buckets}
    texts = cases()
    assert len(texts) >= 200
    found = javascript.encode("words", text_rules(markup_too=False), state, texts)
    for text, got in zip(texts, found, strict=True):
        assert got == rows_of(encoder, text), text
    assert sum(map(len, found)) > 500


@pytest.mark.parametrize("html", [True, False])
@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "cased wordpiece", "bytes"])
def test_the_ids_of_sentences_are_those_of_python(kind, html):
    tokenizer = "" if kind == "bytes" else train_tokenizer(CORPUS * 4, 300, kind.split()[-1], lowercase=kind[0] != "c")
    encoder = SubwordEncoder(length=48, tokenizer=tokenizer, html=html)
    state = {"length": 48, "padding": 0, "special": False, "usual": [1, 1e9], "html": html, "tokenizer": json.loads(tokenizer or "null")}
    texts = cases()
    found = javascript.encode("sentences", text_rules(), state, texts)
    for text, got in zip(texts, found, strict=True):
        encoded = encode_sentences(encoder, [text])
        assert (got is None) == (not encoded.kept), text
        if encoded.kept:
            (want,) = encoded.inputs.values()
            assert (got + [0] * want.shape[1])[: want.shape[1]] == want[0].tolist(), text
    assert sum(got is not None for got in found) > 150


def test_a_tokenizer_that_is_not_ported_is_named():
    plain = json.loads(train_tokenizer(CORPUS, 100))
    assert _unknown_tokenizer(plain) == ""
    assert "Unigram" in _unknown_tokenizer({**plain, "model": {"type": "Unigram"}})
    assert "Metaspace" in _unknown_tokenizer({**plain, "pre_tokenizer": {"type": "Metaspace"}})
    assert "Nmt" in _unknown_tokenizer({**plain, "normalizer": {"type": "Nmt"}})
