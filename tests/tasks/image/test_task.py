"""The image task on tiny data: chosen values, one graph for both runtimes, several labels, transfer, whitening as a net's first step."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.core.records import Slice
from applied_dl.exporting.convert import convert_here
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.runtime.interpreter import Runtime
from applied_dl.tasks.image import predict as infer
from applied_dl.tasks.image import task
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.training.checkpoints import Store
from applied_dl.training.hardware import as_float32
from applied_dl.training.reproducible import set_up
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes

ENCODER = ImageEncoder(height=16, width=16, channels=3, labels=("dark", "light"))


def made(tmp_path, rows=60, several=False, data=None, **sections):
    """Light and dark noise: learned in a step or two."""
    random = np.random.default_rng(0)
    y = np.arange(rows) % 2
    x = np.clip(random.normal(80 + 90 * y[:, None, None, None], 40, (rows, 16, 16, 3)), 0, 255).astype(np.uint8)
    labels = np.stack([y, 1 - y, np.ones(rows, int)], 1) if several else y
    np.savez(tmp_path / "a.npz", x=x, y=labels)
    recipe = recipes.read_recipe(
        {"task": "image", "data": {"source": str(tmp_path / "a.npz"), "split": [0.6, 0.2, 0.2], **(data or {})}, **sections}
    )
    prepared = task.prepare(recipe, tmp_path / "cache")
    return task.resolve_defaults(recipe, prepared), prepared


@pytest.mark.parametrize(
    ("sections", "several"),
    [
        pytest.param({"train": {"epochs": 6}, "predict": {"tta": "flip_shift"}}, False, marks=pytest.mark.slow),
        ({"train": {"epochs": 4, "precision": "mixed_bfloat16"}, "model": {"name": "mlp"}, "preprocess": {"normalize": "pca"}}, False),
        ({"train": {"epochs": 4}, "model": {"name": "lenet", "width": 0.25}, "preprocess": {"normalize": "zca"}}, True),
        pytest.param(
            {"train": {"unfreeze_epochs": (2, 1)}, "model": {"alpha": 0.35}, "data": {"image_size": (32, 32)}},
            False,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_exported_file_answers_as_keras_does_from_the_raw_image(tmp_path, sections, several):
    if "unfreeze_epochs" in sections.get("train", {}):
        sections = {**sections, "model": {**sections["model"], "weights": trunk_weights(tmp_path)}}
    recipe, prepared = made(tmp_path, several=several, **sections)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    serving = task.serving(recipe, fitted._replace(model=as_float32(fitted.model)), prepared)
    images = [Image.fromarray(x) for x in np.asarray(prepared.test.inputs["image"])]
    encoded = infer.encode(prepared.encoder, images)
    want = serving.model.predict(encoded.inputs, verbose=0)["probabilities"]
    write_saved_model(serving, tmp_path / "m")
    got = Runtime(convert_here(str(tmp_path / "m"), "fp32", "")).run(encoded.inputs)["probabilities"]
    np.testing.assert_allclose(got, want, atol=1e-4)
    scores = task.score(recipe, {"probabilities": want}, prepared.test, prepared.encoder)
    assert scores.main == ("f1" if several else "accuracy")
    assert scores.value > 0.4
    answers = infer.postprocess(prepared.encoder, {"probabilities": got}, encoded, top=2)
    assert len(answers) == len(images)
    assert answers[0]["label"] == answers[0]["top"][0]["label"]
    if several:
        assert set(answers[0]["labels"]) <= set(prepared.encoder.labels)
    else:
        np.testing.assert_allclose(want.sum(1), 1, atol=1e-5)


def photographs(tmp_path, several=False, **sections):
    """Images of 40 by 40 pixels whose classes differ in texture, which pixels alone hardly show."""
    random = np.random.default_rng(0)
    y = np.arange(80) % 2
    coarse = random.integers(0, 256, (80, 5, 5, 3)).repeat(8, 1).repeat(8, 2)
    fine = random.integers(0, 256, (80, 40, 40, 3))
    x = np.where(y[:, None, None, None] == 1, coarse, fine).astype(np.uint8)
    np.savez(tmp_path / "p.npz", x=x, y=np.stack([y, 1 - y, np.ones(80, int)], 1) if several else y)
    data = {"source": str(tmp_path / "p.npz"), "split": [0.6, 0.2, 0.2]}
    recipe = recipes.read_recipe({"task": "image", "data": data, **sections})
    prepared = task.prepare(recipe, tmp_path / "cache")
    return task.resolve_defaults(recipe, prepared), prepared


def test_the_data_choose_between_the_embedded_trunk_and_none(tmp_path):
    recipe, prepared = photographs(tmp_path)
    assert (recipe.model.name, recipe.model.weights, recipe.model.resolution) == ("backbone", "embedded", 96)
    assert recipe.data.image_size == (40, 40)
    assert "the pretrained trunk of the package is used" in prepared.facts["weights"]
    light, _ = made(tmp_path)
    assert (light.model.name, light.model.weights) == ("whitened_cnn", "none")
    scratch, prepared = photographs(tmp_path, model={"weights": "none"})
    assert (scratch.model.name, scratch.model.weights) == ("whitened_cnn", "none")
    assert "weights" not in prepared.facts
    assert photographs(tmp_path, model={"width": 0.25})[0].model.name == "whitened_cnn"
    assert photographs(tmp_path, model={"name": "backbone"})[0].model.weights == "embedded"


@pytest.mark.slow
def test_the_embedded_trunk_is_trained_in_three_stages_and_answers_from_the_file(tmp_path):
    small = {
        "model": {"weights": "embedded", "resolution": 32},
        "train": {"unfreeze_epochs": (4, 1, 1)},
        "calibration": {"temperature": False},
    }
    recipe, prepared = photographs(tmp_path, several=True, **small)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    assert [row["stage"] for row in fitted.history.rows] == [0, 0, 0, 0, 1, 2]
    serving = task.serving(recipe, fitted, prepared)
    write_saved_model(serving, tmp_path / "m", endpoints=False)
    images = prepared.test.inputs
    want = serving.model.predict(images, verbose=0)["probabilities"]
    np.testing.assert_allclose(Runtime(convert_here(str(tmp_path / "m"), "fp32", "")).run(images)["probabilities"], want, atol=1e-4)
    assert task.score(recipe, {"probabilities": want}, prepared.test, prepared.encoder).value > 0.8


def trunk_weights(tmp_path):
    trunk = keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, include_top=False, weights=None)
    trunk.save_weights(tmp_path / "trunk.weights.h5")
    return str(tmp_path / "trunk.weights.h5")


def test_predict_bytes_answers_jpeg_and_png(tmp_path):
    import tensorflow as tf

    recipe, prepared = made(tmp_path, train={"epochs": 2}, model={"name": "small_cnn"})
    serving = task.serving(recipe, task.fit(recipe, prepared, CheckpointingTrainer()), prepared)
    write_saved_model(serving, tmp_path / "m")
    endpoint = tf.saved_model.load(str(tmp_path / "m")).signatures["predict_bytes"]
    contents, arrays = [], []
    for i, kind in enumerate(("PNG", "JPEG", "PNG")):
        image = Image.fromarray(np.random.default_rng(i).integers(0, 256, (20 + 9 * i, 31, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        image.save(buffer, kind)
        contents.append(buffer.getvalue())
        arrays.append(buffer.getvalue())
    got = endpoint(image_bytes=tf.constant(contents))["probabilities"].numpy()
    want = serving.model.predict(infer.encode(prepared.encoder, arrays).inputs, verbose=0)["probabilities"]
    np.testing.assert_allclose(got, want, atol=0.02)


def test_open_values_are_chosen_by_size_and_rows():
    def resolved(height, channels, rows, **sections):
        encoder = ImageEncoder(height=height, width=height, channels=channels, labels=("a", "b"))
        return task.resolve_image(recipes.read_recipe({"task": "image", **sections}), encoder, rows)

    assert resolved(8, 1, 1257).model.name == "small_cnn"
    assert resolved(28, 1, 57000).model.name == "whitened_cnn"
    assert resolved(224, 3, 500, model={"weights": "imagenet"}).train.unfreeze_epochs is not None
    assert "flip" not in resolved(28, 1, 57000).preprocess.augment
    assert "flip" in resolved(96, 3, 500).preprocess.augment
    assert resolved(28, 1, 57000).train.epochs < resolved(28, 1, 1000).train.epochs
    assert resolved(28, 1, 500, train={"epochs": 3}).train.epochs == 3
    assert resolved(28, 1, 500, preprocess={"augment": []}).preprocess.augment == ()
    assert resolved(28, 1, 500).train.batch_size < resolved(28, 1, 50000).train.batch_size
    assert resolved(28, 1, 500, model={"preset": "fast"}).train.epochs < resolved(28, 1, 500).train.epochs
    assert resolved(28, 1, 500).data.image_size == (28, 28)


def test_wrong_names_are_refused_before_training():
    encoder = ImageEncoder(height=28, width=28, channels=1, labels=("a", "b"))

    def resolve_defaults(**sections):
        return task.resolve_image(recipes.read_recipe({"task": "image", **sections}), encoder, 100)

    with pytest.raises(UsageError, match="Did you mean 'resnet'"):
        resolve_defaults(model={"name": "resnett"})
    with pytest.raises(UsageError, match="mlp"):
        resolve_defaults(model={"name": "lenet"}, preprocess={"normalize": "pca"})
    with pytest.raises(UsageError, match="Did you mean 'default'"):
        resolve_defaults(model={"preset": "defaul"})
    several = ImageEncoder(height=28, width=28, channels=1, labels=("a", "b"), multi_label=True)
    with pytest.raises(UsageError, match="one label per image"):
        task.resolve_image(recipes.read_recipe({"task": "image", "train": {"class_weights": "balanced"}}), several, 100)
    with pytest.raises(UsageError, match="augment"):
        recipes.read_recipe({"task": "image", "preprocess": {"augmentation": ["flip"]}})


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"model": {"name": "mlp", "depth": 3}}, "model.depth has no meaning"),
        ({"model": {"name": "mlp", "weights": "imagenet"}}, "model.weights has no meaning"),
        ({"model": {"alpha": 0.5}}, "model.alpha has no meaning"),
        ({"model": {"name": "backbone", "weights": "none"}}, "needs model.weights"),
        ({"model": {"weights": "imagenet"}, "preprocess": {"normalize": "zca"}}, "no meaning for a backbone"),
        ({"model": {"weights": "imagenet"}, "train": {"epochs": 9, "unfreeze_epochs": [3, 5]}}, "differ"),
        ({"train": {"unfreeze_epochs": [3, 5]}}, "transfer learning"),
        ({"train": {"layerwise_lr_decay": 0.5}}, "transfer learning"),
        ({"train": {"loss": "mae"}}, "does not fit classes"),
        ({"train": {"loss": "hinge", "label_smoothing": 0.1}}, "no meaning for the loss"),
        ({"preprocess": {"components": 9}}, "preprocess.components is for"),
    ],
)
def test_keys_that_would_do_nothing_are_refused(sections, words):
    encoder = ImageEncoder(height=28, width=28, channels=3, labels=("a", "b"))
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        task.resolve_image(recipes.read_recipe({"task": "image", **sections}), encoder, 100)


def test_epochs_and_presets_reach_the_stages_of_a_backbone():
    encoder = ImageEncoder(height=224, width=224, channels=3, labels=("a", "b"))

    def stages(preset="default", weights="imagenet", rows=500, **train):
        raw = {"task": "image", "model": {"weights": weights, "preset": preset}, "train": train}
        return task.resolve_image(recipes.read_recipe(raw), encoder, rows).train

    assert stages().unfreeze_epochs == (20, 8)
    assert stages(epochs=7).unfreeze_epochs == (5, 2)
    assert stages(epochs=1).unfreeze_epochs == (1,)
    assert stages(unfreeze_epochs=[3, 5]).epochs == 8
    assert stages("fast").epochs < stages().epochs < stages("best").epochs
    assert stages("default", weights="embedded").unfreeze_epochs == (10, 2, 6)
    assert stages("fast", weights="embedded").unfreeze_epochs == (4, 1, 2)
    assert stages(epochs=1, weights="embedded").unfreeze_epochs == (1,)
    assert sum(stages(epochs=9, weights="embedded").unfreeze_epochs) == 9
    assert stages(rows=10_000, weights="embedded").unfreeze_epochs[-1] == 3
    resolved = config.as_dict(config.replace(recipes.read_recipe("image"), train={"unfreeze_epochs": (3, 5), "epochs": 8}))
    assert resolved["train"]["epochs"] == 8


def test_a_wrong_activation_is_named(tmp_path):
    recipe, prepared = made(tmp_path, model={"name": "lenet", "activation": "rellu"})
    with pytest.raises(UsageError, match="Did you mean 'relu'"):
        task.build(recipe, prepared)


def test_baselines_and_plots(tmp_path):
    recipe, prepared = made(tmp_path, train={"epochs": 2}, model={"name": "mlp"}, preprocess={"augment": ["flip", "erase"]})
    scores = task.baselines(recipe, prepared)
    assert scores["majority class"].value < scores["logistic regression on PCA"].value
    assert set(scores["SVM with RBF kernel"].metrics) == {"accuracy", "f1"}
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    serving = task.serving(recipe, fitted, prepared)
    outputs = serving.model.predict(prepared.test.inputs, verbose=0)
    (tmp_path / "plots").mkdir()
    task.plots(recipe, prepared, fitted, outputs, tmp_path / "plots")
    assert {p.stem for p in (tmp_path / "plots").glob("*.png")} == {"training", "batch", "confusion", "reliability", "worst"}
    slices = task.score(recipe, outputs, prepared.test, prepared.encoder).slices
    truth, best = prepared.test.target, outputs["probabilities"].argmax(1)
    for i, name in enumerate(("0", "1")):
        assert slices[name] == Slice(value=pytest.approx(np.mean(best[truth == i] == i)), rows=int((truth == i).sum()))
    assert set(slices) == {"0", "1"}


def test_several_labels_have_scores_with_intervals_and_plots(tmp_path):
    recipe, prepared = made(tmp_path, several=True, train={"epochs": 1}, model={"name": "mlp"})
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    outputs = {"probabilities": np.random.default_rng(0).random((len(prepared.test), 3)).astype(np.float32)}
    scores = task.score(recipe, outputs, prepared.test, prepared.encoder)
    assert set(scores.intervals) == set(scores.metrics) == {"f1", "map", "accuracy", "log_loss"}
    assert set(scores.slices) == set(prepared.encoder.labels)
    (tmp_path / "plots").mkdir()
    task.plots(recipe, prepared, fitted, outputs, tmp_path / "plots")
    assert {"labels", "reliability"} <= {p.stem for p in (tmp_path / "plots").glob("*.png")}


def test_class_weights_and_ensembles_train(tmp_path):
    recipe, prepared = made(tmp_path, train={"epochs": 1, "ensemble": 2, "class_weights": "balanced"}, model={"name": "mlp"})
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    assert isinstance(fitted.model, keras.Model)
    assert len(fitted.extra["members"]) == 2


@pytest.mark.parametrize("numbers", [pytest.param(False, marks=pytest.mark.slow), True])
def test_refit_ships_a_model_of_all_images_calibrated_as_the_scored_one(tmp_path, numbers):
    data = {"kind": "regression"} if numbers else {}
    settings = {"model": {"name": "mlp"}, "data": data, "predict": {"tta": True}}
    plain, prepared = made(tmp_path, train={"epochs": 3}, **settings)
    recipe = config.replace(plain, train={"refit": True})
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    serving = task.serving(recipe, fitted, prepared)
    alone = task.serving(plain, task.fit(plain, prepared, CheckpointingTrainer()), prepared)
    images = prepared.test.inputs
    scored, want, shipped = (model.predict(images, verbose=0) for model in (serving.scored, alone.model, serving.model))
    name = "prediction" if numbers else "probabilities"
    np.testing.assert_allclose(scored[name], want[name], atol=1e-5)
    assert np.abs(shipped[name] - want[name]).max() > 1e-4
    if numbers:
        np.testing.assert_allclose(shipped["upper"] - shipped["lower"], scored["upper"] - scored["lower"], rtol=1e-4)
    moved = keras.Model(fitted.extra["refit"].inputs, fitted.extra["refit"].outputs)
    raw = np.mean([moved.predict(view.astype(np.float32), verbose=0) for view in (images["image"], images["image"][:, :, ::-1])], axis=0)
    assert np.corrcoef(raw[:, -1], shipped[name] if numbers else shipped[name][:, -1])[0, 1] > 0.9


class Killed(Exception):
    """Ends a training from within, as a kill does between two epochs."""


@pytest.mark.slow
@pytest.mark.parametrize("at", ["member0-stage0", "member0-stage1", "member0-stage2"])
def test_every_stage_resumes_to_the_same_weights(tmp_path, at):
    recipe, prepared = photographs(
        tmp_path, model={"weights": "embedded", "resolution": 32}, train={"unfreeze_epochs": (2, 2, 2), "checkpoint_minutes": 0}
    )

    def fit(name, resume=False, on_epoch=()):
        set_up(0, True)
        store = Store(tmp_path / name, {}, resume)
        return task.fit(recipe, prepared, CheckpointingTrainer(store, on_epoch=on_epoch)).model.get_weights()

    def kill(tag, history):
        if tag == at and len(history.rows) == 2:
            raise Killed

    with pytest.raises(Killed):
        fit("killed", on_epoch=(kill,))
    for whole, resumed in zip(fit("whole"), fit("killed", resume=True), strict=True):
        np.testing.assert_array_equal(whole, resumed)
