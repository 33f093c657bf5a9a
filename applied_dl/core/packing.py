"""A bundle as one `.zip` and back: checked before it is packed, and checked again before it is let in."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from applied_dl.core.bundle import MANIFEST, open_bundle, writing
from applied_dl.core.errors import DataError, UsageError

EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same bundle gives the same archive
LARGEST = 20 * 2**30  # bytes of an unpacked bundle
STEEPEST = 1000  # times a file may grow by unpacking: above it is a bomb
BLOCK = 2**20


def pack(folder: str | Path, target: str | Path | None = None) -> Path:
    """Write `<folder>.zip`, or `target`, of a bundle whose checksums hold. Raises `UsageError` where the file is there already."""
    folder = Path(folder)
    target = Path(target) if target else folder.with_name(f"{folder.name}.zip")
    names = sorted([MANIFEST, *open_bundle(folder).files])
    if target.exists():
        raise UsageError(f"{str(target)!r} exists already; name another file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                entry = zipfile.ZipInfo(f"{folder.resolve().name}/{name}", EPOCH)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                with open(folder / name, "rb") as source, archive.open(entry, "w", force_zip64=True) as packed:
                    shutil.copyfileobj(source, packed, BLOCK)
        os.chmod(part, 0o644)
        os.replace(part, target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return target


def unpack(file: str | Path, target: str | Path | None = None, overwrite: bool = False) -> Path:
    """The bundle of an archive, at `target` or under its own name beside the archive; nothing is left where a check fails.

    Raises `DataError` for an archive that is damaged, holds no bundle, or would write outside its folder, links, or grow without bounds.
    """
    file = Path(file)
    try:
        with zipfile.ZipFile(file) as archive:
            top, entries = _entries(archive, file)
            target = Path(target) if target else file.with_name(top)
            with writing(target, overwrite) as work:
                for name, entry in entries.items():
                    (work / name).parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(entry) as packed, open(work / name, "wb") as plain:
                        _copy(packed, plain, entry, file)
                open_bundle(work)
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, zlib.error) as error:
        raise DataError(f"{str(file)!r} is no archive of a bundle, or a damaged one: {error}.") from error
    except FileNotFoundError:
        raise DataError(f"There is no archive at {str(file)!r}.") from None
    return target


def _entries(archive: zipfile.ZipFile, file: Path) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The bundle's name, and its files by their path in it."""
    found: dict[str, zipfile.ZipInfo] = {}
    tops = set()
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename or "\0" in entry.filename:
            raise DataError(f"{str(file)!r} would write outside its folder: {entry.filename!r}.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DataError(f"{str(file)!r} holds a link, {entry.filename!r}; a bundle has none.")
        if entry.file_size > STEEPEST * max(entry.compress_size, 1024):
            raise DataError(f"{str(file)!r} would grow without bounds at {entry.filename!r}: {entry.file_size:,} bytes.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{str(file)!r} is packed in an unknown way at {entry.filename!r}; pack it with `applied-dl pack`.")
        if len(path.parts) < 2:
            raise DataError(
                f"{str(file)!r} is no archive of a bundle: expected one folder, received the file {entry.filename!r} beside it."
            )
        tops.add(path.parts[0])
        name = str(PurePosixPath(*path.parts[1:]))
        if name in found:
            raise DataError(f"{str(file)!r} holds {entry.filename!r} twice.")
        found[name] = entry
    if len(tops) != 1 or MANIFEST not in found:
        raise DataError(f"{str(file)!r} is no archive of a bundle: expected one folder with a {MANIFEST}.")
    if sum(entry.file_size for entry in found.values()) > LARGEST:
        raise DataError(f"{str(file)!r} would unpack to more than {LARGEST // 2**30} GiB.")
    return tops.pop(), found


def _copy(packed, plain, entry: zipfile.ZipInfo, file: Path) -> None:
    """No more bytes than the archive announces, whatever it holds."""
    left = entry.file_size
    while block := packed.read(BLOCK):
        left -= len(block)
        if left < 0:
            raise DataError(f"{str(file)!r} holds more than it announces at {entry.filename!r}.")
        plain.write(block)
