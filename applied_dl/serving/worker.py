"""One process that answers: its bundles, one event loop, a pool of threads; `python -m applied_dl.serving.worker` is one of several."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from uvicorn import Config, Server

from applied_dl.core import console
from applied_dl.core.errors import AppliedError
from applied_dl.serving.app import make_app
from applied_dl.serving.connections import connections_with
from applied_dl.serving.limits import Limits
from applied_dl.serving.models import Repository

KEEP_ALIVE = 75  # seconds without a request, after which a connection is closed


class Settings(Struct, frozen=True, kw_only=True):
    """What a worker answers with.

    Args:
        folders: of the bundles, by name of the model.
        limits: of its requests.
        threads: requests that it answers at the same time.
        token: of the clients; none where it is empty.
        socket: file descriptor of the listening socket, which all workers share.
        parent: process that started it; it ends when that one is gone. 0 where there is none.
        quiet: print warnings only.
    """

    folders: dict[str, str]
    limits: Limits
    threads: int
    token: str = ""
    socket: int = -1
    parent: int = 0
    quiet: bool = False


def run_worker(settings: Settings, listening: socket.socket, ready: Callable[[Repository], None]) -> None:
    """Answer until SIGTERM or SIGINT; then finish the requests that have begun, and return.

    Args:
        settings: of the worker.
        listening: bound socket.
        ready: called when every bundle is loaded.

    Raises:
        AppliedError: a bundle is damaged.
    """
    console.quiet = settings.quiet
    models = Repository({name: Path(folder) for name, folder in settings.folders.items()})
    models.load()
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its tracebacks quote requests
    app = make_app(models, settings.limits, settings.threads, settings.token, lambda: settings.parent in (0, os.getppid()))
    config = Config(
        app,
        http=connections_with(settings.limits),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(settings.limits.seconds + settings.limits.reading),
    )
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again when it has drained
        signal.signal(number, lambda *_: None)
    ready(models)
    Server(config).run([listening])


def main() -> int:
    """Read the settings from stdin, and write one line to stdout when ready."""
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    try:
        run_worker(settings, socket.socket(fileno=settings.socket), lambda models: print("ready", flush=True))
    except AppliedError as error:
        console.warn(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
