"""Scores of tables by slice of the rows."""

import pytest

from applied_dl.tasks.tabular.scores import SMALLEST_SLICE, score_table
from tests.tasks.tabular.tables import prepared_with


def test_slices_are_levels_empty_cells_and_sizes_of_the_prediction(table):
    _, prepared = prepared_with(table)
    found = score_table({"prediction": prepared.test.target + 1}, prepared.test, prepared.encoder).slices
    assert {"kind = a", "the lowest third of the predictions", "the highest third of the predictions"} <= set(found)
    assert all(one.value == pytest.approx(1) and one.rows >= SMALLEST_SLICE for one in found.values())
