"""The generated reference pages are complete, and numbers written in the docs are those of the code."""

import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import msgspec
import pytest

from applied_dl.cli import VERBS
from applied_dl.core.sections import Export
from applied_dl.core.task import Task
from applied_dl.exporting import precisions, verification
from applied_dl.tasks import TASKS, recipe_type

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_verb_and_argument_is_described(hooks):
    page = hooks.command_line()
    assert set(re.findall(r"^## (.+)$", page, re.MULTILINE)) == set(VERBS)
    assert not re.findall(r"^\| `[^`]+` \|\s*\|$", page, re.MULTILINE), "an argument without a help text"


def test_every_recipe_key_is_described(hooks):
    page = hooks.recipes()
    for task in TASKS:
        for section in msgspec.structs.fields(recipe_type(task)):
            if hooks._is_section(section.type):
                for key in msgspec.structs.fields(section.type):
                    assert f"| `{key.name}` |" in page, (task, section.name, key.name)
    assert not re.findall(r"^\| `[^`]+` \|.*\|\s*\|$", page, re.MULTILINE), "a key without a description"


def test_every_builder_is_documented(hooks):
    from applied_dl.models import forecast, image, recommend, segment, tabular, text

    page = hooks.builders()
    names = [builder.__qualname__ for family in (forecast, image, recommend, segment, tabular) for builder in family.BUILDERS.values()]
    for name in (*names, *text.__all__):
        assert f".{name}\n" in page, name


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in [*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")]:
        assert path.relative_to(DOCS).as_posix() in navigation, path


def test_the_generated_pages_name_files_that_exist(hooks):
    for source in hooks.FROM_ROOT.values():
        assert (ROOT / source).exists(), source


@pytest.mark.parametrize(
    ("page", "pattern", "value"),
    [
        ("export.md", r"within ([\d.]+)% of its size", round(100 * (precisions.SIMILAR_SIZE - 1), 1)),
        ("export.md", r"less than ([\d.]+) of its time", precisions.CLEARLY_FASTER),
        ("export.md", r"cosine of its vectors to Keras' is below ([\d.]+)", verification.MIN_COSINE),
        ("export.md", r"length differs from 1 by more than ([\d.]+)", verification.LENGTH_TOLERANCE),
        ("guides/image.md", r"`data.max_unreadable` \((\d+)%\)", 100 * recipe_type("image")().data.max_unreadable),
        ("guides/forecast.md", r"`calibration.coverage` \((\d+)%\)", 100 * recipe_type("forecast")().calibration.coverage),
        ("guides/tabular.md", r"`calibration.coverage` \((\d+)%\)", 100 * recipe_type("tabular")().calibration.coverage),
        ("guides/words.md", r"`preprocess.vocabulary` \(([\d,]+)\)", recipe_type("words")().preprocess.vocabulary),
        ("guides/sentences.md", r"`predict.index` training texts \(([\d,]+)\)", recipe_type("sentences")().predict.index),
    ],
)
def test_numbers_from_constants(page, pattern, value):
    text = re.sub(r"\s+", " ", (DOCS / page).read_text(encoding="utf-8"))
    found = re.search(pattern, text)
    assert found, f"{page} no longer has {pattern!r}"
    assert float(found[1].replace(",", "")) == pytest.approx(value)


def test_the_precisions_of_the_page_are_those_of_the_recipe():
    table = (DOCS / "export.md").read_text(encoding="utf-8").split("## Precisions")[1]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table.split("```toml")[0], re.MULTILINE)) == Export().variants


def test_the_contract_of_a_task_is_described():
    table = (DOCS / "how-it-works.md").read_text(encoding="utf-8").split("| function | what it does |")[1].split("**Trainers.**")[0]
    listed = set(re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in table.splitlines() if line.startswith("|"))))
    functions = {name for name, value in vars(Task).items() if callable(value) and not name.startswith("_")}
    assert functions - listed == set()


def test_the_doctors_findings_are_listed():
    """Every name that a check gives is in the table of docs/training.md, and every name of the table is in the code."""
    table = (DOCS / "training.md").read_text(encoding="utf-8").split("### The doctor")[1].split("### The learning-rate finder")[0]
    listed = {name for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)}
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "applied_dl" / "training" / "diagnostics").glob("*.py"))
    assert set(re.findall(r'name="(\w+)"', source)) <= listed
    assert not [name for name in listed if f'"{name}"' not in source]


def test_documented_arguments_are_those_of_the_signature(hooks):
    """Else the site's strict build fails, which no other test runs."""
    pages = [hooks.builders(), *(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))]
    for name in re.findall(r"^::: (\S+)", "\n".join(pages), re.MULTILINE):
        described = pkgutil.resolve_name(name)
        if not inspect.isroutine(described) or not (text := inspect.getdoc(described)) or "\nArgs:\n" not in text:
            continue
        arguments = re.split(r"\n\n", text.split("\nArgs:\n")[1])[0]
        written = re.findall(r"^    ([*\w, ]+):", arguments, re.MULTILINE)
        unknown = [one for one in written if one.lstrip("*") not in inspect.signature(described).parameters]
        assert not unknown, (name, unknown)
