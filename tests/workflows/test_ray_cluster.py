"""Waiting for Ray: what a call in a thread returns or raises, and a signal that ends the wait."""

import importlib.machinery
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
import types

import pytest

from applied_dl.core.errors import DataError
from applied_dl.workflows.ray_cluster import aside, connected

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed in this environment: pip install applied_dl[scale]"
)


def test_a_call_aside_is_as_a_call():
    assert aside(lambda: threading.current_thread() is threading.main_thread()) is False

    def fails():
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        aside(fails)


def test_ctrl_c_ends_the_wait_for_a_call():
    import polars as pl

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as a command has it; an earlier test may have left another
    pl.DataFrame({"a": [1]}).lazy().collect()  # its handler of Ctrl-C restarts what the signal interrupts
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            aside(lambda: time.sleep(20))
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - start < 10


def test_a_cluster_that_does_not_answer_is_a_sentence(monkeypatch):
    """By a module in place of Ray, which tries for minutes."""
    ray = types.ModuleType("ray")
    ray.__spec__ = importlib.machinery.ModuleSpec("ray", None)
    asked = []

    def init(**options):
        asked.append(options)
        raise ConnectionError("Failed to connect to Ray cluster")

    ray.init = init
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as other:  # something listens, which is no cluster
        address = f"ray://127.0.0.1:{other.getsockname()[1]}"
        sentence = f"No Ray cluster answers at '{address}' \\(one that asks for a token needs RAY_AUTH_MODE=token"
        with pytest.raises(DataError, match=sentence), connected(address, 1, {}):
            pass
    with pytest.raises(DataError, match="Ray did not start on this machine: Failed"), connected(None, 2, {}):
        pass
    begin = time.perf_counter()
    for nowhere in (address, "ray://no.such.host.invalid:10001"):
        with pytest.raises(DataError, match=r"No Ray cluster answers at .*; expected ray://HOST:10001"), connected(nowhere, 1, {}):
            pass
    assert time.perf_counter() - begin < 15
    with pytest.raises(DataError, match="No Ray cluster answers at 'auto'"), connected("auto", 1, {}):
        pass
    assert [options["address"] for options in asked] == [address, "local", "auto"]


@pytest.mark.slow
@needs_ray
def test_a_signal_to_end_is_as_ctrl_c():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), connected(None, 1, {}):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)
    assert signal.getsignal(signal.SIGTERM) is before
