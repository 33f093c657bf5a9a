"""`applied-dl doctor`: what is wrong with a recipe before hours go into it, or with a bundle after; each finding with its remedy."""

from __future__ import annotations

from pathlib import Path

import msgspec

from applied_dl.core import bundle
from applied_dl.core.errors import UsageError
from applied_dl.tasks import load_task
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import of_one_net, read_data, reread, resolve_recipe

ROWS = 64  # of validation, whose units are looked at
BUDGET = 60.0  # seconds a training may take to be watched to its end


def doctor_recipe(recipe, budget: float = BUDGET) -> dict:
    """The findings on a recipe: its rows, its fresh model, and a training of at most about `budget` seconds. Nothing is written."""
    task = load_task(recipe.task)
    from applied_dl.training.diagnostics import Diagnoser, check_data
    from applied_dl.training.reproducible import set_up

    prepared = read_data(task, recipe)
    recipe = resolve_recipe(task, recipe, prepared)
    found = check_data(prepared, recipe.train)
    note = f"The model {recipe.model.name!r} takes no gradient steps, so its data alone was examined."
    diagnoser = Diagnoser(found, budget)
    if task.trained_by_keras:
        set_up(recipe.train.seed, recipe.train.deterministic)
        try:
            task.fit(of_one_net(task, recipe), prepared, diagnoser)
        except UsageError as error:
            if diagnoser.examined:
                raise
            note = str(error)
    return _report(recipe.task, found, diagnoser.examined, None if diagnoser.examined else note)


def doctor_bundle(path: str | Path) -> dict:
    """The findings on a trained bundle: the rows it was trained on, its curves, its units."""
    path = Path(path)
    manifest = bundle.open_bundle(path)
    recipe = recipes.resolve(manifest.recipe, str(path))
    task = load_task(recipe.task)
    import keras

    from applied_dl.training.diagnostics import check_activations, check_data, check_histories

    prepared = reread(task, recipe, manifest, path)
    stops = bool(getattr(recipe.train, "patience", 0))
    found = check_data(prepared, recipe.train) + check_histories(read_history(path / "history.csv"), stops)
    model = keras.saving.load_model(path / "model.keras")
    part = prepared.validation.take(slice(0, ROWS))
    inputs = {name: keras.ops.convert_to_tensor(part.inputs[name]) for name in model.input}
    found += check_activations(model, inputs, "of validation")
    return _report(recipe.task, found, ["bundle"])


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a bundle's history.csv; cells that hold no number are left out."""
    import csv

    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def text(report: dict) -> str:
    """The report for people."""
    if not report["findings"]:
        return f"nothing found wrong ({report['task']}; examined: {', '.join(report['examined'])})" + _note(report)
    lines = []
    for finding in report["findings"]:
        lines += [
            f"{finding['name'].replace('_', ' ')}: {finding['saw']}",
            f"    why     {finding['why']}",
            f"    change  {finding['change']}",
        ]
        if finding["rows"]:
            lines.append(f"    rows    {', '.join(map(str, finding['rows']))}")
    return "\n".join([*lines, f"{len(report['findings'])} finding{'s' * (len(report['findings']) > 1)}"]) + _note(report)


def _note(report: dict) -> str:
    return f"\n{report['note']}" if report["note"] else ""


def _report(task: str, found: list, looked: list[str], note: str | None = None) -> dict:
    findings = [msgspec.to_builtins(finding) for finding in found]
    return bundle.finite({"task": task, "examined": ["data", *looked], "findings": findings, "note": note})
