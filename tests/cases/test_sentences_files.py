"""People's files of texts, one per kind: encodings, JSON, folders, workbooks, documents, groups."""

import itertools
import json

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences import task
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.corpus import lines
from applied_dl.text.inputs import expand_inputs
from applied_dl.workflows import recipes
from tests.cases.sentence_files import PLAIN, SEVERAL, TOPICS, WANTED, csv_of, read, rows_of, texts_of
from tests.cases.test_tabular_sources import workbook

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_usual_encoding_is_read(tmp_path, encoding):
    rows = [[f"café número {i}, señor: übermäßig größer", "ja" if i % 2 else "nein"] for i in range(40)]
    groups = read(tmp_path, csv_of(["text", "label"], rows).encode(encoding))
    assert rows_of(groups) == {(text, (label,)) for text, label in rows}
    notes = [warning for warning in groups.warnings if "is not UTF-8" in warning]
    assert bool(notes) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "gb18030", "cp1253"])
def test_other_scripts_are_read_where_their_encoding_is_known(tmp_path, encoding):
    words = {"cp1251": "Доставка задержалась на неделю, верните деньги", "shift_jis": "荷物がまだ届いていません、返金してください",
             "gb18030": "包裹还没有到请尽快退款谢谢客服", "cp1253": "Το δέμα δεν έφτασε ακόμα, θέλω τα χρήματά μου"}[encoding]  # fmt: skip
    rows = [[f"{words} {i}", "a" if i % 2 else "b"] for i in range(60)]
    groups = read(tmp_path, csv_of(["text", "label"], rows).encode(encoding))
    assert {text for text, _ in rows_of(groups)} == {text for text, _ in rows}


def test_nested_json_by_dotted_names_and_json_lists(tmp_path):
    rows = [
        {"id": i, "data": {"text": text, "meta": {"lang": "en"}}, "annotation": {"label": topics[0]}}
        for i, (text, topics) in enumerate(PLAIN)
    ]
    lines = "\n".join(map(json.dumps, rows))
    assert rows_of(read(tmp_path, lines, "a.jsonl", column="data.text", target="annotation.label")) == WANTED
    assert rows_of(read(tmp_path, lines, "a.ndjson")) == WANTED
    assert rows_of(read(tmp_path, json.dumps(rows), "a.json")) == WANTED
    assert rows_of(read(tmp_path, json.dumps({"version": 1, "items": rows}), "b.json")) == WANTED


