"""Inputs unlike the training data are noted, and those that are like them are not; by summaries that travel in the bundle."""

import msgspec
import numpy as np
import pytest

from applied_dl.io.clock import Clock
from applied_dl.tasks.forecast import predict as forecast
from applied_dl.tasks.forecast.encoder import SeriesEncoder
from applied_dl.tasks.forecast.series import Columns
from applied_dl.tasks.sentences import predict as sentences
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts, load, save, strangeness, train_tokenizer, usual_of
from applied_dl.tasks.words import predict as words
from applied_dl.tasks.words.encoder import WordEncoder

TEXTS = [
    f"the {a} {b} the {c} near the river" for a in ("dog", "cat", "king") for b in ("sees", "finds") for c in ("bird", "child", "house")
]


@pytest.fixture(scope="module", params=["wordpiece", "bpe", "bytes"])
def encoder(request):
    made = SubwordEncoder(length=64)
    if request.param != "bytes":
        made = SubwordEncoder(length=64, tokenizer=train_tokenizer(TEXTS, 300, request.param))
    found = strangeness(made, TEXTS, encode_texts(made, TEXTS))
    return msgspec.structs.replace(made, usual=usual_of(found))


def test_texts_like_the_training_texts_are_not_noted(encoder):
    assert sentences.encode(encoder, TEXTS).warnings == []


@pytest.mark.parametrize("text", ["狗在河边看见一只鸟", "Съешь ещё этих мягких французских булок"])
def test_another_script_is_noted(encoder, text):
    note = sentences.encode(encoder, [TEXTS[0], text]).warnings[-1]
    assert note.startswith("1 of 2 texts are unlike the training texts")
    assert text[:9] in note


def test_the_summary_travels_and_an_encoder_without_one_notes_nothing(encoder, tmp_path):
    save(encoder, tmp_path)
    assert load(tmp_path).usual == pytest.approx(encoder.usual)
    unknown = msgspec.structs.replace(encoder, usual=SubwordEncoder(length=1).usual)
    assert sentences.encode(unknown, ["狗在河边看见一只鸟"]).warnings == []


def test_a_text_whose_words_have_no_vector_is_noted():
    made = WordEncoder(words=["dog", "cat", "river"], arrays={})
    assert words.encode(made, ["dog", "the dog", "dog cat river dog"]).warnings == []
    (note,) = words.encode(made, ["dog", "ein Hund sah dog am Ufer"]).warnings
    assert note.startswith("1 of 2 texts")


def series_encoder(form: str, center, scale) -> SeriesEncoder:
    return SeriesEncoder(
        columns=Columns(layout="wide", targets=("a", "b")), clock=Clock(unit="step", origin="0"), form=form, names=("a", "b"),
        lookback=20, horizon=3, season=1, center=tuple(center), scale=tuple(scale), coverage=0.9, seen=(8.0, 52.0),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["aligned", "panel"])
def test_a_history_far_from_the_training_data_is_noted(form):
    made = series_encoder(form, (10.0, 50.0), (1.0, 2.0))
    near = np.stack([10 + np.sin(np.arange(30)), 50 + np.sin(np.arange(30))], axis=1)
    assert forecast.encode(made, [near]).warnings == []
    (note,) = forecast.encode(made, [near + np.array([0.0, 500.0])]).warnings
    assert ("'b'" if form == "aligned" else "'series 2'") in note


def test_a_history_that_varies_otherwise_is_noted():
    made = series_encoder("aligned", (10.0, 50.0), (1.0, 2.0))
    wild = np.stack([10 + 20 * (-1.0) ** np.arange(30), np.full(30, 50.0)], axis=1)
    (note,) = forecast.encode(made, [wild]).warnings
    assert "varies 20 times as much" in note
