"""Whether the first row of a table of texts names its columns."""

import pytest

from applied_dl.text.heads import has_header

ANSWERS = ("The service was slow today", "I like the new app", "Too expensive for what it is", "Friendly people and good coffee")


@pytest.mark.parametrize(
    ("head", "column"),
    [
        ("How likely are you to recommend us to a friend or colleague?", ("9", "10", "0", "7")),
        ("Wie oft haben Sie uns im letzten Jahr besucht", ("3", "1", "12", "4")),
        ("Time at which the form was sent to us", ("01/02/2024 10:15:00", "01/03/2024", "2/2/2024", "2024-05-01")),
    ],
)
def test_long_names_above_numbers_and_dates_are_a_header(head, column):
    rows = [[number, answer] for number, answer in zip(column, ANSWERS)]
    assert has_header([[head, "What is the main reason for the score that you gave us?"], *rows])
    assert not has_header(rows)


def test_questions_are_a_header_unless_the_rows_ask_too():
    answers = [[answer, "yes"] for answer in ANSWERS]
    asked = ["What do you like most about the place?", "Would you come here again next year?"]
    assert has_header([asked, *answers])
    assert not has_header([asked, *[[f"{answer}, is it not?", "Would you?"] for answer in ANSWERS]])


def test_a_first_row_of_data_is_none():
    assert not has_header([["spam and more of the same old words", answer] for answer in ANSWERS])
    assert not has_header([[answer, "yes"] for answer in ANSWERS])
