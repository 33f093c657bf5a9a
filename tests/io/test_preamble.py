"""Lines above a table are skipped; a header or a row never is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applied_dl.io.preamble import preamble_lines
from applied_dl.io.tables import read_table

ROWS = "day,rain,wind\n1,2,3\n2,0,1\n3,1,4\n4,4,4\n"
MARKS = (",", ";", "\t", "|")


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("", 0),
        ("# exported 2024-01-01\n", 1),
        ("# station 7, north\n# units: mm\n", 2),
        ("Rain report\n\n", 2),
        ("Rain report,,\n,,\n", 2),
        ("\n", 1),
        ("Exported on 2024-01-01 10:00\nFilter: all; sorted by date, descending\n\n", 3),
        ("Before,,After\n", 1),
    ],
)
def test_comments_titles_and_empty_lines_precede_a_table(above, lines):
    assert preamble_lines(above + ROWS, MARKS) == lines


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "#id,rain\n1,2\n2,3\n3,4\n4,5\n",
        ",rain\n0,2\n1,3\n2,4\n3,1\n",
        "value\n1\n2\n3\n4\n",
        "a;b\n1;2\n",
        ROWS + "\n" + ROWS,
        ",a,b\nx,y,z\nx,1,2\n" * 3,
        ",,value\n" + "a,0,1.5\n" * 5,
        "name,,town\nAnn,red,Elm\nBob,blue,12 Main\nEve,red,Oak\nJoe,blue,Elm\n",
    ],
)
def test_a_header_stays(text):
    assert preamble_lines(text, MARKS) == 0


@given(st.lists(st.lists(st.integers(0, 99), min_size=2, max_size=2), min_size=5, max_size=8), st.sampled_from(MARKS))
def test_a_table_without_a_preamble_is_never_cut(rows, mark):
    text = f"a{mark}b\n" + "".join(f"{x}{mark}{y}\n" for x, y in rows)
    assert preamble_lines(text, MARKS) == 0


def test_names_and_values_before_an_empty_line_precede_a_far_wider_table():
    wide = '"Country","Code",1990,1991,1992,1993\n' + "".join(f'"Land {i}","L{i}",1,2,3,4\n' for i in range(4))
    assert preamble_lines(f'"Data Source","Indicators",\n\n"Last Updated","2024-01-01",\n\n{wide}', MARKS) == 4
    assert preamble_lines(f"station,7\nheight,120\n\n{wide}", MARKS) == 3
    assert preamble_lines("a,b,c\n1,2,3\n\n4,5,6\n7,8,9\n1,2,3\n4,5,6\n", MARKS) == 0
    assert preamble_lines("a,b\n1,2\n\n" + "1,2,3,4,5,6\n" * 5 + "1,2,3\n", MARKS) == 0


@pytest.mark.parametrize("cell", ["x\ry", "x" * 200_000, '"open', "\r"])
def test_any_cell_below_an_empty_line_is_counted(cell):
    assert preamble_lines(f"title\n\n{cell},1\n1,2\n2,3\n3,4\n4,5\n", MARKS) in (0, 2)


def test_rows_keep_the_numbers_of_their_lines(tmp_path):
    (tmp_path / "rain.csv").write_text("# station 7\n# north\n" + ROWS)
    table = read_table(str(tmp_path / "rain.csv"))
    assert table.columns == ["day", "rain", "wind"]
    assert table.frame.height == 4
    assert table.where(0).endswith("row 4")
