"""A bundle is whole at every moment: failures and kills while one is written leave the old one or the new one."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from applied_dl.core import bundle, bundle_writing
from applied_dl.core.errors import DataError
from tests.core.test_bundle import make

KILLED = 5  # a slow test of `tests/test_relocation.py` kills 60


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(DataError, match="No space left"), bundle_writing.writing(tmp_path / "b") as work:
        (work / "half").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_replacement_keeps_the_old_bundle(tmp_path):
    target = make(tmp_path / "b", text="old")
    with pytest.raises(RuntimeError), bundle_writing.writing(target, overwrite=True) as work:
        (work / "half").write_text("x")
        raise RuntimeError
    assert (target / "plots" / "a.txt").read_text() == "old"
    bundle.open_bundle(target)


@pytest.mark.parametrize("exchange", ["real", "missing"])
def test_a_killed_writer_never_leaves_a_partial_bundle(tmp_path, exchange):
    """kill -9 at a random moment of the replacement: a whole bundle is there, at the latest after the next writer has cleaned up."""
    program = (
        "import sys; from pathlib import Path; from tests.core.test_bundle import make; from applied_dl.core import bundle_writing\n"
        "target = Path(sys.argv[1])\n"
        "if sys.argv[2] == 'missing': bundle_writing._exchange = lambda a, b: False\n"
        "make(target)\n"
        "print('ready', flush=True)\n"
        "for i in range(100000): make(target, overwrite=True, text=str(i) * 1000)\n"
    )
    for attempt in range(KILLED):
        target = tmp_path / f"b{attempt}"
        writer = subprocess.Popen([sys.executable, "-c", program, str(target), exchange], stdout=subprocess.PIPE, cwd=os.getcwd())
        writer.stdout.readline()
        time.sleep(0.003 + 0.03 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        if exchange == "missing":
            bundle_writing.tidy(target)
        assert target.exists()
        bundle.open_bundle(target)


def test_files_of_killed_writers_are_cleaned_up(tmp_path):
    make(tmp_path / "b").rename(tmp_path / ".b.x1.old")
    stale = tmp_path / ".b.x2.tmp"
    stale.mkdir()
    os.utime(stale, (0, 0))
    (tmp_path / ".b.x3.tmp").mkdir()  # a writer that may still be at work
    bundle_writing.tidy(tmp_path / "b")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".b.x3.tmp", "b"]
    bundle.open_bundle(tmp_path / "b")
