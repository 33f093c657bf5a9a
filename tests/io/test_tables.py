"""Tables as people have them: separators, marks, kinds of columns, and errors by row and column."""

import datetime
import gzip

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.readers.target import learn_target, target_columns
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import learned

DATA = recipes.read_recipe("tabular").data


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
    wanted = [("1.5", "a", "2024-01-01"), (None, "b", "2024-01-01"), ("3.0", None, "2024-01-01")]
    for source in (frame, columns, frame.to_dicts(), tmp_path / "t.parquet", tmp_path / "t.jsonl"):
        assert read_table(source).frame.select(pl.all().cast(pl.String)).rows() == wanted, source


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is empty"),
        (b"a,b\n", "0 rows"),
        (b"a,b\n1,2,3\n", "more cells than the header"),
        (b'a,b\n1,"2\n', "quote is not closed"),
        (b"a,b\n1,\x81\n", r"neither UTF-8 nor in a European encoding of Windows \(line 2\)"),
        (b"\xff\xfea\0,", "begins as UTF-16 but is damaged"),
        (b"a,b\n1,\x002\n", "NUL"),
    ],
)
def test_damaged_files_are_one_sentence(tmp_path, raw, says):
    (tmp_path / "t.csv").write_bytes(raw)
    with pytest.raises(DataError, match=says):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "cp1252"])
def test_files_of_other_encodings_are_read(tmp_path, encoding):
    text = "Größe;Preis\r\n1,5;25 €\r\n"
    raw = "\ufeff".encode("utf-16-le") + text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    (tmp_path / "t.csv").write_bytes(raw)
    assert read_table(tmp_path / "t.csv").frame.to_dicts() == [{"Größe": "1,5", "Preis": "25 €"}]


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
        "day": [str(datetime.date(2024, 1, 1) + datetime.timedelta(days=10 * i)) for i in range(n)],
        "german": [(datetime.date(2024, 1, 1) + datetime.timedelta(days=10 * i)).strftime("%d.%m.%Y") for i in range(n)],
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
    assert set(encoder.dropped) == {"name", "id", "constant", "empty"}
    assert any("dropped" in note.lower() for note in notes)
    inputs = encode(encoder, read_table(frame)).inputs
    np.testing.assert_allclose(inputs["thousand"][:2], [1000.5, 2000.5])
    np.testing.assert_allclose(inputs["comma"][:2], [0.25, 1.25])
    np.testing.assert_allclose(inputs["money"][:3], [0, 1, 2])
    np.testing.assert_array_equal(inputs["flag"][:2], [1, 0])
    for name in ("day", "german"):
        np.testing.assert_array_equal(inputs[f"{name}_days"][:3], [0, 10, 20])
        np.testing.assert_array_equal(inputs[f"{name}_month"][[0, 31]], [1, 11])
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
    assert len(learn_target(read_table({"y": cells}).frame["y"], kind, None)[0].labels) == classes


def test_targets_that_cannot_be_learned():
    with pytest.raises(DataError, match="at least two"):
        learn_target(read_table({"y": [1, 1, 1]}).frame["y"], None, None)
    with pytest.raises(DataError, match=r"'oops' among its numbers \(1 of 100 cells"):
        learn_target(read_table({"y": [*range(99), "oops"]}).frame["y"], None, None)
    table = read_table({"a": [1], "price": [2]})
    assert target_columns(table, None) == ("price",)
    assert target_columns(read_table({"label": [1], "b": [2]}), None) == ("label",)
    with pytest.raises(UsageError, match="Did you mean 'price'"):
        target_columns(table, "prise")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.text(max_size=6), st.floats(), st.integers())), max_size=6))
def test_any_rows_are_read_or_refused(rows):
    try:
        table = read_table(rows)
    except DataError:
        return
    assert len(table) == len(rows)


