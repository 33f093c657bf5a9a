"""Tables as people have them: separators, marks, kinds of columns, and what is wrong said by row and column."""

import datetime
import gzip

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl import config
from applied_dl.data.table_columns import learn_columns, learn_target, target_column
from applied_dl.data.tables import read_table
from applied_dl.encoders.table import encode
from applied_dl.errors import DataError, UsageError

DATA = config.read_recipe("tabular").data


def learned(frame, target="y", **keys):
    table = read_table(frame)
    chosen = config.replace(config.read_recipe("tabular"), data=keys).data
    style, labels = learn_target(table.frame[target], chosen.kind, chosen.decimal)
    return learn_columns(table, np.arange(len(table)), chosen, target, labels, style)


def kinds(frame, **keys):
    return {c.name: c.kind for c in learned(frame, **keys)[0].columns}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [False, True])
def test_separators_marks_and_gz(tmp_path, separator, mark, packed):
    text = separator.join(['"a, b"', "c"]) + "\n" + separator.join(['"1\n2"', "3"]) + "\n" + separator.join(["x", " ? "]) + "\n"
    raw = mark + text.encode()
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    table = read_table(path)
    assert table.columns == ["a, b", "c"]
    assert table.frame.rows() == [("1\n2", "3"), ("x", None)]


def test_frames_rows_columns_and_files_read_alike(tmp_path):
    columns = {"n": [1.5, None, 3.0], "t": ["a", "b", None], "d": [datetime.date(2024, 1, 1)] * 3}
    frame = pl.DataFrame(columns)
    frame.write_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text("\n".join(f'{{"n": {n}, "t": {t}, "d": "2024-01-01"}}' for n, t in
                                                [("1.5", '"a"'), ("null", '"b"'), ("3.0", "null")]))  # fmt: skip
    wanted = read_table(frame).frame
    for source in (columns, frame.to_dicts(), tmp_path / "t.parquet", tmp_path / "t.jsonl"):
        assert read_table(source).frame.equals(wanted), source


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is empty"),
        (b"a,b\n", "0 rows"),
        (b"a,b\n1,2,3\n", "more cells than the header"),
        (b'a,b\n1,"2\n', "quote is not closed"),
        ("a,b\n1,ü\n".encode("latin-1"), r"not UTF-8 \(line 2\)"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"a,b\n1,\x002\n", "NUL"),
        (b"a,a\n1,2\n", "two columns"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path, raw, says):
    (tmp_path / "t.csv").write_bytes(raw)
    with pytest.raises(DataError, match=says):
        read_table(tmp_path / "t.csv")


def test_other_wrong_sources(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="no table at"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="expected a mapping"):
        read_table([{"a": 1}, 3])
    (tmp_path / "t.json").write_text('{"a": 1')
    with pytest.raises(DataError, match="not valid JSON"):
        read_table(tmp_path / "t.json")


