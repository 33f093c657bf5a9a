"""Pack a bundle into one `.zip` file and unpack it; its checksums are verified on both ways."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from applied_dl.core.bundle import MANIFEST, open_bundle
from applied_dl.core.bundle_writing import writing
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.signing import SIGNATURE, foreign

EPOCH = (1980, 1, 1, 0, 0, 0)  # date of every entry, so that the same bundle gives the same archive
MAX_BYTES = 20 * 2**30  # of an unpacked bundle
MAX_RATIO = 1000  # unpacked to packed size of a file; a larger ratio is a zip bomb
BLOCK = 2**20


def pack(folder: str | Path, target: str | Path | None = None) -> Path:
    """Write a bundle as one `.zip` file.

    Args:
        folder: the bundle.
        target: the archive; `<folder>.zip` by default.

    Returns:
        The path of the archive.

    Raises:
        DataError: the bundle is damaged.
        UsageError: the archive exists already.
    """
    folder = Path(folder)
    target = Path(target) if target else folder.with_name(f"{folder.name}.zip")
    names = sorted([MANIFEST, *open_bundle(folder).files, *([SIGNATURE] if (folder / SIGNATURE).is_file() else [])])
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
    """Unpack a bundle; nothing is left behind where a check fails.

    Args:
        file: the archive.
        target: the folder to write; by default the bundle's own name, beside the archive.
        overwrite: replace a bundle at `target`.

    Returns:
        The folder of the bundle.

    Raises:
        DataError: the archive is damaged, holds no bundle or holds links, would write outside its folder, or is a zip bomb.
        UsageError: `target` exists and `overwrite` is not set.
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
                if others := foreign(work, open_bundle(work)):
                    raise DataError(f"{str(file)!r} holds files that its bundle does not list: {', '.join(others)}; pack it again.")
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, zlib.error) as error:
        raise DataError(f"{str(file)!r} is not an archive of a bundle, or is damaged: {error}.") from error
    except FileNotFoundError:
        raise DataError(f"There is no archive at {str(file)!r}.") from None
    return target


def _entries(archive: zipfile.ZipFile, file: Path) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The bundle's name, and its entries by path in the bundle."""
    entries: dict[str, zipfile.ZipInfo] = {}
    tops = set()
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename or "\0" in entry.filename:
            raise DataError(f"{str(file)!r} would write outside its folder: {entry.filename!r}.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DataError(f"{str(file)!r} holds a link, {entry.filename!r}; a bundle has none.")
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1024):
            sizes = f"{entry.file_size:,} bytes from {entry.compress_size:,}"
            raise DataError(f"{str(file)!r} was not unpacked: {entry.filename!r} would grow without bounds, to {sizes}.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{str(file)!r} uses an unsupported compression for {entry.filename!r}; pack it with `applied-dl pack`.")
        if len(path.parts) < 2:
            raise DataError(
                f"{str(file)!r} is not an archive of a bundle: expected one folder, received the file {entry.filename!r} beside it."
            )
        tops.add(path.parts[0])
        name = str(PurePosixPath(*path.parts[1:]))
        if name in entries:
            raise DataError(f"{str(file)!r} holds {entry.filename!r} twice.")
        entries[name] = entry
    if len(tops) != 1 or MANIFEST not in entries:
        raise DataError(f"{str(file)!r} is not an archive of a bundle: expected one folder with a {MANIFEST}.")
    if sum(entry.file_size for entry in entries.values()) > MAX_BYTES:
        raise DataError(f"{str(file)!r} would unpack to more than {MAX_BYTES // 2**30} GiB.")
    return tops.pop(), entries


def _copy(packed: IO[bytes], plain: IO[bytes], entry: zipfile.ZipInfo, file: Path) -> None:
    """Copy an entry; refuses more bytes than its header declares."""
    left = entry.file_size
    while block := packed.read(BLOCK):
        left -= len(block)
        if left < 0:
            raise DataError(f"{str(file)!r} holds more bytes in {entry.filename!r} than its header declares.")
        plain.write(block)
