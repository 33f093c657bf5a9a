"""Prediction without TensorFlow: what arguments become, and that one bad image costs only itself."""

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.image import predict as infer
from applied_dl.tasks.image.encoder import ImageEncoder

ENCODER = ImageEncoder(height=8, width=8, channels=3, labels=("a", "b", "c"), brightness=(100.0, 150.0), contrast=(10.0, 90.0))


def save(path, level=120):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).normal(level, 30, (10, 10, 3))
    Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8)).save(path)
    return path


def test_gather_takes_files_folders_and_tables(tmp_path):
    one, two = save(tmp_path / "in" / "b.png"), save(tmp_path / "in" / "deep" / "a.jpg")
    (tmp_path / "in" / "note.txt").write_text("no image")
    assert [str(p) for p in infer.expand_inputs([str(tmp_path / "in")])] == [str(one), str(two)]
    assert [str(p) for p in infer.expand_inputs(["x.png", str(one)])] == ["x.png", str(one)]
    (tmp_path / "t.csv").write_text("path,label\nin/b.png,x\n")
    assert [str(p) for p in infer.expand_inputs([str(tmp_path / "t.csv")])] == [str(one)]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no images"):
        infer.expand_inputs([str(tmp_path / "none")])


def test_a_bad_image_costs_only_itself(tmp_path):
    good = save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    encoded = infer.encode(ENCODER, [tmp_path / "b.png", good, "nowhere.png"])
    assert encoded.kept == [1]
    assert set(encoded.errors) == {0, 2}
    assert encoded.inputs["image"].shape == (1, 8, 8, 3)
    assert infer.encode(ENCODER, ["nowhere.png"]).inputs["image"].shape == (0, 8, 8, 3)


def test_images_unlike_the_training_ones_are_reported(tmp_path):
    assert not infer.encode(ENCODER, [save(tmp_path / "a.png")]).warnings
    assert infer.encode(ENCODER, [save(tmp_path / "b.png", level=250)]).warnings


def test_answers_are_ranked():
    encoded = infer.encode(ENCODER, [np.zeros((8, 8, 3), np.uint8)])
    found = infer.postprocess(ENCODER, {"probabilities": np.array([[0.2, 0.7, 0.1]], np.float32)}, encoded, top=2)
    assert found[0]["label"] == "b"
    assert [t["label"] for t in found[0]["top"]] == ["b", "a"]
    with pytest.raises(UsageError, match="at least 1"):
        infer.postprocess(ENCODER, {"probabilities": np.ones((1, 3), np.float32)}, encoded, top=0)


def test_many_images_are_answered_a_few_at_a_time_as_all_at_once(trained, monkeypatch):
    """So that a folder of any size takes the same memory; places, notes and errors stay those of the whole."""
    from applied_dl.predictor import load
    from applied_dl.tasks.image import predict as image

    predictor = load(trained("image").bundle)
    images = [*np.random.default_rng(0).integers(0, 256, (10, 8, 8), dtype=np.uint8), b"none", *np.zeros((3, 8, 8), np.uint8)]
    together = predictor.predict(images, top=2)
    sizes, encode = [], image.encode
    monkeypatch.setattr(image, "AT_ONCE", 4)
    monkeypatch.setattr(image, "encode", lambda encoder, some: (sizes.append(len(some)), encode(encoder, some))[1])
    assert predictor.predict(images, top=2) == together
    assert sizes == [4, 4, 4, 2]
    assert together[10]["input"] == 10
    assert any(note.startswith("inputs 9 to 12: ") for note in predictor.warnings)


def test_brightness_and_contrast_are_numpys_in_double_precision():
    from applied_dl.vision.inputs import _light

    shown = np.random.default_rng(0).integers(0, 256, (4, 97, 31, 3), dtype=np.uint8)
    level, spread = _light(shown)
    np.testing.assert_allclose(level, shown.mean((1, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(spread, shown.std((1, 2, 3)), atol=1e-4)