def test_columns_are_understood_by_their_cells():
    n = 60
    frame = {
        "number": [f"{i / 7:.3f}" for i in range(n)],
        "thousand": [f"{i},000.5" for i in range(1, n + 1)],
        "comma": [f"{i},25" for i in range(n)],
        "money": [f"$ {i % 7}" for i in range(n)],
        "flag": ["Yes", "no"] * (n // 2),
        "day": [str(datetime.date(2024, 1, 1) + datetime.timedelta(days=i)) for i in range(n)],
        "german": [(datetime.date(2024, 1, 1) + datetime.timedelta(days=i)).strftime("%d.%m.%Y") for i in range(n)],
        "zip": [f"{i % 9:05d}" for i in range(n)],
        "text": [f"level {i % 3}" for i in range(n)],
        "name": [f"person {i}" for i in range(n)],
        "id": list(range(n)),
        "constant": ["x"] * n,
        "empty": [None] * n,
        "y": [i * 0.5 for i in range(n)],
    }
    encoder, notes = learned(frame)
    assert {c.name: c.kind for c in encoder.columns} == {
        "number": "number", "thousand": "number", "comma": "number", "money": "number", "flag": "boolean", "day": "moment",
        "german": "moment", "zip": "category", "text": "category",
    }  # fmt: skip
    assert set(encoder.set_aside) == {"name", "id", "constant", "empty"}
    assert any("set aside" in note for note in notes)
    inputs = encode(encoder, read_table(frame)).inputs
    np.testing.assert_allclose(inputs["thousand"][:2], [1000.5, 2000.5])
    np.testing.assert_allclose(inputs["comma"][:2], [0.25, 1.25])
    np.testing.assert_allclose(inputs["money"][:3], [0, 1, 2])
    np.testing.assert_array_equal(inputs["flag"][:2], [1, 0])
    for name in ("day", "german"):
        np.testing.assert_array_equal(inputs[f"{name}_days"][:3], [0, 1, 2])
        np.testing.assert_array_equal(inputs[f"{name}_month"][[0, 31]], [1, 2])
        assert inputs[f"{name}_weekday"][0] == 0  # 1 January 2024 was a Monday
    assert kinds(frame, numeric=("zip",))["zip"] == "number"
    assert kinds(frame, categorical=("number", "name"))["number"] == "category"
    assert "text" not in kinds(frame, ignore=("text",))


def test_what_training_never_saw_has_a_code_and_a_note():
    encoder, _ = learned({"c": ["a", "b", None] * 10, "y": list(range(30))})
    cells = encode(encoder, read_table({"c": ["b", "z", None], "more": [1, 2, 3]}))
    np.testing.assert_array_equal(cells.inputs["c"], [3, 0, 1])
    assert any("never seen" in note and "'z'" in note for note in cells.notes)
    assert any("'more'" in note for note in cells.notes)


def test_thousands_marks_that_can_mean_one_thing_only_are_read_where_training_had_none():
    encoder, _ = learned({"n": [f"${i}.50" for i in range(30)], "y": list(range(30))})
    cells = encode(encoder, read_table({"n": ["$2,000.50", "-1,234,567.8", "2,000", "3,5"]}))
    np.testing.assert_allclose(cells.inputs["n"][:2], [2000.5, -1234567.8])
    assert set(cells.errors) == {2, 3}


def test_wrong_cells_are_named_by_row_and_column(tmp_path):
    encoder, _ = learned({"n": [i * 0.7 for i in range(30)], "y": list(range(30))})
    (tmp_path / "t.csv").write_text("n\n1\ntall\ninf\n")
    cells = encode(encoder, read_table(tmp_path / "t.csv"))
    assert "row 3, column 'n': expected a finite number, received 'tall'" in cells.errors[1]
    assert set(cells.errors) == {1, 2}
    with pytest.raises(DataError, match="lacks the column 'n'"):
        encode(encoder, read_table({"m": [1]}))


@pytest.mark.parametrize(
    ("cells", "kind", "classes"),
    [
        ([0.5, 1.25, 7.0] * 9, None, 0),
        (list(range(40)), None, 0),
        ([0, 1] * 9, None, 2),
        ([1, 2, 3] * 9, None, 3),
        ([3, 4, 5, 6] * 9, None, 0),
        (["no", "yes"] * 9, None, 2),
        ([3, 4, 5, 6] * 9, "classification", 4),
        ([0, 1] * 9, "regression", 0),
    ],
)
def test_the_kind_of_the_target(cells, kind, classes):
    assert len(learn_target(read_table({"y": cells}).frame["y"], kind, None)[1]) == classes


def test_targets_that_cannot_be_learned():
    with pytest.raises(DataError, match="at least two"):
        learn_target(read_table({"y": [1, 1, 1]}).frame["y"], None, None)
    with pytest.raises(DataError, match="'oops' among its numbers"):
        learn_target(read_table({"y": [*range(99), "oops"]}).frame["y"], None, None)
    table = read_table({"a": [1], "price": [2]})
    assert target_column(table, None) == "price"
    assert target_column(read_table({"label": [1], "b": [2]}), None) == "label"
    with pytest.raises(UsageError, match="Did you mean 'price'"):
        target_column(table, "prise")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.text(max_size=6), st.floats(), st.integers())), max_size=6))
def test_any_rows_are_read_or_refused(rows):
    try:
        table = read_table(rows)
    except DataError:
        return
    assert len(table) == len(rows)
