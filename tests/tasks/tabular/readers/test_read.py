"""No row is on two sides of a split, and columns and shares that contradict each other are named."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.encoder import encode
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import learned, recipe


def test_duplicates_groups_and_time_stay_in_one_part(tmp_path):
    n = 200
    frame = {
        "x": [i // 2 % 97 for i in range(n)],
        "who": [f"g{i // 5}" for i in range(n)],
        "t": list(range(n)),
        "y": [i // 2 % 97 * 0.5 for i in range(n)],
    }
    pl.DataFrame(frame).write_csv(tmp_path / "t.csv")
    source = {"source": str(tmp_path / "t.csv"), "target": "y"}

    def parts(**data):
        found = task.prepare(recipes.read_recipe({"task": "tabular", "data": {**source, **data}}), tmp_path)
        return [set(getattr(found, name).inputs["x"].tolist()) for name in ("train", "validation", "test")], found

    (a, b, c), found = parts(ignore=["who", "t"])
    assert not (a | b) & c  # rows that are alike are on one side
    assert not a & b
    assert found.facts["duplicates"] > 0
    ordered = parts(order="t", ignore=["who"])[1]
    assert ordered.train.target.max() <= 0.5 * 97
    assert "who" not in {c.name for c in parts(group="who")[1].encoder.columns}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"group": "zz"}, "has no column 'zz' (data.group)"),
        ({"order": "zz"}, "has no column 'zz' (data.order)"),
        ({"group": "kind", "order": "when"}, "data.group and data.order both decide"),
        ({"split": [0.8, 0.0, 0.2]}, "data.split has no share for validation"),
        ({"split": [0.8, 0.2, 0.0]}, "data.split has no share for test"),
        ({"numeric": ["price"]}, "data.numeric names 'price', which is the target"),
        ({"group": "price"}, "data.group names 'price', which is the target"),
        ({"numeric": ["small"], "categorical": ["small"]}, "data.numeric and data.categorical both name the column 'small'"),
    ],
)
def test_columns_and_shares_that_contradict_each_other_are_refused(table, data, says):
    with pytest.raises(UsageError) as error:
        task.prepare(recipe(table, data=data), None)
    assert says in str(error.value)


def test_rows_that_differ_in_an_identifier_only_stay_together(tmp_path):
    random, n = np.random.default_rng(0), 200
    once = {"x": random.normal(size=n), "y": random.normal(size=n)}
    frame = pl.DataFrame({"id": np.arange(2 * n), **{name: np.tile(values, 2) for name, values in once.items()}})
    frame.write_csv(tmp_path / "twice.csv")
    prepared = task.prepare(recipe(tmp_path / "twice.csv", data={"target": "y", "ignore": []}), None)
    assert prepared.facts["duplicates"] == n
    values = [set(part.inputs["x"].tolist()) for part in (prepared.train, prepared.validation, prepared.test)]
    assert sum(map(len, values)) == len(set.union(*values))


def test_measured_numbers_that_happen_to_differ_make_rows_of_a_small_table_different(tmp_path):
    random = np.random.default_rng(0)
    frame = {"days": random.choice(2500, 25, replace=False), "weeks": random.choice(900, 25, replace=False), "died": [0, 1] * 12 + [0]}
    pl.DataFrame(frame).write_csv(tmp_path / "few.csv")
    prepared = task.prepare(recipe(tmp_path / "few.csv", data={"target": "died", "ignore": []}), None)
    assert prepared.facts["duplicates"] == 0
    assert min(len(prepared.train), len(prepared.validation), len(prepared.test)) >= 3


def test_numbers_of_one_length_are_identifiers_of_copies(tmp_path):
    random = np.random.default_rng(0)
    once = {"x": random.normal(size=30), "died": [0, 1] * 15}
    policy = random.choice(9 * 10**8, 60, replace=False) + 10**8
    pl.DataFrame({"policy": policy} | {name: np.tile(values, 2) for name, values in once.items()}).write_csv(tmp_path / "twice.csv")
    assert task.prepare(recipe(tmp_path / "twice.csv", data={"target": "died", "ignore": []}), None).facts["duplicates"] == 30


def _prepared(tmp_path, frame, **data):
    pl.DataFrame(frame).write_csv(tmp_path / "t.csv")
    return task.prepare(recipe(tmp_path / "t.csv", data={"target": None, "ignore": [], **data}), None)


def test_a_target_that_nobody_named_is_reported(tmp_path):
    frame = {"a": [i % 7 for i in range(40)], "b": [i % 5 + i / 100 for i in range(40)]}
    guess = "data.target names no column, so the last one, 'b', is predicted; the others: 'a'"
    assert guess in _prepared(tmp_path, frame).warnings
    assert not any("data.target" in note for note in _prepared(tmp_path, frame, target="b").warnings)
    assert not any("data.target" in note for note in _prepared(tmp_path, {"b": frame["b"], "y": frame["a"]}).warnings)
    loud = _prepared(tmp_path, {**frame, "id": [i // 2 * 3 for i in range(40)]}).warnings
    assert loud[0].startswith("IMPORTANT: data.target names no column, so the last one, 'id'")
    with pytest.raises(DataError, match=r"different labels .*\(data.target names no column, so the last one, 'name', .*'a', 'b'\)"):
        _prepared(tmp_path, {**frame, "name": [f"house {i}" for i in range(40)]})


def test_most_rows_without_a_target_are_important(tmp_path):
    frame = {"x": list(range(0, 400, 2)), "y": [i % 9 if i % 4 == 0 else None for i in range(200)]}
    assert _prepared(tmp_path, frame).warnings[0].startswith("IMPORTANT: 150 of 200 rows have no 'y'")


def test_the_position_of_a_row_is_a_feature_only_under_a_name_of_its_own(tmp_path):
    line = {"x": list(range(60)), "y": [3.0 * i + i % 3 for i in range(60)]}
    assert [column.name for column in _prepared(tmp_path, line).encoder.columns] == ["x"]
    with pytest.raises(DataError, match=r"no usable feature beside the target 'y' \('rownames': it counts the rows\)"):
        _prepared(tmp_path, {"rownames": line["x"], "y": line["y"]})
    with pytest.raises(DataError, match=r"no usable feature beside the target 'y' \(it has no other column\)"):
        _prepared(tmp_path, {"y": line["y"]})


def test_names_of_the_rows_of_a_short_table_are_no_category(tmp_path):
    frame = {
        "land": [f"land of {i * 17 % 41}" for i in range(40)],
        "part": ["north", "south"] * 20,
        "x": [i % 11 for i in range(40)],
        "y": np.random.default_rng(0).normal(size=40),
    }
    found = _prepared(tmp_path, frame).encoder
    assert {column.name for column in found.columns} == {"part", "x"}
    assert "different texts" in found.dropped["land"]


@pytest.mark.parametrize("cell", [float("inf"), "-Inf"])
def test_infinities_of_any_number_are_empty_cells(cell):
    ratio = [cell if i % 20 == 0 else i * 0.37 % 5 for i in range(200)]
    found, notes = learned(
        {"ratio": pl.Series(ratio if isinstance(cell, float) else list(map(str, ratio))), "y": [i * 0.37 % 5 for i in range(200)]}
    )
    assert [(one.name, one.kind) for one in found.columns] == [("ratio", "number")]
    assert any(f"'{cell}' counts as missing" in one for one in notes)
    cells = encode(found, read_table(pl.DataFrame({"ratio": [cell, 1.0] if isinstance(cell, float) else [cell, "1.0"]})))
    assert not cells.errors
    assert np.isnan(cells.inputs["ratio"]).tolist() == [True, False]
