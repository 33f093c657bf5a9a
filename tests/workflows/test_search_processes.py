"""Processes of a search that fail are named with the last line of their log; those that succeed leave no log."""

import pytest

from applied_dl.workflows import search_processes


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9, usually for lack of memory. Its log"),
        ("import sys; print('What is wrong.\\n', file=sys.stderr); sys.exit(3)", "ended with exit code 3: What is wrong. Its log"),
        ("1 / 0", "ended with exit code 1: ZeroDivisionError: division by zero. Its log"),
    ],
)
def test_a_failed_process_is_a_sentence(tmp_path, monkeypatch, script, sentence):
    monkeypatch.setattr(search_processes, "SEARCH", script)
    (failed,) = search_processes.run_processes(tmp_path / "r.toml", tmp_path, 2, 1, None)
    assert sentence in failed.sentence()
    assert (tmp_path / "process-1.log").exists()


def test_processes_that_succeed_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(search_processes, "SEARCH", "import sys; print(*sys.argv[1:])")
    assert search_processes.run_processes(tmp_path / "r.toml", tmp_path, 2, 3, None) == []
    assert list(tmp_path.iterdir()) == []
