"""The word task: what it refuses, what it learns from a small language, every method to a bundle's vectors."""

import subprocess
import sys

import msgspec
import numpy as np
import pytest

from applied_dl.core import config
from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.words import task
from applied_dl.tasks.words.encoder import joined, rows_of
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes

TOPICS = [["cat", "dog", "cow", "pig", "hen"], ["red", "blue", "green", "pink", "grey"], ["one", "two", "three", "four", "five"]]


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """Lines of one topic each, so that words of a topic stand beside each other alone."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("words") / "text.txt"
    path.write_text("\n".join(" ".join(rng.choice(TOPICS[rng.integers(3)], 12)) for _ in range(1500)))
    return str(path)


def trained(source, folder, **sections):
    recipe = recipes.read_recipe({"task": "words", **sections, "data": {"source": source, **sections.get("data", {})}})
    prepared = task.prepare(recipe, folder)
    recipe = task.resolve_defaults(recipe, prepared)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer(Store(folder / "run", {})))
    serving = task.serving(recipe, fitted, prepared)
    return recipe, prepared, serving


METHODS = [
    {"learn": {"sample": 0, "init": "random"}},
    {"model": {"name": "cbow", "dimensions": 10}, "learn": {"sample": 0, "init": "random"}},
    {"learn": {"objective": "hierarchical", "sample": 0}},
    {"model": {"name": "cbow", "dimensions": 10}, "learn": {"objective": "hierarchical", "sample": 0}},
    {"learn": {"init": "svd", "sample": 0}},
    {"preprocess": {"ngrams": (3, 4), "buckets": 200}, "learn": {"sample": 0}},
    {"model": {"name": "glove", "dimensions": 10}},
    {"model": {"name": "svd", "dimensions": 10}},
]


@pytest.mark.parametrize("sections", METHODS, ids=lambda s: "-".join(str(v) for part in s.values() for v in part.values()))
def test_every_method_finds_the_topics(language, tmp_path, sections):
    train = {} if sections.get("model", {}).get("name") in ("svd", "glove") else {"train": {"epochs": 30, "deterministic": True}}
    recipe, prepared, serving = trained(language, tmp_path, **{"model": {"dimensions": 10}, **train, **sections})
    vectors = prepared.encoder.arrays["vectors"]
    assert vectors.shape == (15, 10)
    found = task.score(recipe, {"vector": np.asarray(serving.model(prepared.test.inputs)["vector"])}, prepared.test, prepared.encoder)
    assert found.value > 0.75  # of two neighbours one in three is of the same topic by chance, and then nothing separates them
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    place = prepared.encoder.places
    for topic in TOPICS:
        near = np.argsort(-units @ units[place[topic[0]]])[1:5]
        assert {prepared.encoder.words[i] for i in near} == set(topic[1:])


def test_similarity_and_analogies_are_the_scores_where_they_are_given(language, tmp_path, monkeypatch):
    (tmp_path / "pairs.txt").write_text("cat dog 9\nred blue 8\ncat red 1\ndog one 0.5\ncat unknown 3\n")
    (tmp_path / "questions.txt").write_text(": all\ncat dog red blue\ncat dog red unknown\n")
    data = {"similarity": str(tmp_path / "pairs.txt"), "analogies": str(tmp_path / "questions.txt")}
    recipe, prepared, serving = trained(language, tmp_path, data=data, model={"name": "svd", "dimensions": 10})
    outputs = {"vector": np.asarray(serving.model(prepared.test.inputs)["vector"])}
    found = task.score(recipe, outputs, prepared.test, prepared.encoder)
    assert found.main == "spearman"
    assert found.value > 0.7
    assert set(found.metrics) == {"spearman", "analogy"}
    assert prepared.facts["similarity_pairs"] == [4, 5]
    assert prepared.facts["analogies"] == 1
    assert any("1 of 5 pairs" in text for text in prepared.test.warnings)
    solved = []
    monkeypatch.setattr("applied_dl.core.metrics.words.solve_analogies", lambda table, asked, _: solved.append(table) or asked[:, 3])
    for _ in range(2):  # as verification does, by halves: the vectors of `encoder.npz` stay the same, so their answers do
        half = prepared.test.take(np.arange(6))
        assert task.score(recipe, {"vector": outputs["vector"][:6]}, half, prepared.encoder).metrics["analogy"] == found.metrics["analogy"]
    assert solved == []
    other = {**outputs, "table": prepared.encoder.arrays["vectors"][::-1].copy()}
    assert task.score(recipe, other, prepared.test, prepared.encoder).metrics["analogy"] == 1
    assert len(solved) == 1


def test_questions_are_solved_by_the_vectors_of_the_file_itself(language, tmp_path):
    recipe, prepared, serving = trained(language, tmp_path, model={"name": "svd", "dimensions": 10})
    (tmp_path / "q.txt").write_text(": first\n" + "cat dog red blue\n" * 3 + "one two cat dog\none two cat unknown\n")
    part = task.load_labeled(recipe, prepared.encoder, str(tmp_path / "q.txt"))
    assert part.extra["kind"] == "analogies"
    assert part.warnings == ["1 of 5 questions of q.txt have a word beyond the 15 most frequent"]
    vectors = np.asarray(serving.model(part.inputs)["vector"])
    np.testing.assert_allclose(vectors, prepared.encoder.arrays["vectors"], atol=1e-6)
    own = task.score(recipe, {"vector": vectors}, part, prepared.encoder)
    assert (own.main, set(own.metrics)) == ("analogy", {"analogy"})
    (tmp_path / "none.txt").write_text(": all\nathens greece oslo norway\n")
    with pytest.raises(DataError, match="none is of the 15 most frequent"):
        task.load_labeled(recipe, prepared.encoder, str(tmp_path / "none.txt"))


def test_little_text_starts_at_its_counts(language, tmp_path):
    recipe = recipes.read_recipe({"task": "words", "data": {"source": language}})
    prepared = task.prepare(recipe, tmp_path)
    assert task.resolve_defaults(recipe, prepared).learn.init == "svd"
    assert task.resolve_defaults(recipe, prepared).export.variants == ("fp32", "fp16", "dynamic", "int8_weights")
    prepared = msgspec.structs.replace(prepared, state=msgspec.structs.replace(prepared.state, total=3_000_000))
    large = task.resolve_defaults(recipe, prepared)
    assert (large.learn.init, large.train.learning_rate) == ("random", 0.05)
    tree = config.replace(recipe, learn={"objective": "hierarchical"})
    assert task.resolve_defaults(tree, task.prepare(tree, tmp_path)).learn.init == "random"


def test_labelled_takes_pairs_or_text(language, tmp_path):
    recipe, prepared, _ = trained(language, tmp_path, model={"name": "svd", "dimensions": 10})
    (tmp_path / "pairs.csv").write_text("cat,dog,9\nred,blue,8\ncat,red,1\n")
    assert task.load_labeled(recipe, prepared.encoder, str(tmp_path / "pairs.csv")).extra["kind"] == "similarity"
    assert len(task.load_labeled(recipe, prepared.encoder, language)) % 3 == 0
    (tmp_path / "foreign.txt").write_text("nothing of this is known\n" * 9)
    with pytest.raises(DataError, match="no two neighbours to score"):
        task.load_labeled(recipe, prepared.encoder, str(tmp_path / "foreign.txt"))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"export": {"variants": ["fp32", "int8"]}}, "int8 has no meaning for word vectors"),
        ({"model": {"name": "svd"}, "train": {"epochs": 2}}, r"train\.epochs has no meaning"),
        ({"model": {"name": "glove"}, "learn": {"negative": 5}}, r"learn\.negative is for skipgram"),
        ({"model": {"name": "svd"}, "preprocess": {"ngrams": (3, 6)}}, r"preprocess\.ngrams needs"),
        ({"learn": {"objective": "hierarchical", "negative": 5}}, "has no noise words"),
        ({"train": {"deterministic": True, "threads": 2}}, "needs one thread"),
        ({"learn": {"init": "svd"}, "preprocess": {"ngrams": (3, 6)}}, "has no sub-words"),
        ({"learn": {"init": "svd", "objective": "hierarchical"}}, "inner nodes"),
        ({"preprocess": {"ngrams": (6, 3)}}, "two lengths"),
        ({"preprocess": {"phrase_score": 5.0}}, r"preprocess\.phrase_score has no meaning"),
        ({"preprocess": {"buckets": 500}}, r"preprocess\.buckets has no meaning"),
        ({"data": {"split": (0.5, 0.2, 0.2)}}, "sum to 1"),
        ({"data": {"train": "a.txt"}}, "go together"),
    ],
)
def test_keys_that_would_do_nothing_are_refused(language, tmp_path, sections, message):
    recipe = recipes.read_recipe({"task": "words", **sections, "data": {"source": language, **sections.get("data", {})}})
    with pytest.raises(UsageError, match=message):
        task.resolve_defaults(recipe, task.prepare(recipe, tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"word\n" * 50, "expected at least 3 different ones"), (b"a b c\nd e f\ng h i\n", "seen at least 3 times"), (b"", "holds no word")],
)
def test_text_that_is_too_small_is_one_sentence(tmp_path, content, message):
    (tmp_path / "a.txt").write_bytes(content)
    recipe = recipes.read_recipe({"task": "words", "data": {"source": str(tmp_path / "a.txt")}})
    with pytest.raises(DataError, match=message):
        task.prepare(recipe, tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("word{i} " + "0.25 -1.5 " * 20, "are numbers; expected text"),
        ("{i} {i} and {i} apples or pears for 7 euros to {i} people at the door", None),
    ],
)
def test_numbers_are_no_text(tmp_path, row, message):
    (tmp_path / "a.txt").write_text("\n".join(row.format(i=i % 30) for i in range(300)))
    recipe = recipes.read_recipe({"task": "words", "data": {"source": str(tmp_path / "a.txt")}})
    if message:
        with pytest.raises(DataError, match=message):
            task.prepare(recipe, tmp_path)
    else:
        assert any("31% of the words are numbers" in warning for warning in task.prepare(recipe, tmp_path).warnings)


def test_int8_is_refused_in_a_later_export_too():
    recipe = recipes.read_recipe({"task": "words", "export": {"variants": ["int8"]}})
    with pytest.raises(UsageError, match="int8 has no meaning for word vectors"):
        task.restore_serving(recipe, None, None)


def test_text_without_spaces_gets_a_warning_to_segment_it(tmp_path):
    lines = ["我们今天去北京看长城", "他昨天没有来学校上课", "机器学习需要很多数据"]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    recipe = recipes.read_recipe({"task": "words", "data": {"source": str(tmp_path / "a.txt")}})
    with pytest.raises(DataError, match="at least 3 times.* no spaces between its words.*segment it first"):
        task.prepare(recipe, tmp_path)


def test_one_thread_is_exact_and_phrases_are_found(language, tmp_path):
    sections = {
        "model": {"dimensions": 8},
        "train": {"deterministic": True, "epochs": 2},
        "preprocess": {"phrases": 1, "phrase_score": 0.5},
    }
    first = trained(language, tmp_path, **sections)[1].encoder
    again = trained(language, tmp_path, **sections)[1].encoder
    np.testing.assert_array_equal(first.arrays["vectors"], again.arrays["vectors"])
    assert any("_" in word for word in first.words)


def test_phrases_are_read_alike_in_training_prediction_and_evaluation(tmp_path):
    rng = np.random.default_rng(0)
    others = [f"w{i}" for i in range(40)]
    lines = [" ".join([*rng.choice(others, 5), "new york city"[: 8 if n % 2 else 13], *rng.choice(others, 5)]) for n in range(400)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    recipe = recipes.read_recipe({"task": "words", "preprocess": {"phrases": 2}, "data": {"source": str(tmp_path / "a.txt")}})
    prepared = task.prepare(recipe, tmp_path)
    encoder, text = prepared.encoder, prepared.state.text
    assert {"new_york", "new_york_city"} <= set(encoder.words)
    assert "city" not in encoder.words
    assert (np.diff(text.counts) <= 0).all()
    trained_on = [encoder.words[i] for i in text.ids[: text.ends[0]]]
    assert trained_on in [joined(encoder, line.split()) for line in lines]
    held = task.load_labeled(recipe, encoder, str(tmp_path / "a.txt"))
    assert encoder.places["new_york_city"] + 1 in held.inputs["ids"]
    place = encoder.places["new_york"] + 1
    assert rows_of(encoder, "w1 New York w2") == [encoder.places["w1"] + 1, place, encoder.places["w2"] + 1]


TRAINS = """
import sys
from pathlib import Path
from applied_dl.workflows import preparation, recipes
from applied_dl.tasks import load_task
from applied_dl.tasks.words.fit.methods import train_table
from applied_dl.exporting.convert import check_export
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer
source, folder = sys.argv[1:]
recipe = recipes.read_recipe({"task": "words", "data": {"source": source}, "model": {"dimensions": 8}, "train": {"epochs": 1}})
task = load_task("words")
check_export(recipe.export)
prepared = preparation.read_data(task, recipe)
recipe = preparation.resolve_recipe(task, recipe, prepared)
task.baselines(recipe, prepared)
train_table(recipe, prepared, CheckpointingTrainer(Store(Path(folder) / "run", {})))
print(sorted({"keras", "tensorflow"} & set(sys.modules)))
"""


def test_tensorflow_is_not_loaded_before_the_export(language, tmp_path):
    done = subprocess.run([sys.executable, "-c", TRAINS, language, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    (tmp_path / "empty.txt").write_text("")
    refused = (
        "import sys; sys.modules['keras'] = sys.modules['tensorflow'] = None; from applied_dl.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", refused, "train", "words", "--set", f"data.source={tmp_path}/empty.txt", "--out", f"{tmp_path}/out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "holds no word" in done.stderr) == (3, True)
