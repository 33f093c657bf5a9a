"""The cache is trimmed by age, and what was used within a day stays."""

import os
import time

from applied_dl.core.cache import trim, used

OLD = 48 * 3600


def made(folder, name, size, age, inside=False):
    path = folder / name
    if inside:
        path.mkdir()
        (path / "rows").write_bytes(bytes(size))
    else:
        path.write_bytes(bytes(size))
        path.with_suffix(".json").write_text("{}")
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_the_least_recently_used_goes_first(tmp_path):
    paths = [made(tmp_path, f"{i}.npy", 100, OLD + i) for i in range(4)]
    trim(tmp_path.glob("*.npy"), 250)
    assert [path.exists() for path in paths] == [True, True, False, False]
    assert [path.with_suffix(".json").exists() for path in paths] == [True, True, False, False]


def test_folders_are_removed_whole_and_what_was_just_used_stays(tmp_path):
    paths = [made(tmp_path, f"table{i}", 100, OLD + i, inside=True) for i in range(3)]
    used(paths[2])
    trim(list(tmp_path.iterdir()), 100)
    assert [path.exists() for path in paths] == [False, False, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table2"]


def test_nothing_goes_that_was_used_today(tmp_path):
    path = made(tmp_path, "a.npy", 100, 3600)
    trim(tmp_path.glob("*.npy"), 0)
    assert path.exists()


def test_what_another_training_removed_meanwhile_or_holds_stops_nothing(tmp_path, monkeypatch):
    paths = [made(tmp_path, f"{i}.npy", 100, OLD + i) for i in range(3)]
    unlink = type(tmp_path).unlink

    def held(path, missing_ok=False):
        if path == paths[2]:
            raise PermissionError("in use")  # as Windows says it
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(type(tmp_path), "unlink", held)
    trim([*paths, tmp_path / "gone.npy"], 250)
    assert [path.exists() for path in paths] == [True, False, True]
    used(tmp_path / "gone.npy")
