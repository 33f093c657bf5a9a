"""Public functions that start from a recipe: train it, or see before what it reads and how it would train."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from applied_dl.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras
    import msgspec

    from applied_dl.workflows.train import Run

    PathLike = str | os.PathLike[str]
    Recipe = PathLike | Mapping[str, Any] | msgspec.Struct  # a TOML file, a task's name, a dict of sections, or a recipe
    Section = Mapping[str, Any]


def train(
    recipe: Recipe,
    *,
    out: PathLike | None = None,
    overwrite: bool = False,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    data: Section | None = None,
    preprocess: Section | None = None,
    model: Section | None = None,
    learn: Section | None = None,
    train: Section | None = None,
    calibration: Section | None = None,
    predict: Section | None = None,
    export: Section | None = None,
    card: Section | None = None,
) -> Run:
    """Train a recipe, export it, verify the exported files and write the bundle.

    Args:
        recipe: Path of a TOML file, name of a task for its defaults ("image", "tabular", "forecast", "words", …), or a dict.
        out: The bundle to write; `saved_models/<recipe>` by default.
        overwrite: Replace an existing bundle, in one rename at the end.
        resume: Continue an interrupted training.
        callbacks: Keras callbacks, called while the model is trained.
        data: Keys that replace those of the recipe's section [data]; a table may be a polars or pandas frame.
        preprocess: Keys of [preprocess].
        model: Keys of [model].
        learn: Keys of [learn] (words, sentences).
        train: Keys of [train].
        calibration: Keys of [calibration].
        predict: Keys of [predict].
        export: Keys of [export].
        card: Keys of [card].

    Returns:
        The run: `run.bundle`, `run.metrics`, `run.manifest`, `run.model` (the Keras model), `run.predictor()`.

    Raises:
        UsageError: The recipe or an argument is wrong.
        DataError: The data is wrong.
        RefusedError: No TFLite file passed its verification; the bundle with the Keras model is written all the same.

    Example:
        >>> run = applied_dl.train("tabular", data={"source": frame, "target": "price"}, out="saved_models/prices")
        >>> run.metrics["test"]["rmse"]
    """
    from applied_dl.workflows import recipes
    from applied_dl.workflows.train import train as train_recipe

    sections = {"data": data, "preprocess": preprocess, "model": model, "learn": learn, "train": train, "calibration": calibration,
                "predict": predict, "export": export, "card": card}  # fmt: skip
    overrides = recipes.section_overrides(sections)
    return train_recipe(recipe, out=out, overwrite=overwrite, resume=resume, callbacks=callbacks, overrides=overrides)


def dry_run(recipe: Recipe, *, out: PathLike | None = None, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What `train` would do, without training: rows, inputs, parameters, memory, seconds and files.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict.
        out: The bundle that would be written; an image of the first batch is written beside it as `<out>.preview.png`.
        overrides: Values by dotted key, such as `{"train.epochs": 3}`.

    Returns:
        The facts that `applied-dl train --dry-run --json` prints.

    Raises:
        UsageError: The recipe is wrong.
        DataError: The data cannot be read.

    Example:
        >>> applied_dl.dry_run("pipelines/digits.toml")["seconds"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.dry_run import dry_run as plan

    target = out if out is not None else Path("saved_models") / recipes.default_name(recipe)
    return plan(recipes.read_recipe(recipe, overrides), str(target))[0]


def inspect(recipe: Recipe, *, out: PathLike | None = None, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read the data of a recipe, without training, and report how it is read and what is unusual in it.

    Args:
        recipe: Path of a TOML file, name of a task, a dict such as `{"task": "tabular", "data": {"source": frame}}`, or a bundle, whose
            training data is read again.
        out: An HTML page to write the report to.
        overrides: Values by dotted key, such as `{"data.target": "price"}`.

    Returns:
        `{"task", "source", "summary", "parts", "columns", "findings", "warnings", "page"}`.

    Raises:
        DataError: The data cannot be read.

    Example:
        >>> applied_dl.inspect("tabular", overrides={"data.source": "homes.csv"})["findings"]
    """
    from pathlib import Path

    from applied_dl.core.bundle import open_bundle
    from applied_dl.workflows import recipes
    from applied_dl.workflows.inspect import inspect_data

    path = _bundle_path(recipe)
    found = recipes.read_recipe(recipe if path is None else open_bundle(Path(path)).recipe, overrides)
    return inspect_data(found, None if out is None else Path(out))


