"""A column that names the part of each row splits the table, and is no feature."""

import numpy as np
import polars as pl
import pytest

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
