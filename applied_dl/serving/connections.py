"""uvicorn's HTTP connection with a limit of time and size for a request's header, and errors in the protocol's form."""

from __future__ import annotations

import asyncio

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from applied_dl.serving.limits import Limits

LARGEST_HEADER = 64 * 1024  # bytes
STATUS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}


class Connection(HttpToolsProtocol):
    """A client that sends its header slowly, or never, must not hold a connection for ever."""

    limits = Limits()
    _timer: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connects."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, "Too many connections are open; try again later.")
        else:
            self._wait_for_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """A client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a header or of a body."""
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_header()
        if self._timer is not None:
            self._received += len(data)
            if self._received > LARGEST_HEADER + len(data):  # the last piece may hold the body
                self._refuse(431, f"The header is longer than {LARGEST_HEADER:,} bytes.")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """A request begins."""
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse(400, "The request is no valid HTTP.")

    def _wait_for_header(self) -> None:
        self._received = 0
        self._timer = self.loop.call_later(self.limits.reading, self._refuse, 408, "The header of the request did not arrive in time.")

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, sentence: str) -> None:
        self._stop_waiting()
        if self.transport.is_closing():
            return
        body = msgspec.json.encode({"error": sentence})
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, STATUS[status], len(body)) + body)
        self.transport.close()


def connections_with(limits: Limits) -> type[Connection]:
    """The class of a server's connections."""
    return type("Connection", (Connection,), {"limits": limits})
