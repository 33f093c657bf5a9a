"""Every task answers raw inputs as `predict` does and tensors as `run` does; a client's text is never a path."""

import base64
import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from applied_dl.core.bundle import finite
from applied_dl.core.errors import AppliedError
from applied_dl.predictor import load
from applied_dl.serving.infer import infer
from applied_dl.serving.limits import Limits
from applied_dl.serving.models import Model
from applied_dl.serving.refusal import Refusal
from tests.hostile import one_sentence
from tests.serving.conftest import TASKS

ROOT = Path(__file__).resolve().parents[2]


def column(name, datatype, values) -> dict:
    return {"name": name, "datatype": datatype, "shape": [len(values)], "data": values}


def ask(model, inputs, limits=None, **parameters):
    """The predictions, and the parameters of the response."""
    body = json.dumps({"inputs": inputs, "parameters": {"raw": True, **parameters}}).encode()
    response = json.loads(infer(model, body, None, limits or Limits()).body)
    (output,) = response["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("predictions", "BYTES", [len(output["data"])])
    return [json.loads(text) for text in output["data"]], response.get("parameters", {})


def png(size=(8, 8), level=40) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, level).save(file, "png")
    return file.getvalue()


def raw_inputs(task, model) -> tuple[list[dict], list]:
    """The inputs of a request, and the same as `predict` takes them."""
    if task == "image":
        files = [png(), png((30, 20), 200)]
        return [column("image", "BYTES", [base64.b64encode(content).decode() for content in files])], files
    if task == "tabular":
        columns = model.predictor.encoder.columns
        rows = [{c.name: c.low for c in columns}, {c.name: None if i == 3 else c.high for i, c in enumerate(columns)}]
        return [column(c.name, "FP64", [row[c.name] for row in rows]) for c in columns], rows
    if task == "forecast":
        lines = (ROOT / "applied_dl" / "datasets" / "co2.csv").read_text(encoding="utf-8").splitlines()
        cells = [line.split(",") for line in lines[1:]]
        times, values = [row[0] for row in cells], [float(row[1]) if row[1] else None for row in cells]
        names = lines[0].split(",")
        return [column(names[0], "BYTES", times), column(names[1], "FP64", values)], [{names[0]: times, names[1]: values}]
    texts = ["the river", model.predictor.encoder.words[0] if task == "words" else "a song of the year"]
    return [column("text", "BYTES", texts)], texts


@pytest.mark.parametrize("task", TASKS)
def test_raw_inputs_are_answered_as_predict_answers(task, models):
    model = models.get(task)
    inputs, same = raw_inputs(task, model)
    found, notes = ask(model, inputs)
    expected = finite(model.predictor.predict(same))
    assert found == expected
    assert notes.get("warnings", "") == "; ".join(model.predictor.warnings)
    assert notes.get("errors", 0) == sum("error" in answer for answer in expected)
    described = [one["name"] for one in model.metadata["raw_inputs"]]
    assert described == [one["name"] for one in inputs]


def test_sets_distances_and_warnings_of_inputs_unlike_the_training_data_are_in_the_response(trained):
    images = Model("digits", trained("image").bundle, "1")
    images.predictor = load(trained("image").bundle, "fp32", threads=1)  # a full int8 file reports no distance above 1
    usual = (ROOT / "docs" / "images" / "digit_3.png").read_bytes()
    odd = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 2, (8, 8), dtype=np.uint8) * 255).save(odd, "png")
    files = [base64.b64encode(content).decode() for content in (usual, odd.getvalue())]
    (known, strange), notes = ask(images, [column("image", "BYTES", files)])
    assert known["label"] in known["set"]
    assert known["distance"] <= 1 < strange["distance"]
    assert "warning" not in known
    assert "unlike the training data" in strange["warning"]
    assert "1 of 2 inputs are unlike the training data" in notes["warnings"]
    assert "warnings" not in ask(images, [column("image", "BYTES", files[:1])])[1]
    assert {"set", "distance", "probabilities"} == {one["name"] for one in images.metadata["outputs"]}


def test_cells_outside_the_training_range_are_named_in_the_response(trained):
    table = Model("table", trained("tabular").bundle, "1")
    row = {one.name: one.low for one in table.predictor.encoder.columns}
    far = {**row, "bmi": 5000.0}
    (usual, strange), notes = ask(table, [column(name, "FP64", [value, far[name]]) for name, value in row.items()])
    assert strange["distance"] > max(1, usual["distance"])
    assert "column 'bmi': 1 of 2 cells lie far outside the training range" in notes["warnings"]
    assert "unlike the training data" in notes["warnings"]


