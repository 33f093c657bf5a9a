"""One recipe trained by Ray: `python ray_runs.py FOLDER CASE WORKERS` leaves FOLDER/CASE.run/results, or FOLDER/CASE.txt with the error."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from applied_dl.core.errors import AppliedError  # noqa: E402
from applied_dl.tasks import load_task  # noqa: E402
from applied_dl.training.checkpoints import Store  # noqa: E402
from applied_dl.workflows import elsewhere, ray_train, recipes  # noqa: E402

EPOCHS = 40


def kill_one(logs: Path, run: Path) -> None:
    """Kill rank 1 with -9 when the first checkpoint is written."""
    while not list(run.glob("checkpoints/*/epoch-*/state.json")):
        time.sleep(0.02)
    line = next(line for line in (logs / "rank-1.log").read_text().splitlines() if "process" in line)
    os.kill(int(line.split("process ")[1].split()[0]), signal.SIGKILL)


def main(folder: Path, case: str, workers: int) -> None:
    """Train, with what the case does to it."""
    epochs = EPOCHS
    keys = {"epochs": epochs, "batch_size": 32, "ema": 0.9, "checkpoint_minutes": 0.0, "patience": 0, "precision": "float32"}
    data = {"source": "diabetes"}
    model = {"name": "mlp", "dropout": 0.0}
    recipe = recipes.read_recipe({"task": "tabular", "model": {**model, "width": 16}, "data": data, "train": keys})
    task = load_task("tabular")
    prepared = task.prepare(recipe, folder)
    recipe = task.resolve_defaults(recipe, prepared)
    run, logs = folder / f"{case}.run", folder / f"{case}.logs"
    job = elsewhere.Job(recipe, prepared, Store(run, {}), logs, case, None, False)
    if case == "unreadable":
        hand_over = elsewhere.hand_over

        def lose(job):
            found = hand_over(job)
            (found / "job.pickle").unlink()
            return found

        elsewhere.hand_over = lose
    if case == "killed":
        threading.Thread(target=kill_one, args=(logs, run), daemon=True).start()
    try:
        ray_train.fit_by_ray(job, workers, None, 0 if case == "unreadable" else 2)
    except AppliedError as error:
        (folder / f"{case}.txt").write_text(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
