"""What the tests of tables share: a recipe on a file, and it resolved beside its prepared rows."""

from applied_dl.tasks.tabular import task
from applied_dl.workflows import recipes


def recipe(table, **sections):
    data = {"source": str(table), "target": "price", "ignore": ["dear"]} | sections.pop("data", {})
    return recipes.read_recipe({"task": "tabular", "data": data, **sections})


def prepared_with(table, **sections):
    chosen = recipe(table, **sections)
    prepared = task.prepare(chosen, None)
    return task.resolve_defaults(chosen, prepared), prepared
