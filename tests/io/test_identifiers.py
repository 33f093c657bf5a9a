"""Saved row numbers are found in short tables too, where the column is named like one."""

import numpy as np
import pytest

from applied_dl.io.identifiers import row_numbers
from applied_dl.io.tables import read_table


@pytest.mark.parametrize(("name", "rows", "found"), [("rownames", 8, True), ("Unnamed: 0", 5, True), ("id", 4, False), ("x", 12, False),
                                                     ("x", 30, True), ("year", 30, False)])  # fmt: skip
def test_row_numbers_by_name_and_length(name, rows, found):
    table = read_table({name: np.arange(rows) + 1, "y": np.arange(rows) % 3})
    assert (name in row_numbers(table)) == found
