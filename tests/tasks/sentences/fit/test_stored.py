"""Training from tokens on disk: the same weights as from memory."""

import numpy as np
import polars as pl
import pytest

from applied_dl.tasks.sentences import task
from applied_dl.tasks.sentences.fit.stored import stored_texts
from applied_dl.tasks.sentences.readers import stored
from applied_dl.training.checkpoints import Store
from applied_dl.training.reproducible import set_up
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows.recipes import read_recipe

WORDS = [["cat", "dog", "cow", "pig", "hen"], ["red", "blue", "green", "pink"], ["one", "two", "three", "four"]]


def trained(path, folder, in_memory, **sections):
    data = {"source": str(path), "in_memory": in_memory, "sample_rows": 1000, **sections.pop("data", {})}
    recipe = read_recipe(
        {"task": "sentences", "data": data, "train": {"epochs": 2, "batch_size": 32, **sections.pop("train", {})}, **sections}
    )
    prepared = task.prepare(recipe, folder)
    recipe = task.resolve_defaults(recipe, prepared)
    set_up(recipe.train.seed, True)
    return task.fit(recipe, prepared, CheckpointingTrainer(Store(folder / f"run{in_memory}", {})))


@pytest.mark.parametrize(
    "sections",
    [
        {"data": {"balance": "over"}, "learn": {"init": "random"}, "preprocess": {"vocabulary": 300}},
        pytest.param(
            {"train": {"class_weights": "balanced"}, "model": {"name": "transformer", "width": 16, "depth": 1, "heads": 2, "hidden": 16}},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_weights_are_those_of_memory(tmp_path, sections):
    random = np.random.default_rng(0)
    topics = random.choice(3, 200, p=(0.5, 0.3, 0.2))
    rows = [(" ".join(random.choice(WORDS[topic], 2 + i % 7)) + f" {i}", f"topic{topic}") for i, topic in enumerate(topics)]
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(tmp_path / "a.csv")
    one, other = (trained(tmp_path / "a.csv", tmp_path, in_memory, **sections) for in_memory in (True, False))
    models = [(one.model, other.model)] + [(one.extra[name], other.extra[name]) for name in ("classifier", "linear") if name in one.extra]
    for a, b in models:
        assert all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))
    assert one.extra.get("share") == other.extra.get("share")


def test_texts_without_words_and_rows_that_train_twice():
    kept = stored.Stored(
        tokens=np.array([5, 6, 7, 8, 9], np.uint16), places=np.array([[0, 2], [2, 0], [2, 3]], np.int64),
        target=np.array([0, 1, 1], np.int32), width=3,
    )  # fmt: skip
    encoder = stored.SubwordEncoder(length=8, padding=0, tokenizer="{}", labels=("a", "b"))
    source = stored_texts(kept, encoder, np.array([2, 2, 0, 1]), np.array([1, 2, 3], np.float32))
    inputs, target, weight = source.gather(np.array([0, 2, 3]))
    assert source.size == 4
    assert np.asarray(inputs["ids"]).tolist() == [[7, 8, 9], [5, 6, 0], [0, 0, 0]]
    assert np.asarray(target).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert np.asarray(weight).tolist() == [3, 1, 2]
