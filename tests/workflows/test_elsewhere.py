"""A fit in another process: what is handed over and how, what is refused, and a training by JAX that a kill does not change."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import applied_dl
from applied_dl.core.errors import DataError, UsageError
from applied_dl.tasks import load_task
from applied_dl.training.checkpoints import Store
from applied_dl.workflows import elsewhere, recipes

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed in this environment: pip install applied_dl[scale]"
)


def job(prepared, folder: Path, recipe=None, resume: bool = False) -> elsewhere.Job:
    return elsewhere.Job(recipe, prepared, Store(folder, {}, resume), folder / "logs", "name", None, True)


def test_large_arrays_are_mapped_and_mapped_ones_stay_where_they_are(tmp_path):
    np.save(tmp_path / "images.npy", np.arange(2 * elsewhere.LARGE, dtype=np.uint8))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    given = {"large": np.arange(elsewhere.LARGE).reshape(2, -1), "small": np.arange(9), "mapped": mapped, "part": mapped[5:]}
    folder = elsewhere.hand_over(job(given, tmp_path))
    got = elsewhere.take_over(folder).prepared
    for name, array in given.items():
        np.testing.assert_array_equal(got[name], array)
    assert isinstance(got["large"], np.memmap)
    assert not isinstance(got["small"], np.memmap)
    assert Path(got["mapped"].filename).name == "images.npy"
    assert len(list(folder.glob("*.npy"))) == 2  # the large one, and the part of the mapped one, less its first rows


def test_a_file_that_a_worker_cannot_read_is_one_sentence(tmp_path):
    folder = elsewhere.hand_over(job(np.arange(elsewhere.LARGE), tmp_path))
    next(folder.glob("*.npy")).unlink()
    with pytest.raises(DataError, match=r"cannot be read on .*expected a folder that every worker sees; give --out on shared storage"):
        elsewhere.take_over(folder)


@needs_jax
@pytest.mark.parametrize(("keys", "sentence"), [
    ({"recipe": "words", "workers": 2}, "no meaning for the task 'words'"),
    ({"recipe": "tabular", "train": {"backend": "jax"}, "callbacks": (object(),)}, "which Keras callbacks do not reach"),
    ({"recipe": "tabular", "train": {"backend": "jax"}, "export": {"budget": "50 kB"}}, r"export\.budget do not reach|export.budget"),
])  # fmt: skip
def test_what_cannot_be_trained_elsewhere_is_refused(tmp_path, keys, sentence):
    from applied_dl.workflows.train import train

    name, workers = keys.pop("recipe"), keys.pop("workers", None)
    callbacks = keys.pop("callbacks", ())
    recipe = recipes.read_recipe({"task": name, **keys})
    with pytest.raises(UsageError, match=sentence):
        train(recipe, out=tmp_path / "b", workers=workers, callbacks=callbacks)


@pytest.mark.skipif(importlib.util.find_spec("jax") is not None, reason="JAX is installed here")
def test_what_is_not_installed_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"needs JAX: pip install 'applied_dl\[train,scale\]'"):
        applied_dl.train("tabular", out=tmp_path / "b", train={"backend": "jax"})


@needs_jax
def test_one_command_trains_by_jax_and_exports_by_tensorflow(tmp_path):
    run = applied_dl.train(
        "tabular", out=tmp_path / "b", model={"name": "mlp", "width": 16}, train={"backend": "jax", "epochs": 20, "ensemble": 2},
        export={"variants": ["fp32"]},
    )  # fmt: skip
    assert run.manifest.recipe["train"]["backend"] == "jax"
    assert run.metrics["test"]["rmse"] < run.manifest.baselines["mean"]["rmse"]
    assert all(item.variant == "fp32" for item in run.manifest.exports)
    assert not list(tmp_path.glob(".*"))  # nothing of the run is left


@needs_jax
def test_a_training_by_jax_that_is_killed_resumes_to_the_same_bits(tmp_path):
    task = load_task("tabular")
    train = {"epochs": 300, "batch_size": 64, "ema": 0.9, "checkpoint_minutes": 0.0, "patience": 0}
    recipe = recipes.read_recipe({"task": "tabular", "model": {"name": "mlp", "dropout": 0.2, "width": 16}, "train": train})
    prepared = task.prepare(recipe, tmp_path)
    recipe = task.resolve_defaults(recipe, prepared)

    def start(name: str, resume: bool = False) -> subprocess.Popen:
        folder = elsewhere.hand_over(job(prepared, tmp_path / name, recipe, resume))
        environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-m", "applied_dl.workflows.elsewhere", str(folder), str(os.getpid())]
        return subprocess.Popen(command, env=environment)

    assert start("whole").wait() == 0
    cut = start("killed")
    while not list((tmp_path / "killed").glob("checkpoints/*/epoch-*/state.json")):
        time.sleep(0.01)
    cut.kill()
    cut.wait()
    assert not (tmp_path / "killed" / "results").exists()  # it was not at its end
    assert start("killed", resume=True).wait() == 0
    one, other = (np.load(next((tmp_path / name / "results").glob("*.npz"))) for name in ("whole", "killed"))
    for name in one.files:
        if name != "history":  # which holds the seconds
            np.testing.assert_array_equal(one[name], other[name])
