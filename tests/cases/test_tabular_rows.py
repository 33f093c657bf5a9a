"""Rows of tables that are no rows of data, or the same row again: totals, units, copies."""

import numpy as np
import polars as pl

from applied_dl.io.identifiers import copy_keys
from applied_dl.tasks.tabular import predict, task
from applied_dl.tasks.tabular.readers.read import read_part
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import prepare

RANDOM = np.random.default_rng(1)
N = 600


def test_natural_repeats_are_no_copies_and_copies_stay_together():
    answers = pl.DataFrame({f"q{j}": RANDOM.choice(["yes", "no"], 2000) for j in range(4)})
    _, copies, repeats = copy_keys(answers)
    assert (copies, repeats) == (0, 2000)
    numbers = pl.DataFrame({"a": RANDOM.normal(size=300), "b": RANDOM.choice(["x", "y"], 300)})
    keys, copies, repeats = copy_keys(pl.concat([numbers, numbers[:50]]))
    assert (copies, repeats) == (50, 0)
    assert (keys[:50] == keys[300:]).all()


def test_a_survey_of_few_combinations_is_split():
    x = RANDOM.integers(0, 2, (2000, 3))
    prepared = prepare({**{f"q{j}": np.where(x[:, j], "yes", "no") for j in range(3)}, "y": np.where(x.sum(1) > 1, "yes", "no")})
    assert [len(prepared.train), len(prepared.validation), len(prepared.test)] == [1280, 320, 400]
    assert prepared.facts["natural_repeats"] == 2000


def test_a_table_of_which_much_is_dropped_says_so_first():
    names = [f"person {i}" for i in range(N)]
    prepared = prepare({"name": names, "code": [f"c{i}" for i in range(N)], "x": RANDOM.normal(size=N), "y": RANDOM.normal(size=N)})
    assert prepared.warnings[0].startswith("IMPORTANT: 2 of 3 columns are not used")
    assert "data.categorical" in prepared.warnings[0]


def test_a_row_of_totals_and_a_row_of_units_are_left_out(tmp_path):
    rows = [f"{i % 17 + 0.5},{'abc'[i % 3]},{i * 7 % 50}" for i in range(60)]
    plain, both = tmp_path / "plain.csv", tmp_path / "both.csv"
    plain.write_text("\n".join(["x,c,y", *rows]))
    both.write_text("\n".join(["x,c,y", "[m],[-],[EUR]", *rows, "Total,,1470"]))
    found = [task.prepare(recipes.read_recipe({"task": "tabular", "data": {"source": str(path)}}), None) for path in (plain, both)]
    assert found[0].fingerprint == found[1].fingerprint
    assert "row of totals" in found[1].warnings[0]
    assert any("units of the columns" in note for note in found[1].warnings)


def test_totals_and_units_of_each_file_are_left_out(tmp_path):
    rows = [f"{i % 17 + 0.5},{'abc'[i % 3]},{i * 7 % 50}" for i in range(60)]
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,c,y", "[m],[-],[EUR]", *rows, ",Summe,1470"]))
    data = {"target": "y", "train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    prepared = task.prepare(recipes.read_recipe({"task": "tabular", "data": data}), None)
    assert len(prepared.train.target) + len(prepared.validation.target) == len(prepared.test.target) == 60
    assert sum("row of totals" in note for note in prepared.warnings) == 2


def test_rows_of_totals_and_units_are_not_scored_and_answered_by_an_error(tmp_path):
    rows = [f"{i % 17 + 0.5},{'abc'[i % 3]},{i * 7 % 50}" for i in range(60)]
    path = tmp_path / "new.csv"
    path.write_text("\n".join(["x,c,y", "[m],[-],[EUR]", *rows, ",Total,1470"]))
    recipe = recipes.read_recipe({"task": "tabular", "data": {"source": str(path)}})
    encoder = task.prepare(recipe, None).encoder
    scored = read_part(encoder, str(path), recipe.data)
    assert len(scored.target) == 60
    assert any("row of totals" in note for note in scored.warnings)
    found = predict.encode(encoder, [str(path)])
    assert found.kept == list(range(1, 61))
    assert "row of totals" in found.errors[61]
    assert "units" in found.errors[0]
