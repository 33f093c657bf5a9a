"""The routes of the Open Inference Protocol v2 as one ASGI application."""

from __future__ import annotations

import asyncio
import hmac
import signal
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from applied_dl.core import console
from applied_dl.core.errors import AppliedError
from applied_dl.serving import metrics
from applied_dl.serving.infer import RAW, Answered, infer, respond
from applied_dl.serving.limits import Limits, Load
from applied_dl.serving.models import Model, Repository
from applied_dl.serving.openapi import describe
from applied_dl.serving.protocol import HEADER_LENGTH, format_error, parse_request
from applied_dl.serving.refusal import Refusal

OPEN = ("/v2/health/live", "/v2/health/ready")  # without a token: an orchestrator asks for them
EXTENSIONS = ["binary_tensor_data"]
WATCH_SECONDS = 1.0
SMALL = 4096  # bytes of a request of tensors that a quick model answers at once: a thread would cost more than the answer


def make_app(models: Repository, limits: Limits, threads: int, token: str = "", alive: Callable[[], bool] = lambda: True) -> Any:
    """The application.

    Args:
        models: loaded ones.
        limits: of a request and of all that wait.
        threads: requests that are answered at the same time.
        token: that clients must send as `Authorization: Bearer TOKEN`; none where it is empty.
        alive: asked each second; the process drains and ends where it is false.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="infer")
    service = Service(models, limits, pool)
    paths = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
    routes = [Route(f"{path}/infer", service, methods=["POST"]) for path in paths]  # first, since they are looked up in this order
    for path in paths:
        routes += [
            Route(path, _json(lambda request: _model(models, request).metadata)),
            Route(f"{path}/ready", _json(lambda request: {"name": _model(models, request).name, "ready": True})),
        ]
    routes += [
        Route("/v2/health/live", _json(lambda request: {"live": True})),
        Route("/v2/health/ready", _json(lambda request: {"ready": True})),
        Route("/v2", _json(lambda request: {"name": "applied_dl", "version": _version(), "extensions": EXTENSIONS})),
        Route("/openapi.json", _json(lambda request: describe(list(models.models.values())))),
        Route("/metrics", _metrics),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        watcher = asyncio.create_task(_watch(models, alive))
        yield
        watcher.cancel()
        pool.shutdown(wait=False, cancel_futures=True)

    handlers: Any = {HTTPException: _refused_route, AppliedError: _refused, Exception: _failed}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return with_token(app, token) if token else app


class Service:
    """The `infer` route: reads a body within the limits, and answers it in a thread of the pool."""

    def __init__(self, models: Repository, limits: Limits, pool: ThreadPoolExecutor):
        self.models, self.limits, self.pool, self.load = models, limits, pool, Load(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parameters = scope["path_params"]
        name = parameters["name"]
        known = name if name in self.models.models else ""
        start = time.perf_counter()
        try:
            model = self.models.get(name, parameters.get("version"))
            answered = await self._answer(model, dict(scope["headers"]), receive)
            status, headers, body = 200, answered.headers, answered.body
            metrics.rows.labels(known).inc(answered.rows)
        except AppliedError as error:
            refusal = error if isinstance(error, Refusal) else Refusal(400, str(error))
            status, (headers, body) = refusal.status, format_error(refusal)
        except Exception as error:  # a defect of ours: the client gets no trace of it, the log no content of the request
            _log(error)
            status, (headers, body) = 500, format_error(_defect())
        metrics.seconds.labels(known).observe(time.perf_counter() - start)
        metrics.requests.labels(known, str(status)).inc()
        closing = [(b"connection", b"close")] if status in (408, 413) else []  # a body may still be on its way
        await send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *closing, (b"content-length", str(len(body)).encode())]}
        )
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, model: Model, headers: dict[bytes, bytes], receive: Receive) -> Answered:
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(415, "A compressed body is not read here; send it as it is.")
        body = await self._read(headers.get(b"content-length"), receive)
        try:
            if model.quick and len(body) <= SMALL:
                request = parse_request(body, headers.get(HEADER_LENGTH))
                if RAW not in request.parameters:
                    return respond(model, request, self.limits)
            self.load.admit()
            metrics.waiting.inc()
            work = asyncio.get_running_loop().run_in_executor(self.pool, infer, model, body, headers.get(HEADER_LENGTH), self.limits)
            work.add_done_callback(self._done)  # also after the deadline: a thread that runs keeps its place in the queue
            async with asyncio.timeout(self.limits.seconds):
                return await asyncio.shield(work)
        except TimeoutError:
            raise Refusal(504, f"The answer took more than {self.limits.seconds:g} s.") from None
        finally:
            self.load.let_go(len(body))

    def _done(self, work: asyncio.Future[Answered]) -> None:
        self.load.release()
        metrics.waiting.dec()
        if not work.cancelled():
            work.exception()  # seen, where nobody waits for it any more

    async def _read(self, declared: bytes | None, receive: Receive) -> bytes:
        """The whole body. Its bytes count among those of all requests until `let_go`."""
        limit, parts, size = self.limits.body, [], 0
        if declared is not None and int(declared) > limit:
            raise _too_long(limit)
        try:
            async with asyncio.timeout(self.limits.reading):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(400, "The client closed the connection before its request was whole.")
                    part = message.get("body", b"")
                    if size + len(part) > limit:
                        raise _too_long(limit)
                    self.load.hold(len(part))
                    size += len(part)
                    parts.append(part)
                    if not message.get("more_body"):
                        return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            self.load.let_go(size)
            raise Refusal(408, f"The body of the request did not arrive within {self.limits.reading:g} s.") from None
        except Refusal:
            self.load.let_go(size)
            raise


def with_token(app: Any, token: str) -> Any:
    """The application for clients that know the token; the routes of health are open."""
    expected = b"Bearer " + token.encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, expected):
                refusal = Refusal(401, "A valid token is needed: Authorization: Bearer TOKEN.", ((b"www-authenticate", b"Bearer"),))
                await _respond(refusal)(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded


async def _watch(models: Repository, alive: Callable[[], bool]) -> None:
    """Replace changed bundles. They are loaded in a thread, so requests are answered meanwhile."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if not alive():
            signal.raise_signal(signal.SIGTERM)
        try:
            for name in await asyncio.to_thread(models.reload):
                metrics.reloads.labels(name).inc()
                console.say("reload", f"{name}, version {models.models[name].version}")
        except Exception as error:  # the watch must go on
            _log(error)


