"""`applied-dl lr-find`: sweep the learning rate of a recipe's model and suggest one; nothing is trained."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core.errors import UsageError
from applied_dl.tasks import load_task
from applied_dl.workflows.preparation import of_one_net, read_data, resolve_recipe


def find_lr(recipe, plot: Path) -> dict:
    """Suggest a learning rate for every net that the recipe would train.

    Args:
        recipe: to be trained.
        plot: where the loss over the learning rate is plotted; with several nets each has a file of its own beside it.

    Returns:
        The suggestion for the first net, and in `nets` one for each.

    Raises:
        UsageError: The model is not trained by gradient steps.
    """
    task = load_task(recipe.task)
    if not task.trained_by_keras:
        raise UsageError(f"The task {recipe.task!r} is trained by steps of its own, so there is no learning rate to find.")
    from applied_dl.training.lr_finder import RateFinder

    prepared = read_data(task, recipe)
    recipe = resolve_recipe(task, recipe, prepared)
    finder = RateFinder(recipe.train.learning_rate)
    task.fit(of_one_net(task, recipe), prepared, finder)
    if not finder.found:
        raise UsageError(f"The model {recipe.model.name!r} is not trained by gradient steps, so it has no learning rate to find.")
    plot.parent.mkdir(parents=True, exist_ok=True)
    several = len(finder.found) > 1
    nets = [_plotted(*one, plot.with_stem(f"{plot.stem}_{one[0]}") if several else plot) for one in finder.found]
    return {**nets[0], "nets": nets}


def _plotted(tag: str, present, suggestion, plot: Path) -> dict:
    """One net's suggestion, with its curve plotted."""
    from applied_dl.report.plots import rate_sweep

    rate_sweep(suggestion.rates, suggestion.losses, suggestion.chosen, suggestion.steepest, plot)
    facts = {"chosen": suggestion.chosen, "valley": suggestion.valley, "steepest": suggestion.steepest}
    return {"net": tag, **facts, "now": present, "plot": str(plot)}
