"""A connection to Ray: to a cluster, or to one that is started on this machine."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from applied_dl.core.errors import DataError, UsageError

Result = TypeVar("Result")

TOKEN = "one that asks for a token needs RAY_AUTH_MODE=token, and the token in RAY_AUTH_TOKEN or ~/.ray/auth_token"
CONNECT_SECONDS = 10.0  # in which a machine answers
LOOK_SECONDS = 0.5  # between two looks for a signal
START_SECONDS = "300"  # that Ray's own processes may take to start: a busy machine needs more than the default


@contextmanager
def connected(address: str | None, cpus: int, variables: dict[str, str]) -> Iterator[Any]:
    """The module `ray`, connected; shut down at the end. A SIGTERM within it is as Ctrl-C: Ray would end the process by an abort.

    Args:
        address: of a cluster, such as "ray://host:10001" or "auto"; None starts Ray on this machine.
        cpus: how many processes may run at a time where it is started here.
        variables: environment of the processes, which import this package from where it is here.

    Raises:
        UsageError: Ray is not installed.
        DataError: no cluster answers, or Ray does not start here.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("Ray is not installed: pip install 'applied_dl[scale]'.")
    os.environ.update(RAY_TRAIN_V2_ENABLED="1", RAY_USAGE_STATS_ENABLED="0", RAY_raylet_start_wait_time_s=START_SECONDS)
    if address:
        _check_address(address)
    import ray

    main = threading.current_thread() is threading.main_thread()  # no other may decide what a signal does
    before = signal.getsignal(signal.SIGTERM)
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **variables}
    options: dict[str, Any] = {"address": address} if address else {"address": "local", "num_cpus": cpus, "include_dashboard": False}
    try:
        ray.init(**options, runtime_env={"env_vars": environment}, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # Ray raises plain ones, too, where the machine is so busy that its processes do not start in time
        what = f"No Ray cluster answers at {address!r}" if address else "Ray did not start on this machine"
        what += f" ({TOKEN})" if address and os.environ.get("RAY_AUTH_MODE") is None else ""
        raise DataError(f"{what}: {' '.join(str(error).split())[:200]}") from error
    try:
        if main:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        yield ray
    finally:
        ray.shutdown()
        if main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # none where a library of C had set it


def _check_address(address: str) -> None:
    """Raises `DataError` where nothing listens at a host and port within seconds; Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():  # "auto", or a name that Ray resolves
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        why = error.strerror or f"no answer within {CONNECT_SECONDS:.0f} s"
        raise DataError(f"No Ray cluster answers at {address!r} ({why}); expected ray://HOST:10001 of its head, or auto on it.") from error


def aside(call: Callable[[], Result]) -> Result:
    """`call()` in a thread of its own: in the main one Ray Train takes Ctrl-C for itself, and ends the process without a word."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()  # Ctrl-C leaves it to `ray.shutdown`
    while not done.done():
        wait([done], LOOK_SECONDS)  # without an end, a handler of polars would keep the signal from this thread
    return done.result()
