"""A table in batches is the table: the same cells, names of rows, decimal marks; cut only where rows end."""

import gzip
import string

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.core.errors import DataError
from applied_dl.io import batches
from applied_dl.io.batches import can_batch, table_batches
from applied_dl.io.tables import read_table

CELLS = st.text(alphabet=string.ascii_letters + '0123456789 ,;"\n.é€', max_size=12)


def joined(path, size):
    """The batches as one frame, and the names of all rows."""
    tables = [batch.read() for batch in table_batches(path, size)]
    return pl.concat([table.frame for table in tables]), [table.where(i) for table in tables for i in range(len(table))], tables


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, st.integers(-9, 9)), min_size=4, max_size=40), size=st.integers(64, 700))
def test_batches_hold_what_the_whole_file_holds(tmp_path_factory, rows, size):
    path = tmp_path_factory.mktemp("batches") / "table.csv"
    pl.DataFrame([("w" + a, b, c) for a, b, c in rows], schema=["name", "note", "count"], orient="row").write_csv(path)
    whole = read_table(path, header="guess")
    frame, names, tables = joined(path, size)
    assert frame.equals(whole.frame)
    assert names == [whole.where(i) for i in range(len(whole))]
    assert [table.cut for table in tables] == [(i > 0, i < len(tables) - 1) for i in range(len(tables))]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("kind", ["semicolons", "blanks", "preamble", "bare", "cp1252", "names in cp1252", "gz", "empty lines"])
def test_forms_of_csv(tmp_path, kind, ending):
    lines = ["city;temperature", *(f"Köln {i};{i},5" for i in range(200))]
    if kind == "blanks":
        lines = ["place   value", *(f"p{i}    {i}.5" for i in range(200))]
    if kind == "preamble":
        lines = ["Weather report", "", *lines]
    if kind == "names in cp1252":
        lines[0] = "größe;temperature"
    if kind == "bare":
        lines = [f"{i}.25;{i * 7 % 13}" for i in range(200)]
    if kind == "empty lines":
        lines = [line for pair in zip(lines, [""] * len(lines)) for line in pair]
    raw = (ending.join(lines) + ending).encode("cp1252" if "cp1252" in kind else "utf-8")
    path = tmp_path / ("t.csv.gz" if kind == "gz" else "t.csv")
    path.write_bytes(gzip.compress(raw) if kind == "gz" else raw)
    whole = read_table(path, header="guess")
    frame, names, tables = joined(path, 512)
    assert len(tables) > 2
    assert frame.equals(whole.frame)
    assert names == [whole.where(i) for i in range(len(whole))]
    assert {table.decimal for table in tables} == {whole.decimal}


def test_parquet_and_json_lines(tmp_path):
    frame = pl.DataFrame({"a": range(1000), "b": [f"t{i}" if i % 3 else None for i in range(1000)]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_ndjson(tmp_path / "t.jsonl")
    assert joined(tmp_path / "t.parquet", 0)[0].equals(frame)
    found, _, tables = joined(tmp_path / "t.jsonl", 2048)
    assert found.equals(frame)
    assert len(tables) > 2


def test_files_that_cannot_be_cut_are_read_whole(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n".encode("utf-16"))
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "t.json").write_text("[]")
    assert not any(can_batch(tmp_path / name) for name in ("t.csv", "t.xlsx", "t.json", "none.csv", "."))


def test_json_lines_may_lack_a_key_of_the_first_ones(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": 2}\n' * 100 + '{"a": 1}\n' * 100)
    tables = [batch.read() for batch in table_batches(tmp_path / "t.jsonl", 512)]
    assert {tuple(table.columns) for table in tables} == {("a", "b")}
    assert sum(table.frame["b"].null_count() for table in tables) == 100


def test_the_first_json_lines_may_lack_a_key_of_later_ones(tmp_path):
    lines = ['{"a": 1, "n": {"x": 2}}\n'] * 100 + ['{"a": 1, "n": {"x": 2}, "say": "\\"no\\": 1", "b": 2}\n'] * 100 + ['{"c": null}\n'] * 90
    (tmp_path / "t.jsonl").write_text("".join(lines))
    tables = [batch.read() for batch in table_batches(tmp_path / "t.jsonl", 512)]
    assert {frozenset(table.columns) for table in tables} == {frozenset(("a", "n.x", "say", "b", "c"))}
    assert sum(table.frame["b"].null_count() for table in tables) == 190
    assert sum(len(table) for table in tables) == 290


@pytest.mark.parametrize(
    "later",
    [
        '{"b": 1}',
        '{"a": "b", "b": 1}',
        '{"n": {"b": 2}}\n{"b": 1}',
        '{"n": {"b": 2}, "b": {}}\n{"b": 1}',
        '{"\\u0062": 1}',
        '{"b": NaN}',
        '{"a": "caf\\u00e9"}\n{ "b" : null }',
    ],
)
def test_a_later_key_is_found_however_it_is_written(tmp_path, later):
    """Also where the same word is a value or a key within an object before."""
    (tmp_path / "t.jsonl").write_text('{"a": "b", "n": {"b": 3}}\n' * 60 + later + "\n" + '{"a": 2}\n' * 60)
    for batch in table_batches(tmp_path / "t.jsonl", 512):
        assert {"a", "n.b", "b"} == set(batch.read().columns)


@pytest.mark.parametrize(("above", "row"), [("", '1,"x\n\ny"\n'), ("Weather report\n\n", "1,2\n")])
def test_a_damaged_row_is_named_by_its_line_in_the_file(tmp_path, above, row):
    path = tmp_path / "t.csv"
    path.write_text(f"{above}a,b\n" + row * 500 + "1,2,3\n" + "1,2\n" * 500)
    line = path.read_text().split("\n").index("1,2,3") + 1
    for read in (lambda: joined(path, 512), lambda: read_table(path)):
        with pytest.raises(DataError, match=f"line {line}: 3 cells, more cells than the header"):
            read()
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="0 rows"):
        joined(path, 512)
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n' * 500 + '{"a": \n' + '{"a": 1}\n' * 500)
    with pytest.raises(DataError, match="line 501: Expecting value"):
        joined(path, 512)


@given(st.lists(st.sampled_from([b"a,b", b"", b"\r", b"c\r"]), max_size=12))
def test_empty_lines_are_counted(lines):
    block = b"".join(line + b"\n" for line in lines)
    assert batches._empty_lines(block) == sum(line in (b"", b"\r") for line in lines)
