"""Training by processes of Ray: two are as one, one that is killed changes nothing, and what a worker refuses is one sentence."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from applied_dl.core.errors import UsageError
from applied_dl.workflows import recipes
from applied_dl.workflows.ray_train import divided

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None or importlib.util.find_spec("jax") is None,
    reason="Ray and JAX are not installed in this environment: pip install applied_dl[scale]",
)


def run(folder: Path, case: str, workers: int) -> str:
    """The program beside this file; what it printed."""
    program = Path(__file__).with_name("ray_runs.py")
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(program), str(folder), case, str(workers)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def weights(folder: Path, case: str) -> list[np.ndarray]:
    with np.load(next((folder / f"{case}.run" / "results").glob("*.npz"))) as found:
        return [found[name] for name in found.files if name != "history"]


@pytest.mark.slow
@needs_ray
def test_two_workers_train_as_one_also_where_one_of_them_is_killed(tmp_path):
    shown = {case: run(tmp_path, case, workers) for case, workers in (("one", 1), ("two", 2), ("killed", 2))}
    for case in ("two", "killed"):
        for ours, theirs in zip(weights(tmp_path, case), weights(tmp_path, "one"), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert "rank 0 of 2" in shown["two"]
    assert "epoch 40" in shown["two"]
    assert "were done" in shown["killed"]  # it went on from a checkpoint
    assert {path.name for path in (tmp_path / "two.logs").iterdir()} == {"rank-0.log", "rank-1.log"}


@pytest.mark.slow
@needs_ray
def test_a_worker_that_cannot_read_its_rows_is_one_sentence(tmp_path):
    run(tmp_path, "unreadable", 2)
    shown = (tmp_path / "unreadable.txt").read_text()
    assert shown.startswith("Worker ")
    assert "expected a folder that every worker sees; give --out on shared storage" in shown


def recipe(batch):
    return recipes.read_recipe({"task": "tabular", "train": {"batch_size": batch}})


def test_a_batch_that_cannot_be_divided_is_refused():
    assert divided(recipe(64), recipe(64), 1000, 8) == recipe(64)
    with pytest.raises(UsageError, match="A batch of 60 rows cannot be divided among 8 workers"):
        divided(recipe(60), recipe(60), 1000, 8)
    with pytest.raises(UsageError, match="multiple of 3"):
        divided(recipe("all"), recipe("all"), 1000, 3)


@pytest.mark.parametrize(("batch", "rows", "workers", "size"), [(117, 942, 2, 118), (60, 1000, 8, 64), (256, 101, 2, 100)])
def test_a_batch_that_nobody_asked_for_becomes_one_that_can_be_divided(batch, rows, workers, size):
    assert divided(recipe(None), recipe(batch), rows, workers).train.batch_size == size


def test_too_few_rows_for_the_workers_are_refused():
    with pytest.raises(UsageError, match="A batch of 3 rows cannot be divided among 4 workers"):
        divided(recipe(None), recipe(64), 3, 4)