def test_parquet_and_excel(tmp_path):
    frame = pl.DataFrame({"body": [text for text, _ in PLAIN], "topic": [topics[0] for _, topics in PLAIN]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert rows_of(read_groups((str(tmp_path / "a.parquet"),), Data())) == WANTED
    lists = pl.DataFrame({"body": [text for text, _ in SEVERAL], "tags": [topics for _, topics in SEVERAL]})
    lists.write_parquet(tmp_path / "b.parquet")
    assert read_groups((str(tmp_path / "b.parquet"),), Data()).several
    pytest.importorskip("xlsxwriter")
    pytest.importorskip("fastexcel")
    frame.write_excel(tmp_path / "a.xlsx")
    assert rows_of(read_groups((str(tmp_path / "a.xlsx"),), Data())) == WANTED


def test_a_folder_per_class(tmp_path):
    for i, (text, topics) in enumerate(PLAIN):
        path = tmp_path / "data" / topics[0] / f"{i}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\nsecond line\n")
    groups = read_groups((str(tmp_path / "data"),), Data())
    assert rows_of(groups) == {(f"{text} second line", tuple(topics)) for text, topics in PLAIN}
    assert any("each folder was read as a class" in warning for warning in groups.warnings)
    assert rows_of(read_groups((str(tmp_path),), Data())) == rows_of(groups)  # a folder around it
    assert len(expand_inputs([f"{tmp_path / 'data' / 'login'}/"], "file")) == sum(topics == ["login"] for _, topics in PLAIN)


def test_train_and_test_folders_are_parts(tmp_path):
    for part, seed in (("train", 1), ("test", 2)):
        for i, (text, topics) in enumerate(texts_of(40, seed)):
            path = tmp_path / "set" / part / topics[0] / f"{i}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    recipe = recipes.read_recipe({"task": "sentences", "data": {"source": str(tmp_path / "set")}})
    prepared = task.prepare(recipe, None)
    assert len(prepared.test) == 40
    assert len(prepared.train) + len(prepared.validation) == 40


def test_fasttext_lines_and_tabs_in_a_text_file(tmp_path):
    tagged = "\n".join(" ".join([*(f"__label__{topic}" for topic in topics), text]) for text, topics in texts_of(40, several=True))
    groups = read(tmp_path, tagged, "train.txt")
    assert groups.several
    assert rows_of(groups) == {(text, tuple(sorted(topics))) for text, topics in texts_of(40, several=True)}
    broken = "\n".join(
        f"__label__{topics[0]} {text}" + ("\nand its second line" if i == 55 else "") for i, (text, topics) in enumerate(PLAIN)
    )
    groups = read(tmp_path, broken, "cut.train")
    assert rows_of(groups) == WANTED
    assert any("1 row dropped: without enough text or without a label" in warning for warning in groups.warnings)
    tabs = "\n".join(f"{topics[0]}\t{text}" for text, topics in PLAIN)
    assert rows_of(read(tmp_path, tabs, "SMSCollection")) == WANTED


def test_html_is_removed_in_training_and_prediction(tmp_path):
    rows = [[f"<p>{text.replace('. ', '.<br />')}</p> R&amp;D &lt;b&gt;bold&lt;/b&gt; 3 < 5", topics[0]] for text, topics in PLAIN]
    groups = read(tmp_path, csv_of(["text", "label"], rows))
    assert groups.html
    assert not any("br" in text.split() or "amp" in text or "<b>" in text for text in groups.texts)
    assert all(text.endswith("R&D bold 3 < 5") for text in groups.texts)
    assert any("HTML tags and entities were removed" in warning for warning in groups.warnings)
    recipe = recipes.read_recipe({"task": "sentences", "data": {"source": str(tmp_path / "a.csv")}})
    encoder = task.prepare(recipe, None).encoder
    from applied_dl.tasks.sentences.predict import encode

    np.testing.assert_array_equal(
        encode(encoder, ["<b>refund</b> please&nbsp;"]).inputs["ids"], encode(encoder, ["refund please"]).inputs["ids"]
    )
    code = read(tmp_path, csv_of(["text", "label"], [[f"List<String> x{i} = a < b && c", "ab"[i % 2] * 2] for i in range(40)]), "c.csv")
    assert not code.html


def test_whole_documents_are_read(tmp_path):
    filler = " ".join(["the customer wrote a long letter about nothing in particular"] * 40)
    rows = [[f"{filler} {number} {text}", topics[0]] for number, (text, topics) in enumerate(PLAIN)]
    (tmp_path / "a.csv").write_text(csv_of(["body", "category"], rows))
    data = {"source": str(tmp_path / "a.csv")}
    prepared = task.prepare(recipes.read_recipe({"task": "sentences", "data": data}), None)
    ids = prepared.train.inputs["ids"]
    assert (ids != 0).sum(1).min() > 400
    assert prepared.encoder.length == 8192
    assert not any("not read" in warning for warning in prepared.warnings)
    small = {"task": "sentences", "data": data, "model": {"name": "transformer", "width": 32, "heads": 2}}
    cut = task.prepare(recipes.read_recipe(small), None)
    assert any("are longer than 128 tokens" in w and "model.name = 'static' reads whole texts" in w for w in cut.warnings)


def test_texts_of_a_group_stay_in_one_part(tmp_path):
    rows = [[text, topics[0], f"user {i % 12}"] for i, (text, topics) in enumerate(texts_of(120))]
    (tmp_path / "a.csv").write_text(csv_of(["text", "label", "user"], rows))
    users = {text: user for text, _, user in rows}
    data = {"source": str(tmp_path / "a.csv")}
    parts = task.prepare(recipes.read_recipe({"task": "sentences", "data": {**data, "group": "user"}}), None)
    sides = [{users[text] for text in part.extra["text"]} for part in (parts.train, parts.validation, parts.test)]
    assert [len(a & b) for a, b in itertools.combinations(sides, 2)] == [0, 0, 0]
    ungrouped = task.prepare(recipes.read_recipe({"task": "sentences", "data": data}), None)
    assert any("data.group = 'user' keeps the texts of each in one part" in warning for warning in ungrouped.warnings)


def test_pairs_with_a_column_that_says_which_belong_together(tmp_path):
    rows = [[f"first text {i}", f"second text {i}", i % 2] for i in range(40)]
    groups = read(tmp_path, csv_of(["question1", "question2", "is_duplicate"], rows))
    assert len(groups) == 20
    named = [[a, b, "entailment" if k else "contradiction"] for a, b, k in rows]
    assert len(read(tmp_path, csv_of(["premise", "hypothesis", "label"], named))) == 20


def test_a_table_starts_from_word_vectors(tmp_path):
    from applied_dl.text.vector_files import write_word2vec

    names = sorted({word.lower() for words in TOPICS.values() for text in words for word in text.split()})
    vectors = np.random.default_rng(0).normal(size=(len(names) + 1, 8)).astype(np.float32)
    write_word2vec(tmp_path / "glove.txt", [*names, "unseen"], vectors, binary=False)
    (tmp_path / "a.csv").write_text(csv_of(["text", "label"], [[text, topics[0]] for text, topics in PLAIN]))
    raw = {
        "task": "sentences",
        "data": {"source": str(tmp_path / "a.csv")},
        "learn": {"init": str(tmp_path / "glove.txt")},
        "train": {"epochs": 1},
    }
    recipe = recipes.read_recipe(raw)
    prepared = task.prepare(recipe, None)
    recipe = task.resolve_defaults(recipe, prepared)
    assert recipe.model.dimensions == 8
    from applied_dl.tasks.sentences.encoder import vocabulary_of
    from applied_dl.tasks.sentences.fit.embedding_init import initialize_from_file

    model = task.build(recipe, prepared)
    initialize_from_file(model, prepared.train.inputs["ids"], prepared.encoder, str(tmp_path / "glove.txt"))
    table, tokens = model.get_layer("table").embeddings.numpy(), vocabulary_of(prepared.encoder)
    for word in ("refund", "unseen"):  # a word that training lacks has its vector too
        row = table[tokens.index(word)]
        wanted = vectors[[*names, "unseen"].index(word)]
        assert row @ wanted / np.linalg.norm(row) / np.linalg.norm(wanted) > 0.9999


def test_a_corpus_with_a_column_of_its_sources_stays_running_text(tmp_path):
    line = "The first sentence of it stands here. The second one follows it at once."
    rows = [[i, f"{line} Number {i} is written here too.", ["web", "book"][i % 2]] for i in range(40)]
    assert read(tmp_path, csv_of(["id", "text", "source"], rows)).kind == "text"


def test_json_documents_of_pandas_and_others(tmp_path):
    index = {str(i): row for i, row in enumerate(PLAIN)}
    shapes = [
        {"text": {i: text for i, (text, _) in index.items()}, "label": {i: topics[0] for i, (_, topics) in index.items()}},
        {i: {"text": text, "label": topics[0]} for i, (text, topics) in index.items()},
        {"text": [text for text, _ in PLAIN], "label": [topics[0] for _, topics in PLAIN]},
        {"columns": ["text", "label"], "index": list(range(60)), "data": [[text, topics[0]] for text, topics in PLAIN]},
        {"tags": ["x"], "rows": [{"text": text, "label": topics[0]} for text, topics in PLAIN]},
        {
            "intents": [
                {"tag": t, "patterns": [text for text, topics in PLAIN if topics == [t]], "responses": ["OK.", "Yes."]} for t in TOPICS
            ]
        },
        {topic: [text for text, topics in PLAIN if topics == [topic]] for topic in TOPICS},
    ]
    for shape in shapes:
        assert rows_of(read(tmp_path, json.dumps(shape), "a.json")) == WANTED


def test_sheets_of_a_workbook(tmp_path):
    pytest.importorskip("fastexcel")
    rows = [["Nr", "Kommentar", "Kategorie"], *[[i, text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]]
    notes = {"README": [["Exported by the help desk"]], "Data": [["Feedback of the third quarter"], [None], *rows]}
    assert rows_of(read_groups((str(workbook(tmp_path / "a.xlsx", notes)),), Data())) == WANTED
    several = workbook(tmp_path / "b.xlsx", {"May": rows, "June": rows[:30]})
    with pytest.raises(DataError, match=r"several sheets: 'May', 'June'; name one in data\.sheet"):
        read_groups((str(several),), Data())
    assert rows_of(read_groups((str(several),), Data(sheet="May"))) == WANTED
    texts = workbook(tmp_path / "c.xlsx", {"May": [["text"], *[[text] for text, _ in PLAIN]], "June": [["text"], ["other"] * 1, ["more"]]})
    assert list(lines(texts, sheet="May")) == [text for text, _ in PLAIN]


def test_lists_of_text_and_label_in_json(tmp_path):
    rows = [[text, topics[0]] for text, topics in PLAIN]
    assert rows_of(read(tmp_path, json.dumps(rows), "a.json")) == WANTED
    assert rows_of(read(tmp_path, "\n".join(map(json.dumps, rows)), "a.jsonl")) == WANTED
    groups = read(tmp_path, json.dumps({"train": rows[:40], "val": rows[40:50], "test": rows[50:]}), "b.json")
    assert rows_of(groups) == WANTED
    assert [groups.parts.count(part) for part in ("train", "validation", "test")] == [40, 10, 10]
