"""What a server accepts: sizes, rows, pixels, waiting requests, time."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from applied_dl.core.errors import UsageError
from applied_dl.serving.refusal import Refusal

MEGABYTE = 2**20


class Limits(Struct, frozen=True, kw_only=True):
    """The limits of one worker process.

    Args:
        body: bytes of one request.
        bodies: bytes of all requests that are being read or wait.
        rows: inputs, or rows of tensors and of a history, in one request.
        pixels: of all images in one request, as their headers say, before any is decoded.
        queue: requests that wait or run; above it the answer is 429.
        connections: open at the same time; above it the answer is 503.
        seconds: until a request that was read must have its answer, else it is 504.
        reading: seconds in which the header must arrive, and again the body.
    """

    body: int = 16 * MEGABYTE
    bodies: int = 256 * MEGABYTE
    rows: int = 10_000
    pixels: int = 50_000_000
    queue: int = 128
    connections: int = 1_000
    seconds: float = 30.0
    reading: float = 20.0


def limits_with(**given: float | None) -> Limits:
    """The default limits with those that are given. Raises `UsageError` for one that is not positive."""
    chosen = {name: value for name, value in given.items() if value is not None}
    for name, value in chosen.items():
        if not value > 0:
            raise UsageError(f"The limit of {name} must be greater than 0, received {value:g}.")
    return msgspec.structs.replace(Limits(), **chosen)


class Load:
    """How much a worker holds now: requests that wait or run, and bytes of bodies. One event loop uses it, so it needs no lock."""

    def __init__(self, limits: Limits):
        self.limits, self.requests, self.bytes = limits, 0, 0

    def admit(self) -> None:
        """Count one more request. Raises `Refusal` 429 where too many wait."""
        if self.requests >= self.limits.queue:
            raise Refusal(429, f"{self.requests} requests are waiting already; try again later.", ((b"retry-after", b"1"),))
        self.requests += 1

    def release(self) -> None:
        """Count one request less."""
        self.requests -= 1

    def hold(self, count: int) -> None:
        """Count more bytes of bodies. Raises `Refusal` 429 where the bodies of all requests together are too large."""
        if self.bytes + count > self.limits.bodies:
            raise Refusal(429, "The requests that are being read are too large together; try again later.", ((b"retry-after", b"1"),))
        self.bytes += count

    def let_go(self, count: int) -> None:
        """Count fewer bytes of bodies."""
        self.bytes -= count
