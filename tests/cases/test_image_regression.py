"""Image regression from a table of numbers to the exported file: a number with its interval."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

import applied_dl
from applied_dl.core.errors import UsageError
from applied_dl.predictor import load
from applied_dl.workflows import recipes

EXPORT = {"formats": ["tflite"], "variants": ["fp32"]}


@pytest.fixture(scope="module")
def gauges(tmp_path_factory):
    """A bright bar whose height is the number, in 120 images and their table."""
    folder = tmp_path_factory.mktemp("gauges")
    random = np.random.default_rng(0)
    heights = random.uniform(2, 22, 120)
    for i, height in enumerate(heights):
        pixels = random.integers(0, 40, (24, 24, 3))
        pixels[24 - round(height) :, 8:16] += 180
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    pl.DataFrame({"id": [str(i) for i in range(120)], "litres": 1000 + 50 * heights}).write_csv(folder / "t.csv")
    return folder


def test_a_number_with_its_interval(gauges, tmp_path):
    run = applied_dl.train("image", out=tmp_path / "gauges", data={"source": str(gauges / "t.csv")}, train={"epochs": 30}, export=EXPORT)
    metrics = run.metrics["test"]
    assert {"rmse", "mae", "r2", "coverage"} <= set(metrics)
    assert metrics["r2"] > 0.8
    assert run.manifest.main == "rmse"
    assert set(run.manifest.baselines) == {"mean", "ridge regression on PCA"}
    assert {"training", "batch", "residuals", "worst"} <= {path.stem for path in (run.bundle / "plots").glob("*.png")}
    predictor = load(run.bundle)
    answers = predictor.predict([gauges / "0.png", "nowhere.png", np.asarray(Image.open(gauges / "1.png"))])
    assert set(answers[0]) == {"prediction", "lower", "upper"}
    assert answers[0]["lower"] < answers[0]["prediction"] < answers[0]["upper"]
    assert "error" in answers[1]
    assert 1000 < answers[2]["prediction"] < 2200
    scored = applied_dl.evaluate(run.bundle, data=str(gauges / "t.csv"))
    assert scored


def test_keys_that_do_not_fit_numbers_are_refused(gauges, tmp_path):
    from applied_dl.tasks.image import task

    def resolve(**sections):
        recipe = recipes.read_recipe({"task": "image", "data": {"source": str(gauges / "t.csv")}, **sections})
        return task.resolve_defaults(recipe, task.prepare(recipe, tmp_path / "cache"))

    assert resolve().train.loss == "mse"
    assert resolve(train={"loss": "huber"}).train.loss == "huber"
    with pytest.raises(UsageError, match="does not fit numbers"):
        resolve(train={"loss": "crossentropy"})
    with pytest.raises(UsageError, match="one label per image"):
        resolve(train={"class_weights": "balanced"})


@pytest.mark.parametrize("tta", [pytest.param(False, marks=pytest.mark.slow), "flip_shift"])
def test_the_exported_graph_answers_as_keras(gauges, tmp_path, tta):
    from applied_dl.exporting.convert import convert_here
    from applied_dl.exporting.saved_model import write_saved_model
    from applied_dl.runtime.interpreter import Runtime
    from applied_dl.tasks.image import task
    from applied_dl.training.hardware import as_float32
    from applied_dl.training.trainer import CheckpointingTrainer

    recipe = recipes.read_recipe(
        {"task": "image", "data": {"source": str(gauges / "t.csv")}, "train": {"epochs": 2}, "model": {"name": "lenet", "width": 0.25},
         "predict": {"tta": tta}, "calibration": {"coverage": 0.8}}
    )  # fmt: skip
    prepared = task.prepare(recipe, tmp_path / "cache")
    recipe = task.resolve_defaults(recipe, prepared)
    fitted = task.fit(recipe, prepared, CheckpointingTrainer())
    serving = task.serving(recipe, fitted._replace(model=as_float32(fitted.model)), prepared)
    want = serving.model.predict(prepared.validation.inputs, verbose=0)
    inside = (prepared.validation.target >= want["lower"]) & (prepared.validation.target <= want["upper"])
    assert inside.mean() >= 0.8
    write_saved_model(serving, tmp_path / "m")
    got = Runtime(convert_here(str(tmp_path / "m"), "fp32", "")).run(prepared.validation.inputs)
    for name in ("prediction", "lower", "upper"):
        np.testing.assert_allclose(got[name], want[name], rtol=1e-4)
