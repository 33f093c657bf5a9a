"""Texts that are damaged, endless, foreign or empty, to word vectors and to a sentence encoder: named, or answered by finite vectors."""

import bz2
import gzip
import io
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import applied_dl
from applied_dl.core.errors import AppliedError, DataError
from applied_dl.predictor import load
from tests.hostile import QUICK, answered, check_answers, check_command, named, names, one_sentence, refused

NOUNS, VERBS, PLACES = ("dog", "cat", "king", "bird", "child", "sailor"), ("sees", "finds", "likes", "hears"), ("river", "house", "forest")


def text(count: int = 600) -> str:
    """Plain sentences, a line each."""
    random = np.random.default_rng(0)
    some = [
        f"the {random.choice(NOUNS)} {random.choice(VERBS)} the {random.choice(NOUNS)} {i % 9} near the {random.choice(PLACES)}"
        for i in range(count)
    ]
    return "\n".join(some) + "\n"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Word vectors without sub-words."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "text.txt").write_text(text())
    data, model = {"source": str(folder / "text.txt")}, {"dimensions": 8}
    return applied_dl.train("words", out=folder / "out", data=data, model=model, train={"epochs": 1}, export=QUICK).bundle


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """A static sentence encoder of 16 columns."""
    folder = tmp_path_factory.mktemp("sentences")
    lines = text().splitlines()
    pl.DataFrame({"a": lines, "b": [" ".join(line.split()[::-1]) for line in lines]}).write_csv(folder / "pairs.csv")
    data, model = {"source": str(folder / "pairs.csv")}, {"name": "static", "dimensions": 16}
    return applied_dl.train("sentences", out=folder / "out", data=data, model=model, train={"epochs": 1}, export=QUICK).bundle


def put(content, name="x.txt"):
    def make(folder):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return [folder / name]

    return make


def typed(*arguments: str):
    return lambda _: list(arguments)


def parquet(frame: pl.DataFrame, cut: int | None = None):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return put(buffer.getvalue()[:cut], "x.parquet")


FILES = [
    answered("UTF-16", put("the dog".encode("utf-16"))),
    refused("an image", put(b"\x89PNG\r\n\x1a\n" + bytes(400)), "is not a text"),
    refused("half a gzip", put(gzip.compress(b"the dog\n" * 999)[:40], "x.txt.gz"), "x.txt.gz"),
    refused("no gzip", put(b"the dog\n", "x.txt.gz"), "x.txt.gz"),
    refused("half a bzip2", put(bz2.compress(b"the dog\n" * 999)[:40], "x.txt.bz2"), "x.txt.bz2"),
    refused("no xz", put(b"the dog\n", "x.txt.xz"), "x.txt.xz"),
    refused("half a Parquet", parquet(pl.DataFrame({"text": ["the dog"] * 99}), 200), "x.parquet"),
    refused("a table of several columns", put("a,b\nthe dog,the cat\n", "x.csv"), "x.csv", "2 columns"),
    refused("no JSON", put('{"text": "the dog"}\n{"text"', "x.jsonl"), "row 2", "JSON"),
    refused("JSON of numbers", put("[1, 2]\n", "x.jsonl"), "x.jsonl", "data.column"),
    refused("an empty file", put(""), "x.txt"),
    refused("white space", put("\n \n\t\n"), "x.txt"),
    refused("a header alone", put("text\n", "x.csv"), "x.csv"),
    answered("latin-1", put("the dog \xe9\n".encode("latin-1"))),
    answered("NUL among words", put("the dog " * 9 + "\0\n")),
    answered("a byte-order mark", put(b"\xef\xbb\xbfthe dog\r\n")),
    answered("no line's end", put("the dog")),
    named("empty lines between", put("\n\nthe dog\n\n\nthe cat\n"), dict.fromkeys((0, 1, 3, 4), "is empty; give a"), count=6),
    answered("a line of 3 MB", put("the dog " * 400_000), warns="not read"),
    answered("a table", put('text\n"the dog\nsees"\n', "x.csv")),
    answered("gzip", put(gzip.compress(b"the dog\n"), "x.txt.gz")),
]
BOTH = [
    named("an empty argument", typed(""), "empty"),
    named("white space typed", typed(" \t "), "empty"),
    named("an empty text among good", typed("the dog", "", "the cat"), {1: "empty"}, count=3),
    answered("capitals", typed("THE DOG")),
    answered("long", typed("the dog " * 10_000)),
    answered("a line's end inside", typed("the\ndog")),
    answered("a form of markup", typed("<b>the dog</b>")),
    answered("a right-to-left mark", typed("\u202ethe dog")),
    answered("marks that combine", typed("the dog" + "\u0301" * 500)),
    answered("a surrogate from a file name", typed("the dog \udcff")),
    answered("emoji beside words", typed("the dog 🐕")),
    answered("SQL", typed("the dog'; DROP TABLE words;--")),
    named("a path that is not there", typed("the/dog/sees.txt"), "there is no file 'the/dog/sees.txt'"),
]
WORDS = [
    named("unknown", typed("xylophone"), "holds no word"),
    named("nearly known", typed("sailer"), "Did you mean 'sailor'"),
    named("emoji alone", typed("🐕"), "holds no word"),
    named("Chinese", typed("狗在河边"), "holds no word"),
    named("punctuation", typed("?!…"), "holds no word"),
    named("a word of 100,000 letters", typed("a" * 100_000), "holds no word"),
    named("a number", typed("123456789"), "holds no word"),
    named("unknown among known", typed("dog", "xylophone", "cat"), {1: "xylophone"}, count=3),
]
SENTENCES = [
    answered("Chinese", typed("狗在河边")),
    answered("punctuation", typed("?!…")),
    answered("one letter", typed("a")),
    answered("a word of 100,000 letters", typed("a" * 100_000)),
]


