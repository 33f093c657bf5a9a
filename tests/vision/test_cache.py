"""Images decoded into the cache: in order, damaged ones named and zero, the same from the cache, and nothing half written."""

import os

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.errors import DataError
from applied_dl.vision import cache
from applied_dl.vision.images import ImageForm, decode
from applied_dl.vision.ranges import with_light

FORM = ImageForm(height=8, width=8, channels=3, reduce_jpeg=False)


@pytest.fixture
def files(tmp_path):
    random, folder = np.random.default_rng(0), tmp_path / "images"
    folder.mkdir()
    paths = [folder / f"{i:03d}.jpg" for i in range(60)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (12, 10, 3), dtype=np.uint8)).save(path)
    paths[7].write_bytes(paths[7].read_bytes()[:200])
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    return [*paths, folder / "moving.gif"]


def test_pixels_are_those_of_single_images_in_order(files, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "TOGETHER", 7)
    for _ in range(2):  # decoded, and from the cache
        found = cache.decode_all(FORM, files, tmp_path)
        assert list(found.errors) == [7]
        assert "007.jpg" in found.errors[7]
        assert found.notes == {60: "animated, 2 frames: the first one is used"}
        for i, path in enumerate(files):
            np.testing.assert_array_equal(found.pixels[i], 0 if i == 7 else decode(FORM, path).pixels)
        monkeypatch.setattr(cache, "decode", None)


def test_processes_give_the_same_pixels(files, tmp_path, monkeypatch):
    wanted = cache.decode_all(FORM, files, tmp_path / "threads")
    monkeypatch.setattr(cache, "MANY_BYTES", 0)
    monkeypatch.setattr(cache.os, "cpu_count", lambda: 2)
    found = cache.decode_all(FORM, files, tmp_path / "processes")
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    assert (found.errors, found.notes) == (wanted.errors, wanted.notes)


def test_what_a_killed_process_left_is_removed(files, tmp_path):
    folder = tmp_path / "cache" / "images"
    folder.mkdir(parents=True)
    left = [folder / f"{'0' * 32}.7.part", folder / f"rows-{'1' * 32}.7.part", folder / f"{'2' * 32}.8.json.part"]
    others = [folder / f"{'3' * 32}.9.part", folder / "of_a_person.part"]
    for path in (*left, *others):
        path.write_bytes(b"half")
        os.utime(path, None if path == others[0] else (0, 0))
    cache.decode_all(FORM, files, tmp_path / "cache")
    assert [path.exists() for path in (*left, *others)] == [False, False, False, True, True]


def test_ctrl_c_leaves_nothing(files, tmp_path, monkeypatch):
    def interrupted(form, path):
        if path.name == "030.jpg":
            raise KeyboardInterrupt
        return decode(form, path)

    monkeypatch.setattr(cache, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.decode_all(FORM, files, tmp_path)
    assert list((tmp_path / "images").glob("*.npy")) == list((tmp_path / "images").glob("*.part")) == []


def test_rows_are_copied_beside_where_they_are_large(files, tmp_path, monkeypatch):
    pixels, rows = cache.decode_all(FORM, files, tmp_path).pixels, np.array([5, 1, 1, 59])
    monkeypatch.setattr(cache, "LARGE", 0)
    monkeypatch.setattr(cache, "CHUNK", 3)
    large = cache.rows_of(pixels, rows, tmp_path)
    assert isinstance(large, np.memmap)
    np.testing.assert_array_equal(large, pixels[rows])
    np.testing.assert_array_equal(cache.rows_of(large, np.array([3, 0]), tmp_path), large[[3, 0]])


def test_light_is_the_range_over_images():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
    flat = pixels.reshape(40, -1).astype(np.float32)
    form = with_light(FORM, pixels)
    assert form.brightness == (round(float(flat.mean(1).min()), 2), round(float(flat.mean(1).max()), 2))
    assert form.contrast == (round(float(flat.std(1).min()), 2), round(float(flat.std(1).max()), 2))


def test_a_full_disk_leaves_nothing(files, tmp_path, monkeypatch):
    def full(path, mode):
        if mode == "r+b":
            raise OSError(28, "No space left on device")
        return open(path, mode)

    monkeypatch.setattr(cache, "open", full, raising=False)
    with pytest.raises(DataError, match="could not be kept in .*No space left"):
        cache.decode_all(FORM, files, tmp_path)
    assert set((tmp_path / "images").iterdir()) == set(files)


def test_a_file_of_the_cache_that_a_person_removed_is_made_again(files, tmp_path):
    found = cache.decode_all(FORM, files, tmp_path / "cache")
    next((tmp_path / "cache" / "images").glob("*.npy")).unlink()
    np.testing.assert_array_equal(cache.decode_all(FORM, files, tmp_path / "cache").pixels, found.pixels)


def test_only_what_it_made_is_trimmed(files, tmp_path, monkeypatch):
    (tmp_path / "cache" / "images").mkdir(parents=True)
    np.save(tmp_path / "cache" / "images" / "of_a_person.npy", np.zeros(3))
    trimmed = []
    monkeypatch.setattr(cache, "trim", lambda paths: trimmed.extend(path.name for path in paths))
    cache.decode_all(FORM, files, tmp_path / "cache")
    assert len(trimmed) == 1
    assert "of_a_person.npy" not in trimmed
