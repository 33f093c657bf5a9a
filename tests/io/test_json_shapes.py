"""JSON documents as pandas and other programs write them come back as their rows."""

import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.json_shapes import rows_of, with_fields, without_lists_of_one
from applied_dl.io.table_files import read_cells
from applied_dl.io.tables import read_table

ROWS = [{"a": i, "b": f"x{i}"} for i in range(4)]


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"data": ROWS},
        {"version": 1, "note": "n", "data": ROWS},
        {"a": {str(i): row["a"] for i, row in enumerate(ROWS)}, "b": {str(i): row["b"] for i, row in enumerate(ROWS)}},
        {str(i): row for i, row in enumerate(ROWS)},
        {"a": [row["a"] for row in ROWS], "b": [row["b"] for row in ROWS]},
        {"took": 3, "hits": {"total": {"value": 4}, "hits": ROWS}},
        {"nlu": {"examples": ROWS, "synonyms": []}},
        {"note": "These are all rows that the shop has kept since then.", "rows": ROWS},
        {"features": [{"name": "a"}, {"name": "b"}], "rows": ROWS},
        {"columns": ["a", "b"], "index": [0, 1, 2, 3], "data": [[row["a"], row["b"]] for row in ROWS]},
    ],
)
def test_rows_of_any_shape(document):
    assert rows_of(document) == ROWS


@pytest.mark.parametrize(
    "document",
    [
        {"a": 1, "b": "x"},
        {"a": "x", "tags": ["u", "v"]},
        {"a": {"b": 1}},
        {"a.jpg": "cat", "b.jpg": "dog"},
        {"text": "A paper on the growth of trees in dry years.", "authors": [{"name": "n"}, {"name": "m"}]},
        {"text": "A paper on the growth of trees in dry years.", "meta": {"authors": [{"name": "n"}, {"name": "m"}]}},
        5,
        {},
    ],
)
def test_one_object_is_one_row(document):
    assert rows_of(document) == [document]


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_pandas_writes_tables_that_are_read(tmp_path, rows):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([row | {"c": 0.5, "d": "z"} for row in ROWS[:rows]])
    for orient in ("columns", "index", "split", "records", "table"):
        frame.to_json(tmp_path / "t.json", orient=orient)
        read = read_table(str(tmp_path / "t.json")).frame
        assert read["b"].to_list() == [row["b"] for row in ROWS[:rows]]


def test_columns_of_several_header_lines_are_named_by_all_of_them():
    assert rows_of({"columns": [["before", "x"], 2], "data": [[1, 2]]}) == [{"before x": 1, "2": 2}]


def test_fields_of_objects_within_objects_are_fields_of_the_row():
    row = {"id": 7, "data": {"text": "a", "meta": {"lang": "en"}, "tags": ["x"]}, "empty": {}}
    assert with_fields(row) == {"id": 7, "data.text": "a", "data.meta.lang": "en", "data.tags": ["x"]}
    assert with_fields({"id": 7}) == {"id": 7}


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_endless_brackets_are_refused(tmp_path, suffix, text):
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    with pytest.raises(DataError, match="line 1"):
        read_cells(path)


def test_two_cells_of_one_name_are_refused_unless_they_are_equal():
    assert with_fields({"a": {"b": 1}, "a.b": 1}) == {"a.b": 1}
    for row in ({"a": {"b": 1}, "a.b": 2}, {"a.b": 2, "a": {"b": 1}}, {"a": {"b.c": 1, "b": {"c": 2}}}):
        with pytest.raises(DataError, match=r"two cells named '(a\.b|b\.c)'"):
            with_fields(row)


def test_a_list_of_one_object_in_each_row_is_that_object():
    rows = [{"id": i, "marks": [{"by": 1, "result": [{"choices": ["a", "b"][i % 2 :]}]}]} for i in range(3)]
    assert [row["marks"]["result"]["choices"] for row in without_lists_of_one(rows)] == [["a", "b"], ["b"], ["a", "b"]]
    assert without_lists_of_one([*rows, {"id": 3, "marks": []}]) == [*rows, {"id": 3, "marks": []}]
    assert without_lists_of_one([["a", "b"]]) == [["a", "b"]]


def test_lists_of_parts_are_rows_with_their_part():
    document = {"train": ROWS[:2], "val": ROWS[2:3], "oos_test": ROWS[3:]}
    assert rows_of(document) == [row | {"split": part} for row, part in zip(ROWS, ("train", "train", "validation", "test"))]
    assert rows_of({"train": [["a b", "x"]], "test": [["c d", "y"]]}) == [
        {"column_1": "a b", "column_2": "x", "split": "train"}, {"column_1": "c d", "column_2": "y", "split": "test"},
    ]  # fmt: skip
