"""Archives of images, unpacked once, and what to do with files that are neither archives nor tables."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.vision.paths import is_image, is_skipped

LEFT = 1_000_000_000  # bytes that must remain free after an archive was unpacked
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ARRAYS = "save the arrays as .npz: np.savez(path, x=images, y=labels)"
CURES = {  # files that people have instead → what to do
    ".7z": "unpack it first", ".rar": "unpack it first", ".gz": "unpack it first", ".npy": ARRAYS, ".h5": ARRAYS, ".hdf5": ARRAYS,
    ".mat": ARRAYS, ".pkl": ARRAYS, ".pickle": ARRAYS, ".pt": ARRAYS, ".pth": ARRAYS, ".tfrecord": "write its images as files",
    ".tfrecords": "write its images as files", ".xml": "name its folder", ".yaml": "name its folder", ".yml": "name its folder",
}  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether a file is a .zip or a .tar, compressed or not, by its name."""
    return path.name.lower().endswith(ARCHIVES)


def cure(path: Path) -> str:
    """What to do with a file of an unknown kind, as the end of a sentence; empty where nothing is known."""
    found = CURES.get(path.suffix.lower())
    return f" A {path.suffix.lower()} file is not read: {found}." if found else ""


def opened(path: Path, cache: Path) -> Path:
    """The folder of an archive, also of the only one in a folder that holds nothing but files beside it; other paths as they are."""
    if path.is_dir():
        inside = [one for one in path.iterdir() if not is_skipped(one.name)]
        archives = [one for one in inside if one.is_file() and is_archive(one)]
        alone = len(archives) == 1 and not any(one.is_dir() or is_image(one.name) for one in inside)
        return unpacked(archives[0], cache) if alone else path
    return unpacked(path, cache) if path.is_file() and is_archive(path) else path


def unpacked(archive: Path, cache: Path) -> Path:
    """The folder of an archive's files, unpacked once under `cache`. Raises `DataError` where it is damaged or too large."""
    stat = archive.stat()
    folder = cache / "archives" / fingerprint(os.path.abspath(archive), stat.st_size, stat.st_mtime_ns)[:32]
    if folder.exists():
        return folder
    part = folder.with_suffix(f".{os.getpid()}.part")
    part.mkdir(parents=True, exist_ok=True)
    disk = os.statvfs(part)
    room = disk.f_bavail * disk.f_frsize - LEFT
    try:
        (_unzip if zipfile.is_zipfile(archive) or archive.suffix.lower() == ".zip" else _untar)(archive, part, room)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError, NotImplementedError, ValueError) as error:
        raise DataError(f"The archive {str(archive)!r} cannot be unpacked: {error}.") from error
    part.rename(folder)
    return folder


def _unzip(archive: Path, to: Path, room: int) -> None:
    with zipfile.ZipFile(archive) as file:
        _check_size(archive, sum(item.file_size for item in file.infolist()), room)
        for item in file.infolist():
            item.filename = item.filename.replace("\\", "/")  # as some programs of Windows write them
            file.extract(item, to)


def _untar(archive: Path, to: Path, room: int) -> None:
    """Members one after the other, as the size of all is not known before; without links and files outside of `to`."""
    size = 0
    with tarfile.open(archive) as file:
        for member in file:
            size += member.size
            _check_size(archive, size, room)
            if member.isfile():
                file.extract(member, to, filter="data")


def _check_size(archive: Path, size: int, room: int) -> None:
    if size > room:
        raise DataError(f"The archive {str(archive)!r} holds at least {size / 1e9:.1f} GB, more than the disk of the cache has free.")
