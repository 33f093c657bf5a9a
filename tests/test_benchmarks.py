"""The benchmarks can be run: what they import from the package is there, also in the code that they hand to other processes."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "benchmarks").rglob("*.py"))


def programs(tree: ast.AST) -> list[ast.AST]:
    """The module itself, and every string in it that is a program of its own."""
    found = [tree]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value and "import " in node.value:
            try:
                found.append(ast.parse(node.value))
            except SyntaxError:
                continue
    return found


def imported(tree: ast.AST) -> set[tuple[str, str]]:
    """Modules of this repository, and the names taken from them."""
    pairs = {
        (node.module or "", one.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        for one in node.names
    }
    pairs |= {(one.name, "") for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    return {pair for pair in pairs if pair[0].split(".")[0] in ("applied_dl", "benchmarks")}


def exists(module: str, name: str) -> bool:
    try:
        if not name or hasattr(importlib.import_module(module), name):
            return bool(importlib.import_module(module))
        return bool(importlib.import_module(f"{module}.{name}"))
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("applied_dl", "benchmarks"):
            pytest.skip(f"{error.name} is not installed")
        return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_benchmark_imports_exists(path):
    text = path.read_text(encoding="utf-8")
    missing = [pair for tree in programs(ast.parse(text)) for pair in sorted(imported(tree)) if not exists(*pair)]
    assert not missing
