"""The sentence task: what it refuses, what every model and objective learns from a small language."""

import json

import numpy as np
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.sentences import task
from applied_dl.tasks.sentences.fit import net as sentences_fit
from applied_dl.tasks.sentences.fit import teacher as sentences_teacher
from applied_dl.training.checkpoints import Store
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes

WORDS = [
    ["cat", "dog", "cow", "pig", "hen", "fox", "owl", "bee"],
    ["red", "blue", "green", "pink", "grey", "black", "white", "brown"],
    ["one", "two", "three", "four", "five", "six", "seven", "eight"],
    ["rain", "snow", "wind", "storm", "cloud", "sun", "frost", "fog"],
]


def texts_of(topic: int, count: int, rng) -> list[str]:
    return [" ".join(rng.choice(WORDS[topic], 6)) for _ in range(count)]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Pairs and labelled texts in which what belongs together shares a topic, never a sentence."""
    folder, rng = tmp_path_factory.mktemp("sentences"), np.random.default_rng(0)
    rows = [(topic, *texts_of(topic, 2, rng)) for topic in rng.integers(0, 4, 400)]
    (folder / "pairs.csv").write_text("anchor,positive\n" + "".join(f"{a},{b}\n" for _, a, b in rows))
    (folder / "labels.csv").write_text("text,label\n" + "".join(f"{a},topic{t}\n" for t, a, _ in rows))
    triplets = [(a, b, texts_of((t + 1) % 4, 1, rng)[0]) for t, a, b in rows]
    (folder / "triplets.csv").write_text("anchor,positive,negative\n" + "".join(",".join(row) + "\n" for row in triplets))
    (folder / "sets.jsonl").write_text("".join(json.dumps({"texts": texts_of(t, 4, rng)}) + "\n" for t, _, _ in rows))
    scored = [(*texts_of(t, 1, rng), *texts_of((t + k) % 4, 1, rng), 5 - 5 * k) for t in range(4) for k in (0, 1) for _ in range(10)]
    (folder / "scored.csv").write_text("".join(f"{a},{b},{s}\n" for a, b, s in scored))
    return folder


def prepared(source, **sections):
    recipe = recipes.read_recipe({"task": "sentences", **sections, "data": {"source": str(source), **sections.get("data", {})}})
    return recipe, task.prepare(recipe, None)


UNUSED = [
    ("pairs", {"model": {"width": 32}}, r"model\.width has no meaning for the model 'static'"),
    ("pairs", {"model": {"heads": 2, "name": "bytes"}}, r"model\.heads has no meaning for the model 'raw_bytes'"),
    ("pairs", {"model": {"dropout": 0.1}}, r"model\.dropout has no meaning"),
    ("pairs", {"model": {"name": "statc"}}, "Did you mean 'static'"),
    ("pairs", {"model": {"pooling": "cls"}}, "takes the first token alone"),
    ("pairs", {"model": {"name": "pretrained"}}, "go together"),
    ("pairs", {"model": {"teacher": "t"}, "learn": {"objective": "contrastive"}}, r"model\.teacher is for learn\.obj"),
    ("pairs", {"learn": {"objective": "distillation"}}, r"needs model\.teacher"),
    ("pairs", {"learn": {"objective": "classification"}}, "needs labelled texts"),
    ("pairs", {"learn": {"objective": "mlm"}}, "tokens that see each other"),
    ("pairs", {"learn": {"pretrain": 2}}, "tokens that see each other"),
    ("pairs", {"learn": {"mask": 0.3}}, r"learn\.mask is for"),
    ("pairs", {"learn": {"init": "svd"}, "model": {"name": "transformer"}}, r"learn\.init is for a table"),
    ("pairs", {"learn": {"objective": "simcse"}, "preprocess": {"augment": ()}}, "needs two views of a text"),
    ("pairs", {"model": {"matryoshka": (512,)}}, "each must be between 2 and 127, received 512"),
    ("pairs", {"model": {"name": "bytes"}, "preprocess": {"lowercase": False}}, r"preprocess\.lowercase is for a tokenizer"),
    ("pairs", {"model": {"name": "bytes"}, "preprocess": {"vocabulary": 500}}, r"preprocess\.vocabulary is for"),
    ("pairs", {"model": {"name": "bytes"}, "preprocess": {"tokenizer": "t.json"}}, r"preprocess\.tokenizer has no meaning here"),
    ("pairs", {"preprocess": {"augment": (), "strength": 2.0}}, r"preprocess\.strength scales"),
    ("pairs", {"data": {"balance": "over"}}, r"data\.balance is for learn\.objective = 'classification'"),
    ("pairs", {"data": {"balance": "up"}}, r"Unknown data\.balance 'up'"),
    ("pairs", {"train": {"optimizer": "adam"}}, "must be 'adagrad' here"),
    ("pairs", {"train": {"weight_decay": 0.1}}, r"train\.weight_decay has no meaning"),
    ("pairs", {"train": {"l2": 0.1}}, r"train\.l2 has no meaning"),
    ("pairs", {"train": {"snapshots": 2}}, r"train\.snapshots has no meaning"),
    ("pairs", {"train": {"ensemble": 2}}, "cannot be averaged"),
    ("pairs", {"train": {"unfreeze_epochs": (1, 2)}}, r"train\.unfreeze_epochs is for"),
    ("pairs", {"train": {"loss": "hinge"}}, r"train\.loss is for learn\.objective = 'classification'"),
    ("pairs", {"train": {"label_smoothing": 0.1}}, r"train\.label_smoothing is for"),
    ("pairs", {"train": {"class_weights": "balanced"}}, r"train\.class_weights is for"),
    ("labels", {"learn": {"temperature": 0.1}}, r"learn\.temperature is for"),
    ("labels", {"model": {"matryoshka": (64,)}}, r"model\.matryoshka is for"),
    ("labels", {"train": {"loss": "mse"}}, "does not fit classes"),
    ("labels", {"train": {"loss": "hinge", "label_smoothing": 0.1}}, r"train\.label_smoothing has no meaning"),
    ("labels", {"train": {"class_weights": "balanced"}, "data": {"balance": "over"}}, "do the same thing"),
    ("labels", {"data": {"similarity": "scored.csv"}}, r"data\.similarity scores pairs"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "sections", "message"), UNUSED, ids=lambda v: json.dumps(v)[:60] if isinstance(v, dict) else None)
def test_keys_without_effect_are_refused(sources, monkeypatch, source, sections, message):
    monkeypatch.chdir(sources)
    if sections.get("preprocess", {}).get("tokenizer"):
        (sources / "t.json").write_text("{}")  # never read
    with pytest.raises(UsageError, match=message):
        task.resolve_defaults(*prepared(f"{source}.csv", **sections))


TRANSFORMER = {"name": "transformer", "width": 32, "depth": 1, "heads": 2}


@pytest.mark.parametrize(
    ("source", "sections"),
    [
        ("pairs", {}),
        ("pairs", {"model": {"name": "bytes"}}),
        ("pairs", {"model": TRANSFORMER}),
        ("pairs", {"model": TRANSFORMER, "learn": {"objective": "mlm"}}),
        ("labels", {}),
        ("labels", {"model": {"name": "bytes"}, "learn": {"objective": "contrastive"}}),
    ],
)
def test_resolving_a_resolved_recipe_changes_nothing(sources, source, sections):
    recipe, data = prepared(sources / f"{source}.csv", **sections)
    once = task.resolve_defaults(recipe, data)
    assert task.resolve_defaults(once, data) == once


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A tiny BERT in a Hugging Face directory, with random weights."""
    from tests.text.models.tiny_bert import write_bert

    folder = tmp_path_factory.mktemp("bert")
    write_bert(folder, [word for topic in WORDS for word in topic])
    return folder


