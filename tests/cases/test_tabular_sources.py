"""Tables from where people keep them: workbooks, SQLite, Arrow, and objects of libraries that are recognised by their methods."""

import datetime
import json
import sqlite3
import zipfile

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular import predict, task
from applied_dl.workflows import recipes

ROWS = {"name": ["a", "b", None], "size": [1.5, 2.5, None], "day": [datetime.date(2024, 1, 31)] * 3}
FRAME = pl.DataFrame(ROWS)
CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(path, sheets: dict[str, list[list]]):
    """A minimal .xlsx file."""

    def cell(value):
        if value is None:
            return "<c/>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>' if isinstance(value, str) else f'<c t="n"><v>{value}</v></c>'

    names = list(sheets)
    parts = "".join(f'<Override PartName="/xl/worksheets/s{i}.xml" ContentType="{KIND}.worksheet+xml"/>' for i in range(len(names)))
    listed = "".join(f'<sheet name="{name}" sheetId="{i + 1}" r:id="r{i}"/>' for i, name in enumerate(names))
    linked = "".join(f'<Relationship Id="r{i}" Type="{RELATION}/worksheet" Target="worksheets/s{i}.xml"/>' for i in range(len(names)))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{CONTENT}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>{parts}</Types>',
        )
        link = f'<Relationship Id="r" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/>'
        file.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}">{link}</Relationships>')
        file.writestr("xl/workbook.xml", f'<workbook xmlns="{SHEET}" xmlns:r="{RELATION}"><sheets>{listed}</sheets></workbook>')
        file.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{linked}</Relationships>')
        for i, name in enumerate(names):
            rows = "".join("<row>" + "".join(map(cell, row)) + "</row>" for row in sheets[name])
            file.writestr(f"xl/worksheets/s{i}.xml", f'<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>')
    return path


def test_a_workbook_is_read(tmp_path):
    pytest.importorskip("fastexcel")
    path = workbook(tmp_path / "t.xlsx", {"Data": [["a", "b", "c"], [1, "x", None], [2.5, None, None], [None, None, None]], "Empty": []})
    table = read_table(path)
    assert table.frame.select("a", "b").to_dict(as_series=False) == {"a": [1.0, 2.5], "b": ["x", None]}
    assert table.where(0).endswith("row 2")


def test_a_legend_beside_the_table_is_reported_and_not_in_the_way(tmp_path, capsys):
    pytest.importorskip("fastexcel")
    rows = [["age", "income", "default"], *([i, 10 * i, i % 2] for i in range(1, 80))]
    path = workbook(tmp_path / "t.xlsx", {"Legend": [["Column", "Meaning"], ["age", "years"], ["income", "a month"]], "Data": rows})
    assert read_table(path).frame.shape == (79, 3)
    assert "sheet 'Data' is read; 'Legend' holds little beside it" in capsys.readouterr().err
    path = workbook(tmp_path / "years.xlsx", {"2023": rows, "2024": rows[:6]})  # the start of a year, not a legend
    with pytest.raises(DataError, match="several sheets"):
        read_table(path)


def test_the_sheet_of_several_is_named(tmp_path):
    pytest.importorskip("fastexcel")
    path = workbook(tmp_path / "t.xlsx", {"One": [["a"], [1]], "Two": [["b"], [2]]})
    assert read_table(path, sheet="Two").columns == ["b"]
    with pytest.raises(DataError, match="several sheets: 'One', 'Two'; name one in data.sheet, or save it as a file of its own"):
        read_table(path)
    with pytest.raises(UsageError, match="no sheet 'Tow'.*Did you mean 'Two'"):
        read_table(path, sheet="Tow")
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "bad.xlsx")
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(UsageError, match="is for workbooks"):
        read_table(tmp_path / "t.csv", sheet="One")


