"""The recipe of a task, from a TOML file, a task's name, a dict or a bundle."""

from __future__ import annotations

import json
from pathlib import Path

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.tasks import TASKS, recipe_type


def read_recipe(source: str | Path | dict, overrides: dict[str, object] | None = None):
    """A checked recipe from a TOML path, a task name or a plain dict; `overrides` maps dotted keys to values."""
    if isinstance(source, dict):
        raw, name = json.loads(json.dumps(source)), "recipe"
    elif str(source) in TASKS:
        raw, name = {"task": str(source)}, "recipe"
    else:
        raw, name = config.read_toml(Path(source)), str(source)
    for key, value in (overrides or {}).items():
        config.put(raw, key, value)
    if "task" not in raw:
        raise UsageError(f"{name} has no key 'task'; expected one of: {', '.join(TASKS)}.")
    return resolve(raw, name)


def resolve(raw: dict, name: str = "recipe"):
    """A plain dict as the recipe of its task; `UsageError` names the key that is unknown or of the wrong type."""
    if not isinstance(raw.get("task"), str):
        raise UsageError(f"{name}: key 'task' must be a text, received {raw.get('task')!r}; one of: {', '.join(TASKS)}.")
    return config.checked(raw, recipe_type(raw["task"]), name)
