"""Several rows of one person are reported, and counts or heights under such a name are not."""

import numpy as np
import polars as pl
import pytest

from applied_dl.tasks.tabular import task
from tests.tasks.tabular.tables import recipe

RANDOM = np.random.default_rng(0)
WHO = np.repeat(np.arange(40), 5)


def notes(tmp_path, name, values, **data):
    frame = pl.DataFrame({name: values, "x": RANDOM.normal(size=len(values)), "price": RANDOM.normal(size=len(values))})
    frame.write_csv(tmp_path / "t.csv")
    prepared = task.prepare(recipe(tmp_path / "t.csv", data={"ignore": [], **data}), None)
    return [note for note in prepared.warnings if "data.group" in note]


@pytest.mark.parametrize("name", ["id", "Patient", "customer_id", "childID", "subject no"])
def test_rows_of_one_person_train_and_test(tmp_path, name):
    assert notes(tmp_path, name, WHO) == [
        f"the 200 rows are of 40 different {name!r}, and rows of the same one train and test: the scores hold for more rows of these. "
        f"If new ones are to be predicted, set data.group = {name!r}"
    ]


def test_a_group_or_an_order_leaves_nothing_to_say(tmp_path):
    assert not notes(tmp_path, "id", WHO, group="id")
    assert not notes(tmp_path, "id", WHO, order="x")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("students", WHO),  # how many
        ("height", WHO),
        ("child", 60 + WHO / 8 + 0.01),  # its height
        ("id", WHO % 4),  # four of them: each is known well
        ("id", np.r_[np.zeros(120, int), np.arange(80)]),  # most have one row
    ],
)
def test_counts_and_sizes_are_no_persons(tmp_path, name, values):
    assert not notes(tmp_path, name, values)
