"""The README's Python is run as it stands; its commands name verbs that exist."""

import re
from pathlib import Path

import pytest

from applied_dl.cli import VERBS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    for name in ("pipelines", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), scope)
    assert scope["run"].metrics["test"]["accuracy"] > 0.9
    said = capsys.readouterr().out
    assert "\n3\n" in said
    assert "'lower'" in said


def test_the_commands_of_the_readme_exist():
    verbs = {line.split()[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("applied-dl ")}
    assert verbs
    assert verbs <= set(VERBS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
