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


@pytest.mark.parametrize(("name", "form", "found"), [
    ("Auftrags-Nr.", "RE-{year}-{count:04d}", True), ("order_id", "A/{count}", True), ("id", "S{count:03d}", True),
    ("x", "RE-2024-{count:04d}", True),  # counts
    ("x", "RE-{year}-{count:04d}", False), ("id", "{letter}-{count}", False),  # a letter may say something
    ("Rechnung Nr", "{year}-01-{count:02d}", False),  # dates
])  # fmt: skip
def test_codes_of_several_numbers_are_identifiers(name, form, found):
    codes = [form.format(year=2023 + i // 15, count=i % 15 + 1 if "year" in form else i + 1, letter="AB"[i % 2]) for i in range(30)]
    table = read_table({name: codes, "y": np.arange(30) % 3})
    assert (name in row_numbers(table)) == found