def test_a_database_is_read(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (day TEXT, amount REAL, note TEXT)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", [("2024-01-01", 1.5, None), ("2024-01-02", 2, "late")])
    connection.close()
    for address in (f"sqlite:///{path}", f"sqlite:///{path}?sales", f"sqlite:///{path}?SELECT * FROM sales ORDER BY day"):
        assert read_table(address).frame.to_dict(as_series=False) == {
            "day": ["2024-01-01", "2024-01-02"], "amount": [1.5, 2.0], "note": [None, "late"],
        }  # fmt: skip
    for address, words in (
        (f"sqlite:///{path}?slaes", "no such table"),
        (f"sqlite:///{path}?DELETE FROM sales", "readonly|gives no rows"),
        (f"sqlite:///{path}?SELECT * FROM sales WHERE 0", "gives no rows"),
        (f"sqlite:///{tmp_path}/none.db?sales", "no database"),
    ):
        with pytest.raises(DataError, match=words):
            read_table(address)


class Relation:
    """As a DuckDB relation: hands over a polars frame."""

    columns = ["name"]  # noqa: RUF012

    def pl(self):
        return FRAME


class Dataset:
    """As a Hugging Face dataset."""

    column_names = FRAME.columns
    features = None

    def to_polars(self):
        return FRAME


class Arrow:
    """As anything that exports an Arrow stream."""

    def __arrow_c_stream__(self, schema=None):
        return FRAME.__arrow_c_stream__(schema)


@pytest.mark.parametrize("source", [FRAME.lazy(), Relation(), Dataset(), Arrow(), FRAME.to_dicts(), ROWS])
def test_objects_of_other_libraries_are_tables(source):
    assert read_table(source).frame.to_dict(as_series=False) == ROWS


def test_an_arrow_table_is_a_table():
    arrow = pytest.importorskip("pyarrow")
    assert read_table(arrow.table({"a": [1, None], "b": ["x", "y"]})).frame.to_dict(as_series=False) == {"a": [1, None], "b": ["x", "y"]}


def test_what_is_no_table_is_refused():
    with pytest.raises(DataError, match="a dict of datasets"):
        read_table({"train": Dataset(), "test": Dataset()})
    with pytest.raises(DataError, match="received float"):
        read_table(3.5)


@pytest.mark.slow
def test_arrow_trains_and_several_targets_lists_and_texts_are_predicted(tmp_path):
    import applied_dl

    random = np.random.default_rng(0)
    n = 300
    frame = pl.DataFrame({
        "class": random.normal(size=n), "numbers": random.normal(size=n), "größe": [f"{v:.1f} kg" for v in random.uniform(1, 9, n)],
        "tags": ["|".join(random.choice(list("abcdefgh"), 3, replace=False)) for _ in range(n)],
        "text": [" ".join(random.choice(["good", "bad", "fine", "slow", "fast", "red", "blue"], 6)) + f" n{i}" for i in range(n)],
    })  # fmt: skip
    frame = frame.with_columns(heat=pl.col("class") * 2, cool=pl.col("numbers") - 1)

    class Exported:
        def __arrow_c_stream__(self, schema=None):
            return frame.__arrow_c_stream__(schema)

    run = applied_dl.train(
        "tabular", out=tmp_path / "b", data={"source": Exported(), "target": ["heat", "cool"]}, model={"name": "linear"},
        train={"epochs": 3}, export={"formats": ["tflite"], "variants": ["fp32", "int8_weights"]},
    )  # fmt: skip
    (row,) = applied_dl.load(run.bundle).predict(frame[:1].to_dicts())
    assert {"heat", "cool"} <= set(row)
    assert row["heat"]["lower"] <= row["heat"]["prediction"] <= row["heat"]["upper"]
    assert {"r2", "rmse of heat", "coverage of cool"} <= set(run.metrics["test"])


def test_two_columns_of_one_name_are_told_apart(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b,a,a_2\n1,2,3,4\n")
    assert read_table(tmp_path / "t.csv").columns == ["a", "b", "a_2_", "a_2"]
    assert "several columns have the same name" in capsys.readouterr().err


def test_a_database_is_recognised_whatever_its_name(tmp_path):
    with sqlite3.connect(tmp_path / "sales.db") as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.execute("INSERT INTO t VALUES (1, 'x')")
    assert read_table(tmp_path / "sales.db").frame.rows() == [(1, "x")]


def test_rows_above_the_header_of_a_sheet_are_skipped(tmp_path):
    pytest.importorskip("fastexcel")
    rows = [["Report of 2024", None, None], [None, None, None], ["a", "b", "c"], [1, "x", 2], [2, "y", 3]]
    found = read_table(workbook(tmp_path / "t.xlsx", {"Data": rows})).frame
    assert found.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"], "c": [2, 3]}


@pytest.mark.parametrize("blank", [0, 3])
@pytest.mark.parametrize("above", [[], [["Report of 2024", None, None], [None, None, None]]])
def test_rows_are_named_as_in_the_sheet(above, blank, tmp_path, capfd):
    """Below blank rows, a title and an empty row within the table; an empty column says nothing."""
    pytest.importorskip("fastexcel")
    rows = [[None] * 3] * blank + above + [["a", "b", None, "c"], [1, "x", None, 2], [None] * 4, [2, "y", None, 3]]
    table = read_table(workbook(tmp_path / "t.xlsx", {"Data": rows}))
    assert table.frame.rows() == [(1, "x", 2), (2, "y", 3)]
    first = blank + len(above) + 2
    assert [table.where(row).rpartition(" ")[2] for row in range(2)] == [str(first), str(first + 2)]
    assert table.take(np.array([1])).where(0).endswith(f"row {first + 2}")
    says = capfd.readouterr().err
    assert ("2 rows above the table skipped" in says) == bool(above)
    assert "dtype" not in says


def test_lists_of_objects_and_nested_rows_are_read_alike_in_training_and_prediction(tmp_path):
    random = np.random.default_rng(0)
    names = ["Action", "Drama", "Comedy", "Crime", "Family"]
    lists = [[names[i] for i in random.choice(5, random.integers(1, 4), replace=False)] for _ in range(200)]
    rows = [
        {"genres": [{"id": len(n), "name": n} for n in one], "size": {"w": i % 7, "h": i}, "y": len(one)} for i, one in enumerate(lists)
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = task.prepare(recipes.read_recipe({"task": "tabular", "data": {"source": str(tmp_path / "t.jsonl"), "target": "y"}}), None)
    kinds = {column.name: column.kind for column in found.encoder.columns}
    assert kinds == {"genres": "tags", "size.w": "number"}  # size.h counts the rows
    one = predict.encode(found.encoder, rows[:3])
    assert not one.errors
    levels = found.encoder.columns[0].levels
    assert [{n for n, on in zip(levels, row) if on} for row in one.inputs["genres"]] == [set(n) for n in lists[:3]]
