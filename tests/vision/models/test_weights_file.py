"""The architecture and the width multiplier that a weights file holds, for every form that Keras writes."""

import functools

import keras
import pytest

from applied_dl.core.errors import DataError
from applied_dl.tasks.image.models.backbone import backbone
from applied_dl.vision.models.trunk import names, resolve_weights
from applied_dl.vision.models.weights_file import read_weights_file


@functools.cache
def trunk(name="MobileNetV2", top=False, **options):
    shape = (224, 224, 3) if top else (32, 32, 3)
    return getattr(keras.applications, name)(input_shape=shape, include_top=top, weights=None, **options)


NETS = [("MobileNetV2", 0.35), ("MobileNetV2", 1.4), ("MobileNet", 0.25), ("MobileNetV3Small", 0.75)]


@pytest.mark.parametrize(("name", "alpha", "file"), [(*net, "a.weights.h5") for net in NETS] + [(*NETS[0], "a.h5"), (*NETS[2], "a.keras")])
def test_alpha_is_read(tmp_path, name, alpha, file):
    model = trunk(name, alpha=alpha)
    model.save_weights(tmp_path / file) if "weights" in file else model.save(tmp_path / file)
    assert read_weights_file(tmp_path / file, names(), name).alpha == pytest.approx(alpha, abs=0.01)


def test_the_architecture_is_recognised_by_file_model_or_layer_name(tmp_path):
    trunk(alpha=0.5).save(tmp_path / "trunk.keras")
    trunk("MobileNet", alpha=0.5).save(tmp_path / "trunk.h5")
    trunk("EfficientNetB0").save_weights(tmp_path / "efficientnetb0_notop.weights.h5")
    found = {path.name: read_weights_file(path, names()).backbone for path in tmp_path.iterdir()}
    assert found == {"trunk.keras": "MobileNetV2", "trunk.h5": "MobileNet", "efficientnetb0_notop.weights.h5": "EfficientNetB0"}


def test_an_unknown_file_is_taken_for_the_default_architecture(tmp_path):
    trunk(alpha=0.35).save_weights(tmp_path / "mine.weights.h5")
    model = backbone((32, 32, 3), 2, weights=str(tmp_path / "mine.weights.h5"))
    assert model.get_layer("trunk").count_params() == 410_208


def test_a_head_another_alpha_and_no_weights_are_refused(tmp_path):
    trunk(top=True, alpha=0.35).save(tmp_path / "top.h5")
    with pytest.raises(DataError, match="classification head"):
        resolve_weights(tmp_path / "top.h5", None, None)
    trunk(alpha=0.35).save(tmp_path / "trunk.h5")
    with pytest.raises(DataError, match="do not fit model.alpha = 1: they have alpha 0.35"):
        resolve_weights(tmp_path / "trunk.h5", None, 1.0)
    (tmp_path / "page.h5").write_text("<html>")
    with pytest.raises(DataError, match="not a Keras weights file"):
        resolve_weights(tmp_path / "page.h5", None, None)
