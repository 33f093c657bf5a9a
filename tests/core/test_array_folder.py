"""Folders of arrays: whole or not there, written once, also by two at a time; what a killed process left is removed."""

import os

import numpy as np
import pytest

from applied_dl.core import array_folder
from applied_dl.core.array_folder import append, stored_arrays

NAME = "0123456789abcdef01234567"


def batches():
    yield {"numbers": np.arange(6, dtype=np.float32).reshape(3, 2), "codes": np.zeros(0, np.int32)}
    yield {"numbers": np.ones((2, 2), np.float32), "codes": np.arange(4, dtype=np.int32)}


def write(folder):
    return append(folder, batches()), {"rows": 5}


def test_arrays_are_appended_and_mapped(tmp_path):
    arrays, facts = stored_arrays(tmp_path / "kind" / NAME, write)
    assert np.array_equal(arrays["numbers"], [[0, 1], [2, 3], [4, 5], [1, 1], [1, 1]])
    assert np.array_equal(arrays["codes"], np.arange(4))
    assert isinstance(arrays["numbers"], np.memmap)
    assert facts == {"rows": 5}


def test_what_is_there_is_not_written_again(tmp_path):
    stored_arrays(tmp_path / "kind" / NAME, write)
    arrays, _ = stored_arrays(tmp_path / "kind" / NAME, lambda _: pytest.fail("written again"))
    assert len(arrays["numbers"]) == 5


def test_an_array_without_rows(tmp_path):
    arrays, _ = stored_arrays(tmp_path / "kind" / NAME, lambda folder: (append(folder, [{"x": np.zeros((0, 3), np.int8)}]), {}))
    assert arrays["x"].shape == (0, 3)


def test_two_may_write_the_same_folder(tmp_path, monkeypatch):
    def slow(folder):
        monkeypatch.setattr(array_folder.os, "getpid", lambda: 1)
        stored_arrays(tmp_path / "kind" / NAME, write)
        monkeypatch.setattr(array_folder.os, "getpid", lambda: 2)
        return write(folder)

    assert len(stored_arrays(tmp_path / "kind" / NAME, slow)[0]["numbers"]) == 5
    assert [path.name for path in (tmp_path / "kind").iterdir()] == [NAME]


def test_a_failure_leaves_nothing_and_old_remains_are_removed(tmp_path):
    left = tmp_path / "kind" / f"{NAME}.host.7"
    left.mkdir(parents=True)
    (left / "numbers").write_bytes(b"half")
    for path in (left / "numbers", left):
        os.utime(path, (0, 0))
    with pytest.raises(ZeroDivisionError):
        stored_arrays(tmp_path / "kind" / NAME, lambda _: 1 / 0)
    assert not list((tmp_path / "kind").iterdir())
