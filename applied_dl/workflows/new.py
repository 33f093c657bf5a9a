"""Write a recipe for a task and a person's data: what the data holds, the keys that people change first, all others below."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import polars as pl

from applied_dl.core import config, console
from applied_dl.core.errors import AppliedError, UsageError
from applied_dl.io.cells import as_levels, moment_style, number_style
from applied_dl.io.tables import read_table
from applied_dl.tasks import main_keys, suggest_keys
from applied_dl.workflows import recipes

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".xlsx", ".xls", ".ods")
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")  # which a TOML comment may not hold
MAX_COLUMNS, MAX_FOLDERS = 60, 20
EXAMPLES, EXAMPLE_LENGTH = 3, 24
MOSTLY = 0.9  # share of the cells that decides what a column holds


def write_recipe(task: str, name: str, data: str | None = None) -> Path:
    """Write `pipelines/NAME.toml`, or NAME where it ends in .toml.

    Args:
        task: one of `tasks.TASKS`.
        name: Of the recipe.
        data: A file or folder to describe in the recipe's first lines, whose target is proposed; or a built-in name, or tfds:NAME.

    Raises:
        UsageError: No such task, a name with slashes, or a file that exists.
    """
    recipe = recipes.read_recipe({"task": task}, {"data.source": data} if data else None)
    path = recipe_path(name)
    description: list[str] = []
    if data is not None and _is_missing(data):
        console.warn(f"there is nothing at {data!r}; correct data.source in {str(path)!r}, or put your data there before training")
    if data is not None and Path(data).exists():
        proposed: dict[str, Any] = {}
        with _each_line_once():
            try:
                proposed = suggest_keys(task, data)
                recipe = recipes.read_recipe(recipe, proposed)
            except AppliedError as error:
                console.warn(str(error))
                description.append(f"Before training: {error}")
            roles = {column: key for key, columns in proposed.items() for column in (columns if isinstance(columns, list) else [columns])}
            shown = description[-1].removeprefix("Before training: ") if description else ""
            description += [line for line in describe_source(data, roles) if line != f"{data}: {shown}"]
    path.parent.mkdir(parents=True, exist_ok=True)
    header = "\n".join(f"# {CONTROL.sub(' ', line)}".rstrip() for line in [f"applied-dl train {path}", "", *description])
    path.write_text(f"{header}\n\n{config.to_template(recipe, main_keys(task))}", encoding="utf-8")
    return path


@contextmanager
def _each_line_once() -> Iterator[None]:
    """Print what the block writes to stderr without repetitions: a table is read for its keys, and again for its description."""
    held = io.StringIO()
    try:
        with redirect_stderr(held):
            yield
    finally:
        for line in dict.fromkeys(held.getvalue().splitlines()):
            print(line, file=sys.stderr, flush=True)


def _is_missing(data: str) -> bool:
    """Whether a source is a path, as a slash or a suffix says, at which nothing is."""
    return ":" not in data and bool(Path(data).suffix or len(Path(data).parts) > 1) and not Path(data).expanduser().exists()


def recipe_path(name: str) -> Path:
    """Where a recipe of this name goes."""
    path = Path(name if name.endswith(".toml") else f"pipelines/{name}.toml")
    if not name.endswith(".toml") and path.parent != Path("pipelines"):
        raise UsageError(
            f"{name!r} is not the name of a recipe: expected one without slashes (pipelines/NAME.toml), or a path that ends in .toml."
        )
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already; delete it or choose another name.")
    return path


def describe_source(source: str, roles: Mapping[Any, str] | None = None) -> list[str]:
    """What a folder or a file holds, in lines: the files of each folder, or the columns of a table with examples.

    roles: recipe keys by the column that was proposed for them.
    """
    path = Path(source)
    if path.is_dir():
        return _describe_folder(path)
    suffix = next((s for s in reversed(path.suffixes) if s.lower() not in COMPRESSED), "").lower()
    if suffix not in TABLES:
        return [f"{source}: {path.stat().st_size:,} bytes"]
    try:
        return _describe_table(source, read_table(source).frame, roles or {})
    except AppliedError as error:
        return [f"{source}: {error}"]


def _describe_folder(folder: Path) -> list[str]:
    """Each folder that holds files, with their number and kinds."""
    folders: dict[Path, Counter[str]] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts):
            folders.setdefault(file.parent.relative_to(folder), Counter())[file.suffix.lower() or "no suffix"] += 1
    lines = [f"{folder}: {sum(sum(kinds.values()) for kinds in folders.values()):,} files in {len(folders)} folders"]
    for name, kinds in list(folders.items())[:MAX_FOLDERS]:
        lines.append(f"  {str(name):<30} {', '.join(f'{count:,} {kind}' for kind, count in kinds.most_common(4))}")
    return lines + ([f"  … and {len(folders) - MAX_FOLDERS} more"] if len(folders) > MAX_FOLDERS else [])


def _describe_table(source: str, frame: pl.DataFrame, roles: Mapping[Any, str]) -> list[str]:
    """Each column with what it holds, how much is missing, and examples."""
    lines = [f"{source}: {frame.height:,} rows, {frame.width:,} columns"]
    width = min(30, max(map(len, frame.columns[:MAX_COLUMNS])))
    for cells in frame.get_columns()[:MAX_COLUMNS]:
        missing = f"{cells.null_count() / max(len(cells), 1):.0%} missing" if cells.null_count() else ""
        role = f"   ← {roles[cells.name]}" if cells.name in roles else ""
        lines.append(f"  {cells.name:<{width}}  {_kind(cells):<22} {missing:<12} {_examples(cells)}{role}")
    return lines + ([f"  … and {frame.width - MAX_COLUMNS} more"] if frame.width > MAX_COLUMNS else [])


def _kind(cells: pl.Series) -> str:
    """Dates, numbers or texts, with the number of different values."""
    different = cells.n_unique() - bool(cells.null_count())
    if not different:
        return "empty"
    kind = "dates" if moment_style(cells) is not None else "numbers" if number_style(cells)[1] >= MOSTLY else "texts"
    return f"{different:,} different {kind}" if different > 1 else f"one value, in {kind}"


def _examples(cells: pl.Series) -> str:
    """The first different values, as they are written."""
    shown: list[Any] = as_levels(cells.drop_nulls().head(1000)).unique(maintain_order=True).head(EXAMPLES).to_list()
    cut = (" ".join(str(value).split()) for value in shown)
    return "e.g. " + ", ".join(text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…" for text in cut) if shown else ""
