"""Score the files of a trained bundle, on its own test rows or on another labeled source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from applied_dl.core import bundle, console
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import reread


def evaluate(path: str | os.PathLike[str], data: Any = None) -> dict[str, Any]:
    """The task metric of every exported file, through its own runtime, on the test rows or on another labeled source."""
    path = Path(path)
    manifest = bundle.open_bundle(path)
    recipe = recipes.resolve(manifest.recipe, str(path))
    task = load_task(recipe.task)
    from applied_dl.exporting.evaluate import evaluate_files

    encoder = task.load_encoder(path)
    if data is not None:
        part = task.load_labeled(recipe, encoder, os.fspath(data) if isinstance(data, os.PathLike) else data)
    else:
        part = reread(task, recipe, manifest, path).test
        if getattr(recipe.train, "refit", False):
            part.warnings.append("the files were fitted again on all rows, these among them; name new rows with --data")
    scores = evaluate_files(path, manifest, part, lambda outputs, rows: task.score(recipe, outputs, rows, encoder))
    for text in part.warnings:
        console.warn(text)
    result: dict[str, Any] = bundle.finite(
        {
            "bundle": str(path),
            "task": recipe.task,
            "rows": len(part),
            "data": "test rows" if data is None else data if isinstance(data, str) else "a table in memory",
            "metrics": {file: dict(s.metrics) for file, s in scores.items()},
            "intervals": {file: dict(s.intervals) for file, s in scores.items()},
            "warnings": part.warnings,
        }
    )
    return result
