"""The project is written in the field's standard English: no word of a private dialect in code, messages, docs or test names."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTEAD = {  # expression → what to write
    "told|said": "reported, known, shown",
    "tells": "shows, holds, decides",
    "honest(ly)?": "calibrated, correct",
    "rivals?": "baselines",
    "parted": "separated",
    "eats?|eaten|heed(s|ed)?": "takes, uses",
    "settle(s|d)?|settling": "resolve, choose",
    "judge(s|d|ment|ments)?|judging": "evaluate, score",
    "proofs?|proves?|proved|proven|proving": "verification, verify",
    "pictures?": "images (plots are plots)",
    "nudges?": "translate",
    "reopen(s|ed)?": "restore",
    "twins?": "duplicates",
    "set aside": "dropped",
    "counted start|table start": "embedding initialisation",
    "by heart": "memorised",
    "(the|whole) river|at its mouth": "pipeline",
    "shall|lest|naught|hitherto": "plain modern words",
}
ALLOWED = (  # file, expression: where the word is right
    ("applied_dl/core/schema_1.py", "set aside"),  # a field of schema 1
    ("applied_dl/tasks/tabular/card.py", "set aside"),
    ("applied_dl/vision/models/views.py", "nudge"),  # the registered name of a layer in bundles of schema 1
    ("tests/vision/models/test_views.py", "nudge"),
    ("applied_dl/text/markup.py", "picture"),  # an HTML element
    ("applied_dl/vision/tables.py", "picture"),  # people's names of columns
    ("applied_dl/tasks/image/readers/folders.py", "picture"),  # names that cameras give
    ("tests/cases/", "said|told|picture|the river"),  # people's files
    ("tests/tasks/sentences/", "said|told|the river"),  # example texts
    ("tests/text/", "the river"),
    ("tests/core/test_schema_1.py", "the river"),
    ("tests/test_", "the river"),
    ("docs/guides/se", "the river"),
    ("tests/serving/", "the river"),
    ("docs/notebooks/", "the river"),
)
SKIPPED = ("benchmarks/results/", "tests/fixtures/", "applied_dl/datasets/", "tests/test_language.py", "LICENSE", "CHANGELOG.md")
SUFFIXES = (".py", ".md", ".toml", ".yml", ".yaml", ".ipynb", ".cff")
WORDS = re.compile(r"\b(" + "|".join(INSTEAD) + r")\b")


def files() -> list[str]:
    """The text files of the project, by their path."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("the sources are no git checkout")
    return [name for name in listed.stdout.splitlines() if name.endswith(SUFFIXES) and not name.startswith(SKIPPED)]


def plain(line: str) -> str:
    """A line as words: names in snake_case and CamelCase are split."""
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", line).replace("_", " ").lower()


def test_no_word_of_a_private_dialect():
    found = []
    for name in files():
        allowed = [words for start, words in ALLOWED if name.startswith(start)]
        path = ROOT / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in WORDS.finditer(plain(line)):
                if not any(re.search(words, match[0]) for words in allowed):
                    better = next(text for words, text in INSTEAD.items() if re.fullmatch(words, match[0]))
                    found.append(f"{name}:{number}: {match[0]!r}, write: {better}")
    assert not found, "\n".join(found)


def test_the_check_finds_words_in_names_and_prose():
    assert WORDS.search(plain("def test_gaps_are_told(): ..."))[0] == "told"
    assert WORDS.search(plain("class DecodedPictures: pass"))[0] == "pictures"
    assert WORDS.search(plain("# what was set_aside"))[0] == "set aside"
    assert not WORDS.search(plain("improved, approved, a saddle; marshalled; foretold"))
