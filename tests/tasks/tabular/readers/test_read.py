"""No row is on two sides of a split, and columns and shares that contradict each other are named."""

import numpy as np
import polars as pl
import pytest

from applied_dl.core.errors import UsageError
from applied_dl.tasks.tabular import task
from applied_dl.workflows import recipes
from tests.tasks.tabular.tables import recipe


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
