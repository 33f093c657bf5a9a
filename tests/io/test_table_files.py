"""Files that are damaged, foreign or without a header: one sentence each, with the file and the line."""

import csv
import gzip
import io
import json
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.table_files import read_cells
from applied_dl.io.tables import join, read_table
from applied_dl.tasks.image.readers.listing import Options
from applied_dl.tasks.image.readers.table import list_table
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.encoder import encode
from applied_dl.workflows import recipes


def put(folder, raw, name="t.csv"):
    (folder / name).write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return folder / name


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells, more cells than the header"),
        ('a,b\n"1\n2",3\n1,2,3\n', "line 4: 3 cells"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quote is not closed"),
        ('a,b\n1,2\n"x"y,4\n', "line 3: a quote ends within a cell"),
        ("a,b\n1,2\n3,4\x00\n", "NUL byte in line 3"),
        (b"a,b\n1,2\n\x81,3\n", r"neither UTF-8 nor in a European encoding of Windows \(line 3\)"),
        (b"PK\x03\x04" + bytes(40), "a workbook or a zip archive"),
        (b"PAR1" + bytes(40), "name it .parquet"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12], "cannot be read"),
        (b"\x1f\x8b\x08" + bytes(30), "cannot be read"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xfe\xff", "is empty"),
        (b"\xff\xfe\n\0", "is empty"),
    ],
)
def test_damage_is_named_by_line(tmp_path, raw, says):
    with pytest.raises(DataError, match=says) as caught:
        read_cells(put(tmp_path, raw))
    assert "t.csv" in str(caught.value)


def test_json_names_the_line_that_is_none(tmp_path):
    with pytest.raises(DataError, match=r"line 3: Expecting"):
        read_cells(put(tmp_path, '{"a": 1}\n\n{"a": }\n', "t.jsonl"))
    with pytest.raises(DataError, match=r"line 3"):
        read_cells(put(tmp_path, '[{"a": 1},\n{"a": 2},\n{"a": }]', "t.json"))


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "5.1"),  # decimal numbers
        ("39,State-gov,77516,13\n50,Private,83311,13\n", "39"),  # whole numbers that do not count up
        ("red,4\nblue,5\nred,6\n", "red"),  # a text that its column repeats, beside a number
        ("a,b\nb,a\na,b\n", "a"),
        ("year,2019,2020\nulm,3,4\n", ""),
        ("0,1,2\n5,6,7\n", ""),  # as pandas names columns
        ("size,colour\n3,red\n4,colour\n", ""),  # one repeated text alone is chance
        ("x,y\n1,2\n", ""),
    ],
)
def test_a_file_without_a_header_is_noticed(tmp_path, text, bare, capsys):
    path = put(tmp_path, text)
    if bare and re.search(r"\d", text.splitlines()[0]):
        assert read_cells(path).bare
        assert "has no header: line 1 looks like data" in capsys.readouterr().err
    elif bare:
        with pytest.raises(DataError, match=f"has no header: line 1 looks like data \\('{bare}'\\); set data.header = false"):
            read_cells(path)
    else:
        assert read_cells(path).frame.columns == text.splitlines()[0].split(",")
    assert read_cells(path, header="guess").bare == bool(bare)
    named, free = read_cells(path, header=True).frame, read_cells(path, header=False).frame
    assert (named.height + 1, named.columns) == (free.height, text.splitlines()[0].split(","))
    assert free.columns == [f"column_{i + 1}" for i in range(free.width)]


