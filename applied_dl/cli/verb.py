"""What the verbs of the command line share: their record, common arguments, and how a result is printed."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

PRECISIONS = ("fp32", "fp16", "dynamic", "int8_weights", "int8")


class Verb(NamedTuple):
    """One verb: what runs it, what declares its arguments, and one line of help."""

    run: Callable[[Namespace], int]
    add_arguments: Callable[[ArgumentParser], None]
    help: str


def add_common_arguments(parser: ArgumentParser) -> None:
    """What every verb takes."""
    parser.add_argument("--json", action="store_true", help="print the result as exactly one JSON object")
    parser.add_argument("--quiet", action="store_true", help="print no progress on stderr")


def add_recipe_argument(parser: ArgumentParser) -> None:
    """A recipe and its overrides."""
    parser.add_argument("recipe", help="a TOML recipe, or the name of a task for its defaults")
    add_set_argument(parser)


def add_set_argument(parser: ArgumentParser) -> None:
    """`--set section.key=value`."""
    parser.add_argument("--set", action="append", default=[], metavar="a.b=v", help="override a key of the recipe; may be repeated")


def add_budget_argument(parser: ArgumentParser) -> None:
    """`--budget "50 kB, 1 ms"`."""
    text = 'size and time of a row that the exported file may cost, e.g. "50 kB, 1 ms" (export.budget)'
    parser.add_argument("--budget", metavar="COST", help=text)


def add_bundle_argument(parser: ArgumentParser) -> None:
    """A trained bundle."""
    parser.add_argument("bundle", help="a folder written by `train`")


def read_recipe(source: str, overrides: list[str], budget: str | None = None) -> Any:
    """The recipe of a command line with its `--set` keys and its `--budget`."""
    from applied_dl.core import config
    from applied_dl.workflows import recipes

    given = dict(config.parse_override(text) for text in overrides)
    return recipes.read_recipe(source, given if budget is None else {**given, "export.budget": budget})


def stem(path: str) -> str:
    """`pipelines/digits.toml` → `digits`."""
    return os.path.splitext(os.path.basename(path))[0]


def split_list(text: str | None) -> tuple[str, ...] | None:
    """`"a,b"` → `("a", "b")`."""
    return tuple(text.split(",")) if text else None


def format_scores(scores: dict[str, Any], intervals: dict[str, tuple[float, float]] | None = None) -> str:
    """Metrics on one line, the first one with its 95% interval."""
    found = [f"{name} {'none' if value is None else f'{value:.4g}'}" for name, value in scores.items()]
    ends = (intervals or {}).get(next(iter(scores), ""))
    return "  ".join([f"{found[0]} [{ends[0]:.4g}, {ends[1]:.4g}]", *found[1:]] if ends and None not in ends else found)


def print_result(options: Namespace, result: dict[str, Any], text: str, exit_code: int = 0) -> int:
    """Print `result` as JSON where `--json` was given, else `text`; returns the exit code."""
    print(json.dumps(result, ensure_ascii=False, allow_nan=False) if options.json else text)
    return exit_code


def print_error(options: Namespace, message: str, exit_code: int) -> int:
    """Print an error on stderr, and as one JSON object on stdout where `--json` was given; returns the exit code."""
    print(f"applied-dl: {message}", file=sys.stderr)
    if options.json:
        print(json.dumps({"error": message, "exit_code": exit_code}, ensure_ascii=False))
    return exit_code
