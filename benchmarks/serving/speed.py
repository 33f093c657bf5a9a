"""python -m benchmarks.serving.speed: a served bundle beside the bare `Predictor`, a bare Starlette route, KServe's server and MLServer.

Each server runs alone in one process, with two bundles (the tables and images of the test fixtures) and 4 clients on plain sockets; 1,000
requests of each kind, in three rounds in which the servers take turns; the median round counts. Processor time is that of the server's
process, so other work on the machine weighs little. `ready` is measured for one bundle. KServe's server runs our
`applied_dl.serving.kserve_model` in an environment of its own, MLServer the runtime below in another, within its one process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runner import ROOT, Row, peer, write
from benchmarks.serving.load import Exchange, bundles, cpu_seconds, jpeg, megabytes, several

REQUESTS, CLIENTS, ROUNDS = 1000, 4, 3
TENSORS = ("row, JSON tensors", "image, binary tensor")
STARLETTE = """
import asyncio, json, os, sys, applied_dl, numpy as np, uvicorn
from concurrent.futures import ThreadPoolExecutor
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
models = {name: applied_dl.load(folder, threads=1) for name, folder in (pair.split("=") for pair in sys.argv[2:])}
pool = ThreadPoolExecutor(2)

def answer(predictor, body, length):
    message = json.loads(body[:length])
    arrays = {}
    for one in message["inputs"]:
        kind = {"FP32": np.float32, "UINT8": np.uint8}[one["datatype"]]
        data = np.frombuffer(body[length:], kind) if "parameters" in one else np.array(one["data"], kind)
        arrays[one["name"]] = data.reshape(one["shape"])
    return [{"name": name, "data": array.ravel().tolist()} for name, array in predictor.run(arrays).items()]

async def infer(request):
    body = await request.body()
    length = int(request.headers.get("inference-header-content-length", len(body)))
    outputs = await asyncio.get_running_loop().run_in_executor(pool, answer, models[request.path_params["name"]], body, length)
    return JSONResponse({"outputs": outputs})

app = Starlette(routes=[Route("/v2/models/{name}/infer", infer, methods=["POST"]), Route("/v2/health/ready", lambda r: JSONResponse({}))])
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", access_log=False)
"""

MLSERVER = """
import applied_dl, numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceResponse

class Bundle(MLModel):
    async def load(self):
        self.predictor = applied_dl.load(self.settings.parameters.uri, threads=1)
        self.kinds = {name: detail["dtype"] for name, detail in self.predictor.runtime.inputs.items()}
        return True

    async def predict(self, payload):
        if getattr(payload.parameters, "raw", False):
            columns = {one.name: list(one.data) for one in payload.inputs}
            rows = [dict(zip(columns, cells)) for cells in zip(*columns.values())]
            outputs = [StringCodec.encode_output("predictions", [str(one) for one in self.predictor.predict(rows)])]
        else:
            arrays = {one.name: NumpyCodec.decode_input(one).astype(self.kinds[one.name]).reshape(one.shape) for one in payload.inputs}
            outputs = [NumpyCodec.encode_output(name, array) for name, array in self.predictor.run(arrays).items()]
        return InferenceResponse(model_name=self.name, outputs=outputs)