@pytest.mark.parametrize("task", TASKS)
def test_tensors_are_answered_as_the_golden_examples_are(task, models):
    model = models.get(task)
    with np.load(model.predictor.folder / "golden.npz") as golden:
        given = {name.removeprefix("input/"): golden[name] for name in golden.files if name.startswith("input/")}
    assert set(given) == {one["name"] for one in model.metadata["inputs"]}
    types = {one["name"]: one["datatype"] for one in model.metadata["inputs"]}
    inputs = [{"name": k, "datatype": types[k], "shape": list(a.shape), "data": a.tolist()} for k, a in given.items()]
    response = json.loads(infer(model, json.dumps({"inputs": inputs}).encode(), None, Limits()).body)
    expected = model.predictor.run(given)
    assert {one["name"] for one in response["outputs"]} == {one["name"] for one in model.metadata["outputs"]} == set(expected)
    for output in response["outputs"]:
        shape = next(one["shape"] for one in model.metadata["outputs"] if one["name"] == output["name"])
        assert output["shape"][1:] == shape[1:]
        np.testing.assert_array_equal(
            np.array(output["data"], expected[output["name"]].dtype).reshape(output["shape"]), expected[output["name"]]
        )


def test_options_are_parameters(models):
    inputs, _ = raw_inputs("image", models.get("image"))
    found, _ = ask(models.get("image"), inputs, top=2)
    assert [len(one["top"]) for one in found] == [2, 2]


def test_pixels_are_raw_inputs_too(models):
    pixels = np.arange(2 * 5 * 6 * 3, dtype=np.uint8).reshape(2, 5, 6, 3)
    inputs = [{"name": "image", "datatype": "UINT8", "shape": [2, 5, 6, 3], "data": pixels.ravel().tolist()}]
    found, _ = ask(models.get("image"), inputs)
    assert found == models.get("image").predictor.predict(list(pixels))


def test_an_unreadable_input_keeps_its_place(models):
    files = [png(), png()[:40], png()]
    inputs = [column("image", "BYTES", [base64.b64encode(content).decode() for content in files])]
    found, notes = ask(models.get("image"), inputs)
    assert ["error" in one for one in found] == [False, True, False]
    assert notes["errors"] == 1
    one_sentence(found[1]["error"])
    with pytest.raises(Refusal, match="damaged|cut short|cannot be read"):
        ask(models.get("image"), [column("image", "BYTES", [base64.b64encode(png()[:40]).decode()])])


