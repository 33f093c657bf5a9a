"""Images and tables from recipe to bundle: scores, exported files, the same images for the same seed, plots, card."""

import json

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl.core.errors import UsageError
from applied_dl.predictor import load
from applied_dl.tasks.generate.encoder import Request, inputs_of
from applied_dl.workflows.train import train

QUICK = {"export.variants": ["fp32", "int8"], "export.formats": ["tflite"], "export.max_metric_drop": 1.0}


@pytest.fixture(scope="module")
def digits(trained):
    return trained("generate")


@pytest.fixture(scope="module")
def rows(tmp_path_factory, table):
    recipe = {"task": "generate", "data": {"source": str(table), "target": "dear"}}
    return train(recipe, out=tmp_path_factory.mktemp("g") / "rows", overrides={**QUICK, "model.width": 32, "train.epochs": 25})


def test_images_are_scored_beside_baselines(digits):
    test = digits.metrics["test"]
    assert {"fid", "accuracy", "precision", "recall", "density", "coverage", "nearest_training", "fid_of_training"} <= set(test)
    baselines = digits.manifest.baselines
    assert set(baselines) == {"noise", "mean of the class", "PCA-Gaussian"}
    assert baselines["PCA-Gaussian"]["fid"] < baselines["mean of the class"]["fid"] < baselines["noise"]["fid"]
    assert baselines["mean of the class"]["accuracy"] > 0.9  # the classifier knows what a digit looks like
    low, high = digits.manifest.intervals["test"]["fid"]
    assert low < test["fid"] < high


def test_the_file_makes_the_images_of_keras(digits):
    predictor = digits.predictor()
    inputs = inputs_of(predictor.encoder.form, [Request(seed=5, number=i) for i in range(20)])
    expected = digits.model.predict(inputs, verbose=0)["image"]
    assert expected.shape == (20, 8, 8, 1)
    assert 0 <= expected.min() <= expected.max() <= 255
    np.testing.assert_allclose(load(digits.bundle, "fp32").run(inputs)["image"], expected, atol=0.02)
    for item in digits.manifest.exports:
        assert not item.refused
        assert not [op for op in item.ops if op.startswith("Flex")]


def test_a_bundle_of_images_has_its_parts(digits):
    names = {path.name for path in (digits.bundle / "plots").iterdir()}
    assert {"samples.png", "nearest.png", "training.png", "critic.png"} <= names
    assert (digits.bundle / "scorer.npz").exists()
    card = (digits.bundle / "README.md").read_text(encoding="utf-8")
    assert "FID" in card
    assert "classifier of real images" in card
    assert applied_dl.evaluate(digits.bundle)["metrics"]["model.fp32.tflite"]["fid"] == pytest.approx(
        digits.metrics["test"]["fid"], rel=1e-3
    )


def test_rows_are_scored_beside_baselines(rows):
    test, baselines = rows.metrics["test"], rows.manifest.baselines
    assert set(baselines) == {"independent columns", "Gaussian copula"}
    assert test["pair_error"] < baselines["independent columns"]["pair_error"]
    assert test["tstr_ratio"] > 0.85
    assert baselines["independent columns"]["tstr_ratio"] < test["tstr_ratio"]
    assert test["closest_record"] > 0.3
    assert test["copies"] == 0
    assert (rows.bundle / "plots" / "columns.png").exists()
    assert "made rows" in (rows.bundle / "README.md").read_text(encoding="utf-8")


def test_made_rows_look_like_the_table(rows, table):
    real = pl.read_csv(table)
    made = applied_dl.generate(rows.bundle, count=500, seed=1)["rows"]
    assert made.columns == real.columns
    assert made.schema == real.schema
    assert set(made["kind"]) <= set(real["kind"])
    assert set(made["when"]) <= set(real["when"])
    assert made["small"].null_count() == 0
    for name in ("big area", "small", "price"):
        assert real[name].min() <= made[name].min() <= made[name].max() <= real[name].max()
        assert made[name].mean() == pytest.approx(real[name].mean(), abs=0.2 * real[name].std())
    assert made["big area"].null_count() / 500 == pytest.approx(real["big area"].null_count() / len(real), abs=0.05)


def test_light_and_full_runtimes_draw_the_same_rows(rows):
    predictor = load(rows.bundle, "fp32")
    inputs = inputs_of(predictor.encoder.form, [Request(seed=2, number=i) for i in range(300)])
    expected, found = rows.model.predict(inputs, verbose=0), predictor.run(inputs)
    assert (found["codes"] == expected["codes"]).all(1).mean() > 0.99  # a number may fall between two probabilities that rounding parts
    np.testing.assert_allclose(found["places"], expected["places"], atol=1e-6)


@pytest.mark.slow
def test_row_gan(tmp_path, table):
    recipe = {"task": "generate", "data": {"source": str(table)}, "model": {"name": "row_gan", "width": 32}, "train": {"epochs": 3}}
    run = train(recipe, out=tmp_path / "gan", overrides=QUICK)
    assert run.metrics["test"]["pair_error"] < 1
    assert len(applied_dl.generate(run.bundle, count=7)["rows"]) == 7


def test_history_is_that_of_two_nets(digits):
    header = (digits.bundle / "history.csv").read_text().splitlines()[0].split(",")
    assert {"critic_wins", "critic_loss", "diversity", "penalty"} < set(header)


def test_a_bundle_is_the_same_as_itself(rows, digits):
    for bundle in (rows.bundle, digits.bundle):
        found = applied_dl.diff(bundle, bundle)
        assert found["facts"] == {}
        assert {one["verdict"] for one in found["metrics"].values()} == {"same"}


def test_the_larger_share_is_the_better_one(digits):
    manifest = digits.manifest
    assert manifest.rises("tstr_ratio")
    assert manifest.rises("recall")
    assert not manifest.rises("fid")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"model.name": "autoregressive"}, "is for tables"),
        ({"data.source": "wine", "model.name": "dcgan"}, "is for images"),
        ({"model.name": "dcgan", "model.blocks": 2}, "model.blocks has no meaning"),
        ({"data.target": "x"}, "data.target is for tables"),
        ({"data.source": "wine", "data.channels": 1}, "data.channels is for images"),
        ({"preprocess.bins": 9}, "are for tables"),
        ({"data.source": "wine", "score.trunk": True}, "score.trunk is for images"),
        ({"data.source": "wine", "learn.gamma": 1.0}, "learn.gamma is for two nets"),
        ({"train.ensemble": 2}, "train.ensemble has no meaning"),
        ({"train.optimizer": "sgd"}, "train.optimizer has no meaning"),
        ({"train.learning_rate": "auto"}, "give a number"),
        ({"data.source": "wine", "data.target": "colour"}, "no column 'colour'"),
        ({"data.source": "wine", "data.ignore": ["colour"]}, "no column 'colour'"),
    ],
)
def test_keys_that_would_do_nothing_are_refused(keys, says, tmp_path):
    with pytest.raises(UsageError, match=says):
        train({"task": "generate"}, out=tmp_path / "never", overrides=keys)
    assert not (tmp_path / "never").exists()


def test_the_recipe_of_a_bundle_is_taken_again(digits):
    from applied_dl.core.cache import cache_folder
    from applied_dl.tasks.generate import task
    from applied_dl.workflows.recipes import resolve

    recipe = resolve(json.loads((digits.bundle / "bundle.json").read_text())["recipe"], "again")
    assert task.resolve_defaults(recipe, task.prepare(recipe, cache_folder())) == recipe
