"""Requests and responses as bytes: every request is read or refused in one sentence, and a response can be read back."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applied_dl.serving.protocol import Request, format_error, format_response, parse_request, select_outputs
from applied_dl.serving.refusal import Refusal, bad
from tests.hostile import one_sentence


def message(**more) -> dict:
    return {"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}], **more}


def test_a_request_in_json():
    request = parse_request(json.dumps(message(id="7", parameters={"raw": True}, outputs=[{"name": "y"}])).encode())
    assert request.id == "7"
    assert request.parameters == {"raw": True}
    assert request.outputs == ("y",)
    assert request.arrays()["x"].tolist() == [1, 2]


def test_binary_tensors_follow_the_json_in_its_order():
    head = json.dumps(
        {
            "inputs": [
                {"name": "a", "shape": [1], "datatype": "INT16", "parameters": {"binary_data_size": 2}},
                {"name": "b", "shape": [1], "datatype": "FP32", "data": [5]},
                {"name": "c", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 9}},
            ]
        }
    ).encode()
    arrays = parse_request(head + b"\1\2" + b"\1\0\0\0z\0\0\0\0", str(len(head)).encode()).arrays()
    assert arrays["a"].tolist() == [513]
    assert arrays["b"].tolist() == [5]
    assert arrays["c"].tolist() == [b"z", b""]


def test_a_response_can_be_read_as_a_request_is():
    arrays = {"y": np.array([[1.5], [2]], np.float32), "z": np.array([b"\xff\0", b"a"], object), "t": np.array(["é".encode()], object)}
    request = Request(inputs={}, id="q", binary={"y": True, "z": True})
    headers, body = format_response(request, "m", "1", arrays, {"warnings": "w"})
    length = dict(headers)[b"inference-header-content-length"]
    head = json.loads(body[: int(length)])
    assert (head["model_name"], head["model_version"], head["id"], head["parameters"]) == ("m", "1", "q", {"warnings": "w"})
    head["inputs"] = head.pop("outputs")
    again = json.dumps(head).encode()
    found = parse_request(again + body[int(length) :], str(len(again)).encode()).arrays()
    assert {name: array.tolist() for name, array in found.items()} == {name: array.tolist() for name, array in arrays.items()}


def test_without_binary_outputs_it_is_plain_json():
    headers, body = format_response(Request(inputs={}), "m", "1", {"y": np.array([[np.nan, 2]], np.float32)}, {})
    assert dict(headers) == {b"content-type": b"application/json"}
    assert json.loads(body) == {
        "model_name": "m", "model_version": "1", "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [None, 2.0]}],
    }  # fmt: skip


@pytest.mark.parametrize("parameters", [{"binary_data_output": True}, None])
def test_outputs_are_binary_as_asked(parameters):
    outputs = None if parameters else [{"name": "y", "parameters": {"binary_data": True}}]
    asked = message(**({"parameters": parameters} if parameters else {}), **({"outputs": outputs} if outputs else {}))
    request = parse_request(json.dumps(asked).encode())
    assert request.parameters == {}
    headers, body = format_response(request, "m", "1", {"y": np.array([1], np.uint8)}, {})
    assert body.endswith(b"\1")
    assert dict(headers)[b"content-type"] == b"application/octet-stream"


def test_outputs_are_chosen_by_name():
    arrays = {"a": np.zeros(1), "b": np.ones(1)}
    assert list(select_outputs(Request(inputs={}, outputs=("b",)), arrays)) == ["b"]
    assert list(select_outputs(Request(inputs={}), arrays)) == ["a", "b"]
    with pytest.raises(Refusal, match="There is no output 'c'; the outputs are a, b"):
        select_outputs(Request(inputs={}, outputs=("c",)), arrays)


@pytest.mark.parametrize(
    ("body", "length", "words"),
    [
        (b"", None, "no JSON"),
        (b"{", None, "no JSON"),
        (b"[]", None, "Expected `object`"),
        (b"\xff\xfe", None, "no JSON"),
        (b"{}", None, "missing required field `inputs`"),
        (b'{"inputs": 3}', None, "Expected `array`"),
        (b'{"inputs": [{"name": 3}]}', None, "$.inputs[0].name"),
        (b"[" * 100_000, None, "no JSON"),
        (json.dumps(message(id="x" * 300)).encode(), None, "The id has 300"),
        (json.dumps(message(parameters={"a": [1]})).encode(), None, "$.parameters"),
        (json.dumps(message(outputs=[{"name": "y", "parameters": {"classification": 3}}])).encode(), None, "'classification'"),
        (json.dumps(message()).encode(), b"-3", "Inference-Header-Content-Length"),
        (json.dumps(message()).encode(), b"99999", "Inference-Header-Content-Length"),
        (json.dumps(message()).encode(), b"9" * 5000, "Inference-Header-Content-Length"),
        (json.dumps(message()).encode() + b"abc", str(len(json.dumps(message()))).encode(), "3 bytes that belong to no tensor"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32"}]}', None, "neither data nor"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": null}]}', None, "neither data nor"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}]}', None, "0 bytes of"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": -4}}]}', None, "whole number"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"shared_memory_region": "r"}}]}', None, "memory"),
    ],
)
def test_a_wrong_request_is_one_sentence(body, length, words):
    with pytest.raises(Refusal) as refused:
        parse_request(body, length)
    one_sentence(str(refused.value), (words,))


def test_two_inputs_of_one_name_are_refused():
    twice = {"inputs": message()["inputs"] * 2}
    with pytest.raises(Refusal, match="two inputs of the name 'x'"):
        parse_request(json.dumps(twice).encode())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=60), st.none() | st.binary(max_size=4))
def test_arbitrary_bodies_are_refused(body, length):
    with pytest.raises(Refusal) as refused:
        parse_request(body, length)
    one_sentence(str(refused.value))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_request_is_read_or_refused(data):
    """One byte of a valid request with a binary tensor is changed."""
    head = json.dumps({"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}]}).encode()
    body = bytearray(head + b"\0" * 8)
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_request(bytes(body), str(len(head)).encode()).arrays()
    except Refusal as refused:
        one_sentence(str(refused))


def test_an_error_has_the_form_of_the_protocol():
    headers, body = format_error(Refusal(429, "Later.", ((b"retry-after", b"1"),)))
    assert json.loads(body) == {"error": "Later."}
    assert dict(headers)[b"retry-after"] == b"1"
    assert bad("No.").status == 400
