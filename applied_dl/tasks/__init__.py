"""One page per task; each has the functions listed in `docs/architecture.md`."""

import importlib

from applied_dl import console
from applied_dl.config import TASKS
from applied_dl.errors import known


def load_task(name: str):
    """The task's module. TensorFlow is imported with it, without the lines it prints on the way."""
    known("task", name, TASKS)
    with console.hushed():
        return importlib.import_module(f"applied_dl.tasks.{name}")
