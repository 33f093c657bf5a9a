"""What several verbs do first: read a recipe's data, resolve the values it leaves open, read a bundle's own data again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from applied_dl.core import config, console
from applied_dl.core.bundle import Manifest
from applied_dl.core.cache import cache_folder
from applied_dl.core.errors import RefusedError

if TYPE_CHECKING:
    from applied_dl.training.diagnostics import Finding


def read_data(task, recipe):
    """The recipe's data read, split and fitted, from its seed."""
    from applied_dl.training.reproducible import set_up

    set_up(recipe.train.seed, recipe.train.deterministic, task.trained_by_keras)
    return task.prepare(recipe, cache_folder())


def resolve_recipe(task, recipe, prepared):
    """The recipe with every open value chosen for the data. Raises `UsageError` for a key that would do nothing."""
    recipe = task.resolve_defaults(recipe, prepared)
    if task.trained_by_keras:
        from applied_dl.training.optimizers import check

        check(recipe.train)
    return recipe


def of_one_net(task, recipe):
    """The recipe without its ensemble, for a verb that examines one training."""
    return config.replace(recipe, train={"ensemble": 1, "snapshots": None}) if task.trained_by_keras else recipe


def how_trained(task, recipe) -> dict[str, bool]:
    """What the checks of rows and curves must know of `[train]`; word vectors have neither key."""
    settings = recipe.train
    return {
        "stops": task.trained_by_keras and bool(settings.patience),
        "weighted": task.trained_by_keras and bool(settings.class_weights),
        "epochs": not task.trained_by_keras or bool(settings.epochs),
    }


def check_rows(task, recipe, prepared) -> list[Finding]:
    """The findings that need nothing but the rows: leaks, contradicting labels, imbalance, shared rows."""
    with console.hushed():  # of what the diagnostics import, these checks need none
        from applied_dl.training.diagnostics import check_data

    known = how_trained(task, recipe)
    return check_data(prepared, weighted=known["weighted"], epochs=known["epochs"])


def identity(recipe, fingerprint: str) -> dict[str, str]:
    """What must not change between an interrupted run and its resume, key by key, so that a refusal can name what did."""
    sections = {name: keys for name, keys in config.as_dict(recipe).items() if name not in ("export", "card", "tune")}
    sections["train"].pop("log", None)
    found = {f"{name}.{key}": json.dumps(value) for name, keys in sections.items() if isinstance(keys, dict) for key, value in keys.items()}
    return {"task": recipe.task, **found, "data": fingerprint}


def reread(task, recipe, manifest: Manifest, path: Path):
    """Prepare the bundle's own data again; refuses data that has changed since."""
    prepared = task.prepare(recipe, cache_folder())
    if prepared.fingerprint != manifest.fingerprint:
        raise RefusedError(
            f"The data of {str(path)!r} ({recipe.data.source!r}) is not what it was trained on; "
            "its test rows would not be the held-out ones. Name a labelled source with --data."
        )
    return prepared
