"""`applied-dl lr-find`: sweep the step size of a recipe's model and say which to use; nothing is trained."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core.errors import UsageError
from applied_dl.tasks import load_task
from applied_dl.workflows.preparation import of_one_net, read_data, resolve_recipe


def find_lr(recipe, plot: Path) -> dict:
    """The finder's suggestion for the first net and, in `nets`, for every net of an ensemble, each curve drawn to `plot` or beside it.

    Raises `UsageError` for a model that is not trained by steps.
    """
    task = load_task(recipe.task)
    if not task.trained_by_keras:
        raise UsageError(f"The task {recipe.task!r} is trained by steps of its own, so there is no learning rate to find.")
    from applied_dl.training.lr_finder import RateFinder

    prepared = read_data(task, recipe)
    recipe = resolve_recipe(task, recipe, prepared)
    finder = RateFinder()
    task.fit(of_one_net(task, recipe), prepared, finder)
    sweep = finder.found
    if not sweep:
        raise UsageError(f"The model {recipe.model.name!r} is not trained by gradient steps, so it has no learning rate to find.")
    plot.parent.mkdir(parents=True, exist_ok=True)
    nets = [_describe(*one, plot if len(sweep) == 1 else plot.with_stem(f"{plot.stem}_{one[0]}")) for one in sweep]
    return {**nets[0], "nets": nets}


def _describe(tag: str, now, found, plot: Path) -> dict:
    """One net's suggestion, drawn."""
    from applied_dl.report.plots import rate_sweep

    rate_sweep(found.rates, found.losses, found.chosen, found.steepest, plot)
    facts = {"chosen": found.chosen, "valley": found.valley, "steepest": found.steepest}
    return {"net": tag, **facts, "now": now, "plot": str(plot)}
