"""Rows of arrays on disk: the same as in memory, and the pages are given back."""

from pathlib import Path

import numpy as np

from applied_dl.io import mapped


def resident_kb(path: Path) -> int:
    """Kilobytes of a mapped file that this process holds."""
    text, inside, total = Path("/proc/self/smaps").read_text(), False, 0
    for line in text.splitlines():
        if "-" in line.split(" ")[0] and not line.split(" ")[0].endswith(":"):
            inside = line.endswith(str(path))
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def test_rows_are_those_of_the_array_and_few_pages_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "MOST_MAPPED", 2**20)
    whole = np.arange(2**21, dtype=np.float32).reshape(-1, 4)
    whole.tofile(tmp_path / "a.f32")
    array = np.memmap(tmp_path / "a.f32", np.float32, "r", shape=whole.shape)
    read, order = mapped.row_reader(array), np.random.default_rng(0).permutation(len(whole))
    for start in range(0, len(order), 1024):
        index = order[start : start + 1024]
        np.testing.assert_array_equal(read(index), whole[index])
    np.testing.assert_array_equal(array[5:7], whole[5:7])
    if Path("/proc/self/smaps").exists():
        assert resident_kb(tmp_path / "a.f32") < 2**21 * 4 / 1024 / 2
        np.asarray(array).sum()
        mapped.release(array[3:].view())  # a view of it
        assert resident_kb(tmp_path / "a.f32") < 1024
    mapped.release(whole)  # of an array in memory there is nothing to give back
