"""Where sentences end, in several scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applied_dl.tasks.sentences.readers.boundaries import LONGEST, SHORTEST, neighbours, sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He came. She left! Why? Nobody knows…", ["He came.", "She left!", "Why?", "Nobody knows…"]),
        (
            "Mr. Smith met J. R. Tolkien of the U.S. Army. Then it ended.",
            ["Mr. Smith met J. R. Tolkien of the U.S. Army.", "Then it ended."],
        ),
        ('He said "Go away!" Then it ended.', ['He said "Go away!"', "Then it ended."]),
        ("It cost 3.50 dollars. See fig. 4 of it.", ["It cost 3.50 dollars.", "See fig. 4 of it."]),
        ("¿Qué tal? ¡Bien! Sí.", ["¿Qué tal?", "¡Bien!", "Sí."]),
        ("今日は。元気ですか？はい", ["今日は。", "元気ですか？", "はい"]),
        ("ذهب الولد. هل عاد؟ نعم", ["ذهب الولد.", "هل عاد؟", "نعم"]),
        ("no end at all", ["no end at all"]),
        ("lower case follows. so it goes on", ["lower case follows. so it goes on"]),
        ("", []),
        ("...", ["..."]),
    ],
)
def test_sentences_of_known_texts(text, found):
    assert sentences(text) == found


@given(st.text(max_size=300))
def test_nothing_but_space_is_lost(text):
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_neighbours_are_adjacent_and_of_a_usable_length():
    long, short = "A sentence that is long enough to be used.", "Too short."
    other = "Another one of them that stands beside it."
    assert neighbours(f"{long} {other}") == [(long, other)]
    assert neighbours(f"{long} {short} {other}") == []
    assert neighbours(f"{long} {long}") == []
    assert neighbours(f"{long} {'X' + 'y' * LONGEST}.") == []
    assert all(SHORTEST <= len(s) <= LONGEST for pair in neighbours(f"{long} {other} {long}") for s in pair)
