"""Every task through the whole pipeline, once: the functions of the contract, the bundle, the command line, and the predictor without
TensorFlow."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import applied_dl
from applied_dl.core import bundle
from applied_dl.predictor import load
from applied_dl.tasks import TASKS
from applied_dl.workflows import recipes


@pytest.mark.parametrize("task", TASKS)
def test_the_bundle_is_whole_and_says_what_was_measured(task, trained):
    check_bundle(task, trained(task))


DEFAULTS = ("forecast", "words", "sentences", "recommend")  # recipes of which `trained` changes more than the size


@pytest.mark.slow
@pytest.mark.parametrize("task", DEFAULTS)
def test_the_bundle_of_the_default_recipe_is_whole(task, tmp_path):
    check_bundle(task, applied_dl.train(task, out=tmp_path / task))


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
