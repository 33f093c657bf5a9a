"""People's files of texts, one per kind: what is read of each, and the right answer for what the product once got wrong."""

import csv
import io
import itertools
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences import task
from applied_dl.tasks.sentences.readers.labels import merge_spellings, read_labels
from applied_dl.tasks.sentences.readers.read import read_groups
from applied_dl.tasks.sentences.recipe import Data
from applied_dl.text.corpus import lines
from applied_dl.text.delimited import separator_of
from applied_dl.text.inputs import expand_inputs
from applied_dl.text.tables import read_table
from applied_dl.workflows import recipes
from tests.cases.test_tabular_sources import workbook

TOPICS = {
    "billing": ["refund", "invoice", "charged twice", "card declined"],
    "login": ["password", "locked out", "sign in", "two factor"],
    "shipping": ["parcel", "courier", "tracking", "delivery late"],
}
FILLER = ["Hello team", "please help", "since yesterday", "on my phone", "this is urgent", "thank you", "as discussed"]


def texts_of(count: int, seed: int = 0, several: bool = False) -> list[tuple[str, list[str]]]:
    """Texts with filler around the words of their topics, and the topics."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        topics = [str(t) for t in random.choice(list(TOPICS), random.integers(1, 3) if several else 1, replace=False)]
        words = [str(random.choice(FILLER)), *(str(random.choice(TOPICS[t])) for t in topics), str(random.choice(FILLER)), f"case {number}"]
        found.append((". ".join(words), topics))
    return found


def csv_of(header: list[str] | None, rows: list[list], delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerows([header, *rows] if header else rows)
    return stream.getvalue()


def read(tmp_path, content, name="a.csv", **data):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_groups((str(path),), Data(**data))


def rows_of(groups) -> set[tuple[str, tuple[str, ...]]]:
    return {(groups.texts[place], tuple(sorted(labels))) for place, labels in zip(groups.rows[:, 0], groups.labels)}


PLAIN = texts_of(60)
WANTED = {(text, tuple(topics)) for text, topics in PLAIN}
LABEL_NAMES = ["label", "Category", "class", "target", "tag", "sentiment", "intent", "topic", "y", "Genre", "airline_sentiment",
               "newsCategory", "Product category", "coarse_label", "emotion", "kategorie", "категория", "标签"]  # fmt: skip
TEXT_NAMES = ["text", "review", "Body", "message", "content", "tweet_text", "reviewText", "Comment", "utterance", "query", "description",
              "consumer_complaint_narrative", "sentence", "Review Text", "texto", "kommentar", "текст", "评论"]  # fmt: skip


@pytest.mark.parametrize("label", LABEL_NAMES)
def test_a_label_column_under_any_usual_name(tmp_path, label):
    rows = [[i, text, f"2024-01-{i % 28 + 1:02d}", topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(["id", "text", "date", label], rows))
    assert rows_of(groups) == WANTED
    assert any(f"labels from {label!r}" in warning for warning in groups.warnings) == (label != "label")


@pytest.mark.parametrize("name", TEXT_NAMES)
def test_a_text_column_under_any_usual_name(tmp_path, name):
    rows = [[topics[0], f"u{i % 40}", text, i] for i, (text, topics) in enumerate(PLAIN)]
    assert rows_of(read(tmp_path, csv_of(["category", "user_name", name, "likes"], rows))) == WANTED


def test_columns_of_unusual_names_are_seen_from_their_cells_or_asked_for(tmp_path):
    rows = [[i, text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    assert rows_of(read(tmp_path, csv_of(["nr", "was_er_schrieb", "wohin"], rows))) == WANTED
    twice = [[text, topics[0], "web" if i % 2 else "phone"] for i, (text, topics) in enumerate(PLAIN)]
    with pytest.raises(DataError, match=r"several columns may hold the labels \('wohin', 'channel'\); name one with data.target"):
        read(tmp_path, csv_of(["was_er_schrieb", "wohin", "channel"], twice))
    assert rows_of(read(tmp_path, csv_of(["was_er_schrieb", "wohin", "channel"], twice), target="wohin")) == WANTED


def test_a_title_and_a_body_are_one_text(tmp_path):
    rows = [[f"Ticket number {i} here", text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(["title", "body", "category"], rows))
    assert rows_of(groups) == {(f"Ticket number {i} here {text}", tuple(topics)) for i, (text, topics) in enumerate(PLAIN)}
    assert groups.columns == {"text": ("title", "body"), "labels": ("category",)}
    assert rows_of(read(tmp_path, csv_of(["title", "body", "category"], rows), column="body")) == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [["message", "category"], None])
def test_any_separator_with_and_without_a_header(tmp_path, delimiter, header):
    rows = [[text, topics[0]] for text, topics in PLAIN]
    assert rows_of(read(tmp_path, csv_of(header, rows, delimiter))) == WANTED


def test_headerless_class_title_and_description(tmp_path):
    rows = [[list(TOPICS).index(topics[0]) + 1, f"News item of number {i}", text] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(None, rows))
    assert {labels for _, labels in rows_of(groups)} == {("1",), ("2",), ("3",)}
    assert all(text.startswith("News item") and "case" in text for text, _ in rows_of(groups))


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


def test_quotes_and_line_breaks_inside_texts(tmp_path):
    rows = [[f'She said "no",\nthen left; case {i}', "a" if i % 2 else "b"] for i in range(20)]
    assert {text for text, _ in rows_of(read(tmp_path, csv_of(["text", "label"], rows)))} == {" ".join(text.split()) for text, _ in rows}


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


SEVERAL = texts_of(90, several=True)
LISTED = {
    "slash": "/".join, "plus": " + ".join, "pipe": "|".join, "semicolon": "; ".join, "comma": ", ".join, "hash": "#".join,
    "json": json.dumps, "python": repr, "hashtags": lambda tags: " ".join(f"#{tag}" for tag in tags),
    "r": lambda tags: f"[{', '.join(tags)}]", "numpy": lambda tags: "[" + " ".join(map(repr, tags)) + "]",
}  # fmt: skip


@pytest.mark.parametrize("form", LISTED)
def test_label_lists_by_a_separator_that_is_seen(tmp_path, form):
    groups = read(tmp_path, csv_of(["text", "tags"], [[text, LISTED[form](topics)] for text, topics in SEVERAL]))
    assert groups.several
    assert rows_of(groups) == {(text, tuple(sorted(topics))) for text, topics in SEVERAL}


def test_labels_in_any_order_between_blanks_are_several():
    names = ("login", "refund", "vip")
    found = read_labels([" ".join(names[(i + k) % 3] for k in (0, 1 + i % 2)) for i in range(60)], None, "column")
    assert found.several
    assert {label for row in found.rows for label in row} == set(names)
    assert not read_labels(["C#", "F#", "very good", "good", "not good"] * 9, None, "column").several


def test_label_lists_by_a_separator_that_is_named(tmp_path):
    rows = [[text, " / ".join(topics)] for text, topics in SEVERAL]
    assert rows_of(read(tmp_path, csv_of(["text", "tags"], rows), label_separator="/")) == {(t, tuple(sorted(l))) for t, l in SEVERAL}
    spaced = [[text, " ".join(topics)] for text, topics in SEVERAL]
    assert read(tmp_path, csv_of(["text", "tags"], spaced), label_separator="space").several
    piped = [[text, "|".join(topics)] for text, topics in SEVERAL]
    assert not read(tmp_path, csv_of(["text", "tags"], piped), label_separator="none").several
    with pytest.raises(DataError, match="no cell holds the separator ';' of data.label_separator"):
        read(tmp_path, csv_of(["text", "tags"], piped), label_separator=";")


@pytest.mark.parametrize("marks", [("1", "0"), ("True", "False"), ("1.0", "0.0"), ("yes", "no"), ("1", ""), ("x", "")])
def test_one_hot_columns(tmp_path, marks):
    yes, no = marks
    rows = [[i, text, *(yes if topic in topics else no for topic in TOPICS)] for i, (text, topics) in enumerate(SEVERAL)]
    groups = read(tmp_path, csv_of(["id", "comment_text", *TOPICS], rows))
    assert rows_of(groups) == {(text, tuple(sorted(topics))) for text, topics in SEVERAL}
    named = read(tmp_path, csv_of(["id", "comment_text", *TOPICS], rows), target=("billing", "login"))
    assert {label for _, labels in rows_of(named) for label in labels} == {"billing", "login"}
    exclusive = [[text, *(yes if topic in topics else no for topic in TOPICS)] for text, topics in PLAIN]
    single = read(tmp_path, csv_of(["text", *TOPICS], exclusive))
    assert not single.several
    assert rows_of(single) == WANTED


def test_one_row_per_label(tmp_path):
    rows = [[text, topic] for text, topics in SEVERAL for topic in topics]
    groups = read(tmp_path, csv_of(["text", "tag"], rows))
    assert groups.several
    assert rows_of(groups) == {(text, tuple(sorted(topics))) for text, topics in SEVERAL}


@pytest.mark.parametrize(
    "names",
    [["very positive", "positive", "negative", "very negative"], ["Research, Development", "Sales, Marketing", "Human Resources"],
     ["Sci/Tech", "World", "Sports"], ["us/politics", "uk/politics", "us/sports", "uk/sports"], ["A+", "A", "B+", "B"],
     ["Food & Drink", "Home & Garden", "Home", "Arts & Food"],
     ["New York, NY", "Boston, MA", "Austin, TX"], ["rec.autos", "sci.med", "talk.politics"]],
)  # fmt: skip
def test_names_with_separators_inside_stay_whole(names):
    found = read_labels([names[i % len(names)] for i in range(60)], None, "column")
    assert not found.several
    assert set(found.rows) == {(name,) for name in names}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["alpha", "beta", "gamma ray", "delta", "omega-3"]), min_size=2, max_size=5, unique=True),
    st.sampled_from(["|", ";", ","]),
    st.integers(0, 2**16),
)
def test_lists_of_any_labels_come_back(names, mark, seed):
    random = np.random.default_rng(seed)
    rows = [tuple(random.permutation(names)[: random.integers(1, len(names) + 1)].tolist()) for _ in range(80)]
    found = read_labels([mark.join(row) for row in rows], None, "column")
    assert found.rows == rows


def test_spellings_of_one_label_are_merged_and_reported(tmp_path):
    spellings = ["spam", "Spam", "spam ", "SPAM.", "ham", "Ham"]
    rows = [[f"text of number {i}", spellings[0] if i % 4 else spellings[i // 4 % 6]] for i in range(100)]
    groups = read(tmp_path, csv_of(["text", "label"], rows))
    assert {labels for _, labels in rows_of(groups)} == {("spam",), ("ham",)} or {l for _, l in rows_of(groups)} == {("spam",), ("Ham",)}
    assert any("differ only in case, blanks or a trailing dot were merged" in warning for warning in groups.warnings)
    assert merge_spellings([("A",), ("a",)]) == ([("A",), ("a",)], [])


def test_labels_of_the_test_file_are_matched_or_refused(tmp_path):
    (tmp_path / "train.csv").write_text(csv_of(["text", "label"], [[text, topics[0]] for text, topics in PLAIN]))
    (tmp_path / "test.csv").write_text(csv_of(["text", "label"], [[f"x {text}", f" {topics[0].title()}."] for text, topics in PLAIN]))
    (tmp_path / "other.csv").write_text(csv_of(["text", "label"], [[f"y {text}", "refunds"] for text, topics in PLAIN]))
    recipe = recipes.read_recipe({"task": "sentences", "data": {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}})
    prepared = task.prepare(recipe, None)
    assert len(prepared.test) == len(PLAIN)
    assert set(prepared.encoder.labels) == set(TOPICS)
    assert any("labels were read in the spelling of training" in w and "as 'billing'" in w for w in prepared.warnings)
    recipe = recipes.read_recipe({"task": "sentences", "data": {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "other.csv")}})
    with pytest.raises(DataError, match="data.test has 1 labels that training lacks: 'refunds'"):
        task.prepare(recipe, None)


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


def test_what_is_no_class_is_refused_with_what_to_do(tmp_path):
    rows = [[text, f"{i * 1.37:.2f}"] for i, (text, _) in enumerate(PLAIN)]
    with pytest.raises(
        DataError, match="60 different labels in 60 rows; classes repeat more often: numbers to predict are for the task tabular"
    ):
        read(tmp_path, csv_of(["text", "label"], rows))


def test_the_columns_of_a_table_stand_beside_its_predictions(tmp_path):
    (tmp_path / "new.csv").write_text(csv_of(["id", "body", "note"], [[1, "a, b", "x"], [2, "c", ""]], ";"))
    found = expand_inputs([str(tmp_path / "new.csv")], "body")
    assert list(found) == ["a, b", "c"]
    assert found.frame.columns == ["id", "body", "note"]
    joined = expand_inputs([str(tmp_path / "new.csv")], ["body", "note"])
    assert list(joined) == ["a, b x", "c"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([",", ";", "\t", "|"]), st.lists(st.text("abc,;|\t \"'", max_size=12), min_size=3, max_size=8))
def test_the_separator_is_seen_whatever_the_texts_hold(delimiter, cells):
    content = csv_of(["text", "label", "id"], [[cell, "x", i] for i, cell in enumerate(cells)], delimiter)
    assert separator_of([line for line in content.split("\n") if line]) == delimiter


def test_a_line_that_names_the_separator(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\ntext;label\na, b, c;x\nd, e;y\n")
    assert read_table(tmp_path / "a.csv").rows == [["a, b, c", "x"], ["d, e", "y"]]


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


def test_a_few_texts_of_each_label_all_train(tmp_path):
    rows = [[text, topics[0]] for text, topics in texts_of(24, seed=3)]
    (tmp_path / "a.csv").write_text(csv_of(["text", "label"], rows))
    raw = {"task": "sentences", "data": {"source": str(tmp_path / "a.csv")}, "train": {"epochs": 1}, "model": {"dimensions": 8}}
    recipe = recipes.read_recipe(raw)
    prepared = task.prepare(recipe, None)
    recipe = task.resolve_defaults(recipe, prepared)
    assert recipe.train.refit
    from applied_dl.training.trainer import CheckpointingTrainer

    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    serving = task.serving(recipe, fitted, prepared)
    for part in (prepared.train, prepared.validation, prepared.test):  # the shipped model knows them all
        outputs = serving.model(part.inputs)
        assert (np.asarray(outputs["probabilities"]).argmax(1) == part.target).all()
    outputs = {name: np.asarray(found) for name, found in serving.scored(prepared.test.inputs).items()}
    assert task.score(recipe, outputs, prepared.test, prepared.encoder).main == "accuracy"
    assert np.abs(outputs["probabilities"] - np.asarray(serving.model(prepared.test.inputs)["probabilities"])).max() > 1e-3


def sentence(random, words: int) -> str:
    return (
        " ".join(
            random.choice(["the", "movie", "was", "really", "great", "and", "food", "staff", "place", "i", "loved", "every", "part"], words)
        )
        + f" {random.integers(10**6)}"
    )


PUBLISHED = {  # headers of published files: the columns that are the text, those that are the labels
    "v1,v2,,,": ("v2", "v1"),
    "tweet_id,airline_sentiment,airline_sentiment_confidence,negativereason,airline,retweet_count,text": ("text", "airline_sentiment"),
    "id,title,author,text,label": ("title text", "label"),
    "title,text,subject,date,class": ("title text", "class"),
    "id,comment_text,toxic,severe_toxic,obscene": ("comment_text", "toxic severe_toxic obscene"),
    "Id,ProductId,UserId,HelpfulnessNumerator,Score,Time,Summary,Text": ("Summary Text", "Score"),
    "link,headline,category,short_description,authors,date": ("headline short_description", "category"),
    "qid,question_text,target": ("question_text", "target"),
    "Class Index,Title,Description": ("Title Description", "Class Index"),
    "text,id,author,subreddit,admiration,anger": ("text", "admiration anger"),
    "Category,Resume": ("Resume", "Category"),
    ",description,medical_specialty,sample_name,transcription": ("transcription", "medical_specialty"),
    "utterance,intent_name,domain": ("utterance", "intent_name"),
    "conversation_id,speaker,message,emotion": ("message", "emotion"),
    "Nr,Bewertungstext,Sterne": ("Bewertungstext", "Sterne"),
    "sentence,language": ("sentence", "language"),
    "Message-ID,Subject,Body,Spam/Ham,Date": ("Subject Body", "Spam/Ham"),
    "category_id,complaint_text": ("complaint_text", "category_id"),
}
CELLS = {
    "title text headline subject summary": 5, "text body description complaint_text comment_text message utterance sentence review v2": 20,
    "question_text short_description bewertungstext": 20, "resume transcription": 90,
}  # fmt: skip


def cell(name: str, i: int, random) -> str:
    """A cell as a column of that name has it."""
    if name == "":
        return ""
    low = name.lower()
    for names, words in CELLS.items():
        if low in names.split() and not (low == "subject" and i < 0):
            return sentence(random, words)
    if low in ("toxic", "severe_toxic", "obscene", "admiration", "anger", "target", "label"):
        return str(random.integers(2))
    if low == "category_id":
        return str(random.integers(4))
    if low == "nr" or "id" in low.replace("_", " ").split() or low.endswith("id"):
        return f"x{i}" if low != "userid" else f"u{random.integers(60)}"
    if low in ("date", "time"):
        return f"2019-03-{random.integers(1, 28):02d} 10:11:{i % 60:02d}"
    if low in ("author", "authors", "speaker"):
        return f"Ann Bell {random.integers(90)}"
    if "confidence" in low:
        return f"{random.random():.4f}"
    if low in ("link",):
        return f"https://a.b/{i}"
    return (
        str(random.choice(["one kind", "two", "three"])) if low not in ("score", "sterne", "retweet_count") else str(random.integers(1, 5))
    )


@pytest.mark.parametrize("header", PUBLISHED)
def test_the_columns_of_published_files(tmp_path, header):
    random, names = np.random.default_rng(0), header.split(",")
    short = {"subject"} if "title" in names else set()
    rows = [[str(random.choice(["politics", "news"])) if name in short else cell(name, i, random) for name in names] for i in range(200)]
    groups = read(tmp_path, csv_of(names, rows))
    text, labels = PUBLISHED[header]
    assert groups.columns == {"text": _columns(text, names), "labels": _columns(labels, names)}


def _columns(text: str, names: list[str]) -> tuple[str, ...]:
    return (text,) if text in names else tuple(text.split())


def test_tags_in_angle_brackets(tmp_path):
    rows = [[f"{sentence(np.random.default_rng(i), 8)}", ["<python><pandas>", "<c#>", "<c#><.net>", "<python>"][i % 4]] for i in range(40)]
    groups = read(tmp_path, csv_of(["Title", "Tags"], rows))
    assert groups.several
    assert {label for row in groups.labels for label in row} == {"python", "pandas", "c#", ".net"}


def test_a_corpus_with_a_column_of_its_sources_stays_running_text(tmp_path):
    line = "The first sentence of it stands here. The second one follows it at once."
    rows = [[i, f"{line} Number {i} is written here too.", ["web", "book"][i % 2]] for i in range(40)]
    assert read(tmp_path, csv_of(["id", "text", "source"], rows)).kind == "text"


@pytest.mark.parametrize(
    "form", [", ".join, " ".join, lambda tags: " ".join(f"#{tag}" for tag in tags), lambda tags: ",".join(map(str, map(len, tags)))]
)
def test_lists_of_labels_show_the_column_whatever_its_name(tmp_path, form):
    groups = read(tmp_path, csv_of(["Text", "Schlagworte"], [[text, form(topics)] for text, topics in texts_of(200, several=True)]))
    assert groups.several
    assert len({label for labels in groups.labels for label in labels}) in (2, 3)


def test_a_table_without_labels_is_running_text_and_says_so(tmp_path):
    groups = read(
        tmp_path,
        csv_of(
            ["nr", "Text"],
            [
                [i, f"My parcel of number {i} is very late again. When will it come to our house? Thank you for all your help."]
                for i in range(60)
            ],
        ),
    )
    assert groups.labels is None
    assert any("no column of labels is found beside 'Text'" in warning and "'nr'" in warning for warning in groups.warnings)


def test_labels_in_numbered_columns_are_labels_of_one_text(tmp_path):
    several = [[text, *(topics + ["", ""])[:3]] for text, topics in SEVERAL]
    for stem in ("label_", "tag"):
        groups = read(tmp_path, csv_of(["text", *(f"{stem}{i}" for i in (1, 2, 3))], several))
        assert rows_of(groups) == {(text, tuple(sorted(topics))) for text, topics in SEVERAL}
    annotators = [[text, topics[0], topics[0] if i % 4 else "login"] for i, (text, topics) in enumerate(PLAIN)]
    assert rows_of(read(tmp_path, csv_of(["text", "label_1", "label_2"], annotators))) == WANTED
    levels = [[text, topics[0], f"{topics[0]} {i % 2}"] for i, (text, topics) in enumerate(PLAIN)]
    assert rows_of(read(tmp_path, csv_of(["text", "label_1", "label_2"], levels))) == WANTED
    (tmp_path / "train.csv").write_text(csv_of(["text", "tag1", "tag2", "tag3"], several))
    (tmp_path / "test.csv").write_text(csv_of(["text", "tag1", "tag2", "tag3"], [[f"x {row[0]}", *row[1:]] for row in several]))
    data = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    prepared = task.prepare(recipes.read_recipe({"task": "sentences", "data": data}), None)
    assert prepared.encoder.labels == tuple(TOPICS)
    assert prepared.test.target.sum() == sum(len(topics) for _, topics in SEVERAL)


def test_vectors_of_0_and_1_are_labels_by_place(tmp_path):
    vectors = [[text, str([int(topic in topics) for topic in TOPICS])] for text, topics in SEVERAL]
    groups = read(tmp_path, csv_of(["text", "labels"], vectors))
    places = {topic: str(place) for place, topic in enumerate(TOPICS)}
    assert groups.several
    assert rows_of(groups) == {(text, tuple(sorted(places[topic] for topic in topics))) for text, topics in SEVERAL}
    single = [json.dumps({"text": text, "label": [float(topic in topics) for topic in TOPICS]}) for text, topics in PLAIN]
    assert not read(tmp_path, "\n".join(single), "a.jsonl").several
    lists = [json.dumps({"text": text, "label": topics}) for text, topics in PLAIN]  # of one label each, as annotation tools write them
    assert not read(tmp_path, "\n".join(lists), "b.jsonl").several


@pytest.mark.parametrize("nothing", ["NaN", "nan", "null", "<NA>", "N/A"])
def test_what_programs_write_for_no_label_is_no_class(tmp_path, nothing):
    rows = [[text, nothing if i % 5 == 0 else topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    groups = read(tmp_path, csv_of(["text", "label"], rows))
    assert {label for labels in groups.labels for label in labels} == set(TOPICS)
    assert any("12 rows dropped: without enough text or without a label" in warning for warning in groups.warnings)
    stance = [[text, "none" if i % 5 == 0 else topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    assert ("none",) in read(tmp_path, csv_of(["text", "label"], stance)).labels


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


def test_lines_above_a_header_and_a_header_that_comes_again(tmp_path):
    rows = [[i, text, topics[0]] for i, (text, topics) in enumerate(PLAIN)]
    table = csv_of(["Nr", "Text", "Kategorie"], rows, ";")
    groups = read(tmp_path, f"Export of tickets;;\nmade on 2024-01-01;;\n;;\n{table}")
    assert rows_of(groups) == WANTED
    assert any("3 lines above the table skipped" in warning for warning in groups.warnings)
    plain = csv_of(["text", "label"], [row[1:] for row in rows])
    assert rows_of(read(tmp_path, plain + plain.replace(" case", " another case"))) >= WANTED
    assert len(expand_inputs([str(tmp_path / "a.csv")], "text")) == 2 * len(PLAIN)


@pytest.mark.parametrize("first", [True, False])
def test_commas_in_texts_without_quotes_belong_to_them(tmp_path, first):
    lines = [("text,label" if first else "label,text")]
    lines += [f"{text}, and, more,{topics[0]}" if first else f"{topics[0]},{text}, and, more" for text, topics in PLAIN]
    groups = read(tmp_path, "\n".join(lines))
    assert rows_of(groups) == {(f"{text}, and, more", tuple(topics)) for text, topics in PLAIN}
    assert any("60 rows have more cells than the first" in warning for warning in groups.warnings)
    assert expand_inputs([str(tmp_path / "a.csv")], "text")[0] == f"{PLAIN[0][0]}, and, more"


def test_a_column_of_texts_is_never_cut_at_a_comma(tmp_path):
    (tmp_path / "a.csv").write_text("text\n" + "\n".join(f"Hello, {text}" for text, _ in PLAIN[:5]) + '\n"quoted, too"\n')
    assert expand_inputs([str(tmp_path / "a.csv")], "text") == [*(f"Hello, {text}" for text, _ in PLAIN[:5]), "quoted, too"]
    (tmp_path / "b.csv").write_text("Text\nWhere is my parcel, please?\n")
    assert expand_inputs([str(tmp_path / "b.csv")], "Text") == ["Where is my parcel, please?"]


def test_two_texts_and_labels_ask_which_text(tmp_path):
    rows = [[f"good: {text}", f"bad: {text[::-1]}", i % 5 + 1] for i, (text, _) in enumerate(PLAIN)]
    with pytest.raises(DataError, match="data.column"):
        read(tmp_path, csv_of(["pros", "cons", "rating"], rows))
    assert len(read(tmp_path, csv_of(["pros", "cons", "rating"], rows), column=("pros", "cons"))) == len(PLAIN)


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
