"""Archives of images: every usual kind is unpacked once, and nothing outside of its folder is written."""

import io
import tarfile
import zipfile

import pytest

from applied_dl.core.errors import DataError
from applied_dl.vision.archives import ARCHIVES, cure, is_archive, opened, unpacked


def packed(path, names=("data/cat/0.jpg", "data/dog/1.jpg")):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, name)
        return path
    form = {"gz": "gz", "tgz": "gz", "bz2": "bz2", "tbz2": "bz2", "xz": "xz", "txz": "xz"}.get(path.suffix[1:], "")
    with tarfile.open(path, f"w:{form}") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            file.addfile(member, io.BytesIO(name.encode()))
    return path


@pytest.mark.parametrize("suffix", ARCHIVES)
def test_every_kind_is_unpacked_once(suffix, tmp_path):
    archive = packed(tmp_path / f"d{suffix}")
    assert is_archive(archive)
    folder = unpacked(archive, tmp_path / "cache")
    assert (folder / "data/dog/1.jpg").read_text() == "data/dog/1.jpg"
    assert unpacked(archive, tmp_path / "cache") == folder


def test_members_outside_of_the_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"d\.tar.*cannot be unpacked"):
        unpacked(packed(tmp_path / "d.tar", names=("../outside.jpg",)), tmp_path / "cache")
    assert not list(tmp_path.rglob("outside.jpg"))


@pytest.mark.parametrize("name", ["bad.zip", "bad.tar.gz", "cut.tar.gz"])
def test_damaged_archives_are_named(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(packed(tmp_path / "good.tgz").read_bytes()[:60] if name.startswith("cut") else b"PK\3\4 no archive")
    with pytest.raises(DataError, match=name):
        unpacked(path, tmp_path / "cache")


def test_what_is_no_archive_has_a_cure(tmp_path):
    assert "unpack it first" in cure(tmp_path / "d.7z")
    assert "np.savez" in cure(tmp_path / "d.MAT")
    assert cure(tmp_path / "d.unknown") == ""


def test_the_only_archive_in_a_folder_is_opened(tmp_path):
    (tmp_path / "d").mkdir()
    packed(tmp_path / "d" / "a.zip")
    (tmp_path / "d" / "readme.txt").write_text("fine images")
    assert (opened(tmp_path / "d", tmp_path / "cache") / "data/cat/0.jpg").exists()
    packed(tmp_path / "d" / "b.zip")
    assert opened(tmp_path / "d", tmp_path / "cache") == tmp_path / "d"
    assert opened(tmp_path / "nowhere", tmp_path / "cache") == tmp_path / "nowhere"


def test_backslashes_separate_folders(tmp_path):
    folder = unpacked(packed(tmp_path / "d.zip", names=("data\\cat\\0.jpg",)), tmp_path / "cache")
    assert (folder / "data" / "cat" / "0.jpg").exists()