def trained(source, folder, **sections):
    recipe, data = prepared(source, **sections)
    recipe = task.resolve_defaults(recipe, data)
    fitted = task.fit(recipe, data, CheckpointingTrainer(Store(folder / "run", {})))
    return recipe, data, fitted, task.serving(recipe, fitted, data)


def value(recipe, data, serving) -> float:
    (name,) = data.test.inputs
    outputs = {key: np.asarray(found) for key, found in serving.model(data.test.inputs).items()}
    return task.score(recipe, outputs, data.test, data.encoder).value


QUICK = {"epochs": 12, "learning_rate": 0.02}
DENSE = {"epochs": 4, "learning_rate": 3e-3, "batch_size": 16}
TRAININGS = [
    ("pairs.csv", {"train": QUICK}),
    ("pairs.csv", {"learn": {"init": "random"}, "train": QUICK}),
    ("sets.jsonl", {"train": QUICK}),
    ("triplets.csv", {"train": QUICK}),
    ("pairs.csv", {"model": {"name": "bytes", "dimensions": 32}, "train": QUICK}),
    ("pairs.csv", {"model": {"pooling": "max", "dimensions": 32}, "train": DENSE}),
    ("pairs.csv", {"model": TRANSFORMER, "train": DENSE}),
    ("labels.csv", {"learn": {"objective": "contrastive"}, "train": QUICK}),
]
LONGER = [
    ("pairs.csv", {"model": {"name": "bytes", "pooling": "max", "dimensions": 32}, "train": DENSE}),
    ("triplets.csv", {"model": {**TRANSFORMER, "positions": "rotary", "pooling": "cls"}, "train": DENSE}),
]


