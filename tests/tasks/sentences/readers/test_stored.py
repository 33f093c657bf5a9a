"""Labeled texts read in batches: the same split, tokens and targets as in memory, of every kind of file; and what is left out, by name."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences.encoder import padded
from applied_dl.tasks.sentences.readers import large, lines, stored
from applied_dl.tasks.sentences.readers.prepare import prepare_sentences, row_count
from applied_dl.tasks.sentences.readers.stored import once, text_keys
from applied_dl.text import tables
from applied_dl.workflows.recipes import read_recipe

WORDS = ["cat", "dog", "cow", "pig", "hen", "fox", "owl", "bee", "red", "blue", "green", "pink", "grey", "black", "one", "two", "three"]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    batches, header = tables.table_batches, lines.with_header
    monkeypatch.setattr(large, "table_batches", lambda path, known, reading: batches(path, known, reading, 64))
    monkeypatch.setattr(lines, "with_header", lambda path, rows, known: header(path, rows, known, 64))
    monkeypatch.setattr(lines, "ROWS", 64)


def rows_of(count=500, seed=0):
    """Texts with labels, some of which repeat, contradict each other, lack a text or a label, or are spelled in another way."""
    random = np.random.default_rng(seed)
    rows = [(" ".join(random.choice(WORDS, 2 + i % 9)), f"topic{i % 3}") for i in range(count)]
    rows += rows[5:12] + [(text, "topic0") for text, _ in rows[20:23]] + [("", "topic1"), ("cat dog", ""), ("owl owl bee", "Topic1 ")]
    return [rows[i] for i in random.permutation(len(rows))]


def both(path, cache, **sections):
    """The data prepared in memory, and in batches."""
    found = []
    for in_memory in (True, False):
        data = {"source": str(path), "in_memory": in_memory, "sample_rows": 1000, **sections.get("data", {})}
        recipe = read_recipe({"task": "sentences", **sections, "data": data})
        found.append((recipe, prepare_sentences(recipe, cache)))
    return found


def assert_equal(path, cache, **sections):
    (_, whole), (_, batched) = both(path, cache, **sections)
    kept = batched.state.stored
    for name in ("train", "validation", "test"):
        one, other = getattr(whole, name), getattr(batched, name)
        assert np.array_equal(one.inputs["ids"], other.inputs["ids"])
        assert np.array_equal(one.target, other.target)
    assert whole.encoder == batched.encoder
    ids = whole.train.inputs["ids"]
    tokens = np.concatenate([kept.tokens[begin : begin + size] for begin, size in kept.places])
    assert np.array_equal(padded(tokens, kept.places[:, 1], ids.shape[1], whole.encoder.padding), ids)
    assert np.array_equal(kept.target, whole.train.target)
    assert row_count(batched) == len(whole.train) == batched.facts["training_rows"]
    return batched


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".txt", ".csv.gz"])
def test_the_arrays_are_those_of_memory(tmp_path, suffix):
    rows, path = rows_of(), tmp_path / f"a{suffix}"
    frame = pl.DataFrame(rows, schema=["text", "label"], orient="row")
    if suffix == ".csv":
        frame.write_csv(path)
    elif suffix == ".csv.gz":
        import gzip

        path.write_bytes(gzip.compress(frame.write_csv().encode()))
    elif suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps({"n": i, "text": t, "label": label}) + "\n" for i, (t, label) in enumerate(rows)))
    else:
        path.write_text("".join(f"{text}\t{label}\n" for text, label in rows if text and label))
    batched = assert_equal(path, tmp_path)
    assert any("repeated" in note for note in batched.warnings)


def test_lines_of_labels(tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"__label__{label.strip()} {text}\n" for text, label in rows_of() if text and label))
    assert_equal(tmp_path / "a.txt", tmp_path)


@pytest.mark.parametrize("form", ["separator", "lists", "one_hot"])
def test_several_labels_of_a_text(tmp_path, form):
    random = np.random.default_rng(0)
    texts = [text for text, _ in rows_of() if text]
    chosen = [[f"topic{k}" for k in range(3) if random.random() < 0.5] or ["topic0"] for _ in texts]
    path = tmp_path / "a.jsonl"
    if form == "one_hot":
        lines = [{"text": text} | {f"topic{k}": int(f"topic{k}" in row) for k in range(3)} for text, row in zip(texts, chosen)]
    else:
        lines = [{"text": text, "label": row if form == "lists" else "|".join(row)} for text, row in zip(texts, chosen)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    batched = assert_equal(path, tmp_path)
    assert batched.encoder.multi_label
    assert batched.state.stored.target.dtype == np.uint8


def test_markup_groups_and_given_parts(tmp_path):
    rows = [(f"<b>{text}</b>", label, f"user{i % 40}") for i, (text, label) in enumerate(rows_of()) if text and label]
    pl.DataFrame(rows, schema=["text", "label", "user"], orient="row").write_csv(tmp_path / "a.csv")
    assert assert_equal(tmp_path / "a.csv", tmp_path, data={"group": "user"}).encoder.html
    held = tmp_path / "held.csv"
    pl.DataFrame(rows[:50], schema=["text", "label", "user"], orient="row").write_csv(held)
    parts = {"train": str(tmp_path / "a.csv"), "test": str(held)}
    recipe = read_recipe({"task": "sentences", "data": {**parts, "in_memory": False, "sample_rows": 1000}})
    in_memory = read_recipe({"task": "sentences", "data": parts})
    wanted, found = prepare_sentences(in_memory, tmp_path), prepare_sentences(recipe, tmp_path)
    assert np.array_equal(found.state.stored.target, wanted.train.target)
    assert np.array_equal(found.test.inputs["ids"], wanted.test.inputs["ids"])


def test_of_a_longer_file_all_rows_train_that_are_not_held_out(tmp_path):
    rows = [(f"{text} number {i}", label) for i, (text, label) in enumerate(rows_of(9000)) if text and label]
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(tmp_path / "a.csv")
    _, (_, batched) = both(tmp_path / "a.csv", tmp_path)
    known = len(batched.train) + len(batched.validation) + len(batched.test)
    assert 1000 < known <= 2000
    held = {*batched.validation.extra["text"], *batched.test.extra["text"]}
    assert len(batched.state.stored) == len({text for text, _ in rows} - held)


def test_the_arrays_are_found_again(tmp_path, monkeypatch):
    pl.DataFrame(rows_of(), schema=["text", "label"], orient="row").write_csv(tmp_path / "a.csv")
    _, (_, first) = both(tmp_path / "a.csv", tmp_path)
    monkeypatch.setattr(stored, "_encode", lambda *_: pytest.fail("tokenised again"))
    _, (_, second) = both(tmp_path / "a.csv", tmp_path)
    assert first.fingerprint == second.fingerprint


def test_labels_that_the_sample_lacks_are_left_out(tmp_path):
    rows = [(f"{text} {i}", label) for i, (text, label) in enumerate(rows_of(9000)) if text and label]
    rows[7000] = ("a text of its own", "never seen")
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(tmp_path / "a.csv")
    _, (_, batched) = both(tmp_path / "a.csv", tmp_path)
    if "never seen" in batched.encoder.labels:
        pytest.skip("the sample holds the rare label")
    assert "1 row left out: of a label that the sample lacks." in batched.warnings


def test_a_label_a_row_of_texts_that_have_several_is_refused(tmp_path):
    rows = [(f"text number {i // 2}", f"topic{i % 2}") for i in range(400)]
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="all labels of a text in one row"):
        both(tmp_path / "a.csv", tmp_path)


@pytest.mark.parametrize(
    ("name", "sections", "message"),
    [
        ("a.json", {}, r"a file such as 'a\.json' is read whole"),
        ("a.csv", {"model": {"name": "bytes"}}, "has no tokenizer"),
        ("a.csv", {"learn": {"objective": "simcse"}}, "for learn.objective = 'classification' alone"),
        ("a.csv", {"data": {"kind": "pairs"}}, r"data\.kind is 'pairs'"),
        ("a.csv", {"data": {"max_rows": 10}}, r"data\.max_rows = 10 asks for the first ones"),
    ],
)
def test_what_is_read_whole_is_refused(tmp_path, name, sections, message):
    (tmp_path / name).write_text("[]" if name == "a.json" else "text,label\na,b\n")
    data = {"source": str(tmp_path / name), "in_memory": False, **sections.pop("data", {})}
    with pytest.raises(UsageError, match=message):
        prepare_sentences(read_recipe({"task": "sentences", "data": data, **sections}), tmp_path)


def test_pairs_are_not_read_in_batches(tmp_path):
    (tmp_path / "a.csv").write_text("anchor,positive\n" + "".join(f"a text {i},another {i}\n" for i in range(50)))
    with pytest.raises(DataError, match="holds no labelled texts"):
        both(tmp_path / "a.csv", tmp_path)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_each_text_once(rows):
    keys, codes = text_keys([str(text) for text, _ in rows]), np.array([code for _, code in rows], np.int32)
    labels: dict[int, set[int]] = {}
    for text, code in rows:
        labels.setdefault(text, set()).add(code)
    wanted = [i for i, (text, _) in enumerate(rows) if text not in [t for t, _ in rows[:i]] and len(labels[text]) == 1]
    kept, repeated, conflicts = once(keys, codes, "a")
    assert kept.tolist() == wanted
    assert conflicts == sum(len(labels[text]) > 1 for text, _ in rows)
    assert len(kept) + repeated + conflicts == len(rows)
    several = np.eye(3, dtype=np.uint8)[codes]
    kept, _, conflicts = once(keys, several, "a")
    assert len(kept) == len(labels)
    assert not conflicts
    assert [set(np.flatnonzero(several[i])) for i in kept] == [labels[rows[i][0]] for i in kept]
