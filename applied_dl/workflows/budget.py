"""`export.budget`: a model whose file costs no more bytes and milliseconds than asked, the best of those on validation rows.

What a file costs does not depend on its weights. So untrained models are exported and timed first, and only sizes that fit are trained: the
recipe's own where it fits, else the two largest that do and the smallest; the validation score through LiteRT chooses among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import msgspec

from applied_dl.core import console, limits
from applied_dl.core.errors import AppliedError, RefusedError
from applied_dl.core.records import Fitted, History, Scores
from applied_dl.core.task import Loop, Trainer
from applied_dl.exporting.precisions import held_out_outputs, keras_outputs, tflite_files
from applied_dl.exporting.verification import verification_rows
from applied_dl.runtime.interpreter import Runtime
from applied_dl.training.hardware import as_float32
from applied_dl.training.reproducible import set_up
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
from applied_dl.workflows.preparation import resolve_recipe

TRAINED = 3  # sizes that are trained, at most


class Size(NamedTuple):
    """A model that may be trained: what it changes in the user's recipe, and the recipe with every open value chosen."""

    changes: dict[str, Any]
    recipe: Any

    def __str__(self) -> str:
        return ", ".join(f"{key} = {value}" for key, value in self.changes.items()) or "the recipe's own model"


class File(NamedTuple):
    """A file, and by what factor it exceeds the budget; at most 1 fits."""

    excess: float
    variant: str
    bytes: int
    ms: float

    def __str__(self) -> str:
        return f"{limits.format_cost(self.bytes, self.ms)} as {self.variant}"


class Untrained(Trainer):
    """Leaves every model as it is, and reports an epoch, so that `fit` goes through to its end."""

    def train(self, model, source, validation, settings, *, monitor="val_loss", **options) -> History:
        """Nothing is trained."""
        return History(monitor=monitor, rows=[_row(monitor)], best_epoch=1)

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Nothing is trained."""
        return History(monitor=loop.monitor, rows=[_row(loop.monitor)], best_epoch=1)

    @contextmanager
    def preparing(self, size: int, sample: int) -> Iterator[int]:
        """Work on a sample."""
        yield min(size, sample)


def fit_within(task, asked, recipe, prepared, trainer: CheckpointingTrainer) -> tuple[Any, Fitted, Any, dict[str, Any]]:
    """Train the best model within `export.budget`.

    Args:
        task: the task's module.
        asked: the recipe as the user wrote it.
        recipe: the same with every open value chosen.
        prepared: the data.
        trainer: what trains each size; it keeps their states apart.

    Returns:
        The recipe of the chosen size, what was fitted, its serving graph, and the facts for the card.

    Raises:
        RefusedError: No size fits; the nearest is named.
    """
    budget = limits.budget(asked.export.budget, limits.BUDGET)
    sizes = sizes_of(task, asked, recipe, prepared)
    nearest = [(cheapest(task, sizes[-1].recipe, prepared, budget), sizes[-1])]
    tried, best, fits = [], None, False
    for place, size in enumerate(sizes if nearest[0][0].excess <= 1 else ()):
        smallest = size is sizes[-1]
        if not smallest and (len(tried) == TRAINED - 1 or not fits and _too_large(task, size.recipe, prepared, budget)):
            continue
        if not (fits or smallest):  # the first that fits; smaller ones fit too
            file = cheapest(task, size.recipe, prepared, budget)
            nearest.append((file, size))
            if file.excess > 1:
                continue
        fits = True
        set_up(recipe.train.seed, recipe.train.deterministic, task.trained_by_keras)
        fitted = task.fit(size.recipe, prepared, trainer.of(f"size{place}", TRAINED - len(tried)) if size.changes else trainer)
        fitted = fitted._replace(model=as_float32(fitted.model))
        serving = task.serving(size.recipe, fitted, prepared)
        held = task.score(size.recipe, held_out_outputs(serving, prepared, "validation"), prepared.validation, prepared.encoder, True)
        files = _measured(task, size.recipe, serving, prepared, budget, held.value)
        within = [(file, score) for file, score in files if file.excess <= 1 and score is not None]
        if not within:  # a trained ensemble may keep more than an untrained one
            nearest += [(file, size) for file, _ in files]
            continue
        higher, value = held.rises(), held.value
        file, _ = (max if higher else min)(within, key=lambda pair: pair[1].value)
        console.say("budget", f"{size}: {file}, validation {held.main} {value:.4g}")
        tried.append({"model": str(size), "file": str(file), f"validation {held.main}": value})
        if best is None or (value > best[0] if higher else value < best[0]):
            best = (value, size.recipe, fitted, serving, str(size))
        if not size.changes:
            break  # the recipe's own model fits
    if best is None:
        file, size = min(nearest, key=lambda pair: pair[0].excess)
        raise RefusedError(
            f"No model of this recipe and data is within {limits.BUDGET} = {asked.export.budget!r}: the nearest has {file} ({size}); raise "
            "the budget to that, or export.max_metric_drop where the size would fit."
        )
    return best[1], best[2], best[3], {"asked": asked.export.budget, "chosen": best[4], "tried": tried}


def sizes_of(task, asked, recipe, prepared) -> list[Size]:
    """The recipe's own model and smaller ones, the largest first."""
    sizes = [Size({}, recipe)]
    for changes in task.smaller_models(asked, prepared):
        with suppress(AppliedError):  # a size that contradicts another key of the recipe
            sizes.append(Size(changes, resolve_recipe(task, recipes.read_recipe(asked, changes), prepared)))
    return sizes


