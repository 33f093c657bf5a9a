"""A column that names the part of each row splits the table, and is no feature."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import DataError
from applied_dl.io.tables import read_table
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.encoder import encode
from applied_dl.workflows import recipes

PARTS = ["train", "Train", "training", "val", "TEST", None]


def rows(column="split", parts=PARTS, n=120):
    x = np.arange(n) * 0.37 % 5
    return {"x": x, "y": 3 * x + np.arange(n) % 7, column: [parts[i % len(parts)] for i in range(n)]}


def prepared(frame, **data):
    recipe = recipes.read_recipe({"task": "tabular", "data": {"source": pl.DataFrame(frame), **data}})
    return task.prepare(recipe, None)


@pytest.mark.parametrize("column", ["split", "Set", "data_split", "partition"])
def test_a_column_of_parts_splits_the_rows(column):
    frame = rows(column)
    found = prepared(frame, target="y")
    expected = {"train": (0, 1, 2, 5), "validation": (3,), "test": (4,)}
    for name, turns in expected.items():
        own = np.array(frame["y"])[[i for i in range(120) if i % 6 in turns]]
        assert sorted(getattr(found, name).target.tolist()) == pytest.approx(sorted(own.tolist()))
    assert [one.name for one in found.encoder.columns] == ["x"]
    assert "its parts split the rows" in found.encoder.dropped[column]


def test_a_part_that_is_missing_is_cut_from_the_training_rows():
    found = prepared(rows(parts=["train", "train", "train", "test"]), target="y")
    assert len(found.test) == 30
    assert len(found.train) + len(found.validation) == 90
    assert len(found.validation) > 0


@pytest.mark.parametrize("data", [{"ignore": ["split"]}, {"categorical": ["split"]}])
def test_the_recipe_may_say_otherwise(data):
    frame = rows(parts=["train", "test", "val", "test"])
    assert len(prepared(frame, target="y", **data).test) != 60


@pytest.mark.parametrize(("column", "parts"), [("set", ["sofa", "chair"]), ("method", ["train", "test"]), ("fold", ["0", "1", "2"])])
def test_other_columns_stay_features(column, parts):
    frame = rows(column, parts)
    assert column in {one.name for one in prepared(frame, target="y").encoder.columns}


def test_a_new_row_needs_no_part():
    found = prepared(rows(), target="y")
    cells = encode(found.encoder, read_table(pl.DataFrame({"x": [1.0]})))
    assert list(cells.inputs) == ["x"]


def test_a_last_column_of_parts_is_no_target():
    frame = {"x": np.arange(120.0) % 7, "price": np.arange(120.0) % 7 + 0.5, "split": [PARTS[i % 6] for i in range(120)]}
    found = prepared(frame)
    assert found.encoder.target == "price"
    assert any("the last one, 'price', is predicted; the others: 'x', 'split'" in note for note in found.warnings)


def test_rows_to_predict_are_no_part():
    frame = rows(parts=["train", "train", "train", "test"])
    frame["y"] = [None if part == "test" else y for part, y in zip(frame["split"], frame["y"])]
    found = prepared(frame, target="y")
    assert len(found.train) + len(found.validation) + len(found.test) == 90
    assert "30 of 120 rows have no 'y' and are left out" in found.warnings


def test_training_rows_need_targets():
    frame = rows(parts=["train", "test"])
    frame["y"] = [None if part == "train" else y for part, y in zip(frame["split"], frame["y"])]
    with pytest.raises(DataError, match="'split' names for training has a 'y'"):
        prepared(frame, target="y")


def test_a_group_splits_instead_of_the_column():
    frame = rows() | {"who": [i // 4 for i in range(120)]}
    found = prepared(frame, target="y", group="who")
    assert [one.name for one in found.encoder.columns] == ["x"]
    assert found.encoder.dropped["split"] == "it names parts, and the recipe splits otherwise"


def test_files_split_instead_of_the_column(tmp_path):
    for name, part in (("a.csv", ["train", "val"]), ("b.csv", ["test"])):
        pl.DataFrame(rows(parts=part)).write_csv(tmp_path / name)
    recipe = {"task": "tabular", "data": {"train": str(tmp_path / "a.csv"), "test": str(tmp_path / "b.csv"), "target": "y"}}
    found = task.prepare(recipes.read_recipe(recipe), None)
    assert len(found.test) == 120
    assert [one.name for one in found.encoder.columns] == ["x"]


def test_a_label_of_the_test_part_alone_is_refused():
    frame = rows(parts=["train", "test"]) | {"y": ["a", "c", "b", "c"] * 30}
    with pytest.raises(DataError, match="The test part has 1 label of 'y' that the training part lacks: 'c'"):
        prepared(frame, target="y")
