"""Write a commented recipe for a task and a person's data."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.workflows import recipes


def write_recipe(task: str, name: str, data: str | None = None) -> Path:
    """Write `pipelines/NAME.toml`, or NAME where it ends in .toml.

    Raises:
        UsageError: No such task, a name with slashes, or a file that exists.
    """
    recipe = recipes.read_recipe({"task": task}, {"data.source": data} if data else None)
    path = recipe_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# applied-dl train {path}\n\n" + config.to_toml(recipe), encoding="utf-8")
    return path


def recipe_path(name: str) -> Path:
    """Where a recipe of this name goes."""
    path = Path(name if name.endswith(".toml") else f"pipelines/{name}.toml")
    if not name.endswith(".toml") and path.parent != Path("pipelines"):
        raise UsageError(
            f"{name!r} is not the name of a recipe: expected one without slashes (pipelines/NAME.toml), or a path that ends in .toml."
        )
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already; choose another name.")
    return path
