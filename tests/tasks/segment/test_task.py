"""From a folder to a bundle and back to masks: files agree with Keras, tiles, scores in place of masks, defaults and refusals."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import applied_dl
from applied_dl import cli
from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.segment import task
from applied_dl.tasks.segment.defaults import smaller_models
from applied_dl.tasks.segment.drawing import mask_png, read_mask
from applied_dl.tasks.segment.fit import pixel_weights
from applied_dl.tasks.segment.metrics import PixelIoU
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import read_data, resolve_recipe
from tests.cases.segment_files import fill, scene

SMALL = {"name": "unet_small", "width": 0.5, "depth": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("segment") / "d", 60)


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """A small net that learns rectangles of one colour."""
    out = tmp_path_factory.mktemp("segment") / "b"
    train = {"epochs": 25, "batch_size": 8}
    return applied_dl.train(
        "segment", data={"source": str(folder), "classes": ["ground", "green", "blue"]}, model=SMALL, train=train, out=out,
        export={"variants": ["fp32", "int8"]},
    )  # fmt: skip


def test_it_learns_and_its_files_agree(run):
    manifest = run.manifest
    assert manifest.metrics["test"]["miou"] > 0.75
    assert manifest.metrics["test"]["miou"] > max(scores["miou"] for name, scores in manifest.baselines.items() if "colours" not in name)
    files = {item.variant: item for item in manifest.exports if item.format == "tflite"}
    assert files["fp32"].max_rel_diff <= 1e-4
    assert abs(files["int8"].metric_drop) < 0.05
    assert {"ARG_MAX", "CAST"} <= set(files["fp32"].ops)
    assert set(manifest.facts["per_class"]) == {"ground", "green", "blue"}
    for plot in ("overlays", "worst", "confusion", "classes", "training", "batch"):
        assert (run.bundle / "plots" / f"{plot}.png").exists()
    assert "mean IoU" in (run.bundle / "README.md").read_text()


def test_a_prediction_has_the_size_of_its_image(run, tmp_path):
    image, mask = scene(3, (64, 96))
    Image.fromarray(image).save(tmp_path / "a.png")
    (one,) = run.predictor().predict([tmp_path / "a.png"])
    found = read_mask(one["mask"])
    assert found.shape == (64, 96)
    assert (found == mask).mean() > 0.85
    assert [item["class"] for item in one["classes"]][0] == "ground"
    assert sum(item["pixels"] for item in one["classes"]) == 64 * 96
    assert sum(item["share"] for item in one["classes"]) == pytest.approx(1)
    assert 0 < one["confidence"] <= 1
    (same,) = run.predictor().predict(image, arrays=True)
    np.testing.assert_array_equal(same["mask"], found)
    json.dumps(one)


def test_a_folder_of_masks_overlays_and_areas(run, folder, tmp_path, capsys):
    out = tmp_path / "out"
    (tmp_path / "broken.png").write_bytes(b"none")
    inputs = [str(folder / "images" / "000.jpg"), str(tmp_path / "broken.png"), str(folder / "images" / "001.jpg")]
    assert cli.main(["predict", str(run.bundle), *inputs, "--out", str(out), "--json", "--quiet"]) == 3
    assert json.loads(capsys.readouterr().out) == {"folder": str(out), "predictions": 3, "errors": 1}
    with Image.open(out / "masks" / "000.png") as image:
        assert image.mode == "P"
        assert image.getpalette()[3:6] == list(run.predictor().encoder.palette[1])
    assert Image.open(out / "overlays" / "001.jpg").size == (48, 32)
    lines = (out / "areas.csv").read_text().splitlines()
    assert lines[0] == "input,mask,confidence,ground,green,blue,error"
    assert len(lines) == 4
    assert "cannot be read" in lines[2]
    assert cli.main(["predict", str(run.bundle), inputs[0], "--out", str(out), "--quiet"]) == 2  # what is there stays
    assert "not empty" in capsys.readouterr().err


def test_another_source_is_scored_and_the_bundle_is_checked(run, tmp_path):
    other = fill(tmp_path / "o", 8, first=100)
    result = applied_dl.evaluate(run.bundle, str(other))
    assert result["rows"] == 8
    assert result["metrics"]["model.fp32.tflite"]["miou"] > 0.6
    assert cli.main(["check", str(run.bundle), "--quiet"]) == 0


@pytest.mark.slow
def test_tiles_keep_the_size_of_large_images(folder, tmp_path):
    large = fill(tmp_path / "l", 12, size=(70, 90))
    data = {"source": str(large), "resize": "tile", "image_size": (32, 32)}
    run = applied_dl.train(
        "segment", data=data, model=SMALL, train={"epochs": 2}, out=tmp_path / "b", export={"variants": ["fp32"], "max_metric_drop": 1.0}
    )
    prepared = read_data(task, recipes.read_recipe({"task": "segment", "data": data}))
    counted = sum((part.target != 255).sum() for part in (prepared.train, prepared.validation, prepared.test))
    assert counted == 12 * 70 * 90  # every pixel of every image once
    (one, other) = run.predictor().predict([scene(0, (70, 90))[0], scene(1, (20, 25))[0]], arrays=True)
    assert one["mask"].shape == (70, 90)
    assert other["mask"].shape == (20, 25)


def test_scores_in_place_of_masks(folder):
    asked = recipes.read_recipe(
        {"task": "segment", "data": {"source": str(folder)}, "model": SMALL, "predict": {"scores": True, "tta": True}}
    )
    prepared = read_data(task, asked)
    recipe = resolve_recipe(task, asked, prepared)
    from applied_dl.core.records import Fitted, History

    serving = task.serving(recipe, Fitted(task.build(recipe, prepared), History()), prepared)
    scores = np.asarray(serving.model.predict(prepared.test.inputs, verbose=0)["scores"])
    assert scores.shape == (len(prepared.test), 32, 48, 3)
    np.testing.assert_allclose(scores.sum(-1), 1, rtol=1e-5)
    mirrored = {"image": prepared.test.inputs["image"][:, :, ::-1]}
    np.testing.assert_allclose(serving.model.predict(mirrored, verbose=0)["scores"][:, :, ::-1], scores, atol=1e-5)
    from applied_dl.tasks.segment.predict import encode, postprocess

    encoded = encode(prepared.encoder, [scene(0)[0]])
    (one,) = postprocess(prepared.encoder, {"scores": scores[:1]}, encoded, arrays=True)
    np.testing.assert_array_equal(one["mask"], scores[0].argmax(-1))


def test_the_default_takes_the_trunk_for_photographs_and_none_for_small_images(tmp_path):
    small = recipes.read_recipe({"task": "segment", "data": {"source": str(fill(tmp_path / "s", 12))}})
    large = recipes.read_recipe({"task": "segment", "data": {"source": str(fill(tmp_path / "l", 12, size=(48, 64)))}})
    prepared = [read_data(task, recipe) for recipe in (small, large)]
    found = [resolve_recipe(task, recipe, data) for recipe, data in zip((small, large), prepared)]
    assert [(one.model.name, one.model.weights) for one in found] == [("unet", "none"), ("unet", "embedded")]
    assert [one.data.image_size for one in found] == [(32, 48), (48, 64)]
    assert [one.model.width for one in found] == [0.5, None]
    assert found[1].train.layerwise_lr_decay
    assert found[0].train.layerwise_lr_decay is None
    assert [len(smaller_models(recipe, data)) for recipe, data in zip((small, large), prepared)] == [3, 5]


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"model": {"name": "unett"}}, "Did you mean 'unet'"),
        ({"model": {"name": "unet_small", "weights": "embedded"}}, "no pretrained encoder"),
        ({"model": {"weights": "embedded", "depth": 2}}, "model.depth is for an encoder from scratch"),
        ({"model": {"weights": "none"}, "train": {"unfreeze_epochs": [1, 1]}}, "transfer learning"),
        ({"model": {"weights": "embedded"}, "preprocess": {"normalize": "rescale"}}, "pretrained encoder"),
        ({"train": {"loss": "mse"}}, "train.loss"),
        ({"model": {"weights": "nowhere.h5"}}, "no weights file"),
    ],
)
def test_keys_that_contradict_each_other(sections, words, folder):
    recipe = recipes.read_recipe({"task": "segment", "data": {"source": str(folder)}, **sections})
    with pytest.raises((UsageError, DataError), match=words):
        resolve_recipe(task, recipe, read_data(task, recipe))


def test_weights_of_classes():
    counts, labels = np.array([900, 90, 10, 0]), ("a", "b", "c", "d")
    shares = counts / 1000
    for setting in (None, "balanced", {"c": 5.0}):
        weights = np.array(pixel_weights(counts, labels, setting))
        assert (weights * shares).sum() == pytest.approx(1, abs=1e-4)
        assert weights[0] <= weights[1] <= weights[2]
    balanced = np.array(pixel_weights(counts, labels, "balanced"))
    np.testing.assert_allclose((balanced * counts)[:3], (balanced * counts)[0], rtol=1e-3)
    with pytest.raises(UsageError, match="Did you mean"):
        pixel_weights(counts, ("sky", "road", "car", "tree"), {"roads": 2.0})


def test_the_metric_of_training_is_that_of_keras():
    import keras

    random = np.random.default_rng(0)
    truth, logits = random.integers(0, 4, (3, 8, 9)).astype(np.uint8), random.normal(size=(3, 8, 9, 4)).astype(np.float32)
    truth[0] = 255
    own, reference = PixelIoU(4), keras.metrics.MeanIoU(4, ignore_class=255, sparse_y_pred=False)
    for metric in (own, reference):
        metric.update_state(truth, logits)
    assert float(own.result()) == pytest.approx(float(reference.result()), rel=1e-5)


def test_masks_as_text_and_as_files(tmp_path):
    mask = np.random.default_rng(0).integers(0, 7, (11, 13)).astype(np.uint8)
    content = mask_png(mask, ((1, 2, 3), (4, 5, 6)))
    np.testing.assert_array_equal(read_mask(content), mask)
    (tmp_path / "m.png").write_bytes(content)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), mask)
    for bad in ("iVBORnonsense", str(tmp_path / "none.png"), b"x"):
        with pytest.raises(DataError, match="cannot be read"):
            read_mask(bad)


@pytest.mark.slow
def test_photographs_are_trained_on_in_windows_first_and_the_first_layers_stay(tmp_path, monkeypatch):
    from applied_dl.tasks.segment import fit
    from applied_dl.training.trainer import CheckpointingTrainer

    monkeypatch.setattr(fit, "LARGE", 64)
    model = {"name": "fpn", "weights": "embedded", "width": 0.25}
    train = {"epochs": 3, "batch_size": 4}
    data = {"source": str(fill(tmp_path / "d", 10, size=(64, 64)))}
    asked = recipes.read_recipe({"task": "segment", "data": data, "model": model, "train": train})
    prepared = read_data(task, asked)
    recipe = resolve_recipe(task, asked, prepared)
    before = {w.path: w.numpy() for w in task.build(recipe, prepared).weights}
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    assert [row["stage"] for row in fitted.history.rows] == [0, 0, 1]
    assert [row["epoch"] for row in fitted.history.rows] == [1, 2, 3]
    assert "val_miou" in fitted.history.rows[-1]
    assert fitted.model.output.shape == (None, 64, 64, 3)
    after = {w.path: w.numpy() for w in fitted.model.weights}
    same = {path.split("/")[-2]: np.array_equal(before[path], after[path]) for path in before if path.endswith("kernel") and path in after}
    assert same["stem"]
    assert not same["logits"]


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed in this environment: pip install applied_dl[scale]"
)
def test_pixels_are_counted_within_a_graph_of_jax():
    program = """
import jax, numpy as np
from applied_dl.tasks.segment.metrics import PixelIoU
metric = PixelIoU(2)
state = [v.value for v in metric.variables]
truth, predicted = np.array([[0, 1, 1, 255]]), np.eye(2, dtype="float32")[[[0, 1, 0, 0]]]
state = jax.jit(metric.stateless_update_state)(state, truth, predicted)
assert abs(float(metric.stateless_result(state)) - 0.5) < 1e-6
"""
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
