"""The recipe of a task: from a TOML file, a task's name, a dict, another recipe or a bundle's manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from applied_dl.core import config
from applied_dl.core.cache import cache_folder
from applied_dl.core.errors import UsageError
from applied_dl.tasks import TASKS, recipe_type

TABLE_KEYS = ("source", "train", "validation", "test")  # of [data]: each may be a table in memory


def read_recipe(source: str | os.PathLike[str] | Mapping[str, Any] | msgspec.Struct, overrides: Mapping[str, Any] | None = None) -> Any:
    """A checked recipe.

    Args:
        source: Path of a TOML file, name of a task, dict of sections, or a recipe. A table in memory (a polars or pandas frame) as
            `data.source` is kept as a Parquet file in the cache, so that a resume and `evaluate` find it again.
        overrides: Values by dotted key, such as `{"train.epochs": 3}`.

    Raises:
        UsageError: Names the key that is unknown or of the wrong type.
    """
    raw, name = _plain_recipe(source)
    for key, value in (overrides or {}).items():
        config.put(raw, key, _plain(value))
    if isinstance(raw.get("data"), dict):
        raw["data"] = {key: _as_file(value) if key in TABLE_KEYS else value for key, value in raw["data"].items()}
    if "task" not in raw:
        raise UsageError(f"{name} has no key 'task'; expected one of: {', '.join(TASKS)}.")
    return resolve(raw, name)


def resolve(raw: dict[str, Any], name: str = "recipe") -> Any:
    """A plain dict as the recipe of its task; `UsageError` names the key that is unknown or of the wrong type."""
    if not isinstance(raw.get("task"), str):
        raise UsageError(f"{name}: key 'task' must be a text, received {raw.get('task')!r}; one of: {', '.join(TASKS)}.")
    return config.checked(raw, recipe_type(raw["task"]), name)


def section_overrides(sections: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """`{"train": {"epochs": 3}}` → `{"train.epochs": 3}`; sections that are None are left out."""
    overrides: dict[str, Any] = {}
    for section, keys in sections.items():
        if keys is None:
            continue
        if not isinstance(keys, Mapping):
            raise UsageError(f"{section}={keys!r} is not a section of a recipe; give a dict of its keys, such as train={{'epochs': 3}}.")
        overrides |= {f"{section}.{key}": value for key, value in keys.items()}
    return overrides


def default_name(source: str | os.PathLike[str] | Mapping[str, Any] | msgspec.Struct) -> str:
    """How the bundle of a recipe is called: the file's stem, or the task."""
    if isinstance(source, Mapping):
        return str(source.get("task", "model"))
    return str(source.task) if isinstance(source, msgspec.Struct) else Path(source).stem  # type: ignore[attr-defined]


def _plain_recipe(source: str | os.PathLike[str] | Mapping[str, Any] | msgspec.Struct) -> tuple[dict[str, Any], str]:
    """A recipe as a new dict of plain values, and how messages call it."""
    if isinstance(source, msgspec.Struct):
        return config.as_dict(source), "recipe"
    if isinstance(source, Mapping):
        return _plain(source), "recipe"
    if str(source) in TASKS:
        return {"task": str(source)}, "recipe"
    return config.read_toml(Path(source)), str(source)


def _plain(value: Any) -> Any:
    """Paths as texts, tuples as lists, numpy scalars as numbers; anything else as it is."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value


def _as_file(value: Any) -> Any:
    """The path of a table in memory, written once under its own fingerprint; paths and names as they are."""
    if value is None or isinstance(value, str | list | bool | int | float | dict):
        return value
    from applied_dl.core.fingerprint import fingerprint
    from applied_dl.io.tables import read_table

    frame = read_table(value).frame
    path = cache_folder() / "tables" / f"{fingerprint(frame.write_csv())[:32]}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return str(path)
