"""MkDocs hook and Griffe extension: reference pages generated at build time, and pages taken from the root folder."""

from __future__ import annotations

import argparse
import re
import types
import typing
from pathlib import Path

import msgspec

try:
    from griffe import Extension
except ModuleNotFoundError:  # the tests of these functions need no documentation tools
    Extension = object

ROOT = Path(__file__).resolve().parents[1]
FROM_ROOT = {"contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md", "changelog.md": "CHANGELOG.md"}


def on_files(files, config):
    """Add the generated pages to the site."""
    from mkdocs.structure.files import File

    pages = {"reference/cli.md": command_line(), "reference/recipes.md": recipes(), "reference/builders.md": builders()}
    pages |= {page: root_page(ROOT / source) for page, source in FROM_ROOT.items()}
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files


class ExampleSections(Extension):
    """Docstrings have a section `Example`, which Griffe knows as `Examples`."""

    def on_object(self, *, obj, **_):
        if obj.docstring:
            obj.docstring.value = re.sub(r"^( *)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)


def root_page(path: Path) -> str:
    """A page of the root folder; its links into docs/ are made relative to it."""
    text = re.sub(r"\]\(docs/", "](", path.read_text(encoding="utf-8"))
    for page, source in FROM_ROOT.items():
        text = text.replace(f"]({source})", f"]({page})")
    return text


def command_line() -> str:
    """Every verb with its arguments, from the parser itself."""
    from applied_dl.cli import build_parser

    lines = [
        "# Command line", "",
        "Results go to stdout and progress to stderr. With `--json` a command prints exactly one JSON object. Exit codes: 0 done,",
        "1 refused by a check, 2 wrong usage, 3 bad data, 130 stopped by hand.", "",
    ]  # fmt: skip
    verbs = next(action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name, parser in verbs.choices.items():
        usage = re.sub(r"\s+", " ", parser.format_usage().removeprefix("usage: ")).strip()
        lines += [f"## {name}", "", parser.description or "", "", "```text", usage, "```", "", "| argument | what it does |", "|---|---|"]
        for action in parser._actions:
            if action.dest != "help":
                lines.append(f"| `{_cell(_argument(action))}` | {_cell(action.help or '')} |")
        lines.append("")
    return "\n".join(lines)


def recipes() -> str:
    """Every key of every task's recipe: type, default, description."""
    from applied_dl.core import sections
    from applied_dl.tasks import TASKS, recipe_type

    lines = [
        "# Recipes", "",
        "A recipe is a TOML file. `applied-dl new TASK NAME --data SRC` writes one with every key and its description, and",
        "`--set section.key=value` changes one key of a run. Keys without a default are chosen from the data and the model; the recipe in",
        "the bundle holds the values that were used.", "",
    ]  # fmt: skip
    shared = [kind for name in ("train", "export", "tune", "card") if (kind := getattr(sections, name.title(), None))]
    for task, what in TASKS.items():
        lines += [f"## {task}: {what}", ""]
        for field in msgspec.structs.fields(recipe_type(task)):
            if _is_section(field.type) and field.type not in shared:
                lines += _section(field.name, field.type)
    lines += ["## Sections of every task", ""]
    for kind in shared:
        lines += _section(kind.__name__.lower(), kind)
    return "\n".join(lines)


def builders() -> str:
    """Every public model builder, for mkdocstrings to document."""
    from applied_dl import models

    lines = [
        "# Model builders",
        "",
        f"Plain Keras functional models under any backend: `from applied_dl.models import {', '.join(models.__all__)}`.",
        "",
    ]
    for family in models.__all__:
        module = getattr(models, family)
        lines += [f"## {family}", ""]
        for name in module.__all__:
            function = getattr(module, name)
            if isinstance(function, types.FunctionType):
                lines += [f"::: {function.__module__}.{function.__qualname__}", ""]
    return "\n".join(lines)


def _section(name: str, kind: type) -> list[str]:
    lines = [f"### `[{name}]`", "", "| key | type | default | what it does |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(kind):
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        shown = "" if default is None else f"`{msgspec.json.encode(default).decode()}`"
        description = next((meta.description for meta in getattr(field.type, "__metadata__", ()) if meta.description), "")
        lines.append(f"| `{field.name}` | {_cell(_type(field.type))} | {_cell(shown)} | {_cell(description)} |")
    return [*lines, ""]


def _is_section(kind) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _type(kind) -> str:
    """A recipe key's type in words."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type(parts[0])
    if origin is typing.Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in parts if part is not type(None)))
    if origin is tuple:
        inner = dict.fromkeys(_type(part) for part in parts if part is not Ellipsis)
        return f"list of {', '.join(inner)}"
    if origin is dict:
        return "table"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(kind, getattr(kind, "__name__", str(kind)))


def _argument(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    return " ".join(part for part in (", ".join(action.option_strings), str(value) if action.nargs != 0 else "") if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
