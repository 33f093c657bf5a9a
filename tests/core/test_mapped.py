"""Rows of arrays on disk: the same as in memory, however the array was cut, and few of its pages stay."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from applied_dl.core import mapped


def resident_kb(path: Path) -> int:
    """Kilobytes of a mapped file that this process holds."""
    text, inside, total = Path("/proc/self/smaps").read_text(), False, 0
    for line in text.splitlines():
        if "-" in line.split(" ")[0] and not line.split(" ")[0].endswith(":"):
            inside = line.endswith(str(path))
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def test_rows_are_those_of_the_array_and_its_pages_do_not_stay(tmp_path):
    whole = np.arange(2**21, dtype=np.float32).reshape(-1, 4)
    whole.tofile(tmp_path / "a.f32")
    array = np.memmap(tmp_path / "a.f32", np.float32, "r", shape=whole.shape)
    read, order = mapped.row_reader(array), np.random.default_rng(0).permutation(len(whole))
    for start in range(0, len(order), 1024):
        index = order[start : start + 1024]
        np.testing.assert_array_equal(read(index), whole[index])
    if Path("/proc/self/smaps").exists() and hasattr(os, "pread"):
        assert resident_kb(tmp_path / "a.f32") < 64
        np.asarray(array).sum()
        mapped.release(array[3:].view())  # a view of it
        assert resident_kb(tmp_path / "a.f32") < 1024
    mapped.release(whole)  # of an array in memory there is nothing to give back


@settings(max_examples=40, deadline=None)
@given(data=some.data(), first=some.integers(0, 5), step=some.sampled_from([1, 2]), kind=some.sampled_from(["u1", "<i4", "<f4", ">f8"]))
def test_any_cut_of_a_mapped_array(tmp_path_factory, data, first, step, kind):
    path = tmp_path_factory.mktemp("cut") / "a.npy"
    np.save(path, np.arange(20 * 6).reshape(20, 2, 3).astype(kind))
    array = data.draw(some.sampled_from([np.load(path, mmap_mode="r"), np.load(path)]))[first::step]
    index = np.array(data.draw(some.lists(some.integers(0, len(array) - 1), max_size=9)), np.int32)
    for cut in (array, array[:, :1], array.reshape(len(array), 6) if step == 1 else array):
        rows = mapped.row_reader(cut)(index)
        np.testing.assert_array_equal(rows, cut[index])
        assert rows.dtype == cut.dtype
        assert rows.shape == (len(index), *cut.shape[1:])


def test_rows_are_read_where_the_file_was_removed_meanwhile(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    read = mapped.row_reader(np.load(tmp_path / "a.npy", mmap_mode="r"))
    (tmp_path / "a.npy").unlink()
    np.testing.assert_array_equal(read(np.array([3, 0])), [[9, 10, 11], [0, 1, 2]])


def test_a_file_that_was_cut_off_is_an_error(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    read = mapped.row_reader(np.load(tmp_path / "a.npy", mmap_mode="r"))
    os.truncate(tmp_path / "a.npy", 140)
    with pytest.raises(ValueError, match="buffer size|reshape"):
        read(np.array([3]))


def test_rows_are_read_where_the_file_was_removed_before(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    (tmp_path / "a.npy").unlink()
    np.testing.assert_array_equal(mapped.row_reader(array)(np.array([3, 0])), [[9, 10, 11], [0, 1, 2]])


def test_changes_of_a_copy_on_write_stay(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    array = np.load(tmp_path / "a.npy", mmap_mode="c")
    array[2] = 7
    np.testing.assert_array_equal(mapped.row_reader(array)(np.array([2])), [[7, 7, 7]])
    mapped.release(array[1:])
    np.testing.assert_array_equal(array[2], [7, 7, 7])


@pytest.mark.parametrize("mode", ["r", "c"])
def test_pieces_of_any_length_are_read_in_the_order_asked_for(tmp_path, mode):
    np.arange(100, dtype=np.uint16).tofile(tmp_path / "a")
    array = np.memmap(tmp_path / "a", np.uint16, mode)
    read = mapped.span_reader(array)
    found = read(np.array([90, 3, 50]), np.array([4, 0, 2]))
    assert found.tolist() == [90, 91, 92, 93, 50, 51]
    assert found.dtype == np.uint16
    assert mapped.span_reader(array[10:])(np.array([0]), np.array([3])).tolist() == [10, 11, 12]
