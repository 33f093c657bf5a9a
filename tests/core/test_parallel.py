"""Results come in the order of the items, and items are read only as they are needed."""

import os
import subprocess
import sys

import pytest

from applied_dl.core.parallel import in_order


def test_order_and_read_ahead():
    read = []

    def items():
        for i in range(20):
            read.append(i)
            yield -i

    found = in_order(abs, items(), processes=2)
    assert next(found) == 0
    assert len(read) <= 5
    assert list(found) == list(range(1, 20))


def test_one_process():
    assert list(in_order(abs, [-3, 2], processes=1)) == [3, 2]


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by signals of POSIX")
def test_processes_end_with_a_parent_that_is_killed():
    script = """
import time
from applied_dl.core.parallel import in_order
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
