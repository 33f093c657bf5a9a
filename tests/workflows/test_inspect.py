"""How data is read, for every task: as JSON, as lines and as a page."""

import json

import numpy as np
import polars as pl
import pytest

from applied_dl import cli
from applied_dl.tasks import TASKS
from applied_dl.workflows import recipes
from applied_dl.workflows.inspect import inspect_data


@pytest.mark.parametrize("task", TASKS)
def test_the_built_in_data_of_every_task_is_described(task, tmp_path):
    recipe = recipes.read_recipe(task)
    report = inspect_data(recipe, tmp_path / "page.html")
    assert report["summary"]
    assert sum(report["parts"].values()) > 0
    assert report["columns"]
    for column in report["columns"]:
        assert column["name"]
        assert 0 <= column["missing"] <= 1
        section, _, key = column["key"].partition(".")
        assert not key or hasattr(getattr(recipe, section), key), column["key"]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<table>" in page
    assert "<script" not in page


def _messy(folder):
    random = np.random.default_rng(0)
    x = random.normal(size=400)
    x[3] = 80.0
    table = {
        "row": np.arange(400),
        "size": [None if i % 4 == 0 else v for i, v in enumerate(x)],
        "secret": 3 * np.arange(400) % 7 + 0.0,
        "colour|of": [("red", "green", "blue")[i % 3] for i in range(400)],
        "one": [1.0] * 400,
        "price": 3 * np.arange(400) % 7 + 0.0,
    }
    pl.DataFrame(table).write_csv(folder / "table.csv")
    return folder / "table.csv"


def test_missing_values_outliers_leaks_and_dropped_columns_are_reported(tmp_path, capsys):
    source = str(_messy(tmp_path))
    arguments = [source, "--task", "tabular", "--set", "data.target=price", "--set", "data.kind=regression", "--quiet"]
    assert cli.main(["inspect", *arguments, "--json", "--out", str(tmp_path / "page.html")]) == 1
    report = json.loads(capsys.readouterr().out)
    columns = {column["name"]: column for column in report["columns"]}
    assert columns["price"]["kind"] == "target"
    assert columns["size"]["missing"] == pytest.approx(0.25, abs=0.05)
    assert columns["size"]["outliers"] <= 1
    assert columns["one"]["kind"] == "dropped"
    assert columns["colour|of"]["kind"] == "category"
    assert any(finding["name"] == "leakage" for finding in report["findings"])
    assert "colour|of" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert cli.main(["doctor", *arguments]) == 1
    lines = capsys.readouterr().out
    assert "leakage" in lines
    assert "missing 2" in lines


def test_a_recipe_and_a_bundle_state_their_task(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text('task = "tabular"\n[data]\nsource = "wine"\n')
    bundle = trained("tabular").bundle
    for what in ("r.toml", "tabular", str(bundle)):
        assert cli.main(["inspect", what, "--json", "--quiet"]) in (0, 1)
        report = json.loads(capsys.readouterr().out)
        assert report["task"] == "tabular"
        assert (report["source"] == "wine") == (what == "r.toml")
    assert cli.main(["inspect", "r.toml", "--task", "image"]) == 2
    assert "is of the task 'tabular'" in capsys.readouterr().err
    assert cli.main(["inspect", str(_messy(tmp_path))]) == 2
    assert "add --task, one of image, tabular" in capsys.readouterr().err


def test_data_that_cannot_be_read_is_one_sentence(tmp_path, capsys):
    assert cli.main(["inspect", str(tmp_path / "none.csv"), "--task", "tabular"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_rows_that_repeat_because_values_are_few_are_no_finding(tmp_path):
    random = np.random.default_rng(0)
    a, b = random.integers(0, 5, 600), random.integers(0, 6, 600)
    pl.DataFrame({"a": a, "b": b, "bought": np.where(random.random(600) < 0.2 + 0.1 * a, "yes", "no")}).write_csv(tmp_path / "survey.csv")
    report = inspect_data(recipes.read_recipe("tabular", {"data.source": str(tmp_path / "survey.csv"), "data.target": "bought"}))
    assert not {finding["name"] for finding in report["findings"]} & {"conflicting_labels", "shared_rows"}