"""
MLSERVER_MAIN = "from mlserver.cli import main; main()"
KINDS = {"bare Starlette": TENSORS, "MLServer": ("row, JSON tensors", "row, raw")}  # others answer every kind of request


def requests(folders: dict[str, Path]) -> dict[str, Exchange]:
    """A row in JSON as tensors and raw, an image as a binary tensor and as the bytes of a JPEG."""
    encoder = json.loads((folders["tabular"] / "encoder.json").read_text())
    row = {column["name"]: column["low"] for column in encoder["columns"]}
    tensors = [{"name": name, "datatype": "FP32", "shape": [1], "data": [value]} for name, value in row.items()]
    cells = [{"name": name, "datatype": "FP64", "shape": [1], "data": [value]} for name, value in row.items()]
    pixels, photo = bytes(range(64)), jpeg()
    element = struct.pack("<I", len(photo)) + photo

    def binary(datatype: str, shape: list[int], content: bytes) -> list[dict]:
        return [{"name": "image", "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(content)}}]

    return {
        "row, JSON tensors": Exchange("/v2/models/tabular/infer", {"inputs": tensors}),
        "row, raw": Exchange("/v2/models/tabular/infer", {"parameters": {"raw": True}, "inputs": cells}),
        "image, binary tensor": Exchange("/v2/models/image/infer", {"inputs": binary("UINT8", [1, 8, 8, 1], pixels)}, pixels),
        "image, JPEG": Exchange("/v2/models/image/infer", {"parameters": {"raw": True}, "inputs": binary("BYTES", [1], element)}, element),
    }


def bare(folders: dict[str, Path]) -> dict[str, float]:
    """CPU milliseconds of the same calls without a server."""
    import numpy as np

    from applied_dl.predictor import load

    table, image = load(folders["tabular"], threads=1), load(folders["image"], threads=1)
    row = {column.name: column.low for column in table.encoder.columns}
    tensors = {name: np.array([row[name]], np.float32) for name in table.runtime.inputs}
    pixels, photo = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1), jpeg()
    calls = {
        "row, JSON tensors": lambda: table.run(tensors),
        "row, raw": lambda: table.predict([row]),
        "image, binary tensor": lambda: image.run({"image": pixels}),
        "image, JPEG": lambda: image.predict([photo]),
    }
    found = {}
    for name, call in calls.items():
        call()
        rounds = []
        for _ in range(ROUNDS):
            start = time.process_time()
            for _ in range(REQUESTS // 4):
                call()
            rounds.append((time.process_time() - start) / (REQUESTS // 4) * 1e3)
        found[name] = round(statistics.median(rounds), 3)
    return found


def together(folders: dict[str, Path]) -> dict[str, list[float]]:
    """CPU milliseconds of a row alone, and in a batch of eight: what batching the requests of several clients could save."""
    import numpy as np

    from applied_dl.predictor import load

    found = {}
    for name in ("tabular", "image"):
        predictor = load(folders[name], threads=1)
        details, found[name] = predictor.runtime.inputs.items(), []
        for rows in (1, 8):
            arrays = {key: np.zeros([rows, *(int(n) for n in d["shape_signature"][1:])], d["dtype"]) for key, d in details}
            predictor.run(arrays)
            start = time.process_time()
            for _ in range(REQUESTS):
                predictor.run(arrays)
            found[name].append(round((time.process_time() - start) / REQUESTS / rows * 1e3, 4))
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start(command: list[str], port: int, environment: dict[str, str]) -> tuple[subprocess.Popen, float, float]:
    """A server that is ready, with the CPU seconds that took, and its memory in megabytes."""
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
                one.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if b" 200 " in one.recv(100):
                    return process, cpu_seconds(process.pid), megabytes(process.pid)
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {command}")


def commands(folders: dict[str, Path]) -> dict[str, list[str]]:
    """The servers; `{port}` and `BUNDLES` stand for theirs."""
    script = folders["image"].parent / "bare_starlette.py"
    script.write_text(STARLETTE)
    package = [sys.executable, "-m", "applied_dl", "serve", "BUNDLES", "--port", "{port}", "--quiet"]
    kserve = peer("clients", "kserve", "tritonclient[http]", "ai-edge-litert", "msgspec", "Pillow", "polars", "tokenizers")
    mlserver = peer("mlserver", "mlserver", "ai-edge-litert", "msgspec", "Pillow", "polars", "tokenizers")
    other = {"MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": str(free_port()), "MLSERVER_METRICS_PORT": str(free_port())}
    models = str(mlserver_folder(folders))
    other |= {"MLSERVER_PARALLEL_WORKERS": "0", "PYTHONPATH": f"{script.parent}:{ROOT}"}
    return {
        "applied_dl serve": package,
        "bare Starlette": [sys.executable, str(script), "{port}", "BUNDLES"],
        "KServe": [str(kserve), "-m", "applied_dl.serving.kserve_model", "BUNDLES", "--http_port", "{port}", "--enable_grpc", "false"],
        "MLServer": ["env", *(f"{name}={value}" for name, value in other.items()), str(mlserver), "-c", MLSERVER_MAIN, "start", models],
    }


def mlserver_folder(folders: dict[str, Path]) -> Path:
    """A folder with the settings of MLServer's models, and the runtime beside it."""
    home = folders["image"].parent
    (home / "mlserver_bundle.py").write_text(MLSERVER)
    for name, folder in folders.items():
        about = {"name": name, "implementation": "mlserver_bundle.Bundle", "parameters": {"uri": str(folder)}}
        (home / "mlserver" / name).mkdir(parents=True, exist_ok=True)
        (home / "mlserver" / name / "model-settings.json").write_text(json.dumps(about))
    return home / "mlserver"


def started(command: list[str], pairs: list[str]) -> tuple[subprocess.Popen, int, float, float]:
    port = free_port()
    words = [word for part in command for word in (pairs if part == "BUNDLES" else [part.replace("{port}", str(port))])]
    return (lambda found: (found[0], port, *found[1:]))(start(words, port, {}))


