"""Labels of texts as people write them: lists, marks, one-hot columns, spellings, what is no class."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences import task
from applied_dl.tasks.sentences.readers.labels import merge_spellings, read_labels
from applied_dl.workflows import recipes
from tests.cases.sentence_files import PLAIN, SEVERAL, TOPICS, WANTED, csv_of, read, rows_of, sentence, texts_of

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


def test_what_is_no_class_is_refused_with_what_to_do(tmp_path):
    rows = [[text, f"{i * 1.37:.2f}"] for i, (text, _) in enumerate(PLAIN)]
    with pytest.raises(
        DataError, match="60 different labels in 60 rows; classes repeat more often: numbers to predict are for the task tabular"
    ):
        read(tmp_path, csv_of(["text", "label"], rows))


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


def test_tags_in_angle_brackets(tmp_path):
    rows = [[f"{sentence(np.random.default_rng(i), 8)}", ["<python><pandas>", "<c#>", "<c#><.net>", "<python>"][i % 4]] for i in range(40)]
    groups = read(tmp_path, csv_of(["Title", "Tags"], rows))
    assert groups.several
    assert {label for row in groups.labels for label in row} == {"python", "pandas", "c#", ".net"}


@pytest.mark.parametrize(
    "form", [", ".join, " ".join, lambda tags: " ".join(f"#{tag}" for tag in tags), lambda tags: ",".join(map(str, map(len, tags)))]
)
def test_lists_of_labels_show_the_column_whatever_its_name(tmp_path, form):
    groups = read(tmp_path, csv_of(["Text", "Schlagworte"], [[text, form(topics)] for text, topics in texts_of(200, several=True)]))
    assert groups.several
    assert len({label for labels in groups.labels for label in labels}) in (2, 3)


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