@pytest.mark.parametrize(
    "text", ["secret.csv", "/etc/passwd", "./secret.csv", "../secret.png", "~/x.txt", "co2", "diabetes", "sqlite:///secret.db?t"]
)
@pytest.mark.parametrize("task", TASKS)
def test_a_text_is_never_a_path(task, text, models, tmp_path, monkeypatch):
    """A file of that name lies there, and opening anything fails the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.csv").write_text("date,co2\n2000-01-01,1\n")
    (tmp_path / "secret.png").write_bytes(png())
    model = models.get(task)
    inputs, _ = raw_inputs(task, model)
    ask(model, inputs)  # loads what is imported late
    opened = []
    for name in ("open", "io.open", "os.open"):
        module, _, function = name.rpartition(".")
        target = {"": "builtins", "io": "io", "os": "os"}[module]
        monkeypatch.setattr(f"{target}.{function}", lambda *a, **k: opened.append(a) or (_ for _ in ()).throw(OSError("opened")))
    for given in ([{**one, "datatype": "BYTES", "data": [text] * len(one["data"])} for one in inputs], [column("text", "BYTES", [text])]):
        with contextlib.suppress(AppliedError):
            ask(model, given)
    assert not opened


@pytest.mark.parametrize(
    ("task", "inputs", "parameters", "words"),
    [
        ("image", [], {}, "one tensor, 'image' of BYTES; received 0"),
        ("image", [column("image", "BYTES", ["no base64!"])], {}, "no base64"),
        ("image", [column("image", "FP32", [1])], {}, "image files as BYTES"),
        ("image", [column("image", "BYTES", [])], {}, "no inputs"),
        ("image", [column("image", "BYTES", [""])], {}, "empty"),
        ("image", [column("image", "BYTES", ["aGk="])], {"top": "3"}, "must be a whole number, received '3'"),
        ("image", [column("image", "BYTES", ["aGk="])], {"top": True}, "must be a whole number"),
        ("image", [column("image", "BYTES", ["aGk="])], {"top": 10**12}, "at most 10,000"),
        ("image", [column("image", "BYTES", [base64.b64encode(png()).decode()])], {"top": 0}, "top must be at least 1"),
        ("image", [column("image", "BYTES", ["aGk="])], {"nearest": 3}, "has no meaning for this model; the parameters are raw, top"),
        ("image", [column("image", "BYTES", ["aGk="])], {"raw": "yes"}, "must be true or false"),
        ("words", [column("text", "INT32", [3])], {}, "expected texts as BYTES"),
        ("words", [column("a", "BYTES", ["x"]), column("b", "BYTES", ["x"])], {}, "received 2 tensors"),
        ("tabular", [column("age", "FP64", [3])], {}, "lacks"),
        ("tabular", [column("age", "FP64", [3]), column("bmi", "FP64", [3, 4])], {}, "different numbers of cells"),
        ("tabular", [{"name": "age", "datatype": "FP64", "shape": [1, 2], "data": [3, 4]}], {}, "column of shape"),
        ("tabular", [{"name": "age", "datatype": "FP64", "shape": [3], "data": [3, None]}], {}, "the shape [3]"),
        ("tabular", [], {}, "no columns"),
        ("tabular", [column("age", "FP64", [3]), column(" age", "FP64", [3])], {}, "same name"),
        ("forecast", [column("", "FP64", [3]), column("column_1", "FP64", [3])], {}, "same name"),
        ("forecast", [column("co2", "BYTES", ["a"])], {}, "date"),
    ],
)
def test_wrong_raw_inputs_are_one_sentence(task, inputs, parameters, words, models):
    with pytest.raises(AppliedError) as refused:
        ask(models.get(task), inputs, **parameters)
    one_sentence(str(refused.value), (words,))


@pytest.mark.parametrize(
    ("inputs", "parameters", "words"),
    [
        ([column("photo", "UINT8", [1])], {}, "expects inputs ['image'], received ['photo']; with the parameter raw: true"),
        ([column("image", "UINT8", [1])], {}, "must be uint8 of shape ('B', 8, 8, 1), received uint8 of shape (1,)"),
        ([{"name": "image", "datatype": "FP32", "shape": [1, 8, 8, 1], "data": [0] * 64}], {}, "must be uint8"),
        ([{"name": "image", "datatype": "UINT8", "shape": [0, 8, 8, 1], "data": []}], {}, "no rows"),
        ([{"name": "image", "datatype": "UINT8", "shape": [], "data": [1]}], {}, "no rows"),
        ([], {}, "no rows"),
        ([column("image", "UINT8", [1])], {"top": 3}, "need raw: true"),
        ([column("image", "UINT8", [1])], {"priority": 3}, "'priority' has no meaning"),
        ([column("image", "UINT8", [1]), column("other", "UINT8", [1, 2])], {}, "different numbers of rows"),
    ],
)
def test_wrong_tensors_are_one_sentence(inputs, parameters, words, models):
    with pytest.raises(AppliedError) as refused:
        infer(models.get("image"), json.dumps({"inputs": inputs, "parameters": parameters}).encode(), None, Limits())
    one_sentence(str(refused.value), (words,))


def test_limits_of_rows_and_pixels(models):
    limits = Limits(rows=2, pixels=1000)
    image, words = models.get("image"), models.get("words")
    with pytest.raises(Refusal, match="3 rows; this server takes at most 2") as refused:
        ask(words, [column("text", "BYTES", ["a"] * 3)], limits)
    assert refused.value.status == 413
    three = [{"name": "image", "datatype": "UINT8", "shape": [3, 8, 8, 1], "data": [0] * 192}]
    with pytest.raises(Refusal, match="3 rows"):
        infer(image, json.dumps({"inputs": three}).encode(), None, limits)
    large = [base64.b64encode(png((40, 20))).decode()] * 2  # 800 pixels each
    assert len(ask(image, [column("image", "BYTES", large[:1])], limits)[0]) == 1
    with pytest.raises(Refusal, match="over 1,000 pixels together") as refused:
        ask(image, [column("image", "BYTES", large)], limits)
    assert refused.value.status == 413


def test_a_bomb_is_refused_by_its_header(models):
    """A PNG of 12,000 by 12,000 pixels; its header alone is read."""
    file = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(file, "png")
    with pytest.raises(Refusal, match="50,000,000 pixels"):
        ask(models.get("image"), [column("image", "BYTES", [base64.b64encode(file.getvalue()).decode()])])
