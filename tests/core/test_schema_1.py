"""Bundles of schema 1, written by version 0.1 (`tests/fixtures/schema_1`), are checked, predict, and have recipes in today's names."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from applied_dl.cli import main
from applied_dl.core import config
from applied_dl.core.bundle import read_manifest
from applied_dl.core.packing import unpack
from applied_dl.core.schema_1 import renamed_keys
from applied_dl.predictor import load
from applied_dl.tasks import TASKS
from applied_dl.workflows import recipes

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "schema_1"
VALUES = {  # keys that were given another value than the default, by their name today
    "image": {"data.resize": "crop", "predict.tta": "flip_shift", "export.max_metric_drop": 1.0},
    "tabular": {"preprocess.numeric_embedding": "quantile_bins", "preprocess.pairwise_bins": False, "calibration.coverage": 0.8},
    "forecast": {"calibration.coverage": 0.8, "predict.non_negative": True},
    "words": {"learn.init": "svd"},
    "sentences": {"learn.init": "svd", "predict.index": 10},
}
INPUTS = {
    "image": np.full((8, 8), 200, np.uint8),
    "tabular": dict.fromkeys(("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"), 1.0),
    "forecast": str(Path(__file__).resolve().parents[2] / "applied_dl" / "datasets" / "co2.csv"),
    "words": "river",
    "sentences": "The river rises.",
}


@pytest.fixture(params=[task for task in TASKS if (FOLDER / f"{task}.zip").exists()])
def bundle(request, tmp_path):
    return unpack(FOLDER / f"{request.param}.zip", tmp_path / request.param)


def test_the_fixtures_are_of_schema_1():
    for task in VALUES:
        with zipfile.ZipFile(FOLDER / f"{task}.zip") as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("bundle.json")]
            assert json.loads(archive.read(name))["schema"] == 1


def test_a_bundle_of_schema_1_is_checked_and_answers_as_recorded(bundle, capsys):
    assert main(["check", str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["difference"] < 1e-4
    assert main(["info", str(bundle), "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    assert "metric_drop" in manifest["exports"][0]


def test_a_bundle_of_schema_1_predicts(bundle):
    predictor = load(bundle)
    (prediction,) = predictor.predict([INPUTS[predictor.task]])[:1]
    assert "error" not in prediction


def test_the_recipe_of_a_bundle_of_schema_1_has_todays_names(bundle, tmp_path):
    manifest = read_manifest(bundle)
    recipe = recipes.resolve(manifest.recipe)
    raw = config.as_dict(recipe)
    for key, value in VALUES[manifest.task].items():
        section, _, name = key.partition(".")
        assert raw[section][name] == value, key
    assert not {f"{section}.{key}" for section, keys in manifest.recipe.items() if isinstance(keys, dict) for key in keys} & set(
        renamed_keys(manifest.task)
    )
    (tmp_path / "r.toml").write_text(config.to_toml(recipe), encoding="utf-8")
    assert recipes.read_recipe(tmp_path / "r.toml") == recipe


def test_the_keras_model_of_a_bundle_of_schema_1_answers_as_its_file(bundle):
    """The registered names of saved layers are part of the format."""
    from applied_dl.tasks import load_task

    manifest = read_manifest(bundle)
    load_task(manifest.task)
    import keras

    import applied_dl.text.models  # noqa: F401  registers the layers of word models

    model = keras.saving.load_model(bundle / "model.keras")
    with np.load(bundle / "golden.npz") as golden:
        inputs = {name: golden[f"input/{name}"] for name in model.input}
        outputs = {name.split("/", 1)[1]: golden[name] for name in golden.files if name.startswith("fp32/")}
    answered = model.predict(inputs, verbose=0)
    for name in answered.keys() & outputs.keys():
        np.testing.assert_allclose(answered[name], outputs[name], rtol=1e-3, atol=1e-4)
