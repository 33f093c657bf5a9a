"""The verb that answers over HTTP: serve."""

from __future__ import annotations

import importlib.util
import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from applied_dl.cli.verb import Verb, print_result
from applied_dl.core import console
from applied_dl.core.errors import DataError, UsageError

TOKEN = "APPLIED_DL_TOKEN"
PACKAGES = ("starlette", "uvicorn", "httptools", "prometheus_client")


def add_serve_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", help="folders written by `train`; NAME=FOLDER gives another name")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine alone)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen at; 0 takes a free one (default: 8080)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that share the port (default: 1)")
    parser.add_argument(
        "--token-file", metavar="FILE", help=f"file with the bearer token that clients must send (default: that of {TOKEN}, or none)"
    )
    parser.add_argument("--max-body", type=float, metavar="MB", help="megabytes of one request (default: 16)")
    parser.add_argument("--max-rows", type=int, metavar="N", help="rows of one request (default: 10000)")
    parser.add_argument("--max-pixels", type=int, metavar="N", help="pixels of all images of one request (default: 50000000)")
    parser.add_argument("--queue", type=int, metavar="N", help="waiting requests of a process, above which it answers 429 (default: 128)")
    parser.add_argument("--timeout", type=float, metavar="S", help="seconds until a request must be answered (default: 30)")
    parser.add_argument(
        "--write-deployment", metavar="DIR", help="write a Dockerfile, a KServe manifest and an OpenVINO configuration, and serve nothing"
    )


def serve(options: Namespace) -> int:
    """Answer over HTTP."""
    from applied_dl.serving.names import named_folders

    folders = named_folders(options.bundles)
    if options.write_deployment:
        from applied_dl.serving.deployment import write_deployment

        files = [str(path) for path in write_deployment(folders, options.write_deployment)]
        return print_result(options, {"files": files}, "\n".join(files))
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f'Serving needs {", ".join(missing)}; run: pip install "applied_dl[serve]".')
    if options.workers < 1:
        raise UsageError(f"--workers must be at least 1, received {options.workers}.")
    from applied_dl.serving.limits import MEGABYTE, limits_with
    from applied_dl.serving.process import serve as answer

    limits = limits_with(
        body=None if options.max_body is None else int(options.max_body * MEGABYTE),
        rows=options.max_rows,
        pixels=options.max_pixels,
        queue=options.queue,
        seconds=options.timeout,
    )

    def announce(url: str) -> None:
        if options.json:
            print(json.dumps({"url": url, "models": list(folders)}), flush=True)
        else:
            for name in folders:
                console.say("serving", f"{url}/v2/models/{name}")

    return answer(folders, options.host, options.port, options.workers, read_token(options.token_file), limits, announce)


def read_token(path: str | None) -> str:
    """The token of a file, else of the environment; empty where there is none."""
    if path is None:
        return os.environ.get(TOKEN, "")
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The token file {path!r} cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8'}.") from None
    if not token or not token.isprintable() or not token.isascii():
        raise DataError(f"The token file {path!r} must hold one line of printable ASCII characters.")
    return token


VERBS = {"serve": Verb(serve, add_serve_arguments, "answer over HTTP by the Open Inference Protocol v2 (no TensorFlow)")}
