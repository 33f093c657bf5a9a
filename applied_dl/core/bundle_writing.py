"""A bundle is written in one step: at every moment its name has one whole bundle, the old one or the new one, also after a kill."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

from applied_dl.core.bundle import MANIFEST
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.parallel import PARENT_SECONDS

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ENDING_SECONDS = 3 * PARENT_SECONDS  # in which the process that trained for a killed command ends
STALE_SECONDS = 24 * 3600  # where folders cannot be locked: one that is older belongs to a process that was killed


def sync(path: Path) -> None:
    """Force a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(target: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder beside `target` that replaces it in one step when the block succeeds, and is removed when it fails."""
    target = Path(target)
    check_free(target, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    tidy(target)
    with _working_folder(target) as work:
        try:
            yield work
            for path in work.rglob("*"):
                sync(path)
            sync(work)
            _replace(work, target)
            sync(target.parent)
        except BaseException as error:
            shutil.rmtree(work, ignore_errors=True)
            if isinstance(error, OSError) and error.errno is not None:
                raise DataError(f"The bundle {str(target)!r} could not be written: {error.strerror}; no partial bundle is left.") from error
            raise


@contextmanager
def _working_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, locked as long as this process writes it: the system releases the lock of one that was killed."""
    with contextlib.ExitStack() as lock:
        work = None
        while work is None or not work.exists():  # taken for a dead process's in the moment before it was locked
            work = Path(tempfile.mkdtemp(prefix=f".{target.name}.writing-", suffix=".tmp", dir=target.parent))
            with contextlib.suppress(FileNotFoundError):
                lock.enter_context(_locked(work))
        work.chmod(0o755)
        yield work


@contextmanager
def _locked(folder: Path, wait: float = inf, inherited: bool = False) -> Iterator[bool | None]:
    """Lock a folder; yields whether that succeeded: False where another process holds the lock, None where it cannot be locked at all.

    Args:
        folder: is not changed.
        wait: seconds for another process to release it.
        inherited: processes that are started with `close_fds=False` hold the lock too, until the last one ends.
    """
    if fcntl is None:
        yield None
        return
    handle, locked, last = os.open(folder, os.O_RDONLY), None, time.monotonic() + wait
    os.set_inheritable(handle, inherited)
    try:
        try:
            while locked is None:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait == inf else fcntl.LOCK_NB))
                    locked = True
                except BlockingIOError:
                    if time.monotonic() >= last:
                        locked = False
                    else:
                        time.sleep(0.1)
        except OSError:  # some network file systems
            pass
        yield locked
    finally:
        os.close(handle)


@contextmanager
def only_one(folder: Path, target: Path) -> Iterator[None]:
    """Hold the folder of a training, so that no other one of the same bundle writes or removes its checkpoints.

    Raises `UsageError` where another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, wait=ENDING_SECONDS, inherited=True) as free:
        if free is False:
            raise UsageError(f"Another process is training {str(target)!r} at this moment: wait until it ends, or choose another --out.")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # it holds checkpoints, or is gone
                folder.rmdir()


def _replace(work: Path, target: Path) -> None:
    """Put `work` where `target` is, so that at every moment one whole bundle has that name."""
    if not target.exists():
        work.rename(target)
    elif _exchange(work, target):
        shutil.rmtree(work, ignore_errors=True)
    else:  # no exchange on this file system: two renames; `tidy` restores the old bundle after a kill between them
        old = work.with_suffix(".old")
        target.rename(old)
        work.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Swap two names in one system call (renameat2 on Linux, renamex_np on macOS); False where there is none."""
    at_cwd, exchange = -100, 2
    if os.name != "posix":
        return False
    libc = ctypes.CDLL(None)
    names = os.fsencode(a.absolute()), os.fsencode(b.absolute())
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return bool(libc.renamex_np(*names, exchange) == 0)
    return hasattr(libc, "renameat2") and bool(libc.renameat2(at_cwd, names[0], at_cwd, names[1], exchange) == 0)


def tidy(target: Path) -> None:
    """Clean up after killed processes: restore an old bundle that was not replaced yet, remove working folders that nobody writes.

    Only folders that are named as `writing` names them are touched, and none that a process at work has locked.
    """
    if not target.parent.is_dir():
        return
    named = re.compile(rf"\.{re.escape(target.name)}\.writing-[a-z0-9_]{{8}}\.(tmp|old)")  # the eight characters of `mkdtemp`
    for left in [path for path in target.parent.glob(".*") if named.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]:
        written = left.with_suffix(".tmp")  # the folder that the process locks while it is at work
        try:
            with _locked(written if written.exists() else left, wait=0) as free:
                old = time.time() - left.stat().st_mtime > STALE_SECONDS
                if left.suffix == ".old" and free is not False and not target.exists() and (left / MANIFEST).exists():
                    left.rename(target)
                elif free or (free is None and old):
                    shutil.rmtree(left, ignore_errors=True)
        except OSError:  # another process was faster, or the folder is of another user
            continue


def probe(target: Path) -> None:
    """Test before the training whether a bundle can be written at `target`. Raises `UsageError` where it cannot."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}."):
            pass
    except OSError as error:
        raise UsageError(f"A bundle cannot be written at {str(target)!r}: {error.strerror or error}; choose another --out.") from error


def check_free(target: Path, overwrite: bool) -> None:
    """Raise `UsageError` where `target` exists and `overwrite` is not set, or where it is not a bundle."""
    if not target.exists():
        return
    if not overwrite:
        raise UsageError(f"{str(target)!r} exists already; choose another --out, or pass --overwrite to replace it.")
    if not (target / MANIFEST).exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{str(target)!r} is not a bundle; --overwrite replaces bundles only.")
