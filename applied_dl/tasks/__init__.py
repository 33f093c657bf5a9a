"""One folder per task, each with the functions of `core/task.py`; this module lists them and loads one by name.

A new task is its folder and a line of `TASKS`.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError, known, missing_package

TASKS = {
    "image": "images to labels",
    "tabular": "rows of a table to a number or a label",
    "forecast": "series to their future",
    "words": "words to vectors",
    "sentences": "sentences to vectors",
    "recommend": "users and what they had to items they will like",
    "generate": "examples to new images, or new rows of a table",
    "segment": "images to a class for every pixel",
}


def load_task(name: str) -> Any:
    """The functions of a task (`tasks/<name>/task.py`). TensorFlow is imported with it, without the lines it prints meanwhile.

    Raises:
        UsageError: There is no such task, or a package of the extra `train` is not installed.
    """
    known("task", name, TASKS)
    try:
        with console.hushed():
            return importlib.import_module(f"applied_dl.tasks.{name}.task")
    except ModuleNotFoundError as error:
        raise missing_package(error) from error


def load_predict(name: str) -> Any:
    """The functions of a task's predictions (`tasks/<name>/predict.py`), without TensorFlow."""
    if name not in TASKS:
        raise DataError(f"This version knows no task {name!r} (it knows {', '.join(TASKS)}); upgrade applied_dl.")
    return importlib.import_module(f"applied_dl.tasks.{name}.predict")


def load_explain(name: str) -> Any:
    """`parts` of a task (`tasks/<name>/explain.py`): its inputs as parts that can be left out. Without TensorFlow."""
    module = f"applied_dl.tasks.{name}.explain"
    if importlib.util.find_spec(module) is None:
        raise UsageError(f"explain is for labels, numbers, forecasts and recommendations; it takes no model of the task {name!r}.")
    return importlib.import_module(module).parts


def load_cells(name: str) -> Any:
    """`cells` of a task whose bundles may have `explain.tflite`: the parts that its contributions are of. Without TensorFlow."""
    return importlib.import_module(f"applied_dl.tasks.{name}.explain").cells


def load_page(name: str) -> Any:
    """`page_parts` of a task (`tasks/<name>/page.py`): what its page consists of. Without TensorFlow."""
    module = f"applied_dl.tasks.{name}.page"
    if importlib.util.find_spec(module) is None:
        raise UsageError(f"There is no page for the task {name!r}; use `applied-dl predict` or the exported file.")
    return importlib.import_module(module).page_parts


def load_generate(name: str) -> Any:
    """What makes many images or rows at once (`tasks/<name>/make.py`). Without TensorFlow."""
    return importlib.import_module(f"applied_dl.tasks.{name}.make")


def load_writer(name: str) -> Any:
    """`write_files` of a task whose predictions are files (`tasks/<name>/files.py`), for `predict --out DIR`. Without TensorFlow."""
    module = f"applied_dl.tasks.{name}.files"
    if importlib.util.find_spec(module) is None:
        raise UsageError(f"Predictions of the task {name!r} are a table: --out must end in .csv, .parquet, .jsonl or .xlsx.")
    return importlib.import_module(module).write_files


def recipe_type(name: str) -> type:
    """The recipe struct of a task."""
    kind: type = _recipe_module(name).Recipe
    return kind


def main_keys(name: str) -> tuple[str, ...]:
    """The recipe keys that people change most, as `section.key`."""
    keys: tuple[str, ...] = _recipe_module(name).MAIN_KEYS
    return keys


def suggest_keys(name: str, source: str) -> dict[str, Any]:
    """Recipe keys that suit a data source (`tasks/<name>/suggest.py`), without TensorFlow; empty where the task proposes none."""
    module = f"applied_dl.tasks.{name}.suggest"
    return importlib.import_module(module).suggest(source) if importlib.util.find_spec(module) else {}


def _recipe_module(name: str) -> Any:
    known("task", name, TASKS)
    return importlib.import_module(f"applied_dl.tasks.{name}.recipe")
