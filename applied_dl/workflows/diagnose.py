"""`applied-dl doctor`: what is wrong with a recipe before hours go into it, or with a bundle after; each finding with its remedy."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core import bundle
from applied_dl.core.errors import DataError, RefusedError, UsageError
from applied_dl.runtime.golden import golden_inputs
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.load_keras import load_keras
from applied_dl.workflows.preparation import check_rows, how_trained, of_one_net, read_data, reread, resolve_recipe

ROWS = 64  # of validation, on which the units are examined
BUDGET = 60.0  # seconds a training may take to be watched to its end


def doctor_recipe(recipe, budget: float = BUDGET) -> dict:
    """The findings on a recipe: its rows, its untrained model, and a training of at most about `budget` seconds. Nothing is written."""
    task = load_task(recipe.task)
    from applied_dl.training.diagnostics import Diagnoser
    from applied_dl.training.reproducible import set_up

    prepared = read_data(task, recipe)
    recipe = resolve_recipe(task, recipe, prepared)
    findings = check_rows(task, recipe, prepared)
    note = f"The model {recipe.model.name!r} takes no gradient steps, so its data alone was examined."
    diagnoser = Diagnoser(findings, budget)
    if task.trained_by_keras:
        set_up(recipe.train.seed, recipe.train.deterministic)
        try:
            task.fit(of_one_net(task, recipe), prepared, diagnoser)
        except UsageError as error:
            if diagnoser.examined:
                raise
            note = str(error)
    examined = ["data", *diagnoser.examined]
    return _report(recipe.task, findings, examined, prepared.warnings, None if diagnoser.examined else note)


def doctor_bundle(path: str | Path) -> dict:
    """The findings on a trained bundle: the rows it was trained on, its curves, its units.

    Where the data is not there any more, the units are examined on the bundle's golden examples.
    """
    path = Path(path)
    manifest = bundle.open_bundle(path)
    recipe = recipes.resolve(manifest.recipe, str(path))
    task = load_task(recipe.task)
    from applied_dl.training.diagnostics import check_activations, check_histories

    try:
        prepared = reread(task, recipe, manifest, path)
    except (DataError, RefusedError) as error:
        note, findings, examined = f"The rows were not examined: {error}", [], ["curves", "bundle"]
        inputs, which = golden_inputs(path, manifest), "of the golden examples"
    else:
        note, findings, examined = None, check_rows(task, recipe, prepared), ["data", "curves", "bundle"]
        inputs, which = prepared.validation.take(slice(0, ROWS)).inputs, "of validation"
    findings += check_histories(read_history(path / "history.csv"), how_trained(task, recipe)["stops"])
    model = load_keras(path)
    findings += check_activations(model, {name: inputs[name] for name in model.input}, which)
    known = {finding.line() for finding in findings}
    return _report(recipe.task, findings, examined, [text for text in manifest.warnings if text not in known], note)


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a bundle's history.csv; cells that hold no number are left out."""
    import csv

    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def text(report: dict) -> str:
    """The report as lines: findings with reason and remedy, then what reading the data reported."""
    lines = []
    for finding in report["findings"]:
        lines += [
            f"{finding['name'].replace('_', ' ')}: {finding['observed']}",
            f"    why     {finding['why']}",
            f"    change  {finding['change']}",
        ]
        if finding["rows"]:
            lines.append(f"    rows    {', '.join(map(str, finding['rows']))}")
    count = len(report["findings"])
    examined = f"({report['task']}; examined: {', '.join(report['examined'])})"
    lines.append(f"{count} finding{'s' * (count > 1)} {examined}" if count else f"nothing found wrong {examined}")
    lines += [f"warning  {warning}" for warning in report["warnings"]]
    return "\n".join([*lines, report["note"]] if report["note"] else lines)


def _report(task: str, findings: list, examined: list[str], warnings: list[str], note: str | None) -> dict:
    rows = [finding.as_dict() for finding in findings]
    return bundle.finite({"task": task, "examined": examined, "findings": rows, "warnings": list(warnings), "note": note})
