"""Every builder: its shapes, one training step, saved and reloaded, exported and run by LiteRT as Keras runs it."""

import inspect

import keras
import numpy as np
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.exporting.convert import convert_here
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.models import image as builders
from applied_dl.runtime.interpreter import Runtime, operators

CASES = {
    "mlp": ((8, 8, 1), {}),
    "lenet": ((12, 12, 1), {"width": 0.25, "hidden": (16,)}),
    "small_cnn": ((8, 8, 1), {}),
    "resnet": ((16, 16, 3), {"depth": 1, "width": 0.25}),
    "mobile": ((16, 16, 3), {"width": 0.25}),
    "whitened_cnn": ((16, 16, 3), {"width": 0.25}),
    "backbone": ((32, 32, 3), {"alpha": 0.35}),
}
COUNTS = {
    "mlp": ((28, 28, 1), 109_386),
    "lenet": ((28, 28, 1), 454_922),
    "small_cnn": ((8, 8, 1), 39_986),
    "resnet": ((32, 32, 3), 698_858),
    "mobile": ((32, 32, 3), 139_722),
    "whitened_cnn": ((28, 28, 1), 390_688),
}


SLOW = ("backbone", "resnet", "mobile")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES])
def test_trains_saves_and_exports(name, tmp_path):
    keras.utils.set_random_seed(0)
    shape, options = CASES[name]
    net = getattr(builders, name)(shape, 3, **options)
    entry = keras.Input(shape, name="image")
    model = keras.Model({"image": entry}, {"logits": net(entry)})
    x = np.random.default_rng(0).random((4, *shape), dtype=np.float32)
    y = np.zeros((4, *net.output_shape[1:]), np.float32)
    y[..., 0] = 1
    model.compile("sgd", loss={"logits": keras.losses.CategoricalCrossentropy(from_logits=True)})
    assert np.isfinite(model.train_on_batch({"image": x}, {"logits": y}))
    want = model.predict({"image": x}, verbose=0)["logits"]
    assert want.dtype == np.float32
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras").predict({"image": x}, verbose=0)["logits"]
    np.testing.assert_allclose(again, want, atol=1e-6)
    write_saved_model(Serving(model), tmp_path / "m", endpoints=False)
    content = convert_here(str(tmp_path / "m"), "fp32", "")
    assert all(op.isupper() for op in operators(content))
    got = Runtime(content).run({"image": x})["logits"]
    np.testing.assert_allclose(got, want, atol=1e-4 * max(1, np.abs(want).max()))


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts_are_those_of_the_docstrings(name):
    shape, count = COUNTS[name]
    builder = getattr(builders, name)
    assert builder(shape, 10).count_params() == count
    assert f"{count:,}" in inspect.getdoc(builder)


@pytest.mark.parametrize("name", ["lenet", "small_cnn", "resnet", "mobile", "whitened_cnn"])
def test_any_activation_norm_and_pooling(name):
    build = getattr(builders, name)
    for activation in ("bru", "maxout", "leaky_relu", "gelu"):
        assert build((16, 16, 1), 4, width=0.25, activation=activation).output_shape == (None, 4)
    for norm in ("layer", "group", "rms", "none"):
        assert build((16, 16, 1), 4, width=0.25, norm=norm).output_shape == (None, 4)
    for pooling in ("max", "avg", "global_max", "global_avg"):
        assert build((16, 16, 1), 4, width=0.25, pooling=pooling).output_shape == (None, 4)
    features = build((16, 16, 1), 4, width=0.25, include_top=False)
    assert len(features.output_shape) == 2


def test_a_given_kernel_is_frozen():
    kernel = np.random.default_rng(0).normal(size=(4, 4, 1, 32)).astype(np.float32)
    model = builders.whitened_cnn((28, 28, 1), 10, kernel=kernel)
    np.testing.assert_array_equal(model.get_layer("stem").get_weights()[0], kernel)
    assert not model.get_layer("stem").trainable_variables


def test_wrong_arguments_name_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'MobileNetV2'"):
        builders.backbone((32, 32, 3), 2, backbone="MobileNet2")
    with pytest.raises(DataError, match="no weights file"):
        builders.backbone((32, 32, 3), 2, weights="nowhere.h5")
    with pytest.raises(UsageError, match="RGB"):
        builders.backbone((32, 32, 1), 2)
    with pytest.raises(UsageError, match="global_max"):
        builders.resnet((32, 32, 3), 2, pooling="globalmax")


def test_local_weights_are_loaded(shared):
    path = next((shared / "weights").glob("mobilenet_v2*0.35*.h5"))
    model = builders.backbone((224, 224, 3), 5, alpha=0.35, weights=str(path))
    assert model.get_layer("trunk").count_params() == 410_208
    assert builders.backbone((96, 96, 3), 5, weights=str(path)).get_layer("trunk").count_params() == 410_208
    with pytest.raises(DataError, match="do not fit"):
        builders.backbone((224, 224, 3), 5, alpha=1.0, weights=str(path))
