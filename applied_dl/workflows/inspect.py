"""`applied-dl inspect DATA --task TASK`: how somebody's data is read, what is unusual in it, and which key of the recipe changes that.

Nothing is trained: the page shows what `prepare` learned, with the checks that need nothing but rows.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from applied_dl.core import bundle
from applied_dl.report.data_page import write_data_page
from applied_dl.report.progress_lines import important_first
from applied_dl.tasks import load_task
from applied_dl.workflows.preparation import check_rows, read_data


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
