"""Class maps against the Keras layers that they are made of, in the file, and in the explanations of a bundle."""

import keras
import numpy as np
import pytest
from keras import layers

import applied_dl
from applied_dl.core.bundle import EXPLANATION, read_manifest
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.records import Part
from applied_dl.exporting import explanation
from applied_dl.exporting.convert import convert_here
from applied_dl.exporting.evaluate import signature_outputs
from applied_dl.exporting.explanation import refusal
from applied_dl.exporting.saved_model import EXPLAIN, write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.runtime.check import replay
from applied_dl.runtime.interpreter import Runtime
from applied_dl.tasks.image.class_map import class_map
from applied_dl.tasks.image.models import BUILDERS
from benchmarks.answers.planted import planted_image

SIDE = 32


def served(net, views=1):
    """A serving graph of a net, as the task makes it: the average of views."""
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    pixels = layers.Rescaling(1.0, dtype="float32")(image)
    inner = keras.Input((SIDE, SIDE, 3), name="image")
    model = keras.Model({"image": inner}, net(layers.Rescaling(1 / 255)(inner)), name="image_model")
    raw = [model({"image": pixels[:, :, ::-1] if i else pixels}) for i in range(views)]
    raw = layers.Average()(raw) if views > 1 else raw[0]
    return keras.Model({"image": image}, {"probabilities": layers.Softmax(name="probabilities")(raw)})


def images(count=6):
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)


def by_hand(net, pixels):
    """The map and the score from a Keras sub-model up to the pooling and the weights of the head, in numpy."""
    features = keras.Model(net.input, net.get_layer("pooled").input).predict(pixels / 255.0, verbose=0).astype(np.float64)
    head = net.get_layer("logits")
    kernel, bias = head.get_weights() if head.use_bias else (head.get_weights()[0], 0.0)
    cells = np.einsum("bhwf,fk->bhwk", features, kernel) / (features.shape[1] * features.shape[2])
    return cells, features.mean((1, 2)) @ kernel + bias, bias


@pytest.mark.parametrize(("name", "views"), [("mobile", 2), ("small_cnn", 1)])
def test_the_map_is_the_head_on_each_cell_and_sums_to_the_score(name, views):
    net = BUILDERS[name]((SIDE, SIDE, 3), 4, pooling="avg")
    net.get_layer("logits").bias.assign([1.0, -2.0, 0.5, 3.0])
    found = class_map(served(net, views)).predict({"image": images()}, verbose=0)
    cells, score, bias = by_hand(net, images())
    np.testing.assert_allclose(found["contributions"], cells, atol=1e-5)
    np.testing.assert_allclose(found["score"], score, atol=1e-4)
    np.testing.assert_allclose(found["contributions"].sum((1, 2)) + bias, score, atol=1e-4)


@pytest.mark.slow
def test_a_trunk_within_the_net_has_a_map_and_its_serving_graph_stays_as_it_was():
    net = BUILDERS["backbone"]((SIDE, SIDE, 3), 3, backbone="MobileNetV2", alpha=0.35)
    model = served(net)
    before = model.predict({"image": images()}, verbose=0)["probabilities"]
    found = class_map(model).predict({"image": images()}, verbose=0)
    assert found["contributions"].shape == (6, 1, 1, 3)
    np.testing.assert_allclose(keras.ops.softmax(found["score"]), before, atol=1e-5)
    np.testing.assert_array_equal(model.predict({"image": images()}, verbose=0)["probabilities"], before)


def test_heads_that_are_not_a_mean_and_a_dense_layer_and_ensembles_have_no_map():
    assert class_map(served(BUILDERS["small_cnn"]((SIDE, SIDE, 3), 3, pooling="max"))) is None
    assert class_map(served(BUILDERS["lenet"]((SIDE, SIDE, 3), 3, pooling="global_avg"))) is None  # a hidden layer lies between
    assert class_map(served(BUILDERS["mlp"]((SIDE, SIDE, 3), 3))) is None
    inner = keras.Input((SIDE, SIDE, 3))
    nets = [BUILDERS["mobile"]((SIDE, SIDE, 3), 3, name=f"m{i}") for i in range(2)]
    assert class_map(served(keras.Model(inner, layers.Average()([net(inner) for net in nets])))) is None


