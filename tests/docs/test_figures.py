"""Figures in the guides, the README and the headers of the recipes are those of the benchmark that is named beside them."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md"))]
RECIPES = sorted((ROOT / "pipelines").glob("*.toml"))
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]|\.\d)")
COMMAND = re.compile(r"python -m benchmarks\.([\w.]+)")


def numbers(value) -> set[float]:
    """Every number of a text or of a JSON value, without its sign."""
    if isinstance(value, dict):
        return set().union(*map(numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(numbers, value))
    if isinstance(value, str):
        return {float(text.replace(",", "")) for text in NUMBER.findall(value)}
    return {abs(float(value))} if isinstance(value, int | float) else set()


@cache
def measured(name: str) -> frozenset[float]:
    """What the table and the stored results of a benchmark hold."""
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    sections = [part for part in page.split("\n### ") if f"python -m benchmarks.{name}`" in part]
    stored = ROOT / "benchmarks" / "results" / f"{name.replace('.', '_')}.json"
    return frozenset(numbers(sections) | numbers(json.loads(stored.read_text(encoding="utf-8"))))


def wrong(text: str, names: list[str]) -> list[str]:
    """The decimal numbers of a text that no benchmark of these has at their precision."""
    known = set().union(*map(measured, names))
    found = []
    for shown in NUMBER.findall(re.sub(r"gensim [\d.]+", "gensim", text)):  # its version
        digits = len(shown.partition(".")[2])
        value = float(shown.replace(",", ""))
        if digits and not any(abs(factor * one - value) <= 0.5001 * 10**-digits for one in known for factor in (1, 100)):
            found.append(shown)
    return found


def pieces(page: Path) -> list[str]:
    """Paragraphs, items of lists and rows of tables that name a benchmark."""
    text = re.sub(r"<!-- \w+: written by.*?<!-- end of \w+ -->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [part for part in re.split(r"\n\n|\n(?=\||- )", text) if COMMAND.search(part)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_figures_beside_a_benchmark_are_those_it_measured(page):
    if page.name == "results.md":  # written from the results
        return
    for part in pieces(page):
        assert not wrong(part, COMMAND.findall(part)), part


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_figures_in_the_header_of_a_recipe_are_those_it_measured(recipe):
    header = "\n".join(line for line in recipe.read_text(encoding="utf-8").splitlines() if line.startswith("# "))
    result = header.split("# Result")[1].split("# Hardware")[0]
    assert numbers(result)
    assert not wrong(result, COMMAND.findall(header))


def test_figures_are_found():
    """So that the tests above cannot pass by finding nothing."""
    assert sum(bool(re.search(r"\d\.\d", part)) for page in PAGES if page.name != "results.md" for part in pieces(page)) > 15
    assert wrong("0.123456", ["forecast.ett"]) == ["0.123456"]
    assert wrong("0.3636", ["forecast.ett"]) == []
