"""One page per task; each has the functions listed in `docs/architecture.md`."""

import importlib

from applied_dl.errors import pick

TASKS = {
    "image": "applied_dl.tasks.image",
    "tabular": "applied_dl.tasks.tabular",
    "forecast": "applied_dl.tasks.forecast",
    "words": "applied_dl.tasks.words",
    "sentences": "applied_dl.tasks.sentences",
}


def load_task(name: str):
    """The task's module."""
    return importlib.import_module(pick("task", name, TASKS))
