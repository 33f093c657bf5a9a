"""Recipes as frozen structs: read from TOML, single keys overridden, unknown ones refused by naming the nearest, written with comments.

A recipe is a frozen struct per task (`tasks/<task>/recipe.py`) made of the shared sections of `core/sections.py` and the task's own.
"""

from __future__ import annotations

import json
import re
import tomllib
import typing
from pathlib import Path

import msgspec

from applied_dl.core.errors import UsageError, nearest


def read_toml(path: Path) -> dict:
    """The plain dict of a TOML recipe, or a `UsageError` that says why it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"There is no recipe at {str(path)!r}; write one with `applied-dl new TASK NAME`.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {str(path)!r} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error


def checked(raw: dict, kind: type, name: str = "recipe"):
    """A plain dict as a recipe of type `kind`; `UsageError` names the key that is unknown or of the wrong type."""
    _refuse_unknown(raw, kind, name, "")
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


def as_dict(recipe) -> dict:
    """A recipe as plain JSON-ready data."""
    return msgspec.to_builtins(recipe)


def merged(raw: dict, sections: dict) -> dict:
    """A plain recipe with the keys of some sections put over its own."""
    return {**raw, **{section: {**raw.get(section, {}), **keys} for section, keys in sections.items()}}


def replace(recipe, **sections: dict):
    """A copy with some keys of some sections changed: `replace(recipe, train={"epochs": 3})`."""
    return msgspec.structs.replace(
        recipe, **{name: msgspec.structs.replace(getattr(recipe, name), **keys) for name, keys in sections.items()}
    )


def to_toml(recipe) -> str:
    """A commented TOML recipe: every key with its description; keys left to the package are commented out."""
    lines = [f'task = "{recipe.task}"']
    for section in msgspec.structs.fields(recipe):
        value = getattr(recipe, section.name)
        if not isinstance(value, msgspec.Struct):
            continue
        lines += ["", f"[{section.name}]"]
        for key in msgspec.structs.fields(value):
            lines.append(f"# {_description(key.type)}")
            setting = getattr(value, key.name)
            lines.append(f"# {key.name} =" if setting is None else f"{key.name} = {_toml(setting)}")
    return "\n".join(lines) + "\n"


def put(raw: dict, dotted: str, value) -> None:
    """Set `section.key` of a plain recipe in place."""
    *sections, key = dotted.split(".")
    for section in sections:
        raw = raw.setdefault(section, {})
        if not isinstance(raw, dict):
            raise UsageError(f"Cannot set {dotted!r}: {section!r} is a value, not a section.")
    raw[key] = value


def _struct_of(kind):
    """The struct type behind an annotation, or None."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for part in typing.get_args(kind):
        if found := _struct_of(part):
            return found
    return None


def _value(raw: dict, dotted: str):
    """What the recipe has at `section.key[0]`."""
    found = raw
    for part in re.findall(r"[^.\[\]]+", dotted):
        found = found[int(part)] if isinstance(found, list | tuple) else found[part]
    return found


def _choices(kind: type, dotted: str) -> list[str]:
    """The names a key may have, from the literals of its type."""
    for part in re.sub(r"\[.*?\]", "", dotted).split("."):
        kind = next(f.type for f in msgspec.structs.fields(_struct_of(kind) or kind) if f.name == part)
    return _literals(kind)


def _literals(kind) -> list[str]:
    if typing.get_origin(kind) is typing.Literal:
        return [str(name) for name in typing.get_args(kind)]
    return [name for part in typing.get_args(kind) for name in _literals(part)]


def _refuse_unknown(raw: dict, kind: type, name: str, prefix: str) -> None:
    fields = {f.name: f for f in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            raise UsageError(f"{name}: unknown key {prefix + key!r}.{nearest(key, fields)}")
        inner = _struct_of(fields[key].type)
        if inner is not None and isinstance(value, dict):
            _refuse_unknown(value, inner, name, f"{prefix}{key}.")


def _description(kind) -> str:
    for part in getattr(kind, "__metadata__", ()):
        if part.description:
            return part.description
    return ""


def _toml(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