def test_rows_that_are_short_are_reported_by_the_row_and_count_as_empty(tmp_path):
    table = read_table(put(tmp_path, "n,c\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(30)) + "3.5\n"))
    assert table.short == {30: 1}
    recipe = recipes.read_recipe({"task": "tabular", "data": {"source": str(tmp_path / "t.csv"), "target": "n"}})
    found = task.prepare(recipe, tmp_path)
    assert any("row 32: expected 2 cells, received 1" in text for text in found.warnings)
    cells = encode(found.encoder, join([table, read_table({"n": [1], "c": ["a"]}), table]))
    assert set(cells.errors) == {30, 62}
    assert "row 32" in cells.errors[62]


def test_rows_keep_their_names_when_others_are_left_out(tmp_path):
    rows = [f"{i}.25,{i if i % 3 else ''}" for i in range(40)]
    rows[30] = "tall,30"  # row 32 of the file; the rows 0, 3, … have no target
    path = put(tmp_path, "n,y\n" + "\n".join(rows) + "\n")
    recipe = recipes.read_recipe({"task": "tabular", "data": {"source": str(path), "target": "y", "numeric": ["n"]}})
    notes = " ".join(task.prepare(recipe, tmp_path).warnings)
    assert "13 of 40 rows have no 'y'" in notes
    rows[31] = "high,31"
    put(tmp_path, "n,y\n" + "\n".join(rows) + "\n")
    assert "row 33, column 'n': expected a finite number, received 'high'" in " ".join(task.prepare(recipe, tmp_path).warnings)
    both = join([read_table({"a": [1, 2]}), read_table(path)])
    assert (both.where(1), both.where(2)) == ("the table, row 1", f"{path}, row 2")
    assert both.take([3]).where(0) == f"{path}, row 3"


def test_a_quote_inside_a_cell_and_blank_lines_are_no_damage(tmp_path):
    sheet = read_cells(put(tmp_path, 'a,b\n5" pipe,1\n\n6" pipe,2\n\n'))
    assert sheet.frame.rows() == [('5" pipe', "1"), ('6" pipe', "2")]
    assert not sheet.short


def test_a_table_that_trains_without_a_header_predicts_without_one(tmp_path):
    import applied_dl

    path = put(tmp_path, "".join(f"{i % 7}.5,{'ab'[i % 2]},{i % 7 * 2}.25\n" for i in range(80)))
    made = applied_dl.train("tabular", out=tmp_path / "b", data={"source": str(path), "header": False}, model={"name": "linear"},
                            train={"epochs": 2}, export={"formats": ["tflite"], "variants": ["fp32"]})  # fmt: skip
    predictor = made.predictor()
    assert len(predictor.predict(predictor.expand_inputs([str(path)]))) == 80


def test_separators_must_be_one_character(tmp_path):
    with pytest.raises(UsageError, match="data.separator must be one character"):
        read_cells(put(tmp_path, "a,b\n1,2\n"), ";;")
    with pytest.raises(DataError, match="different numbers of cells: 'a' 2, 'b' 1"):
        read_table({"a": [1, 2], "b": [1]})


def test_images_are_listed_by_the_same_reader(tmp_path):
    path = put(tmp_path, "\ufeffpath;label\na.png;none\nb.png;-\n")
    assert list_table(path, Options())["all"].labels == [("none",), ("-",)]  # names of classes, not empty cells


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(TEXT, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
)  # fmt: skip
def test_what_a_writer_quotes_is_read_back(tmp_path_factory, rows, separator):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["a a", "b", "c"], *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    found = read_cells(path, separator, header=True).frame
    assert found.rows() == [tuple(row) for row in rows] or found.fill_null("").rows() == [tuple(row) for row in rows]
    assert isinstance(found, pl.DataFrame)


WORD = st.text(st.characters(whitelist_categories=("L", "N"), whitelist_characters=".,-;"), min_size=1, max_size=6)
GAP = st.text(" \t", min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORD, GAP, WORD, GAP, WORD), min_size=1, max_size=8), st.sampled_from(["", " ", "\t "]))
def test_cells_between_any_number_of_blanks(tmp_path_factory, rows, edge):
    path = tmp_path_factory.getbasetemp() / "blanks.txt"
    path.write_text("".join(f'{edge}{"".join(row[:-1])}"{row[-1]}  x"{edge}\n' for row in rows), encoding="utf-8")
    found = read_cells(path, "whitespace", header=False).frame
    assert found.rows() == [(a, b, f"{c}  x") for a, _, b, _, c in rows]


