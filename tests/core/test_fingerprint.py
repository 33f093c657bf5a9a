"""Digests do not depend on the pieces in which an array is read."""

import hashlib

import numpy as np
import pytest

from applied_dl.core import fingerprint as module
from applied_dl.core.fingerprint import fingerprint, row_keys
from applied_dl.core.mapped import row_pieces, sampled_pieces


@pytest.mark.parametrize(
    "array", [np.arange(24.0).reshape(4, 3, 2), np.float32(3.5), np.zeros((0, 3)), np.arange(9)[::2], np.array(["a", "bc"])]
)
def test_a_digest_is_that_of_type_shape_and_bytes(monkeypatch, array):
    array = np.asarray(array)
    monkeypatch.setattr(module, "row_pieces", lambda rows: row_pieces(rows, 16))
    expected = hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes() + b"\0").hexdigest()
    assert fingerprint(array) == expected


def test_keys_of_rows(monkeypatch):
    rows = np.array([[1, 2], [3, 4], [1, 2]], np.uint8)
    monkeypatch.setattr(module, "row_pieces", lambda array: row_pieces(array, 2))
    keys = row_keys(rows)
    assert keys[0] == keys[2] != keys[1]
    assert keys[0] == hashlib.blake2b(b"\1\2", digest_size=12).hexdigest()


def test_pieces_cover_the_rows_in_order(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(30).reshape(10, 3))
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    np.testing.assert_array_equal(np.concatenate([part.copy() for part in row_pieces(array, 50)]), array)
    np.testing.assert_array_equal(np.concatenate(list(sampled_pieces(array, 4, 30))), array[[0, 3, 6, 9]])
