"""A smoke test of bundles behind KServe's own server, over HTTP and gRPC."""

import json
import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.serving.server import ROOT, until
from tests.serving.test_clients import KSERVE

pytestmark = pytest.mark.skipif(not KSERVE, reason="kserve is not here (python -m benchmarks.serving.speed makes its environment)")


def free_ports() -> list[str]:
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def answers(port: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=1):
            return True
    except OSError:
        return False


@pytest.mark.slow
def test_kserves_server_answers_as_ours(folders, models):
    http, grpc = free_ports()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [KSERVE, "-m", "applied_dl.serving.kserve_model", f"digits={folders['image']}", "--http_port", http, "--grpc_port", grpc]
    image = ROOT / "docs" / "images" / "digit_3.png"
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: process.poll() is not None or (answers(http) and answers(grpc)), 60)
            script = Path(__file__).with_name("kserve_grpc.py")
            done = subprocess.run([KSERVE, str(script), http, grpc, str(image)], capture_output=True, text=True)
        finally:
            process.terminate()
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    model = models.get("image").predictor
    first = next(iter(model.run({"image": np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)}).values()))
    assert found["tensors"] == [first.ravel().tolist()] * 2
    assert found["raw"] == [model.predict([image.read_bytes()])] * 2
    for way in ("grpc", "http"):
        assert "expects inputs ['image'], received ['photo']" in found[way]
