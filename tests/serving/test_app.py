"""The routes: their answers, their refusals, and what they keep to themselves."""

import json
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from applied_dl.serving import app as app_module
from applied_dl.serving.app import make_app
from applied_dl.serving.limits import Limits, Load, limits_with
from applied_dl.serving.models import Repository
from applied_dl.serving.refusal import Refusal
from tests.hostile import one_sentence
from tests.serving.conftest import TASKS, call

TEXT = {"parameters": {"raw": True}, "inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["the river"]}]}
ASK = json.dumps(TEXT).encode()


def error(answer, status: int, words: str = "") -> str:
    """The sentence of a refusal, which names no path and no place in the code."""
    assert answer.status == status, answer.body
    assert answer.headers[b"content-type"] == b"application/json"
    (sentence,) = answer.json().values()
    one_sentence(sentence, (words,))
    assert not re.search(r"\.py|site-packages|/tmp|line \d+", sentence)
    return sentence


def test_what_runs_and_what_is_served(app, models):
    assert call(app, "GET", "/v2/health/live").json() == {"live": True}
    assert call(app, "GET", "/v2/health/ready").json() == {"ready": True}
    server = call(app, "GET", "/v2").json()
    assert server["name"] == "applied_dl"
    assert server["extensions"] == ["binary_tensor_data"]
    for task in TASKS:
        metadata = call(app, "GET", f"/v2/models/{task}").json()
        assert metadata == models.get(task).metadata
        version = metadata["versions"][0]
        for path in (f"/v2/models/{task}", f"/v2/models/{task}/versions/{version}"):
            assert call(app, "GET", f"{path}/ready").json() == {"name": task, "ready": True}
            assert call(app, "GET", path).json() == metadata


def test_an_answer_names_model_version_and_request(app, models):
    body = json.dumps({**TEXT, "id": "a-7"}).encode()
    version = models.get("sentences").version
    for path in ("/v2/models/sentences/infer", f"/v2/models/sentences/versions/{version}/infer"):
        answer = call(app, "POST", path, [body[:10], body[10:]])
        assert answer.status == 200
        found = answer.json()
        assert (found["model_name"], found["model_version"], found["id"]) == ("sentences", version, "a-7")
        assert int(answer.headers[b"content-length"]) == len(answer.body)


def test_addresses_that_are_not_there(app):
    error(call(app, "GET", "/"), 404, "/openapi.json")
    error(call(app, "GET", "/v2/"), 404)
    error(call(app, "GET", "/v2/models/nothing"), 404, "the models are image")
    error(call(app, "POST", "/v2/models/nothing/infer", ASK), 404)
    error(call(app, "POST", "/v2/models/words/versions/1/infer", ASK), 404, "has no version '1'")
    error(call(app, "GET", "/v2/models/../../etc/passwd"), 404)
    answer = call(app, "GET", "/v2/models/words/infer")
    error(answer, 405, "POST")
    assert b"POST" in answer.headers[b"allow"]


def test_a_wrong_request_is_400(app):
    error(call(app, "POST", "/v2/models/words/infer", b"{"), 400, "no JSON")
    error(call(app, "POST", "/v2/models/words/infer", ASK, {"inference-header-content-length": "x"}), 400)
    error(call(app, "POST", "/v2/models/words/infer", ASK, {"content-encoding": "gzip"}), 415)


def test_long_bodies_are_refused_while_they_arrive(models):
    app = make_app(models, Limits(body=1000), threads=1)
    answer = call(app, "POST", "/v2/models/words/infer", b"x" * 10, {"content-length": "1001"})
    error(answer, 413, "longer than 1,000 bytes")
    assert answer.headers[b"connection"] == b"close"
    error(call(app, "POST", "/v2/models/words/infer", [b"x" * 600, b"x" * 600, b"never read"]), 413)
    error(call(make_app(models, Limits(bodies=10), threads=1), "POST", "/v2/models/words/infer", ASK), 429, "too large together")


def test_a_slow_body_is_408(models):
    app = make_app(models, Limits(reading=0.05), threads=1)
    error(call(app, "POST", "/v2/models/words/infer", []), 408, "did not arrive within 0.05 s")


def test_a_slow_answer_is_504_and_keeps_its_place_in_the_queue(models, monkeypatch):
    monkeypatch.setattr(app_module, "infer", lambda *_: time.sleep(0.5))
    app = make_app(models, Limits(seconds=0.05, queue=1), threads=1)
    error(call(app, "POST", "/v2/models/words/infer", ASK), 504, "more than 0.05 s")
    answer = call(app, "POST", "/v2/models/words/infer", ASK)
    error(answer, 429, "1 requests are waiting already")
    assert answer.headers[b"retry-after"] == b"1"


def test_a_defect_shows_nothing(models, monkeypatch, capsys):
    def broken(*_):
        raise KeyError("the content of a request")

    monkeypatch.setattr(app_module, "infer", broken)
    sentence = error(call(make_app(models, Limits(), threads=1), "POST", "/v2/models/words/infer", ASK), 500)
    assert "content" not in sentence
    log = capsys.readouterr().err
    assert "KeyError in " in log
    assert "content of a request" not in log


def test_a_token_opens_everything_but_health(models):
    app = make_app(models, Limits(), threads=1, token="s3cret")
    for path in ("/v2", "/metrics", "/openapi.json", "/v2/models/words", "/nothing"):
        error(call(app, "GET", path), 401, "Bearer")
        error(call(app, "GET", path, headers={"authorization": "Bearer s3cre"}), 401)
    assert call(app, "GET", "/v2/health/ready").status == 200
    assert call(app, "GET", "/v2", headers={"authorization": "Bearer s3cret"}).status == 200


def test_no_content_of_a_request_is_logged(app, capsys):
    call(app, "POST", "/v2/models/words/infer", ASK.replace(b"river", b"zebra"))
    call(app, "POST", "/v2/models/words/infer", b'{"zebra')
    printed = capsys.readouterr()
    assert "zebra" not in printed.out + printed.err


def test_requests_are_counted(app):
    def counts() -> dict[str, float]:
        page = call(app, "GET", "/metrics").body.decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if not line.startswith("#")}

    before = counts()
    call(app, "POST", "/v2/models/sentences/infer", ASK)
    call(app, "POST", "/v2/models/sentences/infer", b"{")
    call(app, "POST", "/v2/models/made-up/infer", ASK)
    after = counts()
    requests = [f'applied_dl_requests_total{{model="sentences",status="{status}"}}' for status in (200, 400)]
    for key in (*requests, 'applied_dl_rows_total{model="sentences"}'):
        assert after[key] == before.get(key, 0) + 1
    assert not any("made-up" in key for key in after)
    assert after["applied_dl_requests_in_progress"] == before.get("applied_dl_requests_in_progress", 0)


