"""A bundle is whole at every moment: failures and kills while one is written leave the old one or the new one."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from applied_dl.core import bundle, bundle_writing
from applied_dl.core.errors import DataError, UsageError
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
    """At once, whatever their age; what a process at work has locked stays, and so does what was named by a person."""
    make(tmp_path / "b").rename(tmp_path / ".b.writing-abcdefg1.old")
    (tmp_path / ".b.writing-abcdefg2.tmp").mkdir()
    for name in (".b.tmp", ".b.old", ".b.notes.tmp", ".b.writing-it.tmp", ".bb.writing-abcdefg3.tmp"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".b.writing-abcdefg4.tmp").write_text("a file of somebody")
    kept = sorted(path.name for path in tmp_path.iterdir() if path.name not in (".b.writing-abcdefg1.old", ".b.writing-abcdefg2.tmp"))
    bundle_writing.tidy(tmp_path / "b")
    bundle.open_bundle(tmp_path / "b")
    with bundle_writing.writing(tmp_path / "b2") as work:  # of this process
        bundle_writing.tidy(tmp_path / "b2")
        assert work.exists()
        shutil.copytree(tmp_path / "b", work, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "b2")
    assert sorted(path.name for path in tmp_path.iterdir()) == [*kept, "b"]


def test_the_folder_of_another_process_stays_until_that_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from applied_dl.core.bundle_writing import writing\n"
        "with writing(Path(sys.argv[1])): print('ready', flush=True); time.sleep(60)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "b")], stdout=subprocess.PIPE, cwd=os.getcwd())
    writer.stdout.readline()
    (work,) = tmp_path.iterdir()
    os.utime(work, (0, 0))
    bundle_writing.tidy(tmp_path / "b")
    assert work.exists()
    writer.kill()
    writer.wait()
    writer.stdout.close()
    bundle_writing.tidy(tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(bundle_writing.fcntl is None, reason="folders cannot be locked here")
def test_a_folder_that_is_removed_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """Another process that cleans up takes it for a dead one's, in the moment between its making and its lock."""
    make_folder, made = bundle_writing.tempfile.mkdtemp, []

    def removed_at_first(**options):
        made.append(make_folder(**options))
        if len(made) == 1:
            os.rmdir(made[0])
        return made[-1]

    monkeypatch.setattr(bundle_writing.tempfile, "mkdtemp", removed_at_first)
    with bundle_writing.writing(tmp_path / "b") as work:
        assert [str(work)] == made[1:]
        bundle_writing.tidy(tmp_path / "b")
        (work / "a.txt").write_text("x")
    assert (tmp_path / "b" / "a.txt").read_text() == "x"


@pytest.mark.skipif(bundle_writing.fcntl is None, reason="folders cannot be locked here")
def test_a_folder_of_another_user_is_left_alone(tmp_path, monkeypatch):
    def refused(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    left = tmp_path / ".b.writing-abcdefg1.tmp"
    left.mkdir()
    monkeypatch.setattr(bundle_writing.os, "open", refused)
    bundle_writing.tidy(tmp_path / "b")
    assert left.exists()


def test_without_locks_a_folder_stays_for_a_day(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_writing, "fcntl", None)
    for name, age in ((".b.writing-abcdefg1.tmp", 0), (".b.writing-abcdefg2.tmp", 2 * bundle_writing.STALE_SECONDS)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    bundle_writing.tidy(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == [".b.writing-abcdefg1.tmp"]


@pytest.mark.skipif(bundle_writing.fcntl is None, reason="folders cannot be locked here")
def test_a_bundle_is_trained_by_one_process_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_writing, "ENDING_SECONDS", 0.1)
    folder, target = tmp_path / ".mine.run", tmp_path / "mine"
    with bundle_writing.only_one(folder, target):
        (folder / "checkpoints").mkdir()
        with pytest.raises(UsageError, match="is training .*mine.* at this moment"), bundle_writing.only_one(folder, target):
            pass
    assert (folder / "checkpoints").exists()  # what a resume needs is kept
    with bundle_writing.only_one(folder, target):
        (folder / "checkpoints").rmdir()
    assert not folder.exists()


@pytest.mark.skipif(bundle_writing.fcntl is None, reason="folders cannot be locked here")
def test_a_training_is_held_until_the_process_ends_that_a_killed_command_left(tmp_path, monkeypatch):
    script = f"""
import subprocess, sys
from pathlib import Path
from applied_dl.core.bundle_writing import only_one
with only_one(Path({str(tmp_path / ".b.run")!r}), Path("b")):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], close_fds=False, stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    child.wait()
"""
    command = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(command.stdout.readline())
    command.kill()
    command.communicate()
    monkeypatch.setattr(bundle_writing, "ENDING_SECONDS", 0.1)
    with pytest.raises(UsageError, match="is training"), bundle_writing.only_one(tmp_path / ".b.run", tmp_path / "b"):
        pass
    os.kill(child, signal.SIGKILL)
    monkeypatch.setattr(bundle_writing, "ENDING_SECONDS", 20)
    with bundle_writing.only_one(tmp_path / ".b.run", tmp_path / "b"):
        pass
