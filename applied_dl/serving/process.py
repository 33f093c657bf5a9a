"""A server: one worker in this process, or several that share its socket and are started again when one dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from applied_dl.core import console
from applied_dl.core.errors import DataError, RefusedError, UsageError
from applied_dl.serving.limits import Limits
from applied_dl.serving.worker import Settings, run_worker

BACKLOG = 2048
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PAUSE = 1.0  # seconds between the death of a worker and the next attempt, where it lived no longer
SHARED = "PROMETHEUS_MULTIPROC_DIR"


def serve(
    folders: dict[str, Path],
    host: str = "127.0.0.1",
    port: int = 8080,
    workers: int = 1,
    token: str = "",
    limits: Limits | None = None,
    announce: Callable[[str], None] = lambda url: None,
) -> int:
    """Answer until SIGTERM or SIGINT.

    Args:
        folders: of the bundles, by name of the model.
        host: address to listen at.
        port: to listen at; 0 takes a free one.
        workers: processes that share the port.
        token: that clients must send; none where it is empty.
        limits: of each worker.
        announce: called with the URL when every worker can answer.

    Returns:
        The exit code.

    Raises:
        DataError: a bundle is damaged.
        UsageError: the address cannot be used.
    """
    listening = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listening.getsockname()[1]}"
    if not token and host not in LOOPBACK:
        console.warn(f"anyone who reaches {url} can ask; a token is set with --token-file or APPLIED_DL_TOKEN")
    threads = max(2, (os.cpu_count() or 1) // workers)
    settings = Settings(
        folders={name: str(folder) for name, folder in folders.items()},
        limits=limits or Limits(),
        threads=threads,
        token=token,
        socket=listening.fileno(),
        parent=os.getpid() if workers > 1 else 0,
        quiet=console.quiet,
    )
    if workers == 1:
        run_worker(settings, listening, lambda models: announce(url))
        return 0
    with tempfile.TemporaryDirectory(prefix="applied_dl_metrics_") as shared:
        return Supervisor(settings, workers, listening, shared).run(lambda: announce(url))


def bind(host: str, port: int) -> socket.socket:
    """A bound socket that children inherit. Raises `UsageError` where the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only where the protocol is named
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error).removesuffix(".")
        raise UsageError(f"The server cannot listen at {host}, port {port}: {reason}; give another --host or --port.") from None
    listening.listen(BACKLOG)
    listening.setblocking(False)
    listening.set_inheritable(True)
    return listening


class Supervisor:
    """Starts workers, starts them again when they die, and passes SIGTERM on.

    Args:
        settings: of each worker.
        count: how many.
        listening: the socket that they share.
        shared: folder for their metrics.
    """

    def __init__(self, settings: Settings, count: int, listening: socket.socket, shared: str):
        self.settings, self.count, self.listening, self.shared = settings, count, listening, shared
        self.stopping = threading.Event()

    def run(self, ready: Callable[[], None]) -> int:
        """Until SIGTERM or SIGINT. Raises `DataError` or `RefusedError` where the first workers cannot start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        workers = [self._start() for _ in range(self.count)]
        try:
            for worker in workers:
                assert worker.stdout is not None
                if worker.stdout.readline() != b"ready\n" and not self.stopping.is_set():
                    kind = DataError if worker.wait() == DataError.exit_code else RefusedError
                    raise kind("A worker could not start; the line above says why.")
            if not self.stopping.is_set():
                ready()
            self._watch(workers)
        finally:
            self._stop(workers)
        return 0

    def _watch(self, workers: list[subprocess.Popen[bytes]]) -> None:
        born = dict.fromkeys(range(self.count), time.monotonic())
        while not self.stopping.wait(0.1):
            for place, worker in enumerate(workers):
                if worker.poll() is None or time.monotonic() - born[place] < PAUSE:
                    continue
                console.warn(f"a worker (process {worker.pid}) ended with {worker.returncode}; another one is started")
                self._forget(worker)
                workers[place], born[place] = self._start(), time.monotonic()

    def _start(self) -> subprocess.Popen[bytes]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "applied_dl.serving.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(self.settings.socket,),
            env={**os.environ, SHARED: self.shared},
            start_new_session=True,  # Ctrl-C reaches them through this process alone
        )
        assert worker.stdin is not None
        worker.stdin.write(msgspec.json.encode(self.settings) + b"\n")
        worker.stdin.close()
        return worker

    def _forget(self, worker: subprocess.Popen[bytes]) -> None:
        """The requests in progress of a dead worker are none."""
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid, self.shared)  # type: ignore[no-untyped-call]
        if worker.stdout is not None:
            worker.stdout.close()

    def _stop(self, workers: list[subprocess.Popen[bytes]]) -> None:
        self.listening.close()
        for worker in workers:
            if worker.poll() is None:
                worker.terminate()
        limit = time.monotonic() + self.settings.limits.seconds + self.settings.limits.reading + 5
        for worker in workers:
            try:
                worker.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
