"""python -m benchmarks.serving.hostile: over 200 hostile requests, each refused in one sentence, with the server answering as before.

Truncated and damaged images, bombs, wrong shapes and types, 50 MB bodies, clients that send slowly, invalid JSON, HTTP and binary headers,
damaged requests, paths in place of data. A refusal must be `{"error"}` with one sentence and a status below 500, without a path or a
traceback; where the request is no HTTP at all, a closed connection is one too. Some damaged requests are still valid, and are answered.
After each, a good request must have its usual answer.
"""

from __future__ import annotations

import io
import json
import random
import re
import socket
import struct
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.runner import Row, write
from benchmarks.serving.load import Exchange, as_base64, bundles, jpeg, megabytes, send
from tests.serving.server import Running, serving

SECONDS = 60
PATHS = ("/etc/passwd", "../../../etc/shadow", "C:\\Windows\\win.ini", "file:///etc/passwd", "http://127.0.0.1/", "co2", "diabetes",
         "sqlite:///x.db?t", "~/.ssh/id_rsa", "/dev/zero", "/proc/self/environ", "-", "\0", "|ls", "$(id)")  # fmt: skip


class Attack(NamedTuple):
    """Bytes of a connection; `slow` sends them one each half second; `answered`: a 200 is right too."""

    name: str
    content: bytes
    answered: bool = False
    slow: bool = False