def test_blanks_are_seen_where_nothing_else_separates(tmp_path):
    cars = '18.0   8   307.0      130.0\t"chevrolet chevelle malibu"\n15.0   8   350.0      165.0\t"buick"\n'
    assert read_cells(put(tmp_path, cars), header="guess").frame.row(1) == ("15.0", "8", "350.0", "165.0", "buick")
    stamped = "at\tlevel\n2020-01-01 10:00\t1\n2020-01-02 10:00\t2\n"
    assert read_cells(put(tmp_path, stamped)).frame.row(0) == ("2020-01-01 10:00", "1")
    assert read_cells(put(tmp_path, "text\none two\nthree\n")).frame.columns == ["text"]
    with pytest.raises(DataError, match="line 2: 4 cells"):
        read_cells(put(tmp_path, "a  b c\n1 2 3 4\n"), "whitespace")


@pytest.mark.parametrize(
    ("raw", "names", "rows"),
    [
        ("date,12,7,3\n2024-01-01,1,2,3\n2024-01-02,4,5,6\n", ["date", "12", "7", "3"], 2),
        ("series,2024,2023,2022\nA,1,2,3\nB,5,4,3\n", ["series", "2024", "2023", "2022"], 2),
        ("value\n1\n\n3\n\n", ["value"], 3),
        ("2024-01-01,0.5\n2024-01-02,0.7\n", ["column_1", "column_2"], 2),
    ],
)
def test_numbers_may_be_names_and_an_empty_line_of_one_column_is_a_cell(tmp_path, raw, names, rows):
    table = read_table(put(tmp_path, raw), header="guess")
    assert table.columns == names
    assert len(table) == rows


def test_a_line_separator_within_a_json_text_ends_no_line(tmp_path):
    rows = [{"a": "x\u2028y"}, {"a": "z"}]
    path = put(tmp_path, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "t.jsonl")
    assert read_table(path).frame["a"].to_list() == ["x\u2028y", "z"]


def test_empty_cells_at_the_end_of_all_rows_are_no_columns(tmp_path):
    for text in ("a,b\n1,2,\n3,4,\n", "a,b\n1,2,,\n3,4\n", 'a,b\n"1",2,\n3,4,\n'):
        assert read_cells(put(tmp_path, text)).frame.to_dict(as_series=False) == {"a": ["1", "3"], "b": ["2", "4"]}
    with pytest.raises(DataError, match="line 3: 3 cells, more cells than the header"):
        read_cells(put(tmp_path, "a,b\n1,2,\n3,4,5\n"))


@pytest.mark.parametrize("separator", [",", "\t", " "])
def test_names_of_rows_that_the_header_lacks_are_a_column(tmp_path, separator):
    text = '"a" "b"\n"r1" 1 2\n"r2" 3 4\n"r3" 5 6\n'.replace(" ", separator)
    frame = read_cells(put(tmp_path, text)).frame
    assert frame.to_dict(as_series=False) == {"column_1": ["r1", "r2", "r3"], "a": ["1", "3", "5"], "b": ["2", "4", "6"]}


def test_a_file_of_control_characters_is_one_name(tmp_path):
    assert read_cells(put(tmp_path, "\x1c")).frame.height == 0


def test_a_header_that_is_repeated_is_no_data(tmp_path):
    with pytest.raises(DataError, match="line 2: 3 cells, more cells than the header"):  # 3,7 is a number
        read_cells(put(tmp_path, "day,b\n2024-01-01,3,7\n2024-01-02,4,1\n"))
    assert read_cells(put(tmp_path, "a,b\n1,x\n2,y\na,b\n3,z\n")).frame.columns == ["a", "b"]
