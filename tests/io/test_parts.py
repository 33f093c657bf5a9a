"""Names of the parts of a split, of folders and of columns."""

import pytest

from applied_dl.io.parts import part_column, part_of


@pytest.mark.parametrize(
    ("name", "part"),
    [("Train", "train"), ("val-set", "validation"), (" DEV ", "validation"), ("test images", "test"), ("Validación", "validation"),
     ("trainingSet", "train"), ("Testing Data", "test"), ("val2017", "validation"), ("test1", "test"), ("1. train", "train"),
     ("trains", None), ("train test", None), ("data", None), ("", None)],
)  # fmt: skip
def test_names_of_folders_and_cells(name, part):
    assert part_of(name) == part


@pytest.mark.parametrize(
    ("column", "cells", "found"),
    [
        ("split", ["train", "test"], True), ("Data Split", ["Training", None, "dev"], True), ("fold", ["train", "", "val"], True),
        ("split", ["train", "training"], False), ("split", ["dev", "test"], False), ("split", ["train", "other"], False),
        ("split", [], False), ("kind", ["train", "test"], False), ("fold", [0, 1, 2], False),
    ],
)  # fmt: skip
def test_columns_that_name_parts(column, cells, found):
    assert part_column([column], lambda _: cells) == (column if found else None)


def test_only_columns_of_such_names_are_read():
    assert part_column(["x", "split", "y"], lambda name: {"split": ["train", "test"]}[name]) == "split"
