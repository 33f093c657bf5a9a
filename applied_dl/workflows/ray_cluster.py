"""A connection to Ray: to a cluster, or to one that is started on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from applied_dl.core.errors import DataError, UsageError

START_SECONDS = "300"  # that Ray's own processes may take to start: a busy machine needs more than the default


@contextmanager
def connected(address: str | None, cpus: int, variables: dict[str, str]) -> Iterator[Any]:
    """The module `ray`, connected; shut down at the end.

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

    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **variables}
    options: dict[str, Any] = {"address": address} if address else {"num_cpus": cpus, "include_dashboard": False}
    try:
        ray.init(**options, runtime_env={"env_vars": environment}, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # Ray raises plain ones, too, where the machine is so busy that its processes do not start in time
        what = f"No Ray cluster answers at {address!r}" if address else "Ray did not start on this machine"
        raise DataError(f"{what}: {' '.join(str(error).split())[:200]}") from error
    try:
        yield ray
    finally:
        ray.shutdown()
