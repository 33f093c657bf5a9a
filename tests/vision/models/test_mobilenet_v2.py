"""The trunk inside the package: the net of Keras with the same numbers, the features of Google's own quantised file, and small images."""

import importlib
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import DataError, UsageError
from applied_dl.exporting.convert import convert_here
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.models import image as builders
from applied_dl.runtime.interpreter import Runtime
from applied_dl.vision.models.mobilenet_v2 import mobilenet_v2

module = importlib.import_module(mobilenet_v2.__module__)  # the package offers the function under the same name
WEIGHTS = Path(module.__file__).parents[2] / "weights"


def test_the_net_is_that_of_keras_with_its_norms_folded():
    ours = mobilenet_v2((64, 64, 3))
    kernels = [layer.get_weights() for layer in ours.layers if layer.weights]
    theirs = keras.applications.MobileNetV2((64, 64, 3), include_top=False, weights=None)
    full = [layer for layer in theirs.layers if layer.weights]
    for (kernel, bias), conv, norm in zip(kernels, full[::2], full[1::2], strict=True):
        conv.set_weights([kernel])
        norm.set_weights([np.ones_like(bias), bias, np.zeros_like(bias), np.ones_like(bias) - norm.epsilon])
    x = np.random.default_rng(0).uniform(-1, 1, (3, 64, 64, 3)).astype(np.float32)
    want = theirs.predict(x, verbose=0)
    assert want.std() > 0.1
    assert np.abs(ours.predict(x, verbose=0) - want).max() <= 1e-4 * np.abs(want).max()  # as exported files are compared
    assert ours.count_params() == 2_206_816
    assert f"{ours.count_params():,}" in mobilenet_v2.__doc__


def test_features_are_those_of_the_file_the_weights_come_from(shared):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    file = shared / "weights" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    plain = {"experimental_op_resolver_type": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
    google = Interpreter(str(file), **plain, experimental_preserve_all_tensors=True)
    google.allocate_tensors()
    pooled = next(d for d in google.get_tensor_details() if list(d["shape"]) == [1, 1, 1, 1280] and d["dtype"] != np.int32)
    with zipfile.ZipFile(shared / "images" / "flowers5" / "flowers5.zip") as packed:
        names = [name for name in packed.namelist() if name.endswith(".jpg")][::150]
        images = [np.asarray(Image.open(packed.open(name)).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)) for name in names]
    found = builders.backbone((224, 224, 3), 2, weights="embedded", include_top=False).predict(
        np.stack(images).astype(np.float32), verbose=0
    )
    for image, features in zip(images, found):
        google.set_tensor(google.get_input_details()[0]["index"], image[None])
        google.invoke()
        want = google.get_tensor(pooled["index"]).ravel().astype(np.float32) - pooled["quantization"][1]
        assert features @ want / np.linalg.norm(features) / np.linalg.norm(want) > 0.98


@pytest.mark.slow
def test_small_images_are_enlarged_inside_the_graph(tmp_path):
    keras.utils.set_random_seed(0)
    net = builders.backbone((20, 24, 3), 3, weights="embedded", resolution=64)
    entry = keras.Input((20, 24, 3), name="image")
    model = keras.Model({"image": entry}, {"logits": net(entry)})
    x = np.random.default_rng(0).uniform(0, 255, (4, 20, 24, 3)).astype(np.float32)
    want = model.predict({"image": x}, verbose=0)["logits"]
    large = np.stack(
        [[np.asarray(Image.fromarray(c).resize((64, 64), Image.Resampling.BILINEAR)) for c in np.moveaxis(i, -1, 0)] for i in x]
    )
    direct = builders.backbone((64, 64, 3), 3, weights="embedded")
    direct.get_layer("logits").set_weights(net.get_layer("logits").get_weights())
    np.testing.assert_allclose(direct.predict(np.moveaxis(large, 1, -1), verbose=0), want, atol=1e-3 * np.abs(want).max())
    write_saved_model(Serving(model), tmp_path / "m", endpoints=False)
    got = Runtime(convert_here(str(tmp_path / "m"), "fp32", "")).run({"image": x})["logits"]
    np.testing.assert_allclose(got, want, atol=1e-4 * max(1, np.abs(want).max()))


def test_another_architecture_and_a_damaged_file_are_refused(monkeypatch):
    with pytest.raises(UsageError, match="not of model.backbone = 'ResNet50'"):
        builders.backbone((64, 64, 3), 2, weights="embedded", backbone="ResNet50")
    with pytest.raises(UsageError, match="not of model.alpha = 0.5"):
        builders.backbone((64, 64, 3), 2, weights="embedded", alpha=0.5)
    monkeypatch.setattr(module, "SHA256", "0" * 64)
    with pytest.raises(DataError, match="damaged"):
        mobilenet_v2((64, 64, 3))


def test_the_weights_are_small_have_their_licence_and_no_pickles():
    file = WEIGHTS / module.FILE
    assert file.stat().st_size < 2_200_000
    assert "Apache License, Version 2.0" in file.with_name("mobilenet_v2.LICENSE.md").read_text(encoding="utf-8")
    with np.load(file, allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} == {"i", "f"}
