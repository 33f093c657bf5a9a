"""Word vectors that people have already: asked as they are, and as the start of a training."""

import gzip
import json

import numpy as np
import pytest

from applied_dl import cli
from applied_dl.core.errors import UsageError
from applied_dl.predictor import load
from applied_dl.tasks.words import task
from applied_dl.tasks.words.fit.methods import initial_tables, vectors_of
from applied_dl.tasks.words.vectors import WordVectors
from applied_dl.text.vector_files import is_vector_file
from applied_dl.workflows import recipes

WORDS = ["king", "queen", "dog", "cat", "river", "New_York"]
VECTORS = np.round(np.random.default_rng(0).normal(size=(6, 5)), 4).astype(np.float32)


def glove(words=WORDS) -> str:
    return "".join(f"{word} {' '.join(map(str, row.tolist()))}\n" for word, row in zip(words, VECTORS))


@pytest.fixture(params=["glove.txt", "head.vec", "packed.txt.gz", "binary.bin", "ours.npz"])
def file(request, tmp_path):
    path = tmp_path / request.param
    if path.suffix in (".bin", ".npz"):
        WordVectors(WORDS, VECTORS).save(path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(glove().encode()))
    else:
        path.write_text((f"{len(WORDS)} 5\n" if path.suffix == ".vec" else "") + glove())
    return path


def test_a_plain_file_of_vectors_is_asked_as_a_bundle_is(file, capsys):
    predictor = load(file)
    near = predictor.predict(["king", "new york", "zebra", "dog cat"], nearest=2)
    np.testing.assert_allclose(near[0]["vector"], VECTORS[0], atol=1e-4)
    units = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    cosine = units @ units[0]
    assert [one["word"] for one in near[0]["nearest"]] == [WORDS[i] for i in np.argsort(-cosine)[1:3]]
    assert "zebra" in near[2]["error"]
    np.testing.assert_allclose(near[3]["vector"], (VECTORS[2] + VECTORS[3]) / 2, atol=1e-4)
    assert cli.main(["predict", str(file), "king", "--nearest", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["nearest"] == near[0]["nearest"]
    assert cli.main(["info", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dimensions"] == 5


def test_a_text_is_no_file_of_vectors(tmp_path):
    (tmp_path / "text.txt").write_text("the dog sees the cat\nand the king sees the river\n")
    assert not is_vector_file(tmp_path / "text.txt")
    assert not is_vector_file(tmp_path / "gone.txt")
    (tmp_path / "numbers.txt").write_text("a 1\nb 2\n")
    assert not is_vector_file(tmp_path / "numbers.txt")


def test_a_training_starts_from_the_vectors_of_a_file(file, tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "corpus.txt").write_text("\n".join(" ".join(random.choice([*WORDS[:5], "bird", "house"], 12)) for _ in range(2000)))
    recipe = recipes.read_recipe({"task": "words", "data": {"source": str(tmp_path / "corpus.txt")}, "learn": {"init": str(file)}})
    prepared = task.prepare(recipe, tmp_path)
    recipe = task.resolve_defaults(recipe, prepared)
    assert recipe.model.dimensions == 5
    inputs, outputs = initial_tables(recipe, prepared)
    found = vectors_of(prepared.encoder.words, str(file))
    for word in WORDS[:5]:
        row = prepared.encoder.places[word]
        np.testing.assert_allclose(found[row], VECTORS[WORDS.index(word)], atol=1e-4)
        assert np.corrcoef(inputs[row], found[row])[0, 1] > 0.999
    assert not found[prepared.encoder.places["bird"]].any()
    assert not outputs.any()
    wide = {"task": "words", "model": {"dimensions": 7}, "learn": {"init": str(file)}}
    with pytest.raises(UsageError, match=r"model\.dimensions is 7, but the vectors of .* have 5"):
        task.resolve_defaults(recipes.read_recipe(wide), prepared)
    with pytest.raises(UsageError, match=r"'sdv' is neither a method nor a file of word vectors\. Did you mean 'svd'"):
        task.resolve_defaults(recipes.read_recipe({"task": "words", "learn": {"init": "sdv"}}), prepared)
