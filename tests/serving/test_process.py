"""Real processes: start, drain, several workers on one port, kill -9, a replaced bundle, clients that send nothing."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from applied_dl import cli
from tests.serving.server import ROOT, serving, until
from tests.serving.test_app import ASK

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="children are listed in /proc")
INFER = "/v2/models/sentences/infer"


def test_one_process_answers_and_drains(folders, tmp_path):
    """A request whose body is still on its way when SIGTERM arrives gets its answer."""
    (tmp_path / "token").write_text("s3cret\n")
    with serving(f"sentences={folders['sentences']}", "--token-file", tmp_path / "token") as server:
        token = {"Authorization": "Bearer s3cret"}
        assert server.ask("GET", "/v2/health/ready")[0] == 200
        assert server.ask("POST", INFER, ASK)[0] == 401
        assert server.ask("POST", INFER, ASK, token)[0] == 200
        late = server.connect()
        late.putrequest("POST", INFER)
        late.putheader("Content-Length", str(len(ASK)))
        late.putheader("Authorization", "Bearer s3cret")
        late.endheaders(ASK[:5])
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        late.send(ASK[5:])
        assert late.getresponse().status == 200
        assert server.process.wait(30) == 0


def test_workers_share_the_port_and_the_counts_and_are_started_again(folders):
    with serving(f"sentences={folders['sentences']}", "--workers", "2") as server:
        first = server.workers()
        assert len(first) == 2
        expected = json.loads(server.ask("POST", INFER, ASK)[1])["outputs"]
        os.kill(first[0], signal.SIGKILL)
        wrong = []
        for _ in range(40):  # the other one answers meanwhile
            status, body = server.ask("POST", INFER, ASK)
            if status != 200 or json.loads(body)["outputs"] != expected:
                wrong.append((status, body))
        assert wrong == []
        until(lambda: len(server.workers()) == 2 and first[0] not in server.workers())
        page = server.ask("GET", "/metrics")[1].decode()
        assert 'applied_dl_requests_total{model="sentences",status="200"} 41.0' in page
        workers = server.workers()
        assert server.stop() == 0
        assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


def test_workers_end_with_their_parent(folders):
    with serving(f"sentences={folders['sentences']}", "--workers", "2") as server:
        workers = server.workers()
        server.process.kill()
        server.process.wait()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))


def test_a_bundle_is_replaced_under_load(folders, tmp_path):
    """Every request is answered by the old bundle or by the new one."""
    folder = shutil.copytree(folders["words"], tmp_path / "b")
    with serving(f"m={folder}") as server:
        versions, wrong, stop = [], [], threading.Event()
        (old,) = json.loads(server.ask("GET", "/v2/models/m")[1])["versions"]

        def work():
            connection = server.connect()
            while not stop.is_set():
                connection.request("POST", "/v2/models/m/infer", ASK)
                response = connection.getresponse()
                body = response.read()
                (versions if response.status == 200 else wrong).append(json.loads(body).get("model_version", body))
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        shutil.copytree(folders["sentences"], tmp_path / "new")
        os.rename(folder, tmp_path / "old")
        os.rename(tmp_path / "new", folder)
        new = until(lambda: [one for one in versions if one != old])[0]
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert set(versions) == {old, new}
        assert json.loads(server.ask("GET", "/v2/models/m")[1])["versions"] == [new]


def test_a_client_that_sends_no_header_is_closed(folders):
    from applied_dl.serving import connections, worker
    from applied_dl.serving.limits import Limits

    port = socket.socket()
    port.bind(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    program = (
        "import sys; from pathlib import Path\n"
        "from applied_dl.serving.limits import Limits\nfrom applied_dl.serving.process import serve\n"
        "few = Limits(reading=0.5, connections=8)\n"
        f"serve({{'m': Path(sys.argv[1])}}, port={number}, limits=few, announce=lambda url: print(url, flush=True))"
    )
    assert connections.Connection.limits == Limits()
    assert worker.KEEP_ALIVE > 60
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", program, folders["words"]], stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout.readline()
            for start in (b"", b"GET /v2 HTTP/1.1\r\nhost: x\r\n"):
                with socket.create_connection(("127.0.0.1", number), timeout=20) as client:
                    client.sendall(start)
                    assert client.makefile("rb").read().startswith(b"HTTP/1.1 408")
            with socket.create_connection(("127.0.0.1", number), timeout=20) as client:
                client.sendall(b"GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 200")
                client.sendall(b"GET /v2 HT")  # the second request of a connection
                assert b"HTTP/1.1 408" in client.makefile("rb").read()
            with socket.create_connection(("127.0.0.1", number), timeout=20) as client:
                answer = b""
                with contextlib.suppress(ConnectionError):  # the answer is lost where more is sent than was read
                    client.sendall(b"GET /v2 HTTP/1.1\r\n" + b"a: " + b"x" * 200_000 + b"\r\n")
                    client.sendall(b"b: " + b"x" * 200_000)
                    answer = client.makefile("rb").read()
                assert answer[:12] in (b"", b"HTTP/1.1 431")
            with socket.create_connection(("127.0.0.1", number), timeout=20) as client:
                client.sendall(b"\0\1\2 nonsense\r\n\r\n")
                answer = client.makefile("rb").read()
                assert answer.startswith(b"HTTP/1.1 400")
                assert answer.endswith(b'{"error":"The request is no valid HTTP."}')
            crowd = [socket.create_connection(("127.0.0.1", number), timeout=20) for _ in range(9)]
            assert any(client.recv(100).startswith(b"HTTP/1.1 503") for client in crowd[8:])
            for client in crowd:
                client.close()
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 3, "does not exist"),
        (["{words}/bundle.json"], 2, "is a file; serve takes the folder"),
        (["{words}", "m={words}", "m={sentences}"], 2, "Two bundles have the name 'm'"),
        (["a/b={words}"], 2, "cannot be part of an address"),
        (["m={words}", "--workers", "0"], 2, "--workers must be at least 1"),
        (["m={words}", "--max-rows", "0"], 2, "limit of rows must be greater than 0"),
        (["m={words}", "--port", "99999"], 2, "cannot listen"),
        (["m={words}", "--host", "300.1.1.1"], 2, "cannot listen"),
        (["m={words}", "--token-file", "nowhere"], 3, "The token file 'nowhere' cannot be read"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments, code, words, folders, capsys):
    given = [text.format(words=folders["words"], sentences=folders["sentences"]) for text in arguments]
    assert cli.main(["serve", *given]) == code
    assert words in capsys.readouterr().err


def test_without_the_extra_one_sentence_says_what_to_install(folders, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["serve", f"m={folders['words']}"]) == 2
    assert 'pip install "applied_dl[serve]"' in capsys.readouterr().err


def test_a_damaged_bundle_does_not_start(folders, tmp_path):
    folder = shutil.copytree(folders["words"], tmp_path / "b")
    (folder / "encoder.json").write_text("{")
    for workers in ("1", "2"):
        with pytest.raises(RuntimeError, match="checksum"), serving(f"m={folder}", "--workers", workers):
            pass


def test_serving_imports_no_tensorflow(folders):
    program = (
        "import sys, applied_dl.serving.process, applied_dl.cli.serve\nprint([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "[]", done.stderr
