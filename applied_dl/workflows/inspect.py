"""`applied-dl inspect DATA`: how somebody's data is read, what is unusual in it, and which key of the recipe changes that.

Nothing is trained: the page shows what `prepare` learned, with the checks that need nothing but rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from applied_dl.core import bundle
from applied_dl.core.errors import UsageError
from applied_dl.report.data_page import write_data_page
from applied_dl.report.progress_lines import important_first
from applied_dl.tasks import TASKS, load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import check_rows, read_data


def recipe_of(what: str, task: str | None = None, overrides: Mapping[str, Any] | None = None):
    """The recipe by which data is read.

    Args:
        what: a recipe (a TOML file, or the name of a task for its built-in data), a bundle, or data.
        task: that of data; of a recipe or a bundle it may be left out.
        overrides: values by dotted key.

    Raises:
        UsageError: neither `what` nor `task` says how the data is read, or they contradict each other.
    """
    path = Path(what)
    if (path / bundle.MANIFEST).is_file():
        recipe = recipes.read_recipe(bundle.open_bundle(path).recipe, overrides)
    elif path.suffix.lower() == ".toml" or (what in TASKS and not path.exists()):
        recipe = recipes.read_recipe(what, overrides)
    elif task is None:
        raise UsageError(f"{what!r} is no recipe, and how data is read depends on its task: add --task, one of {', '.join(TASKS)}.")
    else:
        return recipes.read_recipe(task, {"data.source": what, **(overrides or {})})
    if task not in (None, recipe.task):
        raise UsageError(f"{what!r} is of the task {recipe.task!r}; leave --task {task} out.")
    return recipe


def inspect_data(recipe, page: Path | None = None) -> dict:
    """Read the data of a recipe and describe it.

    Args:
        recipe: names the data; its other keys decide how it is read.
        page: an HTML file to write the report to, where given.

    Returns:
        What `--json` prints: `task`, `source`, `summary`, `parts`, `columns`, `findings`, `warnings`, `page`.

    Raises:
        DataError: The data cannot be read.
    """
    task = load_task(recipe.task)
    prepared = read_data(task, recipe)
    findings = [finding.as_dict() for finding in check_rows(task, recipe, prepared)]
    report = bundle.finite(
        {
            "task": recipe.task,
            "source": str(recipe.data.source or recipe.data.train or ""),
            "summary": prepared.facts.get("summary", ""),
            "parts": prepared.rows,
            "columns": [msgspec.to_builtins(column) for column in task.describe_data(prepared)],
            "findings": findings,
            "warnings": important_first(list(prepared.warnings)),
            "page": str(page) if page else None,
        }
    )
    if page is not None:
        write_data_page(report, page)
    return report