def _json(content: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """A route that answers with JSON."""

    async def respond(request: Request) -> Response:
        return Response(msgspec.json.encode(content(request)), media_type="application/json")

    return respond


async def _metrics(request: Request) -> Response:
    kind, content = await asyncio.to_thread(metrics.page)
    return Response(content, headers={"content-type": kind.decode()})


def _model(models: Repository, request: Request) -> Model:
    return models.get(request.path_params["name"], request.path_params.get("version"))


def _respond(refusal: Refusal) -> Response:
    headers, body = format_error(refusal)
    return Response(body, refusal.status, {name.decode(): value.decode() for name, value in headers})


async def _refused(request: Request, error: Exception) -> Response:
    return _respond(error if isinstance(error, Refusal) else Refusal(400, str(error)))


async def _refused_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return _respond(Refusal(405, f"This address takes {allowed}.", ((b"allow", allowed.encode()),)))
    return _respond(Refusal(error.status_code, "There is no such address; /openapi.json lists them."))


async def _failed(request: Request, error: Exception) -> Response:
    _log(error)
    return _respond(_defect())


def _defect() -> Refusal:
    return Refusal(500, "The server failed on this request; its log says where.")


def _log(error: Exception) -> None:
    """The kind and the place of a defect. Its message is left out, since it may quote the request."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    console.warn(f"{type(error).__name__} in {place.filename}, line {place.lineno}")


def _too_long(limit: int) -> Refusal:
    return Refusal(413, f"The body is longer than {limit:,} bytes, the most that this server takes.")


def _version() -> str:
    try:
        return version("applied_dl")
    except PackageNotFoundError:
        return "unknown"
