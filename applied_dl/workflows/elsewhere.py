"""The fit of a recipe in another process: what was prepared is handed over through files, and the trainings' results come back as files.

`python -m applied_dl.workflows.elsewhere FOLDER PARENT` is the process of `train.backend = "jax"`; workers on Ray call `fit` too.
Large arrays are handed over as files that every process maps into its memory: of rows that do not fit, each reads its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import AppliedError, DataError, RefusedError, UsageError
from applied_dl.core.parallel import end_with

LARGE = 2**20  # bytes of an array from which it gets a file of its own
ERROR = "error.json"
INTERRUPTED = 130  # the exit code of a process that Ctrl-C ended


class Job(NamedTuple):
    """What another process fits.

    Args:
        recipe: resolved.
        prepared: the data.
        store: where checkpoints and results are written; `core.checkpoints.Store`.
        logs: the folder of `train.log`.
        name: of the bundle.
        deadline: of the command, or None.
        quiet: print no progress.
    """

    recipe: Any
    prepared: Any
    store: Any
    logs: Path
    name: str
    deadline: Any
    quiet: bool


def check(recipe, trained_by_keras: bool, workers: int | None, callbacks: tuple) -> None:
    """Refuse what cannot be trained in another process. Raises `UsageError`."""
    asked = "--workers" if workers else "train.backend = 'jax'"
    if importlib.util.find_spec("jax") is None or workers and importlib.util.find_spec("ray") is None:
        raise UsageError(f"{asked} needs {'Ray and ' if workers else ''}JAX: pip install 'applied_dl[train,scale]'.")
    if not trained_by_keras:
        raise UsageError(f"{asked} has no meaning for the task {recipe.task!r}, which Keras does not train; leave it out.")
    for name, given in (("Keras callbacks", callbacks), ("export.budget", recipe.export.budget is not None)):
        if given:
            raise UsageError(f"{asked} trains in another process, which {name} do not reach; leave one of them out.")
    if workers and recipe.train.time_limit is not None:
        raise UsageError("train.time_limit plans the training of one process; leave it or --workers out.")


def hand_over(job: Job) -> Path:
    """Write a job. Returns its folder, inside that of the store."""
    folder = job.store.folder / "job"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "job.pickle").open("wb") as out:
        _Writer(out, folder).dump(job)
    return folder


def take_over(folder: Path) -> Job:
    """Read a job. Raises `DataError` where a file of it cannot be read."""
    try:
        with (folder / "job.pickle").open("rb") as file:
            return pickle.load(file)  # noqa: S301 — written by `hand_over` of the process that started this one
    except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
        where = getattr(error, "filename", None) or folder
        raise DataError(
            f"The training data handed over at {str(where)!r} cannot be read on {os.uname().nodename} ({error}): expected a folder "
            "that every worker sees; give --out on shared storage."
        ) from error


def fit(job: Job, rank: int = 0) -> None:
    """Train a job by the backend of this process and leave its results; of several processes that train together, rank 0 does."""
    console.quiet = job.quiet
    from applied_dl.tasks import load_task
    from applied_dl.training.logs import epoch_logger
    from applied_dl.training.recorded import RecordedTrainer
    from applied_dl.training.reproducible import set_up
    from applied_dl.training.trainer import CheckpointingTrainer

    recipe, task = job.recipe, load_task(job.recipe.task)
    set_up(recipe.train.seed, recipe.train.deterministic)
    on_epoch = epoch_logger(recipe.train.log, job.logs, job.name) if rank == 0 else ()
    inner = CheckpointingTrainer(job.store._replace(writes=rank == 0), (), on_epoch, deadline=job.deadline)
    task.fit(recipe, job.prepared, RecordedTrainer(inner, writes=rank == 0))


def fit_by_jax(job: Job):
    """Train a job in a process of JAX. Returns the trainer with which `fit` repeats it here."""
    from applied_dl.training.deadline import plan_of
    from applied_dl.training.trainer import CheckpointingTrainer

    folder = hand_over(job)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-m", "applied_dl.workflows.elsewhere", str(folder), str(os.getpid())]
    process = subprocess.Popen(command, env=environment, close_fds=False)  # it holds the lock of the training as long as it writes
    code, interrupted = _wait(process)
    error = folder / ERROR
    if error.exists():
        found = json.loads(error.read_text())
        raise next(kind for kind in (DataError, UsageError, RefusedError) if kind.__name__ == found["kind"])(found["message"])
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise RefusedError(
            f"The process that trains by JAX ended with exit code {code}, and what it printed is above; --resume continues from the last "
            "checkpoint."
        )
    deadline = job.deadline and replace(job.deadline, plan=plan_of(job.store._replace(resume=True)))
    return recorded(CheckpointingTrainer(job.store, deadline=deadline), interrupted)


def recorded(inner, interrupted: bool = False):
    """The trainer that takes every result from the folder of `inner`'s store. Raises `UsageError` where there is none."""
    from applied_dl.training.recorded import RecordedTrainer

    if not interrupted and not list(inner.store.folder.glob("**/results/*.npz")):
        raise UsageError("train.backend = 'jax' and --workers have no meaning for a model without gradient steps; remove them.")

    return RecordedTrainer(inner, trains=False, writes=False, interrupted=interrupted)


def _wait(process: subprocess.Popen) -> tuple[int, bool]:
    """The exit code, and whether Ctrl-C came, which the process itself received too: it decides what is kept."""
    interrupted = False
    while True:
        try:
            return process.wait(), interrupted
        except KeyboardInterrupt:
            interrupted = True


class _Writer(pickle.Pickler):
    """Pickles with large arrays in files beside: those that are mapped from a file stay there."""

    def __init__(self, file, folder: Path):
        super().__init__(file, protocol=5)
        self.folder, self.count = folder, 0

    def reducer_override(self, value):
        if not isinstance(value, np.ndarray) or value.nbytes < LARGE or value.dtype.hasobject:
            return NotImplemented
        if isinstance(value, np.memmap) and type(value.base).__name__ == "mmap" and value.filename and value.flags.c_contiguous:
            return _mapped, (str(value.filename), value.dtype.str, value.offset, value.shape)
        path = self.folder / f"{self.count}.npy"
        self.count += 1
        np.save(path, value, allow_pickle=False)
        return _loaded, (str(path),)


def _mapped(path: str, dtype: str, offset: int, shape: tuple[int, ...]) -> np.memmap:
    return np.memmap(path, np.dtype(dtype), "r", offset, shape)


def _loaded(path: str) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def main(folder: Path, parent: int) -> int:
    """Fit the job of a folder for the process `parent`; an error that a person can act on is left there."""
    end_with(parent)  # else a command that was killed and is resumed would have two trainings write the same checkpoints
    try:
        fit(take_over(folder))
    except AppliedError as error:
        (folder / ERROR).write_text(json.dumps({"kind": type(error).__name__, "message": str(error)}))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
