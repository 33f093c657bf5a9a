"""Every task through the whole pipeline, once: the functions of the contract, the bundle, the command line, and the predictor without
TensorFlow."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import applied_dl
from applied_dl.core import bundle
from applied_dl.predictor import load
from applied_dl.tasks import TASKS
from applied_dl.workflows import check, recipes


@pytest.mark.parametrize("task", TASKS)
def test_the_bundle_is_whole_and_says_what_was_measured(task, trained):
    check_bundle(task, trained(task))


DEFAULTS = ("forecast", "words", "sentences", "recommend")  # recipes of which `trained` changes more than the size


@pytest.mark.slow
@pytest.mark.parametrize("task", DEFAULTS)
def test_the_bundle_of_the_default_recipe_is_whole(task, tmp_path):
    check_bundle(task, applied_dl.train(task, out=tmp_path / task))


@pytest.mark.slow
@pytest.mark.parametrize(("task", "model"), [("forecast", "blend"), ("recommend", "best")])
def test_the_default_model_of_a_small_source_is_exported(task, model, tmp_path):
    """Beside the closed forms of `trained`, whose graphs are others."""
    source = {"forecast": months, "recommend": events}[task](tmp_path / "data.csv")
    export = {"formats": ["tflite"], "variants": ["fp32", "fp16"], "max_metric_drop": 0.05}
    done = applied_dl.train(task, data={"source": str(source)}, out=tmp_path / task, export=export)
    assert done.manifest.recipe["model"]["name"] == model
    check_bundle(task, done)
    assert not [one.refused for one in done.manifest.exports if one.refused]
    assert check.check_bundle(done.bundle)["ok"]


def months(path: Path) -> Path:
    """25 years with a season and a trend: too long to be smoothed alone, so that the default is a blend."""
    t, noise = np.arange(300), np.random.default_rng(0).normal(0, 0.5, 300)
    clock = [f"{1995 + i // 12}-{i % 12 + 1:02d}-01" for i in t]
    pl.DataFrame({"month": clock, "sales": 50 + 0.1 * t + 5 * np.sin(2 * np.pi * t / 12) + noise}).write_csv(path)
    return path


def events(path: Path) -> Path:
    """80 users who each turn to most items of one of four groups."""
    rng = np.random.default_rng(0)
    rows = [(f"user{u}", f"item{u % 4}-{i}", n) for u in range(80) for n, i in enumerate(rng.permutation(10)[:8])]
    pl.DataFrame(rows, schema=["user", "item", "time"], orient="row").write_csv(path)
    return path


def check_bundle(task: str, done) -> None:
    """Every file is there, its score lies in its interval, and the fp32 file answers as Keras does."""
    manifest = bundle.open_bundle(done.bundle)
    for name in ("README.md", "model.keras", "model.tflite", "golden.npz", "history.csv"):
        assert name in manifest.files
    assert not list(done.bundle.rglob("*.pkl")) + list(done.bundle.rglob("*.h5"))
    assert manifest.metrics["test"][manifest.main] is not None
    assert (
        manifest.intervals["test"][manifest.main][0]
        <= manifest.metrics["test"][manifest.main]
        <= manifest.intervals["test"][manifest.main][1]
    )
    assert len(manifest.baselines) >= 2
    assert recipes.resolve(manifest.recipe).task == task
    fp32 = next(e for e in manifest.exports if e.format == "tflite" and e.variant == "fp32")
    assert not fp32.refused
    assert fp32.max_rel_diff <= 1e-4
    card = (done.bundle / "README.md").read_text()
    assert card.startswith("---\n")
    assert "## Is it good?" in card
    assert not list(done.bundle.parent.glob(f".{task}.*"))  # another process may be training another task beside it
    assert len(list(csv.DictReader((done.bundle / "history.csv").open()))) >= 1


@pytest.mark.parametrize("task", TASKS)
def test_train_json_has_the_keys_scripts_rely_on(task, trained):
    found = trained(task).as_dict()
    json.dumps(found, allow_nan=False)
    assert {"bundle", "task", "metrics", "intervals", "baselines", "exports", "seconds", "seed", "warnings"} <= set(found)
    assert {"validation", "test"} == set(found["metrics"])
    assert {"file", "format", "variant", "bytes", "metric", "metric_drop", "max_abs_diff", "ops", "chosen"} <= set(found["exports"][0])


@pytest.mark.parametrize("task", TASKS)
def test_a_copied_bundle_checks_and_answers_in_a_process_without_tensorflow(task, trained, tmp_path):
    copy = shutil.copytree(trained(task).bundle, tmp_path / "elsewhere")
    program = (
        "import sys, json; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from applied_dl import cli\n"
        "codes = [cli.main([verb, sys.argv[1], '--json']) for verb in ('check', 'info')]\n"
        "assert codes == [0, 0], codes\n")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program, str(copy)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["ok"]


@pytest.mark.parametrize("task", TASKS)
def test_the_predictor_answers_as_the_keras_graph_does(task, trained):
    import keras

    done = trained(task)
    model = keras.saving.load_model(done.bundle / "model.keras")
    predictor = load(done.bundle, variant="fp32")
    with np.load(done.bundle / "golden.npz") as golden:
        inputs = {name.removeprefix("input/"): golden[name] for name in golden.files if name.startswith("input/")}
    expected = model.predict(inputs, verbose=0)
    for name, got in predictor.run(inputs).items():
        scale = np.abs(expected[name]).max() or 1
        np.testing.assert_allclose(got, expected[name], atol=1e-4 * scale, err_msg=name)