def cheapest(task, recipe, prepared, budget: limits.Budget) -> File:
    """The file of a resolved recipe's untrained model that exceeds the budget least.

    The recipe's weights are random, which changes neither the size of a file nor its speed; only an ensemble may keep other members.
    """
    set_up(recipe.train.seed, recipe.train.deterministic, task.trained_by_keras)
    with console.hushed():
        fitted = task.fit(recipe, prepared, Untrained())
        fitted = fitted._replace(model=as_float32(fitted.model))
        contents, costs, _ = tflite_files(task.serving(recipe, fitted, prepared), _quick(recipe.export), prepared.train, recipe.task)
    files = _files(contents, costs, budget)
    if not files:
        raise RefusedError(f"{limits.BUDGET}: the untrained model has no TFLite file in {', '.join(recipe.export.variants)}.")
    return min(files, key=lambda file: file.excess)


def _too_large(task, recipe, prepared, budget: limits.Budget) -> bool:
    """Whether the model cannot fit, whatever its precision: a weight takes a byte at least."""
    return budget.bytes is not None and task.build(recipe, prepared).count_params() > budget.bytes


def _files(contents: dict[str, bytes], costs: dict[str, dict[str, float]], budget: limits.Budget) -> list[File]:
    timed = [(variant, len(content), costs[variant]["latency_ms"]) for variant, content in contents.items() if variant in costs]
    return [File(budget.excess(size, ms), variant, size, ms) for variant, size, ms in timed]


def _measured(task, recipe, serving, prepared, budget: limits.Budget, unseen: float) -> list[tuple[File, Scores | None]]:
    """Each file of a trained model, with its validation score where it is within the budget and loses no more than is allowed.

    unseen: the score of validation rows by a model that was not fitted to them.
    """
    contents, costs, _ = tflite_files(serving, recipe.export, prepared.train, recipe.task)
    part, found = verification_rows(prepared.validation), []
    score = lambda outputs: task.score(recipe, outputs, part, prepared.encoder, metrics_only=True)  # noqa: E731
    reference = score(keras_outputs(serving, part))
    for file in _files(contents, costs, budget):
        own = None
        if file.excess <= 1:
            own = score(Runtime(contents[file.variant], threads=1).run(part.inputs))
            if own.drop_against(reference, unseen) > (recipe.export.max_metric_drop or float("inf")):
                own = None
        found.append((file, own))
    return found


def _quick(settings):
    """Without full int8, whose calibration takes long and whose file is no smaller than that of the other 8-bit precisions."""
    variants = tuple(variant for variant in settings.variants if variant != "int8")
    return msgspec.structs.replace(settings, variants=variants or settings.variants)


def _row(monitor: str) -> dict[str, float]:
    return {"epoch": 1, "loss": 1.0, monitor: 1.0, "learning_rate": 0.0, "seconds": 0.0}