def diagnose(source: Recipe, *, budget: float = 60.0, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Examine a recipe before a long training, or a bundle after it: what is wrong, and what to change.

    Args:
        source: A recipe, whose data, new model and short training are examined, or a bundle.
        budget: Seconds that the short training may take, about.
        overrides: Values by dotted key of a recipe.

    Returns:
        `{"task", "examined", "findings": [{"name", "observed", "why", "change", "rows", …}], "warnings", "note"}`.

    Raises:
        UsageError: The recipe is wrong, or a bundle is given with overrides.
        DataError: The data cannot be read.

    Example:
        >>> [finding["change"] for finding in applied_dl.diagnose("pipelines/mine.toml")["findings"]]
    """
    from applied_dl.workflows import diagnose as doctor
    from applied_dl.workflows import recipes

    if (bundle := _bundle_path(source, overrides)) is not None:
        return doctor.doctor_bundle(bundle)
    return doctor.doctor_recipe(recipes.read_recipe(source, overrides), budget)


def find_lr(recipe: Recipe, *, plot: PathLike = "lr_find.png", overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Sweep the learning rate of a recipe's model and suggest one (Smith, 2017); nothing is trained.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict.
        plot: Where to plot the loss over the learning rate.
        overrides: Values by dotted key, such as `{"model.name": "lenet"}`.

    Returns:
        `{"net", "chosen", "valley", "steepest", "now", "plot", "nets": [one such dict for each net]}`.

    Raises:
        UsageError: The model is not trained by gradient steps.

    Example:
        >>> applied_dl.find_lr("image", overrides={"train.optimizer": "sgd"})["chosen"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.find_lr import find_lr as sweep

    return sweep(recipes.read_recipe(recipe, overrides), Path(plot))


def tune(
    recipe: Recipe, *, out: PathLike | None = None, trials: int | None = None, jobs: int = 1, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Search the space of a recipe's [tune.space] with Optuna, on validation rows alone.

    Args:
        recipe: Path of a TOML file, name of a task, or a dict.
        out: Folder of the study, `best.toml` and the plots; `tuned/<recipe>` by default. An existing study of the same recipe is continued.
        trials: Number of trainings in all; the recipe's `tune.trials` by default.
        jobs: Number of processes that search at once.
        overrides: Values by dotted key, such as `{"train.epochs": 3}`.

    Returns:
        `{"task", "metric", "best", "values", "trials", "stopped_early", "failed", "recipe", "study", "plots"}`.

    Raises:
        UsageError: The recipe has no search space, or a wrong one.
        RefusedError: `out` holds the study of another recipe, or no trial succeeded.

    Example:
        >>> space = {"train.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}
        >>> applied_dl.tune("tabular", trials=20, overrides={"tune.space": space})["values"]
    """
    from pathlib import Path

    from applied_dl.workflows import recipes
    from applied_dl.workflows.tune import tune as search

    folder = Path(out) if out is not None else Path("tuned") / recipes.default_name(recipe)
    return search(recipes.read_recipe(recipe, overrides), folder, trials, jobs)


def backtest(
    source: Recipe, *, origins: int | None = None, plot: PathLike = "backtest.png", overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Forecast from many origins in the past, and compare with classical methods at the same origins.

    Args:
        source: A forecast recipe, fitted again at every origin, or a bundle, evaluated as it is.
        origins: Number of origins; 200 for models with a closed form, else 5.
        plot: Where to plot the forecasts.
        overrides: Values by dotted key of a recipe.

    Returns:
        `{"origins", "refits", "horizon", "main", "methods": {name: metrics}, "intervals", "by_origin", "plot", "seconds"}`.

    Raises:
        UsageError: The recipe or bundle is not of the task "forecast".

    Example:
        >>> applied_dl.backtest("saved_models/load", origins=50)["methods"]
    """
    from pathlib import Path

    from applied_dl.workflows import backtest as rolling
    from applied_dl.workflows import recipes

    if (bundle := _bundle_path(source, overrides)) is not None:
        return rolling.backtest_bundle(bundle, Path(plot), origins)
    return rolling.backtest_recipe(recipes.read_recipe(source, overrides), Path(plot), origins)


def _bundle_path(source: Recipe, overrides: Mapping[str, Any] | None = None) -> str | None:
    """The path where the source is a bundle, else None."""
    if not isinstance(source, str | os.PathLike) or not os.path.isdir(source):
        return None
    if overrides:
        raise UsageError("overrides are for a recipe; a bundle is examined as it was trained.")
    return os.fspath(source)
