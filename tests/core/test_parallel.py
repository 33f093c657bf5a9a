"""Results come in the order of the items, and items are read only as they are needed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from applied_dl.core.parallel import KilledError, in_order


@pytest.mark.parametrize("threads", [True, False])
def test_order_and_read_ahead(threads):
    read = []

    def items():
        for i in range(20):
            read.append(i)
            yield -i

    found = in_order(abs, items(), workers=2, threads=threads)
    assert next(found) == 0
    assert len(read) <= 5
    assert list(found) == list(range(1, 20))


def test_one_process():
    assert list(in_order(abs, [-3, 2], workers=1)) == [3, 2]


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by signals of POSIX")
def test_processes_end_with_a_parent_that_is_killed():
    script = """
import time
from applied_dl.core.parallel import KilledError, in_order
def items():
    yield from range(4)
    time.sleep(100)
for number in in_order(abs, items(), 2):
    print(number, flush=True)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "0\n"
    parent.kill()
    parent.communicate(timeout=30)  # it ends when no process is left that could write


def test_a_script_without_a_guard_is_not_run_again(tmp_path):
    script = "from applied_dl.core.parallel import in_order\nprint('started')\nprint(list(in_order(abs, [-1, 2, -3], workers=2)))\n"
    (tmp_path / "script.py").write_text(script)
    for command in ([str(tmp_path / "script.py")], ["-"]):
        done = subprocess.run([sys.executable, *command], input=script, capture_output=True, text=True, timeout=60)
        assert done.stdout == "started\n[1, 2, 3]\n", done.stderr


@pytest.mark.skipif(os.name != "posix", reason="a signal to a group of processes, as a terminal sends it")
def test_ctrl_c_waits_for_what_is_under_way_alone_and_workers_are_silent():
    script = """
import time
from applied_dl.core.parallel import KilledError, in_order
for one in in_order(time.sleep, [0.01] + [1.0] * 50, 2):
    print("done", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline() == "done\n"
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - begin < 10
    assert errors.count("Traceback") == 1
    assert process.returncode != 0


def test_a_process_that_is_killed_ends_in_a_sentence():
    with pytest.raises(KilledError, match="was killed, usually for lack of memory"):
        list(in_order(os._exit, [9, 9, 9], workers=2))
