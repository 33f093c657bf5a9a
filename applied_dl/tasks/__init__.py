"""One folder per task, each with the functions of `core/task.py`; this module lists them and loads one by name.

A new task is its folder and a line of `TASKS`.
"""

import importlib

from applied_dl.core import console
from applied_dl.core.errors import DataError, known

TASKS = {
    "image": "images to labels",
    "tabular": "rows of a table to a number or a label",
    "forecast": "series to their future",
    "words": "words to vectors",
    "sentences": "sentences to vectors",
}


def load_task(name: str):
    """The functions of a task (`tasks/<name>/task.py`). TensorFlow is imported with it, without the lines it prints on the way."""
    known("task", name, TASKS)
    with console.hushed():
        return importlib.import_module(f"applied_dl.tasks.{name}.task")


def load_predict(name: str):
    """The functions of a task's predictions (`tasks/<name>/predict.py`), without TensorFlow."""
    if name not in TASKS:
        raise DataError(f"This version knows no task {name!r} (it knows {', '.join(TASKS)}); upgrade applied_dl.")
    return importlib.import_module(f"applied_dl.tasks.{name}.predict")


def recipe_type(name: str) -> type:
    """The recipe struct of a task."""
    known("task", name, TASKS)
    return importlib.import_module(f"applied_dl.tasks.{name}.recipe").Recipe
