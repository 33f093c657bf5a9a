"""Data that cannot be learned from is refused in one sentence; odd data that can is learned from, with a note."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from applied_dl.core.errors import AppliedError
from applied_dl.tasks.generate.defaults import name_model
from applied_dl.tasks.generate.readers.images import prepare_images
from applied_dl.tasks.generate.readers.tables import prepare_table
from applied_dl.workflows.recipes import read_recipe

random = np.random.default_rng(0)


def images(folder, count: int, size=(12, 12), mode: str = "L", start: int = 0):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        side = size if isinstance(size, tuple) else (size[0] + i % 5, size[1])
        channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
        Image.fromarray(random.integers(0, 255, (*side, *channels), dtype=np.uint8)).save(folder / f"{start + i}.png")
    return folder


def prepared(source, tmp_path, **keys):
    recipe = name_model(read_recipe({"task": "generate", "data": {"source": str(source), **keys}}))
    return prepare_images(recipe, tmp_path / "cache") if recipe.model.name == "residual" else prepare_table(recipe)


def refused(source, tmp_path, says: str, **keys):
    with pytest.raises(AppliedError) as caught:
        prepared(source, tmp_path, **keys)
    text = str(caught.value)
    assert says in text, text
    assert "\n" not in text
    assert text.endswith((".", "?"))


def test_images_that_cannot_be_learned_from(tmp_path):
    refused(tmp_path / "none", tmp_path, "There is no data")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path, "holds no images")
    refused(images(tmp_path / "one", 1), tmp_path, "expected at least 20")
    flat = images(tmp_path / "flat", 40)
    refused(flat, tmp_path, "no classes", conditional=True)
    (tmp_path / "same").mkdir()
    for i in range(30):
        Image.new("L", (8, 8), 7).save(tmp_path / "same" / f"{i}.png")
    refused(tmp_path / "same", tmp_path, "are the same after decoding")
    for name in "ab":
        images(tmp_path / "few" / name, 30 if name == "a" else 3)
    refused(tmp_path / "few", tmp_path, "'b' has fewer than 5")
    for i in range(40):
        (tmp_path / "broken").mkdir(exist_ok=True)
        (tmp_path / "broken" / f"{i}.png").write_bytes(b"nothing")
    refused(tmp_path / "broken", tmp_path, "cannot be read")


def test_images_without_classes_and_of_one_class(tmp_path):
    found = prepared(images(tmp_path / "flat", 40), tmp_path)
    assert found.encoder.form.labels == ()
    assert set(found.train.inputs) == {"latent"}
    images(tmp_path / "single" / "cat", 40)
    found = prepared(tmp_path / "single", tmp_path)
    assert found.encoder.form.labels == ()
    for name in "ab":
        images(tmp_path / "two" / name, 30)
    assert prepared(tmp_path / "two", tmp_path).encoder.form.labels == ("a", "b")
    assert prepared(tmp_path / "two", tmp_path, conditional=False).encoder.form.labels == ()


def test_sizes_and_modes(tmp_path):
    folder = images(tmp_path / "mixed", 20, (40, 30), "RGB")
    images(folder, 20, (100, 90), "RGBA", start=20)
    found = prepared(folder, tmp_path)
    form = found.encoder.form
    assert (form.height, form.width, form.channels) == (64, 64, 3)
    assert any("sizes" in note for note in found.warnings)
    assert found.train.extra["image"].shape[1:] == (64, 64, 3)
    found = prepared(folder, tmp_path, image_size=[16, 20], channels=1)
    assert found.test.extra["image"].shape[1:] == (16, 20, 1)
    refused(folder, tmp_path, "between 4 and 256", image_size=[2, 2])
    images(tmp_path / "grey", 30, (9, 11))
    assert prepared(tmp_path / "grey", tmp_path).encoder.form.width == 11


def test_parts_and_arrays(tmp_path):
    for part, count in (("train", 30), ("test", 12)):
        for name in ("x", "y"):
            images(tmp_path / "parts" / part / name, count)
    found = prepared(tmp_path / "parts", tmp_path)
    assert len(found.test) == 24
    assert len(found.train) + len(found.validation) == 60
    x, y = random.integers(0, 255, (60, 8, 8), dtype=np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "a.npz", x=x, y=y)
    assert prepared(tmp_path / "a.npz", tmp_path).encoder.form.labels == ("0", "1", "2")
    np.savez(tmp_path / "b.npz", x=x)
    assert prepared(tmp_path / "b.npz", tmp_path).encoder.form.labels == ()
    np.savez(tmp_path / "c.npz", x=x, y=y[:5])
    refused(tmp_path / "c.npz", tmp_path, "one label for each image")
    np.savez(tmp_path / "d.npz", other=x)
    refused(tmp_path / "d.npz", tmp_path, "no array of images")


def csv(path, frame: dict):
    pl.DataFrame(frame, strict=False).write_csv(path)
    return path


def test_tables_that_cannot_be_learned_from(tmp_path):
    refused(csv(tmp_path / "head.csv", {"a": [], "b": []}), tmp_path, "")
    refused(csv(tmp_path / "short.csv", {"a": [1, 2, 3], "b": [1, 2, 3]}), tmp_path, "expected at least 20")
    refused(csv(tmp_path / "ids.csv", {"id": np.arange(50)}), tmp_path, "no column can be learned")
    refused(tmp_path / "missing.csv", tmp_path, "missing.csv")


def test_odd_tables_are_learned(tmp_path):
    n = 80
    frame = {
        "id": np.arange(n) + 1, "constant": ["x"] * n, "empty": [None] * n, "holes": [None if i % 3 else i % 7 for i in range(n)],
        "mixed": [str(i % 5) if i % 9 else "unknown thing" for i in range(n)], "day": [f"2024-01-{i % 28 + 1:02d}" for i in range(n)],
        "flag": [i % 2 == 0 for i in range(n)], "ünï cöde": ["ä", "ö"] * (n // 2),
    }  # fmt: skip
    found = prepared(csv(tmp_path / "odd.csv", frame), tmp_path)
    assert {c.name: c.kind for c in found.encoder.form.columns}["id"] == "key"
    assert found.encoder.form.columns[1].size == 2
    assert len(found.warnings) >= 2
    assert len(found.train.inputs["latent"]) == len(found.train.extra["codes"])


def test_a_request_that_makes_no_sense_is_one_sentence():
    from applied_dl.tasks.generate import predict
    from applied_dl.tasks.generate.encoder import Form, GenerateEncoder

    encoder = GenerateEncoder(form=Form(latent=2, labels=("a", "b"), shares=(0.5, 0.5), height=4, width=4, channels=1))
    asked = [
        "a",
        "c",
        '{"label": "b", "seed": 3}',
        "{",
        {"seed": -1},
        {"seed": 1.5},
        {"color": 1},
        {"label": "b", "seed": "7"},
        {"seed": True},
        None,
    ]
    found = predict.encode(encoder, asked)
    assert found.kept == [0, 2, 7, 9]
    assert sorted(found.errors) == [1, 3, 4, 5, 6, 8]
    assert all("\n" not in text and text.endswith((".", "?")) for text in found.errors.values())
    np.testing.assert_array_equal(found.inputs["label"][:3], [0, 1, 1])
    rows = GenerateEncoder(form=Form(latent=2, noise="uniform"))
    found = predict.encode(rows, ["7", 7, "x"])
    np.testing.assert_array_equal(found.inputs["latent"][0], found.inputs["latent"][1])
    assert list(found.errors) == [2]
