"""Rows that are no examples: more lines of the header, notes below the table."""

import numpy as np
import pytest

from applied_dl.io.extra_rows import extra_rows, notes_of
from applied_dl.io.tables import read_table

RANDOM = np.random.default_rng(0)
NAMES = "region,a,b,y"
ROWS = [f"{'NSE'[i % 3]},{a:.3f},{b:.2f},{2 * a + b:.3f}" for i, (a, b) in enumerate(RANDOM.uniform(1, 50, (60, 2)))]


def left_out(tmp_path, lines, names=NAMES):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([names, *lines]) + "\n")
    return extra_rows(read_table(path))


@pytest.mark.parametrize(
    "lines",
    [
        ["[-],[kg],[mm],[EUR]"],
        ["text,kg,mm,EUR"],
        [",kg,mm,"],
        ["------,-----,-----,-----"],
        ["Where?,How heavy is it (kg)?,How long is it?,Price", '{"ImportId":1},{"ImportId":2},{"ImportId":3},{"ImportId":4}'],
        ["group,kg,mm,%"],
    ],
)
def test_lines_of_a_header_below_the_first_are_left_out(tmp_path, lines):
    lines = [line.replace('{"', "{'").replace('":', "':") for line in lines]
    assert list(left_out(tmp_path, [*lines, *ROWS])) == list(range(len(lines)))


@pytest.mark.parametrize(
    "line", ["S,n/a,unknown,3", "S,5 kg,7 mm,3 EUR", "S,-,-,-", "S,<5,3,4", "S,error,1.5,2.5", "S,1.5,2.5,bad", "n/a,?,na,nil"]
)
def test_a_first_row_with_numbers_or_marks_stays(tmp_path, line):
    assert not left_out(tmp_path, [line, *ROWS])


def test_a_column_of_numbers_alone_shows_no_header(tmp_path):
    assert not left_out(tmp_path, ["S,kg", *(f"N,{i}" for i in range(30))], names="region,y")


def test_names_that_are_repeated_in_a_joined_file_are_left_out(tmp_path):
    found = left_out(tmp_path, [*ROWS[:20], NAMES, *ROWS[20:], NAMES])
    assert list(found) == [20, 61]
    assert "repeats the names of the columns" in found[20]


@pytest.mark.parametrize(
    "line", ["Source: Statistical Office", "* provisional", "© 2024 Office,,,", "(60 rows affected)", "Filter = region N,,,"]
)
def test_notes_below_a_table_are_left_out(tmp_path, line):
    found = left_out(tmp_path, [*ROWS, "", line])
    assert list(found) == [60]
    assert "holds nothing but" in found[60]


def test_a_last_row_with_other_sparse_rows_above_is_no_note(tmp_path):
    assert not left_out(tmp_path, [*ROWS[:30], "New York,,,", *ROWS[30:], "New York,,,"])
    assert not left_out(tmp_path, [*ROWS, "N,,,"])


@pytest.mark.parametrize(
    ("above", "last"),
    [
        ("John Smith", "Ann Lee"),
        ("2024-01-05 10:00", "2024-01-06 11:00"),
        ("$ 5.50", "$ 7.10"),
        ("a.b@c.org", "d.e@f.org"),
        ("+49 1 22", "+49 3 3"),
    ],
)
def test_a_last_row_that_begins_as_those_above_is_no_note(tmp_path, above, last):
    rows = [f"{above},{row.partition(',')[2]}" for row in ROWS]
    assert not left_out(tmp_path, [*rows, f"{last},,,"])
    assert list(left_out(tmp_path, [*rows, "* 1,,,"])) == [60]
    assert list(left_out(tmp_path, [*rows, "Downloaded from the statistical office,,,"])) == [60]


def test_cells_that_are_all_in_brackets_are_no_units(tmp_path):
    assert not left_out(tmp_path, [f"[{i}],(b)" for i in range(30)], names="tags,kind")


def test_of_many_rows_a_few_are_named():
    assert len(notes_of(dict.fromkeys(range(30), "a"))) == 4
    assert len(notes_of(dict.fromkeys(range(4), "a"))) == 4
