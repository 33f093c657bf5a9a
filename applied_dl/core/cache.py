"""Where decoded data is kept between runs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MOST = 20 * 2**30  # bytes of each kind of decoded data, above which the least recently used is dropped
ABANDONED = 3600.0  # seconds without a write after which what is not whole is no longer being written
KEPT = 24 * 3600.0  # seconds from its last use in which nothing is dropped: a training may be reading it


def cache_folder() -> Path:
    """`$APPLIED_DL_CACHE`, or `~/.cache/applied_dl`; created where it is missing."""
    folder = Path(os.environ.get("APPLIED_DL_CACHE") or Path.home() / ".cache" / "applied_dl")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def used(entry: Path) -> None:
    """Note that a file or folder of the cache is used now, where it may be written to."""
    with suppress(OSError):
        os.utime(entry)


def trim(entries: Iterable[Path], most: int = MOST) -> None:
    """Remove the least recently used files and folders until the rest takes at most `most` bytes; those used within the last day stay.

    A file goes with the `.json` beside it. What a training has open it keeps: on Windows in place, elsewhere until it ends. Another one may
    trim at the same time.
    """
    found = []
    for entry in entries:
        with suppress(OSError):
            found.append((entry.stat().st_mtime, _bytes(entry), entry))
    total = sum(size for _, size, _ in found)
    for last, size, entry in sorted(found):
        if total <= most or time.time() - last < KEPT:
            return
        with suppress(OSError):
            _remove(entry)
            total -= size


def remove_abandoned(entries: Iterable[Path]) -> None:
    """Remove files and folders that are not whole, and that nobody has written to for an hour: what a killed process left."""
    for entry in entries:
        with suppress(OSError):
            inside = entry.iterdir() if entry.is_dir() else ()
            if time.time() - max(one.stat().st_mtime for one in (entry, *inside)) > ABANDONED:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _remove(entry: Path) -> None:
    if entry.is_dir():
        gone = entry.with_name(f"{entry.name}.{os.getpid()}.gone")  # at once, so that no run finds half of it
        os.replace(entry, gone)
        shutil.rmtree(gone, ignore_errors=True)
    else:
        entry.with_suffix(".json").unlink(missing_ok=True)
        entry.unlink(missing_ok=True)


def _bytes(entry: Path) -> int:
    return sum(file.stat().st_size for file in (entry.iterdir() if entry.is_dir() else (entry,)))