GERMAN = "\n".join(
    ["size;area;all;day;y", *(f"0,{100 + i};{i},5;1.{100 + i * 7 % 41};{i % 28 + 1:02d}.02.2024;{i * 7 % 11},25" for i in range(40))]
)


def test_a_file_of_decimal_commas_is_one_and_numbers_stay_numbers(tmp_path):
    (tmp_path / "german.csv").write_text(GERMAN, encoding="utf-8-sig")
    encoder, notes = learned(tmp_path / "german.csv")
    assert {c.name: c.style for c in encoder.columns} == {"size": "comma", "area": "comma", "all": "comma", "day": "%d.%m.%Y"}
    table = read_table(tmp_path / "german.csv")
    inputs = encode(encoder, table).inputs
    np.testing.assert_allclose([inputs[name][3] for name in ("size", "area", "all")], [0.103, 3.5, 1121], rtol=1e-6)
    real = {"size": 0.103, "area": 17.3, "all": 1.103, "day": datetime.date(2024, 2, 4), "y": 9.25}
    frame = pl.DataFrame([real])
    frame.write_parquet(tmp_path / "t.parquet")
    for source in ([real], frame, tmp_path / "t.parquet", [{**real, "day": "2024-02-04"}]):
        cells = encode(encoder, read_table(source))
        assert not cells.errors
        np.testing.assert_allclose([cells.inputs[n][0] for n in ("size", "area", "all", "day_day")], [0.103, 17.3, 1.103, 4], rtol=1e-6)
        assert read_targets(encoder, read_table(source)).tolist() == [9.25]
    mixed = encode(encoder, read_table([real, {**real, "all": "1.103", "area": "17,3"}])).inputs
    np.testing.assert_allclose(mixed["all"], [1.103, 1103], rtol=1e-6)
    np.testing.assert_allclose(mixed["area"], [17.3, 17.3], rtol=1e-6)
    assert "received '17.3'" in encode(encoder, read_table([{**real, "area": "17.3"}, {**real, "area": "17,3"}])).errors[0]


def test_the_decimal_mark_of_the_file_that_is_asked_is_seen(tmp_path):
    (tmp_path / "german.csv").write_text(GERMAN)
    (tmp_path / "english.csv").write_text("size,area,all,day,y\n0.126,17.345,1.103,2024-02-04,2.125\n7,17.345,12,2024-02-04,1.125\n")
    german, english = learned(tmp_path / "german.csv")[0], learned(tmp_path / "english.csv", kind="regression")[0]
    for rows in (slice(0, 3), slice(0, 3, 2)):  # where no cell but 17.345 has a mark, the separator decides
        (tmp_path / "x.csv").write_text("\n".join((tmp_path / "english.csv").read_text().splitlines()[rows]))
        table = read_table(tmp_path / "x.csv")
        np.testing.assert_allclose(encode(german, table).inputs["area"], [17.345] * len(table), rtol=1e-6)
        assert "x.csv: numbers are read with the decimal mark '.'" in encode(german, table).notes[0]
    assert read_targets(german, read_table(tmp_path / "english.csv")).tolist() == [2.125, 1.125]
    table = read_table(tmp_path / "german.csv")
    np.testing.assert_allclose(encode(english, table).inputs["all"][3:5], [1121, 1128])
    assert read_targets(english, table)[1] == 7.25


def test_a_decimal_mark_changes_nothing_that_is_a_number():
    encoder, _ = learned({"n": [i + 0.123 for i in range(30)], "y": list(range(30))}, decimal=",")
    np.testing.assert_allclose(encode(encoder, read_table({"n": [17.123]})).inputs["n"], [17.123], rtol=1e-6)