@pytest.mark.parametrize(
    ("source", "sections"),
    [*TRAININGS, *(pytest.param(*one, marks=pytest.mark.slow) for one in LONGER)],
    ids=lambda v: json.dumps(v) if isinstance(v, dict) else v,
)
def test_pairs_teach_what_belongs_together(sources, tmp_path, source, sections):
    score = {"data": {"similarity": str(sources / "scored.csv")}} if source != "labels.csv" else {}
    recipe, data, _, serving = trained(sources / source, tmp_path, **score, **sections)
    assert value(recipe, data, serving) > 0.6  # Spearman with half the pairs of one topic (at most 0.87), or accuracy of four topics
    vectors = np.asarray(serving.model(data.test.inputs)["vector"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert len(data.encoder.index["texts"]) == len(data.encoder.index["vectors"])


@pytest.mark.parametrize(
    "model",
    [{"dimensions": 16}, {"name": "bytes", "dimensions": 16}, pytest.param(TRANSFORMER, marks=pytest.mark.slow)],
    ids=lambda m: m.get("name"),
)
def test_labels_teach_a_classifier_and_every_model_is_augmented(sources, tmp_path, monkeypatch, model):
    shown = []
    change = sentences_fit.token_augmentation
    monkeypatch.setattr(sentences_fit, "token_augmentation", lambda *given: shown.append(given) or change(*given))
    recipe, data, fitted, serving = trained(
        sources / "labels.csv",
        tmp_path,
        model=model,
        train={**DENSE, "learning_rate": 0.01, "epochs": 8},
        preprocess={"augment": ("drop",)},
    )
    assert [names for names, *_ in shown] == [("drop",)]
    assert value(recipe, data, serving) > 0.9
    assert serving.labels == ("topic0", "topic1", "topic2", "topic3")


def test_few_labelled_texts_need_no_epochs_and_all_of_them_count(sources, tmp_path):
    recipe, data, fitted, serving = trained(sources / "labels.csv", tmp_path / "a")
    assert recipe.train.epochs == 0
    assert fitted.history.rows == []
    assert value(recipe, data, serving) > 0.95
    assert serving.scored is not None
    assert serving.unseen == ()


@pytest.mark.slow
def test_the_model_that_learned_from_all_texts_is_scored_on_test_texts_of_their_own(sources, tmp_path):
    lines = (sources / "labels.csv").read_text().splitlines()
    (tmp_path / "test.csv").write_text("\n".join([lines[0], *lines[-40:]]))
    (tmp_path / "train.csv").write_text("\n".join(lines[:-40]))
    parts = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    _, data, _, serving = trained(sources / "labels.csv", tmp_path / "b", data=parts)
    assert serving.unseen == ("test",)  # the shipped model never saw these rows: its own score on them is reported
    shipped, scored = (np.asarray(model(data.test.inputs)["probabilities"]) for model in (serving.model, serving.scored))
    assert np.abs(shipped - scored).max() > 1e-4  # it saw the validation rows too


def test_epochs_train_a_net_beside_the_linear_classifier(sources, tmp_path):
    recipe, data, fitted, serving = trained(sources / "labels.csv", tmp_path, model={"dimensions": 16}, train={"epochs": 2})
    assert len(fitted.history.rows) == 2
    assert 0 <= fitted.extra["share"] <= 1
    assert value(recipe, data, serving) > 0.9


def test_the_table_of_the_package_may_stay_as_it_is(sources, tmp_path):
    from applied_dl.text.subwords import english

    recipe, data, fitted, serving = trained(sources / "pairs.csv", tmp_path, train={"epochs": 0})
    assert recipe.learn.init == "english"
    assert fitted.history.rows == []
    np.testing.assert_array_equal(fitted.model.get_layer("table").embeddings.numpy(), english().vectors)


@pytest.mark.slow
def test_texts_alone_teach_by_guessing_words_and_by_two_views(sources, tmp_path):
    for learn in ({"objective": "mlm"}, {"objective": "simcse", "pretrain": 1}):
        recipe, data, fitted, _ = trained(sources / "pairs.csv", tmp_path / learn["objective"], model=TRANSFORMER, learn=learn, train=DENSE)
        losses = [row["loss"] for row in fitted.history.rows]
        assert losses[-1] < losses[0]


def test_a_pretrained_directory_is_fine_tuned_and_distilled(sources, teacher, tmp_path):
    model = {"weights": str(teacher), "dropout": 0.0}
    recipe, data, fitted, serving = trained(sources / "pairs.csv", tmp_path / "a", model=model, train={**DENSE, "learning_rate": 1e-3})
    assert recipe.model.name == "pretrained"
    assert fitted.history.rows[-1]["loss"] < fitted.history.rows[0]["loss"]
    with pytest.raises(UsageError, match=r"preprocess\.tokenizer has no meaning here: a pretrained encoder brings its own"):
        task.resolve_defaults(*prepared(sources / "pairs.csv", model=model, preprocess={"tokenizer": str(teacher / "tokenizer.json")}))
    with pytest.raises(UsageError, match=r"model\.dimensions has no meaning"):
        task.resolve_defaults(*prepared(sources / "pairs.csv", model={**model, "dimensions": 64}))


@pytest.mark.slow
@pytest.mark.parametrize("file", ["pairs.csv", "labels.csv"])
def test_a_pretrained_encoder_thaws_from_its_end(file, sources, teacher, tmp_path):
    """One stage: the last half of the encoder (or the head alone) learns, and the table of words is as it was."""
    model = {"weights": str(teacher), "dropout": 0.0}
    first = prepared(sources / file, model=model)
    whole = task.build(task.resolve_defaults(*first), first[1]).get_weights()
    stages = {**DENSE, "learning_rate": 1e-3, "batch_size": 64, "unfreeze_epochs": [1, 1], "layerwise_lr_decay": 1e-6, "epochs": None}
    recipe, data, fitted, _ = trained(sources / file, tmp_path, model=model, train=stages)
    assert recipe.train.epochs == 2
    assert [row["stage"] for row in fitted.history.rows] == [0, 1]
    moved = [float(np.abs(a - b).max()) for a, b in zip(whole, fitted.model.get_weights())]
    assert moved[0] < 1e-9  # the deepest: frozen, then a million to the fourth times slower
    with pytest.raises(UsageError, match="differ; give one of them"):
        task.resolve_defaults(*prepared(sources / file, model=model, train={"unfreeze_epochs": [1, 1], "epochs": 5}))
    with pytest.raises(UsageError, match=r"train\.unfreeze_epochs is for a pretrained encoder"):
        task.resolve_defaults(*prepared(sources / file, train={"unfreeze_epochs": [1, 1]}))


def test_a_student_takes_over_the_teachers_similarities(sources, tmp_path):
    from safetensors.numpy import save_file

    from tests.text.models.tiny_bert import write_bert

    teacher = tmp_path / "teacher"
    teacher.mkdir()
    weights = write_bert(teacher, [word for topic in WORDS for word in topic])
    weights["embeddings.word_embeddings.weight"][:5] = 0
    silent = ("output.dense.weight", "position_embeddings.weight", "token_type_embeddings.weight", "bias")
    bag = {name: array * (not name.endswith(silent)) for name, array in weights.items()}
    save_file(bag, teacher / "model.safetensors")  # each word for itself: a teacher whom a table can follow
    recipe, data, fitted, serving = trained(sources / "pairs.csv", tmp_path, model={"teacher": str(teacher)}, train=QUICK)
    wanted = sentences_teacher.teacher_vectors(str(teacher), list(data.test.extra["text"]))
    got = np.asarray(serving.model(data.test.inputs)["vector"])
    above = np.triu_indices(len(got), 1)
    assert np.corrcoef((wanted @ wanted.T)[above], (got @ got.T)[above])[0, 1] > 0.8
    assert recipe.learn.objective == "distillation"


def test_kept_vectors_of_a_teacher_go_by_content(teacher, tmp_path):
    import shutil

    from safetensors.numpy import load_file, save_file

    texts = ["cat dog", "red blue"]
    first = sentences_teacher.teacher_vectors(str(teacher), texts)
    copy = shutil.copytree(teacher, tmp_path / "other")
    cached = {path.name for path in sentences_teacher.cache_folder().glob("teacher-*")}
    np.testing.assert_array_equal(sentences_teacher.teacher_vectors(str(copy), texts), first)
    assert {path.name for path in sentences_teacher.cache_folder().glob("teacher-*")} == cached  # another place, the same teacher
    weights = load_file(copy / "model.safetensors")
    save_file({name: array[::-1].copy() for name, array in weights.items()}, copy / "model.safetensors")
    assert np.abs(sentences_teacher.teacher_vectors(str(copy), texts) - first).max() > 1e-3  # the same place, another teacher


@pytest.mark.parametrize(("content", "message"), [("", "no usable rows"), ("word\n", "no usable rows"), ("\n\n  \n", "no usable rows")])
def test_a_text_without_two_sentences_is_one_sentence(tmp_path, content, message):
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(DataError, match=message):
        prepared(tmp_path / "a.txt")


def test_a_pretrained_encoder_may_stay_as_it_is(sources, teacher, tmp_path):
    model = {"weights": str(teacher)}
    recipe, data, fitted, serving = trained(sources / "pairs.csv", tmp_path, model=model, train={"epochs": 0})
    wanted = sentences_teacher.teacher_vectors(str(teacher), list(data.test.extra["text"]))
    found = np.asarray(serving.model(data.test.inputs)["vector"])
    np.testing.assert_allclose(found, wanted, atol=1e-3)  # kept as float16
    assert fitted.history.rows == []
    for sections, message in (
        ({"train": {"epochs": 0}, "learn": {"init": "svd"}}, "must be trained"),
        ({"model": model, "train": {"epochs": 0}, "learn": {"objective": "mlm"}}, "needs a new head"),
    ):
        with pytest.raises(UsageError, match=message):
            task.resolve_defaults(*prepared(sources / "pairs.csv", **sections))
