"""Sets and distances added to serving graphs: one graph for Keras and LiteRT, features of nested nets, nothing where it is turned off."""

import keras
import numpy as np
import pytest
from keras import layers

from applied_dl.core.records import Part
from applied_dl.core.sections import Answers
from applied_dl.exporting.answers import with_distance, with_features, with_sets
from applied_dl.exporting.convert import convert_here
from applied_dl.exporting.metadata import add_metadata
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.runtime.interpreter import Runtime, operators
from applied_dl.training.ensembles import average


def net(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    image = keras.Input((8, 8, 1), name="image")
    inner = keras.Input((8, 8, 1))
    x = layers.GlobalAveragePooling2D(name="pooled")(layers.Conv2D(6, 3, activation="relu", name="conv")(inner))
    inner = keras.Model(inner, layers.Dense(3, name="logits")(layers.Dropout(0.1)(x)), name="net")
    return keras.Model({"image": image}, inner(layers.Rescaling(1 / 255)(image)))


def serving_of(models: list[keras.Model]) -> keras.Model:
    model = average(models) if len(models) > 1 else models[0]
    image = keras.Input((8, 8, 1), name="image", dtype="uint8")
    x = layers.Rescaling(1.0, dtype="float32")(image)
    y = layers.Average()([model({"image": x}), model({"image": layers.Rescaling(0.5)(x)})])  # two views
    return keras.Model({"image": image}, {"probabilities": layers.Softmax(name="probabilities")(y)})


def part(rows: int, seed: int = 0) -> Part:
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    x = np.clip(random.normal(60 + 40 * y[:, None, None, None], 20, (rows, 8, 8, 1)), 0, 255).astype(np.uint8)
    return Part(inputs={"image": x}, target=y)


@pytest.mark.parametrize("members", [1, 2])
def test_features_are_what_the_head_of_a_net_takes_for_one_of_the_views(members):
    models = [net(seed) for seed in range(members)]
    model = serving_of(models)
    same, features = with_features(model)
    x = part(9).inputs
    np.testing.assert_array_equal(same.predict(x, verbose=0)["probabilities"], model.predict(x, verbose=0)["probabilities"])
    found = keras.Model(same.input, features).predict(x, verbose=0)
    heads = [keras.Model(net.input, net.get_layer("pooled").output) for net in (model.get_layer("net") for model in models)]
    views = [x["image"] / np.float32(255), x["image"] / np.float32(510)]
    assert any(np.allclose(found, head.predict(view, verbose=0), atol=1e-6) for head in heads for view in views)


def test_a_net_without_such_a_head_has_no_features():
    entry = keras.Input((3,))
    model, features = with_features(keras.Model(entry, {"prediction": layers.Dense(1)(entry)}))
    assert features is None
    assert model.predict(np.ones((2, 3)), verbose=0)["prediction"].shape == (2, 1)


@pytest.fixture(scope="module")
def answering():
    model, features = with_features(serving_of([net(0)]))
    held = part(300, 1)
    (model,) = with_sets([model], model.predict(held.inputs, verbose=0)["probabilities"], held.target, Answers())
    return with_distance(model, features, part(300), held, 0.05, classes=True)


def test_the_outputs_are_added_and_hold_what_they_promise(answering):
    found = answering.predict(part(2000, 2).inputs, verbose=0)
    assert set(found) == {"probabilities", "set", "distance"}
    assert found["set"][np.arange(2000), part(2000, 2).target].mean() >= 0.86
    assert 0.01 < np.mean(found["distance"] > 1) < 0.12
    odd = np.random.default_rng(0).integers(0, 2, (50, 8, 8, 1)).astype(np.uint8) * 255
    assert np.mean(answering.predict({"image": odd}, verbose=0)["distance"] > 1) > 0.9


def test_litert_gives_the_same_with_builtins_and_the_probabilities_come_first(answering, tmp_path):
    write_saved_model(Serving(answering), tmp_path / "m")
    content = convert_here(str(tmp_path / "m"), "fp32", "")
    assert all(name.isupper() for name in operators(content))
    content = add_metadata(content, "m", Serving(answering, labels=("a", "b", "c")))
    x = part(70, 3).inputs
    found, expected = Runtime(content).run(x), answering.predict(x, verbose=0)
    for name in ("probabilities", "set", "distance"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5)
    from ai_edge_litert.interpreter import Interpreter

    first = Interpreter(model_content=content).get_output_details()[0]
    assert tuple(first["shape_signature"]) == (-1, 3)
    assert first["index"] == Runtime(content)._make().output_details["probabilities"]["index"]


def test_turned_off_nothing_is_added():
    model, features = with_features(serving_of([net(0)]))
    p = model.predict(part(50).inputs, verbose=0)["probabilities"]
    assert with_sets([model], p, part(50).target, Answers(sets=False)) == [model]
    assert with_distance(model, features, part(50), part(50), 0.0) is model
    assert with_distance(model, features, part(50), part(5), 0.01) is model  # too few rows to know what is usual


def test_thresholds_of_the_first_graph_hold_for_the_others():
    models, held = [serving_of([net(0)]), serving_of([net(1)])], part(300, 1)
    p = models[0].predict(held.inputs, verbose=0)["probabilities"]
    first, second = with_sets(models, p, held.target, Answers(coverage=0.8))
    assert first.get_layer("set").thresholds == second.get_layer("set").thresholds
