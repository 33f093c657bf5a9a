"""A connection to Ray: to a cluster, or to one that is started on this machine."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from applied_dl.core.errors import DataError, UsageError

Result = TypeVar("Result")

TOKEN = "one that asks for a token needs RAY_AUTH_MODE=token, and the token in RAY_AUTH_TOKEN or ~/.ray/auth_token"
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
