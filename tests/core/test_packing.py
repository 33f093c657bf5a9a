"""A bundle packed and unpacked: the same bytes, and no file outside its folder."""

import stat
import zipfile

import pytest

from applied_dl import cli
from applied_dl.core import bundle
from applied_dl.core.errors import AppliedError, DataError, UsageError
from applied_dl.core.packing import pack, unpack
from tests.core.test_bundle import make


def test_packing_is_reproducible_and_unpacking_restores_the_bundle(tmp_path):
    made = make(tmp_path / "b")
    first, second = pack(made), pack(made, tmp_path / "again.zip")
    assert first.name == "b.zip"
    assert first.read_bytes() == second.read_bytes()
    back = unpack(first, tmp_path / "back")
    assert bundle.open_bundle(back) == bundle.open_bundle(made)
    assert (back / "plots" / "a.txt").read_text() == "data"
    with pytest.raises(UsageError, match="exists already"):
        pack(made)
    with pytest.raises(UsageError, match="exists already"):
        unpack(first, back)
    assert unpack(second, back, overwrite=True) == back


def test_the_commands(tmp_path, capsys):
    make(tmp_path / "b")
    assert cli.main(["pack", str(tmp_path / "b"), str(tmp_path / "c.zip")]) == 0
    assert cli.main(["unpack", str(tmp_path / "c.zip"), str(tmp_path / "d"), "--json"]) == 0
    assert (tmp_path / "d" / "bundle.json").exists()
    assert cli.main(["unpack", str(tmp_path / "none.zip")]) == 3
    assert "no archive at" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["/etc/x", "../x", "b/../../x", "b\\..\\x", "C:/x", "x"])
def test_no_archive_writes_outside_its_folder(tmp_path, name):
    pack(make(tmp_path / "b"), tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as archive:
        archive.writestr(name, "out")
    with pytest.raises(DataError):
        unpack(tmp_path / "b.zip", tmp_path / "in" / "side")
    assert not (tmp_path / "in" / "side").exists()
    assert not (tmp_path / "x").exists()


def test_links_zip_bombs_and_archives_of_something_else_are_refused(tmp_path):
    def with_entry(write):
        path = tmp_path / "a.zip"
        path.unlink(missing_ok=True)
        pack(make(tmp_path / "b", overwrite=True), path)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            write(archive)
        return path

    link = zipfile.ZipInfo("b/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    cases = [
        (lambda a: a.writestr(link, "/etc/passwd"), "holds a link"),
        (lambda a: a.writestr("b/bomb", b"\0" * (40 * 2**20)), "grow without bounds"),
        (lambda a: a.writestr("c/other", "x"), "one folder"),
    ]
    for write, says in cases:
        with pytest.raises(DataError, match=says):
            unpack(with_entry(write), tmp_path / "out")
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match="not an archive of a bundle"):
        unpack(tmp_path / "no.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_damaged_byte_is_detected_or_harmless(tmp_path):
    whole = pack(make(tmp_path / "b")).read_bytes()
    wanted = bundle.open_bundle(tmp_path / "b")
    for place in range(0, len(whole), 7):
        (tmp_path / "d.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        try:
            found = unpack(tmp_path / "d.zip", tmp_path / "out", overwrite=True)
        except AppliedError:
            continue
        assert bundle.open_bundle(found) == wanted


def test_an_archive_with_files_that_its_bundle_does_not_list_is_refused(tmp_path):
    archive = pack(make(tmp_path / "b"))
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("b/tokenizer.json", "{}")
    with pytest.raises(DataError, match="does not list: tokenizer.json; pack it again"):
        unpack(archive, tmp_path / "again")
    assert not (tmp_path / "again").exists()