@pytest.mark.parametrize("case", [*FILES, *BOTH, *WORDS], ids=names([*FILES, *BOTH, *WORDS]))
def test_a_hostile_text_to_word_vectors(case, words, tmp_path, capsys):
    check_command(case, words, tmp_path, capsys)


@pytest.mark.parametrize("case", [*FILES, *BOTH, *SENTENCES], ids=names([*FILES, *BOTH, *SENTENCES]))
def test_a_hostile_text_to_a_sentence_encoder(case, sentences, tmp_path, capsys):
    check_command(case, sentences, tmp_path, capsys)


GIVEN = [
    named("nothing", lambda _: [None, "the dog"], {0: "received NoneType"}, count=2),
    named("a number", lambda _: [7], "received int"),
    named("a list", lambda _: [["the", "dog"]], "received list"),
    answered("bytes", lambda _: [b"the dog"]),
    answered("bytes that are no UTF-8", lambda _: [b"the dog \xff\xfe"]),
    answered("numpy's text", lambda _: [np.str_("the dog")]),
]


@pytest.mark.parametrize("case", GIVEN, ids=names(GIVEN))
@pytest.mark.parametrize("kind", ["words", "sentences"])
def test_a_hostile_object(case, kind, request):
    check_answers(case, load(request.getfixturevalue(kind)).predict(case.make(None)))


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.one_of(st.text(max_size=60), st.binary(max_size=60), st.text("dog \u200d\ud800é", max_size=9)), max_size=6))
def test_any_text_is_named_or_has_a_finite_vector(texts, words, sentences):
    for bundle, width in ((words, 8), (sentences, 16)):
        found = load(bundle).predict(texts)
        assert len(found) == len(texts)
        for answer in found:
            if "error" in answer:
                one_sentence(answer["error"])
            else:
                assert len(answer["vector"]) == width
                assert np.isfinite(answer["vector"]).all()
        json.dumps(found, allow_nan=False).encode()


SOURCES = [
    refused("absent", lambda folder: folder / "gone.txt", "gone.txt"),
    refused("a folder without texts", lambda folder: folder, "holds no text file"),
    refused("an empty file", lambda folder: _put(folder, b""), "x.txt|empty|words|text"),
    refused("an image", lambda folder: _put(folder, b"\x89PNG" + bytes(400)), "is not a text"),
    refused("three words", lambda folder: _put(folder, b"the dog sees\n"), "words|sentences|texts|pairs"),
    refused("punctuation", lambda folder: _put(folder, b"?!.,\n" * 500), "words|sentences|texts|pairs"),
    refused("one word again and again", lambda folder: _put(folder, b"dog\n" * 500), "words|sentences|texts|pairs"),
]


def _put(folder, content: bytes):
    (folder / "x.txt").write_bytes(content)
    return folder / "x.txt"


@pytest.mark.parametrize("case", SOURCES, ids=names(SOURCES))
@pytest.mark.parametrize("task", ["words", "sentences"])
def test_hostile_training_texts_are_refused_before_any_training(case, task, tmp_path):
    (tmp_path / "data").mkdir()
    source = case.make(tmp_path / "data")
    with pytest.raises(AppliedError) as caught:
        applied_dl.train(task, out=tmp_path / "out", data={"source": str(source)}, export=QUICK)
    assert isinstance(caught.value, DataError)
    one_sentence(str(caught.value))
    assert any(word in str(caught.value) for word in case.says[0].split("|"))
    assert not (tmp_path / "out").exists()


def test_a_plot_that_fails_loses_no_training(tmp_path, monkeypatch):
    """Drawing comes after hours of work: its failure is a warning in the bundle."""
    from applied_dl.tasks.words import task

    def torn(*_):
        raise ValueError("the paper tore")

    monkeypatch.setattr(task, "plots", torn)
    (tmp_path / "text.txt").write_text(text())
    done = applied_dl.train(
        "words",
        out=tmp_path / "out",
        data={"source": str(tmp_path / "text.txt")},
        model={"dimensions": 4},
        train={"epochs": 1},
        export=QUICK,
    )
    assert any("the paper tore" in warning for warning in done.manifest.warnings)
    assert load(done.bundle).predict(["dog"])[0]["vector"]