def test_the_file_gives_the_map_of_keras_and_a_wrong_one_is_refused(tmp_path):
    net, other = (BUILDERS["small_cnn"]((SIDE, SIDE, 3), 4, pooling="avg") for _ in range(2))
    model = served(net)
    serving = Serving(model, explain=class_map(model))
    write_saved_model(serving, tmp_path / "m")
    content = convert_here(str(tmp_path / "m"), "fp16", "", EXPLAIN)
    rows = Part(inputs={"image": images(40)}, target=np.zeros(40, int))
    assert refusal(content, serving, rows) == ""
    got, want = Runtime(content).run(rows.inputs), by_hand(net, rows.inputs["image"])
    np.testing.assert_allclose(got["contributions"], want[0], atol=5e-3 * np.abs(want[0]).max())
    of_saved = signature_outputs(tmp_path / "m", rows.inputs, EXPLAIN)
    np.testing.assert_allclose(of_saved["contributions"], want[0], atol=1e-5)
    assert set(signature_outputs(tmp_path / "m", rows.inputs)) == {"probabilities"}
    elsewhere = served(other)
    assert "differs from Keras" in refusal(content, Serving(elsewhere, explain=class_map(elsewhere)), rows)


def test_where_half_precision_is_not_enough_the_file_has_single_precision(tmp_path, monkeypatch):
    model = served(BUILDERS["small_cnn"]((SIDE, SIDE, 3), 4, pooling="avg"))
    rows = Part(inputs={"image": images(40)}, target=np.zeros(40, int))
    monkeypatch.setitem(explanation.TOLERANCE, EXPLAIN, 1e-5)
    explanation.export_explanation(Serving(model, explain=class_map(model)), rows, tmp_path)
    got, want = Runtime((tmp_path / EXPLANATION).read_bytes()).run(rows.inputs), class_map(model).predict(rows.inputs, verbose=0)
    np.testing.assert_allclose(got["contributions"], want["contributions"], atol=1e-5 * np.abs(want["contributions"]).max())


def trained_on_planted(tmp_path, rows, epochs):
    recipe, photos, places = planted_image(tmp_path, rows=rows)
    recipe |= {"model": {"name": "resnet", "depth": 1, "width": 0.5}, "train": {"epochs": epochs}}
    return applied_dl.train(recipe, out=tmp_path / "b").bundle, photos, places


@pytest.mark.slow
def test_a_bundle_with_a_map_explains_by_it(tmp_path):
    bundle, photos, _ = trained_on_planted(tmp_path, 80, 1)
    assert {row["file"]: row["ok"] for row in replay(bundle, read_manifest(bundle))} == {"model.fp32.tflite": True, EXPLANATION: True}
    found = applied_dl.explain(bundle, photos[:5], label="1", out=tmp_path / "plots")["explanations"]
    mapped = class_map(applied_dl.load_keras(bundle))
    (head,) = (one.get_layer("logits") for one in mapped._flatten_layers() if isinstance(one, keras.Model) and has_head(one))
    want = mapped.predict({"image": np.stack(photos[:5])[..., None]}, verbose=0)
    for item, cells, score in zip(found, want["contributions"], want["score"]):
        assert item["answer"] == "score of 1"
        scale = float(np.abs(want["score"]).max())
        assert item["value"] == pytest.approx(float(score[1]), abs=5e-3 * scale)
        assert item["base"] == pytest.approx(float(head.get_weights()[1][1]), abs=1e-3 * scale)
        assert sum(one["contribution"] for one in item["contributions"]) == pytest.approx(item["value"] - item["base"], abs=1e-4)
        got = {one["patch"]: one["contribution"] for one in item["contributions"]}
        assert got["row 2, column 5"] == pytest.approx(float(cells[1, 4, 1]), abs=5e-3 * float(np.abs(want["contributions"]).max()))
    assert (tmp_path / "plots" / "explanation_1.png").exists()
    assert applied_dl.explain(bundle, photos[:1], label="1", sampled=True)["explanations"][0]["answer"] == "probability of 1"
    with pytest.raises(UsageError, match="no label 'cat'"):
        applied_dl.explain(bundle, photos[:1], label="cat")
    (bundle / EXPLANATION).write_bytes(b"damaged")
    assert len(applied_dl.load(bundle).predict(photos[:1])) == 1  # predictions do not need it
    with pytest.raises(DataError, match=EXPLANATION):
        applied_dl.explain(bundle, photos[:1])


def has_head(model):
    return any(layer.name == "logits" for layer in model.layers)


@pytest.mark.slow
def test_the_map_names_the_planted_place(tmp_path):
    bundle, photos, places = trained_on_planted(tmp_path, 400, 8)
    found = applied_dl.explain(bundle, photos, label="1")["explanations"]
    named = [item["contributions"][0]["patch"] for item in found]
    assert np.mean([one == f"row {row + 1}, column {column + 1}" for one, (row, column) in zip(named, places)]) >= 0.95
