"""One page per task; each has the functions listed in `docs/architecture.md`."""

import importlib

from applied_dl.config import TASKS
from applied_dl.errors import pick


def load_task(name: str):
    """The task's module."""
    pick("task", name, TASKS)
    return importlib.import_module(f"applied_dl.tasks.{name}")
