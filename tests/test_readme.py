"""The Python of the README and of the pages is run as it stands; commands name verbs that exist, recipes are read, links lead somewhere."""

import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from applied_dl.cli import VERBS
from applied_dl.core.errors import UsageError
from applied_dl.tasks import TASKS
from applied_dl.workflows import recipes

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


LONG = (
    "generate.md",
    "segment.md",
    "sentences.md",
    "python.md",
    "export.md",
    "explain.md",
    "words.md",
    "getting-started.md",
)  # fmt: skip; the README trains what the last one does
SERVED = ("fastapi", "tritonclient", "spark_frame")  # a block that needs a web framework, a server or a cluster is compiled, not run


def blocks(language: str, page: Path = ROOT / "README.md") -> list[str]:
    """The fenced blocks of a language, indented ones (in lists and tabs) too; `sh` stands for bash, shell and console as well."""
    names = "sh|bash|shell|console" if language == "sh" else language
    found = re.findall(rf"^([ ]*)```(?:{names})[^\n`]*\n(.*?)^[ ]*```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


def verbs(page: Path) -> set[str]:
    """The verbs of `applied-dl VERB` in the shell blocks of a page."""
    return {
        verb for block in blocks("sh", page) for verb in re.findall(r"(?:^|[;&|(]|\$)\s*applied-dl +([a-z][a-z-]*)", block, re.MULTILINE)
    }


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    for name in ("pipelines", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), scope)
    assert scope["run"].metrics["test"]["accuracy"] > 0.9
    output = capsys.readouterr().out
    assert "\n3\n" in output
    assert "'lower'" in output


def page_to_run(page: Path):
    """A page, marked where its code trains for long."""
    return pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in LONG else [])


@pytest.mark.parametrize("page", [page_to_run(page) for page in PAGES[1:] if blocks("python", page)])
def test_the_python_of_the_pages_runs(page, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    Path("saved_models").mkdir()
    for name, task in (("words", "words"), ("notes", "sentences"), ("flowers", "image"), ("patients", "tabular"), ("streets", "segment")):
        if f"saved_models/{name}" in page.read_text(encoding="utf-8"):
            Path("saved_models", name).symlink_to(trained(task).bundle)
    for name, digit in (("a.jpg", "3"), ("b.jpg", "7")):
        Path(name).symlink_to(ROOT / "docs" / "images" / f"digit_{digit}.png")
    scope: dict = {"texts": ["the river rises in the hills", "a song of the year", "it was won by the home team"]}
    for block in blocks("python", page):
        code = compile("from __future__ import annotations\n" + block, page.name, "exec")
        if not any(name in block for name in SERVED):
            exec(code, scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_commands_exist(page):
    assert verbs(page) <= set(VERBS)


def test_commands_are_found_on_most_pages():
    """So that the test above cannot pass by finding nothing."""
    shown = [page.name for page in PAGES if "applied-dl " in page.read_text(encoding="utf-8")]
    assert len([page for page in PAGES if verbs(page)]) > len(shown) / 2


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_recipes_of_the_pages_are_read(page):
    for block in blocks("toml", page):
        raw = tomllib.loads(block)
        for task in TASKS if "task" not in raw else (raw["task"],):
            try:
                recipes.resolve({"task": task, **raw}, page.name)
                break
            except UsageError as error:
                refused = error
        else:
            raise refused


def test_the_readme_shows_commands():
    assert verbs(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
