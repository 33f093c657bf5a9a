"""Trunks of KerasHub, offline: small random backbones are saved as presets, loaded, trained a step, exported and verified by LiteRT."""

import numpy as np
import pytest
from PIL import Image

import applied_dl
from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks.image.models.backbone import backbone
from applied_dl.vision.models.hub import hub_trunk, is_preset

hub = pytest.importorskip("keras_hub", reason="presets need the extra 'hub'")

SIDE = 32
CONFIGS = {  # a family's class, and the smallest net of it
    "VGG": {"stackwise_num_repeats": [1, 1], "stackwise_num_filters": [8, 16]},
    "ViT": {"image_shape": (16, 16, 3), "patch_size": 8, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32},
    "ResNet": {
        "input_conv_filters": [64], "input_conv_kernel_sizes": [3], "stackwise_num_filters": [64], "stackwise_num_blocks": [1],
        "stackwise_num_strides": [1], "block_type": "basic_block",
    },
    "EfficientNet": {
        "stackwise_kernel_sizes": [3, 3], "stackwise_num_repeats": [1, 1], "stackwise_input_filters": [8, 8],
        "stackwise_output_filters": [8, 16], "stackwise_expansion_ratios": [1, 4], "stackwise_squeeze_and_excite_ratios": [0.0, 0.25],
        "stackwise_strides": [1, 2], "stackwise_block_types": ["fused", "unfused"], "width_coefficient": 1.0, "depth_coefficient": 1.0,
    },
    "MobileNet": {
        "stackwise_expansion": [[8, 16]], "stackwise_num_blocks": [2], "stackwise_num_filters": [[8, 8]], "stackwise_kernel_size": [[3, 3]],
        "stackwise_num_strides": [[2, 1]], "stackwise_se_ratio": [[None, 0.25]], "stackwise_activation": [["relu", "hard_swish"]],
        "stackwise_padding": [[1, 1]], "output_num_filters": 32, "input_activation": "hard_swish", "output_activation": "hard_swish",
        "input_num_filters": 8, "image_shape": (None, None, 3), "depthwise_filters": 8, "depthwise_stride": 2,
        "depthwise_residual": False, "squeeze_and_excite": 0.5, "last_layer_filter": 32,
    },
    "DenseNet": {"stackwise_num_repeats": [1, 1], "growth_rate": 8},
    "Xception": {"stackwise_conv_filters": [[8, 16], [16, 16]], "stackwise_pooling": [True, False]},
    "DeiT": {"image_shape": (16, 16, 3), "patch_size": 8, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32},
    "DINOV2": {
        "patch_size": 8, "num_layers": 1, "hidden_dim": 16, "num_heads": 2, "intermediate_dim": 32, "image_shape": (16, 16, 3),
        "position_embedding_shape": (16, 16),
    },
    "MiT": {
        "num_layers": 2, "image_shape": (32, 32, 3), "max_drop_path_rate": 0.0, "layerwise_depths": [1, 1], "layerwise_num_heads": [1, 2],
        "layerwise_sr_ratios": [2, 1], "layerwise_patch_sizes": [7, 3], "layerwise_strides": [4, 2], "hidden_dims": [8, 16],
    },
    "SwinTransformer": {
        "image_shape": (32, 32, 3), "patch_size": 4, "embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "window_size": 4,
    },
}  # fmt: skip
QUICK = ("VGG", "ViT")  # of the others each takes some seconds
FAMILIES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CONFIGS]


def preset(folder, family: str) -> str:
    getattr(hub.models, f"{family}Backbone")(**CONFIGS[family]).save_to_preset(str(folder))
    return str(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_preset_is_trained_a_step_exported_and_verified(tmp_path, family):
    import keras
    import tensorflow as tf

    from applied_dl.runtime.interpreter import Runtime, operators

    net = backbone((SIDE, SIDE, 3), 3, weights=preset(tmp_path / "p", family), dropout=0)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    model = keras.Model({"image": image}, {"logits": net(image)})
    random = np.random.default_rng(0)
    rows = {"image": random.uniform(0, 255, (4, SIDE, SIDE, 3)).astype(np.float32)}
    before = [np.asarray(w) for w in net.get_layer("trunk").trainable_weights]
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.train_on_batch(rows, {"logits": random.normal(size=(4, 3)).astype(np.float32)})
    assert any(not np.array_equal(a, b) for a, b in zip(before, net.get_layer("trunk").trainable_weights))
    expected = np.asarray(model(rows)["logits"])
    model.export(tmp_path / "s", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "s"))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    content = converter.convert()
    assert all(op.isupper() for op in operators(content))
    found = Runtime(content, threads=1).run(rows)["logits"]
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", compile=False)
    assert np.allclose(again(rows)["logits"], expected, atol=1e-5)