def test_the_description_fits_the_routes_and_the_answers(app):
    jsonschema = pytest.importorskip("jsonschema")
    described = call(app, "GET", "/openapi.json").json()
    assert set(described["paths"]) == {route.path for route in app.routes}
    schemas = described["components"]

    def check(name: str, value) -> None:
        jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": schemas})

    for task in TASKS:
        check("Metadata", call(app, "GET", f"/v2/models/{task}").json())
    examples = described["paths"]["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == set(TASKS)
    for task, one in examples.items():
        check("Request", one["value"])
        answer = call(app, "POST", f"/v2/models/{task}/infer", json.dumps(one["value"]).encode())
        check("Response" if answer.status == 200 else "Error", answer.json())
    assert call(app, "POST", "/v2/models/tabular/infer", json.dumps(examples["tabular"]["value"]).encode()).status == 200
    assert call(app, "POST", "/v2/models/sentences/infer", json.dumps(examples["sentences"]["value"]).encode()).status == 200


def test_a_changed_bundle_replaces_the_model(folders, tmp_path, capsys):
    """First another bundle, then one that is not whole: the model before it goes on, and the sentence is printed once."""
    folder = shutil.copytree(folders["words"], tmp_path / "b")
    models = Repository({"m": folder})
    models.load()
    first = models.get("m")
    assert models.reload() == []
    shutil.rmtree(folder)
    assert models.reload() == []
    shutil.copytree(folders["sentences"], folder)
    assert models.reload() == ["m"]
    second = models.get("m")
    assert (first.predictor.task, second.predictor.task) == ("words", "sentences")
    assert second.version != first.version
    (folder / "encoder.json").write_text("{")
    (folder / "bundle.json").write_bytes((folders["words"] / "bundle.json").read_bytes())
    assert models.reload() == models.reload() == []
    assert models.get("m") is second
    assert capsys.readouterr().err.count("is not served") == 1
    shutil.rmtree(folder)
    shutil.copytree(folders["words"], folder)
    assert models.reload() == ["m"]
    assert models.get("m").version == first.version


def test_a_model_of_texts_of_any_length_is_never_quick(models):
    """Its time for one token says nothing of a thousand, which would hold all other requests up."""
    assert not models.get("sentences").quick
    assert not models.get("words").quick


def test_the_load_of_a_process_is_counted():
    load = Load(Limits(queue=2, bodies=10))
    load.admit()
    load.admit()
    with pytest.raises(Refusal, match="2 requests"):
        load.admit()
    load.release()
    load.admit()
    load.hold(10)
    with pytest.raises(Refusal, match="too large"):
        load.hold(1)
    load.let_go(1)
    load.hold(1)


def test_limits_are_positive():
    assert limits_with(rows=5, body=None) == Limits(rows=5)
    for value in (0, -1, float("nan")):
        with pytest.raises(Exception, match="limit of rows must be greater than 0"):
            limits_with(rows=value)


def test_requests_are_answered_beside_each_other(models):
    app = make_app(models, Limits(), threads=2)
    tasks = ("words", "sentences") * 8

    def ask(task: str):
        return call(app, "POST", f"/v2/models/{task}/infer", ASK).body

    alone = {task: ask(task) for task in tasks}
    with ThreadPoolExecutor(8) as clients:
        assert list(clients.map(ask, tasks)) == [alone[task] for task in tasks]
