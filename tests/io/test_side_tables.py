"""Small tables beside a table are left out; columns of the table behind an empty one stay."""

import polars as pl
import pytest

from applied_dl.io.side_tables import side_columns
from applied_dl.io.tables import read_table

LEGEND = [("Zustand", "Bedeutung"), ("A", "wie neu"), ("B", "gut")]


def _rows(count: int) -> list[list]:
    return [["Marke", "Zustand", "Preis"], *([f"m{i % 3}", "AB"[i % 2], 100 + i] for i in range(count))]


def _write(path, rows, start: int, beside, gap: int = 1) -> None:
    """A workbook or a CSV with `beside` in the rows from `start` on, behind `gap` empty columns."""
    rows = [[*row, *[None] * gap] for row in rows] + [[None] * (3 + gap) for _ in range(start + len(beside) - len(rows))]
    rows = [[*row, *(beside[i - start] if 0 <= i - start < len(beside) else [None] * len(beside[0]))] for i, row in enumerate(rows)]
    if path.suffix == ".csv":
        path.write_text("\n".join(";".join("" if cell is None else str(cell) for cell in row) for row in rows) + "\n")
        return
    workbook = pytest.importorskip("xlsxwriter").Workbook(str(path))
    sheet = workbook.add_worksheet()
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            sheet.write(i, j, cell)
    workbook.close()


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
@pytest.mark.parametrize(("start", "gap"), [(0, 1), (0, 3), (4, 1)])
def test_a_legend_is_left_out(tmp_path, capsys, suffix, start, gap):
    if suffix == ".xlsx":
        pytest.importorskip("fastexcel")
    path = tmp_path / f"bikes{suffix}"
    _write(path, _rows(30), start, LEGEND, gap)
    table = read_table(path)
    assert table.columns == ["Marke", "Zustand", "Preis"]
    assert len(table) == 30
    assert "a smaller table beside this one" in capsys.readouterr().err


def test_a_legend_longer_than_the_table_adds_no_rows(tmp_path):
    pytest.importorskip("fastexcel")
    _write(tmp_path / "two.xlsx", _rows(4), 0, [*LEGEND[:1], *[("C", None)] * 5])
    assert len(read_table(tmp_path / "two.xlsx")) == 4


def test_lines_without_the_cells_of_a_legend_are_whole(tmp_path):
    lines = ["a;b;;code;meaning", "1;2;;A;new", "3;4;;B;old", *(f"{i};{i + 1}" for i in range(5, 20))]
    (tmp_path / "short.csv").write_text("\n".join(lines) + "\n")
    table = read_table(tmp_path / "short.csv")
    assert table.columns == ["a", "b"]
    assert not table.short


@pytest.mark.parametrize("filled", [30, 20])
def test_a_column_of_the_table_behind_an_empty_one_stays(filled):
    cells = {"a": range(30), "b": range(30), "": [None] * 30, "target": [*range(filled), *[None] * (30 - filled)]}
    assert side_columns(pl.DataFrame({name: list(column) for name, column in cells.items()}), [""]) == []


def test_an_empty_column_with_a_name_separates_nothing():
    cells = pl.DataFrame({"a": list(range(9)), "b": [None] * 9, "note": ["x", *[None] * 8]})
    assert side_columns(cells, []) == []
