"""One small bundle of each task, as version 0.1 wrote them, so that nothing is trained here."""

import asyncio
import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "schema_1"
TASKS = ("image", "tabular", "forecast", "words", "sentences")


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Folders of the bundles, by task; each model has the name of its task."""
    base = tmp_path_factory.mktemp("served")
    for task in TASKS:
        with zipfile.ZipFile(FIXTURES / f"{task}.zip") as archive:
            archive.extractall(base)
    return {task: base / task for task in TASKS}


@pytest.fixture(scope="session")
def models(folders):
    """All of them, loaded."""
    from applied_dl.serving.models import Repository

    repository = Repository(folders)
    repository.load()
    return repository


class Answer:
    """Status, headers and body of a response."""

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def call(app, method: str, path: str, body: bytes | list[bytes] = b"", headers: dict[str, str] | None = None) -> Answer:
    """One request to an ASGI application; a list of parts is a body that arrives in pieces."""
    parts = [body] if isinstance(body, bytes) else list(body)
    sent: list[dict] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "root_path": "", "query_string": b"", "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }  # fmt: skip

    async def receive():
        if not parts:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], dict(sent[0]["headers"]), body)


@pytest.fixture
def app(models):
    """The application with the default limits."""
    from applied_dl.serving.app import make_app
    from applied_dl.serving.limits import Limits

    return make_app(models, Limits(), threads=2)
