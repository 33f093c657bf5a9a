"""Which columns of a table hold the texts."""

import pytest

from applied_dl.text.columns import cell_text, text_places, words_of

TEXTS = [f"the {noun} was {state} when it came to us on {day}" for noun in ("parcel", "phone", "lamp", "chair")
         for state in ("late", "broken", "fine") for day in ("Monday", "Friday", "Sunday")]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "cells", "found"),
    [
        (("sentence", "why"), lambda i: ("Sentence: 3" if i == 3 else "", TEXTS[i]), [1]),  # filled in few rows
        (("comment", "why"), lambda i: ("" if i % 2 else "thank you very much", TEXTS[i]), [1]),  # always the same
        (("sentence", "why"), lambda i: (f"Sentence: {i}", TEXTS[i]), [1]),  # the same but for a number
        (("feedback", "what happened"), lambda i: (("good", "bad")[i % 2], TEXTS[i]), [1]),  # one of a few words
        (("titles", "summaries"), lambda i: (TEXTS[i][:14] + str(i), TEXTS[i] * 3), [0, 1]),
        (("description", "Vorfall"), lambda i: (f"case {TEXTS[i][4:9]} {i}", TEXTS[i] * 3), [1]),  # far longer
        (("description", "author name"), lambda i: (f"case {TEXTS[i][4:9]} {i}", TEXTS[i] * 3), [0]),  # whose name is of something else
    ],
)
def test_the_texts_are_where_names_and_cells_agree(names, cells, found):
    assert text_places(list(names), [list(cells(i)) for i in range(len(TEXTS))]) == found


def test_few_rows_do_not_speak_against_a_name():
    assert text_places(["id", "comment"], [[1, "good"], [2, "good"]]) == [1]


def test_words_of_a_script_without_blanks_count():
    assert words_of(["物流太慢了客服态度很差"]) > 3 > words_of(["two words"])


def test_lists_of_objects_are_no_texts_and_lists_with_texts_are_one():
    rows = [[[{"type": "plain", "text": text}], [text, {"type": "link", "text": "example.org"}] if i % 3 else text]
            for i, text in enumerate(TEXTS)]  # fmt: skip
    assert text_places(["entities", "message"], rows) == [1]
    assert [cell_text(rows[1][1]), cell_text(rows[1][0]), cell_text({"a": "b"}), cell_text(None)] == [f"{TEXTS[1]} example.org", "", "", ""]
