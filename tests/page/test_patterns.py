"""Patterns that are translated match what Python's match."""

import json
import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.io import cells, quantities
from applied_dl.page.patterns import javascript
from applied_dl.page.rules import table_rules, text_rules
from tests.page.javascript import node

SCRIPT = """
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const spans = ([source, flags], text) => [...text.matchAll(new RegExp(source, flags + 'g'))].map((found) => found[0]);
process.stdout.write(JSON.stringify(given.map(([pattern, text]) => spans(pattern, text))));
"""
PATTERNS = [
    re.compile(r"(?P<a>\w+)-\d"), re.compile(r"[^\W\d_]+"), re.compile(r"\bat\b"), re.compile(r"[(\[{\-+.,]+"), re.compile(r"\s\S"),
    re.compile(r"[a-c\-]x", re.IGNORECASE), re.compile("a  b  # a comment\n | c", re.VERBOSE), re.compile(r"[\w.+-]@[^@\s]"),
    re.compile(r"a.b", re.DOTALL), quantities.CELL, quantities.CLOCK, cells.PLAIN,
]  # fmt: skip


def run(pairs: list) -> list:
    done = subprocess.run([node(), "-e", SCRIPT], input=json.dumps(pairs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
    return json.loads(done.stdout)


def test_translated_patterns_match_the_same():
    texts: list[str] = ["at home_at 5 é-3 a-7 _at_ (x) a\u00a0b", "A-x Cx ab c", "a\nb", "x.y@z q+@", "$45.6K", "1:02:03 pm", "12.5e3"]

    @settings(max_examples=150, database=None, derandomize=True)
    @given(st.text(alphabet="ab-x_ at.@+5é٣٤߁ \u00a0\u1680\x1c(){}[]$€%:K1", max_size=20))
    def collect(text):
        texts.append(text)

    collect()
    pairs = [(pattern, text) for pattern in PATTERNS for text in texts]
    found = run([(javascript(pattern), text) for pattern, text in pairs])
    for (pattern, text), got in zip(pairs, found, strict=True):
        assert got == [match[0] for match in pattern.finditer(text)], (pattern.pattern, text)


@pytest.mark.parametrize("rules", [table_rules, text_rules])
def test_every_pattern_of_the_encoders_compiles(rules):
    made = rules()
    patterns = [*made["patterns"].values(), *(rule[:2] for rule in made.get("simpler", []))]
    assert len(run([(pattern, "a text") for pattern in patterns])) == len(patterns)
