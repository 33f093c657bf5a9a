"""Requests as bytes, clients that send them over plain sockets, and what a server process costs meanwhile."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import threading
import time
import zipfile
from pathlib import Path

from benchmarks.runner import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "schema_1"
TASKS = ("image", "tabular", "forecast", "words", "sentences")


def bundles(folder: Path) -> dict[str, Path]:
    """One small bundle of each task."""
    for task in TASKS:
        with zipfile.ZipFile(FIXTURES / f"{task}.zip") as archive:
            archive.extractall(folder)
    return {task: folder / task for task in TASKS}


class Exchange:
    """One request as bytes, and its answer.

    Args:
        path: of the address.
        message: the JSON.
        tail: binary tensors after it.
    """

    def __init__(self, path: str, message: dict, tail: bytes = b""):
        head = json.dumps(message).encode()
        extra = f"Inference-Header-Content-Length: {len(head)}\r\n" if tail else ""
        kind = "application/octet-stream" if tail else "application/json"
        self.content = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(head) + len(tail)}\r\n\r\n"
        ).encode() + head + tail  # fmt: skip


def send(connection: socket.socket, content: bytes) -> tuple[int, bytes]:
    """Status and body of one request on a connection that stays open."""
    connection.sendall(content)
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("closed before the header")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("closed before the end of the body")
        body += part
    return int(head[9:12]), body


def several(port: int, content: bytes, count: int, clients: int) -> list[float]:
    """Seconds of each of `count` requests, sent by as many clients beside each other. Raises where one fails."""
    seconds: list[float] = []
    failed: list[str] = []

    def work() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count // clients):
                start = time.perf_counter()
                status, body = send(connection, content)
                seconds.append(time.perf_counter() - start)
                if status != 200:
                    failed.append(f"{status} {body[:200]!r}")
                    return

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return seconds


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its children used so far, to the nanosecond; of threads that ended to the clock tick."""
    spent = 0.0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        precise = sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{one}/task").glob("*/schedstat")) / 1e9
        spent += precise if abs(ticks - precise) < 0.1 * ticks + 0.05 else ticks
    return spent


def megabytes(pid: int, what: str = "VmRSS") -> float:
    """Memory of a process and its children."""
    lines = [line for one in family(pid) for line in Path(f"/proc/{one}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def jpeg(size: tuple[int, int] = (320, 240), seed: int = 0) -> bytes:
    """A photograph-like JPEG."""
    import numpy as np
    from PIL import Image

    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(file, "jpeg", quality=90)
    return file.getvalue()


def as_base64(content: bytes) -> str:
    """The bytes as JSON holds them."""
    return base64.b64encode(content).decode()