def measure(command: list[str], pairs: list[str], kinds: dict[str, Exchange]) -> dict:
    """CPU seconds until ready, memory, and of each kind of request: CPU ms, requests per second, p50 and p99 in ms."""
    process, port, seconds, _ = started(command, pairs)
    found: dict = {"ready": seconds}
    try:
        for kind, exchange in kinds.items():
            several(port, exchange.content, REQUESTS // 10, CLIENTS)
            before, clock = cpu_seconds(process.pid), time.perf_counter()
            times = sorted(several(port, exchange.content, REQUESTS, CLIENTS))
            wall, spent = time.perf_counter() - clock, cpu_seconds(process.pid) - before
            p50, p99 = (times[int(len(times) * share)] * 1e3 for share in (0.5, 0.99))
            found[kind] = (spent / REQUESTS * 1e3, REQUESTS / wall, p50, p99)
        found["megabytes"] = megabytes(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folders = bundles(Path(temporary))
        pairs = [f"{name}={folders[name]}" for name in ("tabular", "image")]
        found: dict = {"bare": bare(folders), "together": together(folders), "servers": {}}
        asked, servers = requests(folders), commands(folders)
        ready = []
        for _ in range(ROUNDS):
            process, _, seconds, memory = started(servers["applied_dl serve"], pairs[:1])
            ready.append((seconds, memory))
            process.send_signal(signal.SIGTERM)
            process.wait()
        found["ready"] = {
            "cpu_seconds": round(statistics.median(one[0] for one in ready), 2),
            "megabytes": round(statistics.median(one[1] for one in ready), 1),
        }
        measured: dict = {name: {} for name in servers}
        for turn in range(ROUNDS):
            for name, command in servers.items():
                kinds = {kind: one for kind, one in asked.items() if kind in KINDS.get(name, asked)}
                for kind, values in measure(command, pairs, kinds).items():
                    measured[name].setdefault(kind, []).append(values)
                print(turn, name, measured[name], file=sys.stderr, flush=True)
        for name, rounds in measured.items():
            found["servers"][name] = {
                "ready_cpu_seconds": round(statistics.median(rounds.pop("ready")), 2),
                "megabytes": round(statistics.median(rounds.pop("megabytes")), 1),
                **{kind: dict(zip(("cpu_ms", "per_second", "p50_ms", "p99_ms"), (round(statistics.median(v), 3) for v in zip(*values))))
                   for kind, values in rounds.items()},
            }  # fmt: skip
        found["requests"], found["clients"], found["rounds"] = REQUESTS, CLIENTS, ROUNDS
        write("serving_speed", found)


def summary(found: dict) -> list[Row]:
    """Against the goals. Requests per second by the clock depend on what else the machine does, so their goal is checked by CPU time."""
    ready, ours, kserve = found["ready"], found["servers"]["applied_dl serve"], found["servers"]["KServe"]
    row, starlette = "row, JSON tensors", found["servers"]["bare Starlette"]
    above = ours[row]["cpu_ms"] - found["bare"][row]
    rows = [
        Row("one bundle served: ready after", f"{ready['cpu_seconds']:.2f} s CPU", "≤ 0.8 s", ready["cpu_seconds"] <= 0.8,
            f"two bundles: {ours['ready_cpu_seconds']:.2f} s, KServe's server {kserve['ready_cpu_seconds']:.1f} s"),
        Row("one bundle served: memory", f"{ready['megabytes']:.0f} MB", "≤ 110 MB", ready["megabytes"] <= 110,
            f"two bundles after the run: {ours['megabytes']:.0f} MB, KServe's {kserve['megabytes']:.0f} MB"),
        Row("a row in JSON: CPU above the bare `Predictor`", f"{above:.2f} ms", "≤ 0.45 ms", above <= 0.45,
            f"`Predictor.run` {found['bare'][row]:.2f} ms, a bare Starlette route {starlette[row]['cpu_ms']:.2f} ms in all"),
    ]  # fmt: skip
    for kind, one in ours.items():
        if isinstance(one, dict):
            ratio, clock = kserve[kind]["cpu_ms"] / one["cpu_ms"], one["per_second"] / kserve[kind]["per_second"]
            compared = f"{one['cpu_ms']:.2f} and {kserve[kind]['cpu_ms']:.2f} ms; {clock:.2f} × by the clock"
            if kind in (other := found["servers"].get("MLServer", {})):
                compared += f"; MLServer {other[kind]['cpu_ms']:.2f} ms"
            rows.append(Row(f"{kind}: requests per CPU-second over KServe's server", f"{ratio:.2f} ×", "≥ 1.4 ×", ratio >= 1.4, compared))
    return rows


def details(found: dict) -> list[str]:
    """Every server and kind of request."""
    lines = ["| server | request | CPU ms | requests/s | p50 ms | p99 ms |", "|---|---|---|---|---|---|"]
    lines += [f"| `Predictor`, no server | {kind} | {ms:.2f} | | | |" for kind, ms in found["bare"].items()]
    for name, server in found["servers"].items():
        for kind, one in server.items():
            if isinstance(one, dict):
                lines.append(
                    f"| {name} | {kind} | {one['cpu_ms']:.2f} | {one['per_second']:,.0f} | {one['p50_ms']:.1f} | {one['p99_ms']:.1f} |"
                )
    for name, (alone, eight) in found["together"].items():
        lines += ["", f"The graph of `{name}` takes {alone:.3f} ms a row alone and {eight:.3f} ms in a batch of eight."]
    return lines


if __name__ == "__main__":
    main()