def post(model: str, message, tail: bytes = b"", **headers: str) -> bytes:
    """A request whose body is JSON, or bytes as they are, and then a tail."""
    head = message if isinstance(message, bytes) else json.dumps(message).encode()
    lines = {"Host": "x", "Content-Length": str(len(head) + len(tail)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    if tail and "Inference-Header-Content-Length" not in lines:
        lines["Inference-Header-Content-Length"] = str(len(head))
    start = f"POST /v2/models/{model}/infer HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return start.encode() + head + tail


def tensor(name: str, datatype: str, shape: list, data) -> dict:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def raw(model: str, *inputs: dict) -> bytes:
    return post(model, {"parameters": {"raw": True}, "inputs": list(inputs)})


def images() -> list[Attack]:
    """Truncated, damaged and enormous ones."""
    from PIL import Image

    found, order, photo = [], random.Random(1), jpeg()
    for cut in range(1, 21):
        content = photo[: len(photo) * cut // 21]
        found.append(Attack(f"JPEG cut at {cut}/21", raw("image", tensor("image", "BYTES", [1], [as_base64(content)]))))
    for i in range(20):
        damaged = bytearray(photo)
        for _ in range(20):
            damaged[order.randrange(len(damaged))] = order.randrange(256)
        request = raw("image", tensor("image", "BYTES", [1], [as_base64(bytes(damaged))]))
        found.append(Attack(f"JPEG with 20 changed bytes, {i}", request, answered=True))
    for kind, mode, side in (("png", "1", 20_000), ("gif", "L", 20_000), ("tiff", "1", 20_000), ("webp", "RGB", 16_000)):
        file = io.BytesIO()
        options = {"compression": "group4"} if kind == "tiff" else {}
        if kind == "webp":
            content = b"RIFF\x1e\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + struct.pack("<I", side - 1)[:3] * 2
        else:
            Image.new(mode, (side, side)).save(file, kind, **options)
            content = file.getvalue()
        found.append(Attack(f"bomb: {kind} of {side}²", raw("image", tensor("image", "BYTES", [1], [as_base64(content)]))))
    file = io.BytesIO()
    Image.new("L", (7000, 7000)).save(file, "png")
    forty = tensor("image", "BYTES", [40], [as_base64(file.getvalue())] * 40)
    found.append(Attack("bombs: 40 images of 49 megapixels", raw("image", forty)))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    for name, content in (("SVG", svg), ("empty", b""), ("zip", b"PK\3\4"), ("text", b"hello")):
        found.append(Attack(f"no image: {name}", raw("image", tensor("image", "BYTES", [1], [as_base64(content)]))))
    return found


def tensors() -> list[Attack]:
    """Wrong types, shapes, counts and numbers."""
    found = []
    types = ("BOOL", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES", "BF16", "", "\0")
    found += [Attack(f"type {kind!r}", post("image", {"inputs": [tensor("image", kind, [1, 8, 8, 1], [0] * 64)]})) for kind in types]
    shapes = ([], [64], [1, 8, 8], [1, 8, 8, 3], [0, 8, 8, 1], [-1, 8, 8, 1], [1, 64, 1, 1], [2**62, 8, 8, 1], [1] * 40, [2, 8, 8, 1])
    found += [Attack(f"shape {shape}", post("image", {"inputs": [tensor("image", "UINT8", shape, [0] * 64)]})) for shape in shapes]
    data = ([256] * 64, [-1] * 64, [0.5] * 64, ["0"] * 64, [None] * 64, [[0] * 8] * 8, [[0], [0, 1]] * 32, {"a": 1}, "text", 3, [[]] * 64,
            [10**400] * 64, [True] * 64, [0] * 63, [])  # fmt: skip
    found += [
        Attack(f"data {str(one)[:20]}", post("image", {"inputs": [tensor("image", "UINT8", [1, 8, 8, 1], one)]}), answered=i == 5)
        for i, one in enumerate(data)
    ]
    good = tensor("image", "UINT8", [1, 8, 8, 1], [0] * 64)
    found.append(Attack("an input twice", post("image", {"inputs": [good, good]})))
    found.append(Attack("50,000 inputs", post("image", {"inputs": [{**good, "name": f"i{i}", "data": [0]} for i in range(50_000)]})))
    rows = tensor("image", "UINT8", [11_000, 8, 8, 1], [0] * 64 * 11_000)
    found.append(Attack("11,000 rows", post("image", {"inputs": [rows]})))
    found.append(Attack("NaN", post("tabular", b'{"inputs": [{"name": "age", "datatype": "FP32", "shape": [1], "data": [NaN]}]}')))
    return found


def broken_json() -> list[Attack]:
    """JSON that is none, or other JSON."""
    texts = (b"", b"{", b"}", b"[]", b"null", b"1", b'"a"', b"{}", b'{"inputs": null}', b'{"inputs": {}}', b'{"inputs": [null]}',
             b"\xff" * 50, b"[" * 200_000, b'{"inputs":' * 50_000, b'{"inputs": [], "inputs": []}', b'{"id": 3, "inputs": []}', b"\0" * 100,
             b'{"inputs": [{"name": "\\ud800"}]}', b'{"parameters": [], "inputs": []}', b"<xml/>")  # fmt: skip
    return [Attack(f"JSON {text[:20]!r}", post("words", text)) for text in texts]


def broken_binary() -> list[Attack]:
    """Binary headers and tensors that do not fit the body."""
    good = {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 8, 8, 1], "parameters": {"binary_data_size": 64}}]}
    found = []
    for length in ("-1", "0", "1", "99999999", "abc", "1e3", "9" * 400, " ", "0x10"):
        found.append(Attack(f"header length {length[:9]!r}", post("image", good, b"\0" * 64, Inference_Header_Content_Length=length)))
    for size in (-1, 0, 63, 65, 2**62, 1.5, "64", True, None):
        message = {"inputs": [{**good["inputs"][0], "parameters": {"binary_data_size": size}}]}
        found.append(Attack(f"binary size {size!r}", post("image", message, b"\0" * 64)))
    element = {"name": "image", "datatype": "BYTES", "shape": [1]}
    tails = {"length 4 GB": b"\xff\xff\xff\xff", "no bytes": b"\5\0\0\0", "two of one": b"\0\0\0\0" * 2, "short": b"\1\0"}
    for name, tail in tails.items():
        message = {"parameters": {"raw": True}, "inputs": [{**element, "parameters": {"binary_data_size": len(tail)}}]}
        found.append(Attack(f"BYTES: {name}", post("image", message, tail)))
    return found


def large() -> list[Attack]:
    """Bodies and texts that are too long."""
    fifty = 50 * 2**20
    declared = f"POST /v2/models/words/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {fifty}\r\n\r\n".encode()
    chunk = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
    chunked = b"POST /v2/models/words/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 50 + b"0\r\n\r\n"
    text = tensor("text", "BYTES", [1], ["word " * 2_500_000])
    many = tensor("text", "BYTES", [20_000], ["a"] * 20_000)
    return [
        Attack("50 MB, declared", declared + b"x" * fifty), Attack("50 MB, chunked", chunked),
        Attack("a text of 12 MB", raw("sentences", text), answered=True), Attack("a word of 12 MB", raw("words", text), answered=True),
        Attack("20,000 texts", raw("sentences", many)), Attack("gzip", post("words", b"\x1f\x8b" + b"\0" * 100, Content_Encoding="gzip")),
        Attack("an id of 1 MB", post("words", {"id": "x" * 2**20, "inputs": []})),
        Attack("a history of 11,000 steps", raw("forecast", tensor("date", "BYTES", [11_000], ["2000-01-01"] * 11_000))),
    ]  # fmt: skip


def paths() -> list[Attack]:
    """Texts that look like files, for every task that could open one. Texts of words and sentences are texts."""
    found = []
    for text in PATHS:
        found.append(Attack(f"image {text!r}", raw("image", tensor("image", "BYTES", [1], [text]))))
        found.append(Attack(f"history {text!r}", raw("forecast", tensor("date", "BYTES", [1], [text]))))
        found.append(Attack(f"text {text!r}", raw("sentences", tensor("text", "BYTES", [1], [text])), answered=True))
    found += [Attack(f"address {text!r}", b"GET /v2/models/" + text.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n") for text in PATHS[:8]]
    return found


def http() -> list[Attack]:
    """What is no HTTP, or HTTP of another kind."""
    line = b"POST /v2/models/words/infer HTTP/1.1\r\nHost: x\r\n"
    return [
        Attack("random bytes", bytes(range(256)) * 4), Attack("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200),
        Attack("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Attack("no version", b"GET /v2\r\n\r\n", answered=True),
        Attack("negative length", line + b"Content-Length: -5\r\n\r\nhello"),
        Attack("two lengths", line + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
        Attack("length and chunks", line + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Attack("bad chunk", line + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Attack("header of 1 MB", line + b"A: " + b"x" * 2**20 + b"\r\n\r\n"),
        Attack("100,000 headers", line + b"a: b\r\n" * 100_000 + b"\r\n"),
        Attack("address of 1 MB", b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\n\r\n"),
        Attack("DELETE", b"DELETE /v2/models/words HTTP/1.1\r\nHost: x\r\n\r\n"),
        Attack("unload", b"POST /v2/repository/models/words/unload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
        Attack("upgrade", b"GET /v2/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"),
        Attack("slow header", line, slow=True), Attack("slow body", line + b"Content-Length: 500\r\n\r\n" + b"{" * 20, slow=True),
        Attack("nothing", b"", slow=True),
    ]  # fmt: skip


def damaged(count: int = 40) -> list[Attack]:
    """A good request with one changed byte in its JSON."""
    order, found = random.Random(2), []
    body = json.dumps({"inputs": [tensor("image", "UINT8", [1, 8, 8, 1], [0] * 64)], "id": "a"}).encode()
    for i in range(count):
        changed = bytearray(body)
        changed[order.randrange(len(changed))] = order.randrange(256)
        found.append(Attack(f"one changed byte, {i}", post("image", bytes(changed)), answered=True))
    return found


def attack(server: Running, one: Attack) -> str:
    """What is wrong with the answer; empty where nothing is."""
    with socket.create_connection((server.host, server.port), timeout=SECONDS) as connection:
        received = b""
        try:
            if one.slow:
                for byte in one.content or b" " * 0:
                    connection.sendall(bytes([byte]))
                    time.sleep(0.5 if len(one.content) < 200 else 0.1)
            else:
                connection.sendall(one.content)
        except OSError:
            pass  # refused before all of it was sent
        try:
            while part := connection.recv(65536):
                received += part
                head, end, body = received.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                if end and length and len(body) >= int(length[1]):
                    break
        except ConnectionResetError:
            pass
        except TimeoutError:
            return "no answer"
    if not received:
        return "" if one.name in RESETS else "closed without an answer"
    status, body = int(received[9:12]), received.partition(b"\r\n\r\n")[2]
    if status == 200:
        return "" if one.answered else f"answered: {body[:100]!r}"
    if status >= 500:
        return f"{status} {body[:200]!r}"
    try:
        sentence = json.loads(body)["error"]
    except (ValueError, KeyError):
        return f"no sentence: {body[:200]!r}"
    wrong = "\n" in sentence or len(sentence) > 1500 or re.search(r"Traceback|\.py\b|site-packages|/tmp/|Error\(", sentence)
    return f"sentence: {sentence[:200]!r}" if wrong or not sentence.endswith((".", "?", ")")) else ""


RESETS = ("50 MB, declared", "50 MB, chunked", "header of 1 MB", "100,000 headers", "address of 1 MB")  # the kernel may drop our answer


def main() -> None:
    attacks = [*images(), *tensors(), *broken_json(), *broken_binary(), *large(), *paths(), *http(), *damaged()]
    with tempfile.TemporaryDirectory() as temporary:
        folders = bundles(Path(temporary))
        song = tensor("text", "BYTES", [1], ["a song of the year"])
        good = Exchange("/v2/models/sentences/infer", {"inputs": [song], "parameters": {"raw": True}})
        with serving(*(f"{name}={folder}" for name, folder in folders.items()), quiet=False) as server:
            with socket.create_connection((server.host, server.port)) as connection:
                usual = send(connection, good.content)
            assert usual[0] == 200
            before = megabytes(server.process.pid)
            wrong: dict[str, str] = {}
            slow = [threading.Thread(target=lambda one=one: wrong.update({one.name: attack(server, one)})) for one in attacks if one.slow]
            for thread in slow:
                thread.start()
            longest = 0.0
            for one in attacks:
                if not one.slow:
                    start = time.perf_counter()
                    wrong[one.name] = attack(server, one)
                    longest = max(longest, time.perf_counter() - start)
                with socket.create_connection((server.host, server.port), timeout=SECONDS) as connection:
                    if send(connection, good.content) != usual:
                        wrong[one.name] += " and the next good request had another answer"
            for thread in slow:
                thread.join()
            found = {
                "attacks": len(attacks), "kinds": dict(Counter(one.name.split()[0] for one in attacks).most_common(12)),
                "wrong": {name: text for name, text in wrong.items() if text}, "longest_seconds": round(longest, 2),
                "megabytes_before": round(before, 1), "megabytes_after": round(megabytes(server.process.pid), 1),
                "megabytes_peak": round(megabytes(server.process.pid, "VmHWM"), 1),
            }  # fmt: skip
        write("serving_hostile", found)


def summary(found: dict) -> list[Row]:
    """Against the goal."""
    memory = f"peak memory {found['megabytes_peak']:.0f} MB, {found['megabytes_after']:.0f} after; longest {found['longest_seconds']:.1f} s"
    return [
        Row(f"{found['attacks']} hostile requests", f"{len(found['wrong'])} not refused in one sentence", "≥ 200, none",
            not found["wrong"] and found["attacks"] >= 200, memory),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
