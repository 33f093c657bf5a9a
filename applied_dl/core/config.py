"""Recipes as frozen structs: read from TOML, single keys overridden, unknown keys refused, written with comments.

A recipe is a frozen struct per task (`tasks/<task>/recipe.py`) made of the shared sections of `core/sections.py` and the task's own.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from applied_dl.core.errors import UsageError, nearest
from applied_dl.core.schema_1 import renamed_keys


def read_toml(path: Path) -> dict[str, Any]:
    """The plain dict of a TOML recipe, or a `UsageError` that says why it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"There is no recipe at {str(path)!r}; write one with `applied-dl new TASK NAME`.") from None
    except IsADirectoryError:
        raise UsageError(f"{str(path)!r} is a folder; expected a recipe (.toml). {_for_data(path)}") from None
    except OSError as error:
        raise UsageError(f"The recipe {str(path)!r} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if path.suffix.lower() != ".toml":
            raise UsageError(f"{str(path)!r} is not a recipe (.toml). {_for_data(path)}") from error
        twice = re.match(r"Cannot (?:declare|overwrite|mutate)", str(error))
        hint = " A section or key is written twice; keep all keys of a section together." if twice else ""
        raise UsageError(f"{path} is not valid TOML: {error}.{hint}") from error


def _for_data(path: Path) -> str:
    return f"If it is data, `applied-dl new TASK NAME --data {shlex.quote(str(path))}` writes a recipe for it."


def checked(raw: dict[str, Any], kind: type, name: str = "recipe") -> Any:
    """A plain dict as a recipe of type `kind`; `UsageError` names the key that is unknown or of the wrong type."""
    _refuse_unknown(raw, kind, name, "", renamed_keys(str(raw.get("task"))))
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$.") or "?"
        if what.startswith("Invalid enum value"):
            received = what.removeprefix("Invalid enum value ").strip("'")
            raise UsageError(f"{name}: {key} cannot be {received!r}.{nearest(received, _choices(kind, key))}") from error
        received = f", received {_value(raw, key)!r}" if what.startswith("Expected") and "got" not in what else ""
        raise UsageError(f"{name}: key {key}: {what[0].lower()}{what[1:]}{received}.") from error


def parse_override(text: str) -> tuple[str, object]:
    """`"train.epochs=3"` → `("train.epochs", 3)`; the value is read as TOML and stays a text where it is none."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise UsageError(f"--set expects section.key=value, received {text!r}.")
    try:
        return key.strip(), tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        return key.strip(), None if value.strip() in ("none", "null") else value.strip()


def as_dict(recipe: msgspec.Struct) -> dict[str, Any]:
    """A recipe as plain JSON-ready data."""
    return dict(msgspec.to_builtins(recipe))


def merged(raw: dict[str, Any], sections: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A plain recipe with the keys of some sections put over its own."""
    return {**raw, **{section: {**raw.get(section, {}), **keys} for section, keys in sections.items()}}


def replace(recipe: Any, **sections: dict[str, Any]) -> Any:
    """A copy with some keys of some sections changed: `replace(recipe, train={"epochs": 3})`."""
    return msgspec.structs.replace(
        recipe, **{name: msgspec.structs.replace(getattr(recipe, name), **keys) for name, keys in sections.items()}
    )


def open_changes(recipe: Any, changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes by dotted key without the keys that the recipe sets itself; each once, and none that would change nothing."""
    usual, found = as_dict(type(recipe)()), []
    own = as_dict(recipe)
    for change in changes:
        free = {}
        for key, value in change.items():
            section, name = key.split(".")
            if own[section][name] == usual[section][name] != value:
                free[key] = value
        if free and free not in found:
            found.append(free)
    return found


def to_toml(recipe: Any) -> str:
    """A commented TOML recipe: every key with its description; keys without a value are commented out."""
    lines = [f'task = "{recipe.task}"']
    for section, keys in _sections(recipe):
        lines += ["", f"[{section}]"]
        for key, value, text in keys:
            lines += [f"# {text}", f"# {key} =" if value is None else f"{key} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def to_template(recipe: Any, main_keys: Iterable[str]) -> str:
    """A TOML recipe to edit: the keys that people change first, then all others, commented out with their defaults.

    Keys are written with their section (`train.epochs = 3`, as for `--set`), so that a line can be uncommented where it stands.
    """
    known = {f"{section}.{key}": (value, text) for section, keys in _sections(recipe) for key, value, text in keys}
    lines = [f'task = "{recipe.task}"', ""]
    for name in main_keys:
        value, text = known.pop(name)
        lines += [*_comment(text), f"# {name} =" if value is None else f"{name} = {_toml(value)}"]
    lines += ["", "", "# All other keys with their defaults: remove a # to change one. Keys without a value are chosen from the data."]
    section = ""
    for name, (value, text) in known.items():
        if name.partition(".")[0] != section:
            section = name.partition(".")[0]
            lines.append("")
        lines += [*_comment(text), f"# {name} =" if value is None else f"# {name} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def _sections(recipe: Any) -> Iterable[tuple[str, list[tuple[str, Any, str]]]]:
    """Each section's name, with the name, value and description of its keys."""
    for section in msgspec.structs.fields(recipe):
        value = getattr(recipe, section.name)
        if isinstance(value, msgspec.Struct):
            yield section.name, [(key.name, getattr(value, key.name), _description(key.type)) for key in msgspec.structs.fields(value)]


def put(raw: dict[str, Any], dotted: str, value: Any) -> None:
    """Set `section.key` of a plain recipe in place."""
    *sections, key = dotted.split(".")
    for section in sections:
        raw = raw.setdefault(section, {})
        if not isinstance(raw, dict):
            raise UsageError(f"Cannot set {dotted!r}: {section!r} is a value, not a section.")
    raw[key] = value


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct type behind an annotation, or None."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for part in typing.get_args(kind):
        if found := _struct_of(part):
            return found
    return None


def _value(raw: dict[str, Any], dotted: str) -> Any:
    """What the recipe has at `section.key[0]`."""
    value: Any = raw
    for part in re.findall(r"[^.\[\]]+", dotted):
        value = value[int(part)] if isinstance(value, list | tuple) else value[part]
    return value


def _choices(kind: type, dotted: str) -> list[str]:
    """The names a key may have, from the literals of its type."""
    for part in re.sub(r"\[.*?\]", "", dotted).split("."):
        kind = next(f.type for f in msgspec.structs.fields(_struct_of(kind) or kind) if f.name == part)
    return _literals(kind)


def _literals(kind: Any) -> list[str]:
    if typing.get_origin(kind) is typing.Literal:
        return [str(name) for name in typing.get_args(kind)]
    return [name for part in typing.get_args(kind) for name in _literals(part)]


def _refuse_unknown(raw: dict[str, Any], kind: type, name: str, prefix: str, renamed: Mapping[str, str]) -> None:
    fields = {f.name: f for f in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            raise UsageError(f"{name}: unknown key {prefix + key!r}.{_suggestion(prefix + key, value, fields, renamed)}")
        inner = _struct_of(fields[key].type)
        if inner is not None and isinstance(value, dict):
            _refuse_unknown(value, inner, name, f"{prefix}{key}.", renamed)


def _suggestion(dotted: str, value: Any, fields: Iterable[str], renamed: Mapping[str, str]) -> str:
    """The key's name today where it was renamed, else the nearest one."""
    keys = [dotted, *(f"{dotted}.{key}" for key in value)] if isinstance(value, dict) else [dotted]
    changes = [f"{key} was renamed {renamed[key]}" for key in keys if key in renamed]
    return f" {'; '.join(changes)}." if changes else nearest(dotted.rpartition(".")[2], fields)


def _description(kind: Any) -> str:
    return next((str(part.description) for part in getattr(kind, "__metadata__", ()) if part.description), "")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
