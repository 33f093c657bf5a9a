"""python -m benchmarks.serving.soak: 20,000 mixed requests from 32 connections over all tasks; every answer is compared with `Predictor`'s.

Tensors and raw inputs, JSON and binary, good and wrong requests, in random order, against two worker processes. In a second part one worker
is killed with SIGKILL and a bundle is replaced while 8 connections ask. Memory is that of the server's processes after the first tenth of
the requests and at their end.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from applied_dl.predictor import Predictor, load
from benchmarks.runner import ROOT, Row, write
from benchmarks.serving.load import Exchange, as_base64, bundles, cpu_seconds, jpeg, megabytes, send
from tests.serving.server import Running, serving

REQUESTS, CONNECTIONS, VARIANTS = 20_000, 32, 4


class Case:
    """A request, and what must come back: the outputs by name, or the status of a refusal."""

    def __init__(self, exchange: Exchange, outputs: dict[str, list] | None, status: int = 200):
        self.exchange, self.outputs, self.status = exchange, outputs, status

    def right(self, status: int, body: bytes) -> bool:
        """Whether this is the answer."""
        if status != self.status:
            return False
        message = json.loads(body)
        if self.outputs is None:
            return list(message) == ["error"]
        found = {one["name"]: one["data"] for one in message["outputs"]}
        if "predictions" in found:
            found["predictions"] = [json.loads(text) for text in found["predictions"]]
        return found == self.outputs


def cases(name: str, predictor: Predictor) -> list[Case]:
    """Requests to one model, as tensors in JSON and binary, as raw inputs, and wrong."""
    path, found = f"/v2/models/{name}/infer", []
    with np.load(predictor.folder / "golden.npz") as file:
        golden = {key.removeprefix("input/"): file[key] for key in file.files if key.startswith("input/")}
    types = {"float32": "FP32", "int32": "INT32", "uint8": "UINT8"}
    for row in range(VARIANTS):
        arrays = {key: array[row : row + 1 + row % 2] for key, array in golden.items()}
        outputs = {key: array.ravel().tolist() for key, array in predictor.run(arrays).items()}
        heads = [{"name": key, "datatype": types[a.dtype.name], "shape": list(a.shape)} for key, a in arrays.items()]
        plain = [{**head, "data": arrays[head["name"]].tolist()} for head in heads]
        binary = [{**head, "parameters": {"binary_data_size": arrays[head["name"]].nbytes}} for head in heads]
        tail = b"".join(array.tobytes() for array in arrays.values())
        found += [Case(Exchange(path, {"inputs": plain}), outputs), Case(Exchange(path, {"inputs": binary}, tail), outputs)]
        inputs, same, tail = raw(predictor, row)
        answers = predictor.predict(same)
        failed = all("error" in one for one in answers)
        message = {"parameters": {"raw": True}, "inputs": inputs}
        found.append(Case(Exchange(path, message, tail), None if failed else {"predictions": answers}, 400 if failed else 200))
    found.append(Case(Exchange(path, {"inputs": [{"name": "nothing", "datatype": "FP32", "shape": [1], "data": [1]}]}), None, 400))
    found.append(Case(Exchange(path + "x", {"inputs": []}), None, 404))
    return found


def raw(predictor: Predictor, row: int) -> tuple[list[dict], list, bytes]:
    """Raw inputs as JSON tensors, as `predict` takes them, and their binary part."""

    def column(name: str, datatype: str, values: list) -> dict:
        return {"name": name, "datatype": datatype, "shape": [len(values)], "data": values}

    kind = predictor.task_module.INPUT
    if kind == "image":
        files = [jpeg((60 + 10 * row, 50), row), jpeg(seed=9)]
        if row % 2:
            return [column("image", "BYTES", [as_base64(content) for content in files])], files, b""
        tail = b"".join(struct.pack("<I", len(content)) + content for content in files)
        return [{"name": "image", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": len(tail)}}], files, tail
    if kind == "row":
        cells = {c.name: c.low + (c.high - c.low) * row / VARIANTS for c in predictor.encoder.columns}
        return [column(name, "FP64", [value]) for name, value in cells.items()], [cells], b""
    if kind == "history":
        lines = [line.split(",") for line in (ROOT / "applied_dl" / "datasets" / "co2.csv").read_text().splitlines()]
        part = lines[1 + 20 * row : 300]
        values = [float(cells[1]) if cells[1] else None for cells in part]
        table = {lines[0][0]: [cells[0] for cells in part], lines[0][1]: values}
        return [column(lines[0][0], "BYTES", table[lines[0][0]]), column(lines[0][1], "FP64", values)], [table], b""
    texts = [["a song"], ["the song", "of the year"], ["the home team of the year"], ["in the hills", "the"]][row]
    return [column("text", "BYTES", texts)], texts, b""


def soak(server: Running, every: list[Case], requests: int, connections: int) -> dict:
    """Send the requests in random order, and compare every answer."""
    wrong: list[str] = []
    done = [0] * connections
    share = requests // connections

    def work(place: int) -> None:
        order = random.Random(place)
        with socket.create_connection((server.host, server.port), timeout=120) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(share):
                case = order.choice(every)
                try:
                    status, body = send(connection, case.exchange.content)
                except OSError as error:
                    wrong.append(f"lost: {error!r}")
                    return
                done[place] += 1
                if not case.right(status, body):
                    wrong.append(f"{status} {body[:300]!r}")

    threads = [threading.Thread(target=work, args=(place,)) for place in range(connections)]
    start, spent, memory = time.perf_counter(), cpu_seconds(server.process.pid), 0.0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
        if not memory and sum(done) >= requests / 10:
            memory = megabytes(server.process.pid)
    return {
        "requests": sum(done), "wrong": len(wrong), "examples": wrong[:3], "seconds": round(time.perf_counter() - start, 1),
        "cpu_ms": round((cpu_seconds(server.process.pid) - spent) / max(1, sum(done)) * 1e3, 3),
        "megabytes_early": round(memory, 1), "megabytes_late": round(megabytes(server.process.pid), 1),
    }  # fmt: skip


def disturbed(server: Running, folder: Path, other: Path, predictors: tuple[Predictor, Predictor]) -> dict:
    """Replace the bundle of one model ten times, and kill a worker after half of them, while 8 connections ask for it.

    A connection of the killed worker breaks; its client connects again and asks once more, as any client does. Each answer must be that of
    one of the two bundles, each request must have one, and only connections of the killed worker may break.
    """
    text = "a song of the year"
    ask = Exchange("/v2/models/changing/infer", {"parameters": {"raw": True}, "inputs": [
        {"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}]})  # fmt: skip
    allowed = [predictor.predict([text])[0] for predictor in predictors]
    counts = {"requests": 0, "wrong": 0, "broken": 0}
    stop, lock, killed = threading.Event(), threading.Lock(), threading.Event()

    def work() -> None:
        connection = socket.create_connection((server.host, server.port), timeout=60)
        while not stop.is_set():
            try:
                status, body = send(connection, ask.content)
            except OSError:
                connection.close()
                connection = socket.create_connection((server.host, server.port), timeout=60)
                with lock:
                    counts["broken" if killed.is_set() else "wrong"] += 1
                continue
            right = status == 200 and json.loads(json.loads(body)["outputs"][0]["data"][0]) in allowed
            with lock:
                counts["requests"] += 1
                counts["wrong"] += not right
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for turn in range(10):
        new = folder.with_name("new")
        shutil.copytree(other if turn % 2 == 0 else other.with_name("first"), new)
        os.rename(folder, folder.with_name("old"))
        os.rename(new, folder)
        shutil.rmtree(folder.with_name("old"))
        time.sleep(1.5)
        if turn == 5:
            killed.set()
            os.kill(server.workers()[0], signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    page = server.ask("GET", "/metrics")[1].decode()
    reloads = sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith("applied_dl_reloads_total"))
    return {**counts, "replaced": 10, "reloads": int(reloads), "workers": len(server.workers())}


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    with tempfile.TemporaryDirectory() as temporary:
        folders = bundles(Path(temporary))
        predictors = {name: load(folder, threads=1) for name, folder in folders.items()}
        every = [case for name, predictor in predictors.items() for case in cases(name, predictor)]
        changing = Path(shutil.copytree(folders["words"], Path(temporary) / "changing" / "now"))
        shutil.copytree(folders["words"], changing.with_name("first"))
        other = Path(shutil.copytree(folders["sentences"], changing.with_name("other")))
        pairs = [f"{name}={folder}" for name, folder in folders.items()]
        with serving(*pairs, f"changing={changing}", "--workers", "2", quiet=False) as server:
            found = {"soak": soak(server, every, requests, CONNECTIONS), "connections": CONNECTIONS, "kinds": len(every)}
            found["disturbed"] = disturbed(server, changing, other, (predictors["words"], predictors["sentences"]))
            start = time.perf_counter()
            found["exit_code"], found["stop_seconds"] = server.stop(), round(time.perf_counter() - start, 2)
        write("serving_soak", found)


def summary(found: dict) -> list[Row]:
    """Against the goals."""
    soaked, moved = found["soak"], found["disturbed"]
    broken = f"{moved['broken']} connections of the killed worker broke; {moved['workers']} workers at the end"
    growth = soaked["megabytes_late"] / soaked["megabytes_early"] - 1
    return [
        Row(f"{soaked['requests']:,} mixed requests from {found['connections']} connections, five tasks",
            f"{soaked['wrong']} wrong or lost", "≥ 20,000, none", soaked["wrong"] == 0 and soaked["requests"] >= 20_000,
            f"{soaked['cpu_ms']:.2f} ms CPU a request"),
        Row("growth of the server's memory meanwhile", f"{growth:.1%}", "< 5%", growth < 0.05,
            f"{soaked['megabytes_early']:.0f} to {soaked['megabytes_late']:.0f} MB, two workers"),
        Row("a bundle replaced ten times and a worker killed under load", f"{moved['wrong']} of {moved['requests']:,} requests wrong",
            "none", moved["wrong"] == 0, broken),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
