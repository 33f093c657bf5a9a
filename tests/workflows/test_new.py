"""`applied-dl new`: the recipe describes the data, proposes keys, and reads back."""

import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from applied_dl.cli import main
from applied_dl.core.errors import UsageError
from applied_dl.tasks import TASKS, main_keys
from applied_dl.workflows import recipes
from applied_dl.workflows.new import describe_source, write_recipe


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("task", TASKS)
def test_the_recipe_of_every_task_reads_back_as_its_defaults(task):
    path = write_recipe(task, "mine")
    assert path == Path("pipelines/mine.toml")
    assert recipes.read_recipe(path) == recipes.read_recipe(task)
    first = path.read_text().split("# All other keys")[0]
    assert all(f"{key} =" in first for key in main_keys(task))
    assert 8 <= len(main_keys(task)) <= 12


def test_a_table_is_described_and_its_target_proposed():
    rows = np.arange(50)
    pl.DataFrame({"size": rows + 20.5, "city": [["Ulm", "Köln", None][i % 3] for i in rows], "price": rows * 1000}).write_csv("homes.csv")
    text = write_recipe("tabular", "homes", "homes.csv").read_text()
    assert "# homes.csv: 50 rows, 3 columns" in text
    assert "2 different texts" in text
    assert "32% missing" in text
    assert "e.g. 20.5, 21.5, 22.5" in text
    assert "← data.target" in next(line for line in text.splitlines() if "price" in line)
    assert tomllib.loads(text)["data"] == {**tomllib.loads(text)["data"], "source": "homes.csv", "target": "price"}


def test_the_columns_of_a_series_are_proposed():
    times = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 6, 30), eager=True)
    pl.DataFrame({"Datum": times, "Umsatz": np.arange(len(times)) % 7 + 10.0}).write_csv("shop.csv")
    recipe = recipes.read_recipe(write_recipe("forecast", "shop", "shop.csv"))
    assert (recipe.data.time, recipe.data.target) == ("Datum", "Umsatz")


def test_the_columns_of_labeled_texts_are_proposed():
    rows = [{"id": i, "body": f"It was a day number {i} of the year.", "category": ["good", "bad"][i % 2]} for i in range(60)]
    pl.DataFrame(rows).write_csv("texts.csv")
    recipe = recipes.read_recipe(write_recipe("sentences", "texts", "texts.csv"))
    assert (recipe.data.kind, recipe.data.column, recipe.data.target) == ("labelled", "body", "category")
    assert recipes.read_recipe(write_recipe("words", "words", "texts.csv")).data.column == "body"


def test_a_folder_is_described_by_its_files():
    for name in ("cats/a.jpg", "cats/b.jpg", "dogs/c.png", ".hidden/d.png"):
        Path("photos", name).parent.mkdir(parents=True, exist_ok=True)
        Path("photos", name).write_bytes(b"x")
    lines = describe_source("photos")
    assert lines[0] == "photos: 3 files in 2 folders"
    assert [line.split() for line in lines[1:]] == [["cats", "2", ".jpg"], ["dogs", "1", ".png"]]


def test_what_cannot_be_read_is_written_into_the_recipe_and_stops_nothing(capsys):
    Path("broken.csv").write_text("a,b\n1,2,3\n")
    assert main(["new", "tabular", "broken", "--data", "broken.csv"]) == 0
    assert "more cells than the header" in capsys.readouterr().err
    recipe = Path("pipelines/broken.toml").read_text()
    assert "Before training: " in recipe
    assert recipe.count("more cells than the header") == 1
    assert recipes.read_recipe("pipelines/broken.toml").data.source == "broken.csv"


def test_data_that_is_not_there_yet_is_reported_and_no_obstacle(capsys):
    assert recipes.read_recipe(write_recipe("image", "later", "photos/to/come")).data.source == "photos/to/come"
    assert "there is nothing at 'photos/to/come'" in capsys.readouterr().err
    for name, source in (("a", "digits"), ("b", "tfds:mnist"), ("c", None)):
        write_recipe("image", name, source)
    assert "nothing" not in capsys.readouterr().err


def test_a_name_with_a_line_break_in_a_column_cannot_break_the_recipe():
    pl.DataFrame({"a\nb = 3": ["x\ny", "z"], "target": [1, 2]}).write_csv("odd.csv")
    assert recipes.read_recipe(write_recipe("tabular", "odd", "odd.csv")).data.target == "target"


def test_wrong_names_are_refused():
    write_recipe("image", "one")
    for name, message in (("one", "exists already"), ("a/../b", "not the name of a recipe")):
        with pytest.raises(UsageError, match=message):
            write_recipe("image", name)
    with pytest.raises(UsageError, match="Did you mean 'image'"):
        write_recipe("imgae", "two")


def test_what_a_table_read_twice_says_is_printed_once(tmp_path, capsys):
    cells = "a,a,y\n" + "\n".join(f"{i},{i * 2},{i % 3}" for i in range(30))  # a name that comes twice is reported
    (tmp_path / "t.csv").write_text(cells)
    write_recipe("tabular", str(tmp_path / "mine.toml"), str(tmp_path / "t.csv"))
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warnings
    assert len(warnings) == len(set(warnings))
