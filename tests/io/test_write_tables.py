"""Tables that are written are read again as they were; a cell of a sheet is never a formula."""

import datetime
import zipfile

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from applied_dl.core.errors import UsageError
from applied_dl.io import write_tables
from applied_dl.io.write_tables import FORMATS, check_format, write_table

FRAME = pl.DataFrame({
    "note": ["=1+1", "https://example.org", None, "007"], "value": [1.5, None, float("nan"), 1e300], "count": [1, 2, 3, None],
    "day": [datetime.date(2024, 2, 29)] * 4, "known": [True, False, None, True],
})  # fmt: skip
READ = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}


@pytest.mark.parametrize("form", [form for form in FORMATS if form in READ])
def test_rows_come_back(tmp_path, form):
    frame = FRAME.select("note", "count", "known")
    write_table(frame, tmp_path / f"t{form}")
    more = {"schema": frame.schema} if form != ".parquet" else {}
    assert_frame_equal(READ[form](tmp_path / f"t{form}", **more), frame)
    assert [path.name for path in tmp_path.iterdir()] == [f"t{form}"]


def test_a_sheet_holds_texts_numbers_days_and_no_formula(tmp_path):
    pytest.importorskip("fastexcel")
    path = tmp_path / "t.xlsx"
    write_table(FRAME, path)
    found = pl.read_excel(path)
    assert found["note"].to_list() == FRAME["note"].to_list()
    assert found["count"].to_list() == [1, 2, 3, None]
    assert found["day"].to_list() == FRAME["day"].to_list()
    assert found["value"][0] == 1.5
    with zipfile.ZipFile(path) as file:
        sheet = file.read("xl/worksheets/sheet1.xml")
    assert b"<f>1+1" not in sheet
    assert b"hyperlink" not in sheet


def test_rows_that_a_sheet_cannot_hold_are_in_the_next_one(tmp_path, monkeypatch):
    pytest.importorskip("fastexcel")
    monkeypatch.setattr(write_tables, "MOST_ROWS", 3)
    write_table(FRAME.select("note", "count"), tmp_path / "t.xlsx")
    sheets = pl.read_excel(tmp_path / "t.xlsx", sheet_id=0)
    assert {name: sheet["note"].to_list() for name, sheet in sheets.items()} == {"rows": FRAME["note"].to_list()[:3], "rows 2": ["007"]}


def test_other_names_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"must end in .csv, .parquet, .jsonl or .xlsx"):
        check_format(tmp_path / "t.ods")