def test_the_weights_and_the_scaling_are_those_of_the_preset(tmp_path):
    made = hub.models.VGGBackbone(**CONFIGS["VGG"])
    made.save_to_preset(str(tmp_path / "p"))
    trunk, scaled, shape = hub_trunk(str(tmp_path / "p"), (SIDE, SIDE, 3))
    assert shape == (SIDE, SIDE, 3)
    assert all(np.array_equal(a, b) for a, b in zip(made.get_weights(), trunk.get_weights()))
    assert float(scaled(np.full((1, 1, 1, 3), 255.0, np.float32))[0, 0, 0, 0]) == pytest.approx(1.0)
    converter = hub.layers.ImageConverter(image_size=(24, 24), scale=[0.01, 0.02, 0.03], offset=[-1.0, 0.0, 1.0])
    hub.layers.VGGImageConverter.from_config(converter.get_config()).save_to_preset(str(tmp_path / "p"))
    _, scaled, _ = hub_trunk(str(tmp_path / "p"), (SIDE, SIDE, 3))
    assert np.allclose(scaled(np.full((1, 1, 1, 3), 100.0, np.float32))[0, 0, 0], [0.0, 2.0, 4.0])


def test_a_vision_transformer_sees_images_of_its_own_size(tmp_path):
    net = backbone((48, 40, 3), 3, weights=preset(tmp_path / "p", "ViT"))
    assert net.get_layer("resized").output.shape == (None, 16, 16, 3)


def test_what_is_no_image_trunk_is_refused(tmp_path):
    text = hub.models.BertBackbone(vocabulary_size=20, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=12)
    text.save_to_preset(str(tmp_path / "p"))
    with pytest.raises(DataError, match="BertBackbone, which is no trunk of RGB images"):
        hub_trunk(str(tmp_path / "p"), (SIDE, SIDE, 3))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no preset of KerasHub: the directory has no config\.json"):
        hub_trunk(str(tmp_path / "empty"), (SIDE, SIDE, 3))


def test_a_download_that_fails_is_one_sentence(monkeypatch):
    import huggingface_hub

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    with pytest.raises(DataError, match="'hf://nobody/nothing' .* cannot be loaded: "):
        hub_trunk("hf://nobody/nothing", (SIDE, SIDE, 3))


def test_addresses_and_directories_are_presets(tmp_path):
    (tmp_path / "w.h5").write_bytes(b"")
    assert is_preset("hf://keras/resnet_18_imagenet")
    assert is_preset("kaggle://keras/vit/keras/vit_base")
    assert is_preset(str(tmp_path))
    assert not is_preset(str(tmp_path / "w.h5"))
    assert not is_preset("imagenet")
    assert not is_preset(None)


def images(folder, count=24):
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.clip(random.normal(level, 30, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return str(folder)


@pytest.mark.slow
def test_a_recipe_takes_a_preset_to_a_verified_file(tmp_path):
    given = {
        "data": {"source": images(tmp_path / "images"), "image_size": (SIDE, SIDE)},
        "export": {"formats": ["tflite"], "variants": ["fp32"]},
    }
    weights = preset(tmp_path / "p", "ViT")
    run = applied_dl.train("image", out=tmp_path / "b", model={"weights": weights}, train={"unfreeze_epochs": (20, 1)}, **given)
    assert run.manifest.chosen.max_rel_diff <= 1e-4
    assert run.manifest.recipe["model"]["name"] == "backbone"
    assert applied_dl.load_keras(run.bundle).count_params() > 0
    with pytest.raises(UsageError, match=r"model\.alpha is for nets of keras\.applications"):
        applied_dl.train("image", out=tmp_path / "c", model={"weights": weights, "alpha": 0.5}, **given)