def test_real_dates_are_read_where_texts_were_learned():
    texts = [str(datetime.date(2024, 1, 1) + datetime.timedelta(days=10 * i)) for i in range(60)]
    encoder, _ = learned({"d": texts, "y": [i * 0.5 for i in range(60)]})
    for cell in (datetime.datetime(2024, 2, 3, 12), "2024-02-03 12:00:00.000000", "2024-02-03T12:00:00Z", np.datetime64("2024-02-03T12")):
        cells = encode(encoder, read_table([{"d": cell}]))
        assert (cells.errors, cells.inputs["d_days"].tolist()) == ({}, [33.5])


def test_columns_mostly_of_numbers_or_dates_are_reported(tmp_path):
    days = [str(datetime.date(2024, 1, 1) + datetime.timedelta(days=i % 9)) for i in range(60)]
    rows = [f"{d},{i % 7}.5,{i % 5},{i}.25" for i, d in enumerate(days)]
    rows[50] = "soon,Total,x,50.25"
    rows[20] = rows[20].replace(",0,", ",y,")
    (tmp_path / "t.csv").write_text("day,size,part,y\n" + "\n".join(rows) + "\n")
    encoder, notes = learned(tmp_path / "t.csv")
    assert {c.name: c.kind for c in encoder.columns} == {"day": "moment", "size": "number", "part": "category"}
    text = " ".join(notes)
    assert "column 'day': 1 cell cannot be read as dates or times: taken as empty (the first: 'soon' in" in text
    assert "column 'size': 1 cell cannot be read as finite numbers: taken as empty (the first: 'Total' in" in text
    assert "column 'part': 97% of its cells are numbers, but not 'y' (" in text
    assert "t.csv, row 22): it is read as a category" in text


def test_dates_that_could_be_either_order_are_reported_and_whole_numbers_are_dates():
    n = 60
    encoder, notes = learned({
        "either": [f"{i % 12 + 1:02d}/{i * 7 % 11 + 1:02d}/2020" for i in range(n)],
        "whole": [20240101 + i % 28 for i in range(n)],
        "month": [202001 + i % 12 for i in range(n)],
        "price": [202001 + i % 12 for i in range(n)],
        "y": [i * 0.5 for i in range(n)],
    })  # fmt: skip
    assert {c.name: c.style for c in encoder.columns} == {"either": "%m/%d/%Y", "whole": "%Y%m%d", "month": "%Y%m", "price": "plain"}
    assert any("'either': '01/01/2020' is read as month, then day, and no cell decides it" in note for note in notes)
    assert any("'whole': '20240101' is read as a date" in note for note in notes)
    assert encode(encoder, read_table([{"either": None, "whole": "20240105", "month": 202003, "price": 1}])).inputs["month_month"] == [3]


def test_truths_and_labels_are_alike_through_every_file():
    n = 30
    columns = {"flag": ["Ja", "Nein"] * (n // 2), "code": ["1", "2", "x"] * (n // 3), "y": ["True", "False", "True"] * (n // 3)}
    encoder, _ = learned(columns)
    assert {c.name: c.kind for c in encoder.columns} == {"flag": "boolean", "code": "category"}
    for flag, code, y in (("ja", "1", "true"), (True, 1, True), (1, 1.0, True), ("WAHR", "1.0", "TRUE"), (1.0, "1", "True")):
        table = read_table(pl.DataFrame({"flag": [flag], "code": [code], "y": [y]}))
        cells = encode(encoder, table)
        assert (cells.errors, cells.notes) == ({}, [])
        assert (cells.inputs["flag"][0], cells.inputs["code"][0], read_targets(encoder, table)[0]) == (1, 2, 1)


def test_names_that_are_blank_are_numbered(tmp_path):
    (tmp_path / "t.csv").write_text('"","",y\n1,2,3\n')
    assert read_table(tmp_path / "t.csv").columns == ["column_1", "column_2", "y"]


def test_targets_beyond_every_scale_are_refused():
    with pytest.raises(DataError, match="holds '1e300'; expected numbers within ±1e\\+18: rescale it"):
        learn_target(read_table({"y": ["1.5", "2.5", "1e300"]}).frame["y"], "regression", None)
