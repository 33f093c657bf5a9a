"""Two clients that others wrote read our server: tritonclient and kserve's InferenceRESTClient, in JSON and in binary."""

import base64
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from applied_dl.serving.models import Model
from tests.serving.conftest import TASKS
from tests.serving.server import ROOT, serving
from tests.serving.test_infer import png

PEER = ROOT / ".peers" / "clients" / "bin" / "python"  # made by `python -m benchmarks.serving.speed`
KSERVE = sys.executable if importlib.util.find_spec("kserve") else str(PEER) if PEER.exists() else ""


@pytest.fixture(scope="module")
def server(folders):
    with serving(*(f"{task}={folder}" for task, folder in folders.items())) as running:
        yield running


def golden(model: Model) -> dict[str, np.ndarray]:
    """Tensors of the graph from the bundle's golden examples."""
    with np.load(model.predictor.folder / "golden.npz") as file:
        return {name.removeprefix("input/"): file[name] for name in file.files if name.startswith("input/")}


def raw(task: str, model: Model) -> tuple[dict[str, tuple[str, np.ndarray]], list]:
    """Raw inputs as tensors, and as `predict` takes them."""

    def texts(values):
        array = np.empty(len(values), object)
        array[:] = [value.encode() if isinstance(value, str) else value for value in values]
        return "BYTES", array

    if task == "image":
        return {"image": texts([png(), png((30, 20), 200)])}, [png(), png((30, 20), 200)]
    if task == "tabular":
        rows = [{c.name: c.low for c in model.predictor.encoder.columns}, {c.name: c.high for c in model.predictor.encoder.columns}]
        return {name: ("FP64", np.array([row[name] for row in rows])) for name in rows[0]}, rows
    if task == "forecast":
        lines = [line.split(",") for line in (ROOT / "applied_dl" / "datasets" / "co2.csv").read_text().splitlines()]
        times, values = [row[0] for row in lines[1:]], [float(row[1] or "nan") for row in lines[1:]]
        columns = {lines[0][0]: times, lines[0][1]: [None if v != v else v for v in values]}
        return {lines[0][0]: texts(times), lines[0][1]: ("FP64", np.array(values))}, [columns]
    return {"text": texts(["the river", "song of the year"])}, ["the river", "song of the year"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_tritonclient_agrees_on_tensors(task, binary, server, models):
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(f"{server.host}:{server.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(task)
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(task)
    types = {one["name"]: one["datatype"] for one in metadata["inputs"]}
    arrays = golden(models.get(task))
    inputs = []
    for name, array in arrays.items():
        inputs.append(triton.InferInput(name, array.shape, types[name]))
        inputs[-1].set_data_from_numpy(array, binary_data=binary)
    outputs = [triton.InferRequestedOutput(one["name"], binary_data=binary) for one in metadata["outputs"]]
    response = client.infer(task, inputs, outputs=outputs, request_id="a7", model_version=metadata["versions"][0])
    assert response.get_response()["id"] == "a7"
    for name, expected in models.get(task).predictor.run(arrays).items():
        np.testing.assert_array_equal(response.as_numpy(name), expected)
    client.close()


@pytest.mark.parametrize("task", TASKS)
def test_tritonclient_agrees_on_raw_inputs(task, server, models):
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(f"{server.host}:{server.port}")
    tensors, same = raw(task, models.get(task))
    inputs = []
    for name, (datatype, array) in tensors.items():
        inputs.append(triton.InferInput(name, array.shape, datatype))
        inputs[-1].set_data_from_numpy(array)
    response = client.infer(task, inputs, parameters={"raw": True})
    found = [json.loads(one) for one in response.as_numpy("predictions").tolist()]
    assert found == models.get(task).predictor.predict(same)
    client.close()


def test_tritonclient_gets_our_sentence(server):
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(f"{server.host}:{server.port}")
    given = triton.InferInput("photo", [1], "INT32")
    given.set_data_from_numpy(np.zeros(1, np.int32))
    with pytest.raises(triton.InferenceServerException, match=r"\[400\].*expects inputs \['image'\], received \['photo'\]"):
        client.infer("image", [given])
    with pytest.raises(triton.InferenceServerException, match="There is no model 'nothing'"):
        client.infer("nothing", [given])
    client.close()


@pytest.mark.skipif(not KSERVE, reason="kserve is neither here nor in .peers/clients (python -m benchmarks.serving.speed makes it)")
def test_kserves_client_agrees(server, models, tmp_path: Path):
    cases, expected = [], []
    for task in TASKS:
        model = models.get(task)
        types = {one["name"]: one["datatype"] for one in model.metadata["inputs"]}
        arrays = golden(model)
        inputs = [
            {"name": name, "datatype": types[name], "shape": list(array.shape), "data": array.ravel().tolist()}
            for name, array in arrays.items()
        ]
        outputs = [one["name"] for one in model.metadata["outputs"]]
        for binary in (True, False):
            cases.append({"model": task, "inputs": inputs, "parameters": {}, "binary": binary, "outputs": outputs})
            expected.append(model.predictor.run(arrays))
    model = models.get("image")
    tensors, same = raw("image", model)
    files = [base64.b64encode(content).decode() for content in tensors["image"][1]]
    inputs = [{"name": "image", "datatype": "BYTES", "shape": [2], "data": files}]
    cases.append({"model": "image", "inputs": inputs, "parameters": {"raw": True}, "binary": True})
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    command = [KSERVE, str(Path(__file__).with_name("kserve_client.py")), server.url, str(tmp_path / "cases.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["live"] is found["ready"] is True
    assert "There is no model 'nothing'" in found["error"]
    for case, answer, arrays in zip(cases, found["answers"], expected):
        assert (answer["id"], answer["model"]) == ("q7", case["model"])
        for name, array in arrays.items():
            assert answer["outputs"][name]["shape"] == list(array.shape)
            np.testing.assert_array_equal(np.array(answer["outputs"][name]["data"], array.dtype).reshape(array.shape), array)
    assert [json.loads(text) for text in found["answers"][-1]["outputs"]["predictions"]["data"]] == model.predictor.predict(same)
