"""Requests and responses of the Open Inference Protocol v2, as bytes and as structs. Pure functions."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, field

from applied_dl.serving.refusal import Refusal, bad
from applied_dl.serving.tensors import datatype_of, from_binary, from_json, to_binary, to_json

HEADER_LENGTH = b"inference-header-content-length"
BINARY_SIZE, BINARY_OUTPUT, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
JSON_TYPE, BINARY_TYPE = b"application/json", b"application/octet-stream"
LONGEST_ID = 256
Parameters = dict[str, str | int | float | bool | None]


class Tensor(Struct):
    """One input as it is written in JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: Parameters = {}

    @property
    def has_data(self) -> bool:
        """Whether its data is in the JSON."""
        return len(self.view) > 4 or bytes(self.view) not in (b"", b"null")

    @property
    def view(self) -> memoryview:
        """The JSON of its data, without a copy."""
        return memoryview(self.data)


class Output(Struct):
    """One output that the client asks for."""

    name: str
    parameters: Parameters = {}


class Message(Struct):
    """The JSON of a request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: Parameters = {}
    outputs: list[Output] = []


class Request(Struct, frozen=True, kw_only=True):
    """A request that was read.

    Args:
        inputs: by name, in the order of the request: its JSON form, and its bytes where it came as binary.
        id: of the request, returned with the response.
        parameters: of the request, without those of the protocol.
        outputs: the names that the client wants; all where it is empty.
        binary: which outputs are to be binary: by name, None for those that are not named.
    """

    inputs: dict[str, tuple[Tensor, memoryview | None]]
    id: str | None = None
    parameters: Parameters = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    binary: dict[str | None, bool] = field(default_factory=dict)

    def arrays(self) -> dict[str, np.ndarray]:
        """Every input as an array of its type and shape. Raises `Refusal` where its data is wrong."""
        return {name: array_of(tensor, content) for name, (tensor, content) in self.inputs.items()}


def array_of(tensor: Tensor, content: memoryview | None) -> np.ndarray:
    """One input as an array. Raises `Refusal` where its data is wrong."""
    if content is None:
        return from_json(tensor.name, tensor.datatype, tensor.shape, tensor.view)
    return from_binary(tensor.name, tensor.datatype, tensor.shape, content)


_decoder = msgspec.json.Decoder(Message)


def parse_request(body: bytes, header_length: bytes | None = None) -> Request:
    """Read the body of an `infer` request.

    Args:
        body: all of it.
        header_length: the header `Inference-Header-Content-Length`: the bytes of JSON before the binary tensors.

    Raises:
        Refusal: 400 with one sentence.
    """
    view = memoryview(body)
    at = len(body) if header_length is None else _length(header_length, len(body))
    try:
        message = _decoder.decode(view[:at])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad(f"The request is no JSON of the Open Inference Protocol v2: {_reason(error)}.") from None
    if message.id is not None and len(message.id) > LONGEST_ID:
        raise bad(f"The id has {len(message.id):,} characters; expected at most {LONGEST_ID}.")
    inputs: dict[str, tuple[Tensor, memoryview | None]] = {}
    for tensor in message.inputs:
        if tensor.name in inputs:
            raise bad(f"The request has two inputs of the name {tensor.name[:80]!r}.")
        if "shared_memory_region" in tensor.parameters:
            raise bad("This server has no shared memory; send the data of the tensors.")
        content, size = None, tensor.parameters.get(BINARY_SIZE)
        if size is not None:
            if isinstance(size, bool) or not isinstance(size, int) or size < 0 or tensor.has_data:
                raise bad(f"Tensor {tensor.name[:80]!r}: expected either data, or {BINARY_SIZE} as a whole number of bytes.")
            if size > len(body) - at:
                raise bad(f"Tensor {tensor.name[:80]!r}: {BINARY_SIZE} is {size:,}, but {len(body) - at:,} bytes of the body are left.")
            content, at = view[at : at + size], at + size
        elif not tensor.has_data:
            raise bad(f"Tensor {tensor.name[:80]!r} has neither data nor {BINARY_SIZE}.")
        inputs[tensor.name] = (tensor, content)
    if at != len(body):
        raise bad(f"The body has {len(body) - at:,} bytes that belong to no tensor.")
    return Request(
        inputs=inputs,
        id=message.id,
        parameters={name: value for name, value in message.parameters.items() if name != ALL_BINARY},
        outputs=tuple(output.name for output in message.outputs),
        binary=_binary(message),
    )


def select_outputs(request: Request, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs that the client asked for, in its order; all where it named none. Raises `Refusal` for an unknown name."""
    for name in request.outputs:
        if name not in arrays:
            raise bad(f"There is no output {name[:80]!r}; the outputs are {', '.join(arrays)}.")
    return {name: arrays[name] for name in request.outputs} if request.outputs else arrays


def format_response(
    request: Request, model: str, version: str, arrays: dict[str, np.ndarray], parameters: Parameters
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a response.

    Args:
        request: what was asked: its id, and which outputs are to be binary.
        model: name of the model.
        version: of the model.
        arrays: the outputs by name.
        parameters: of the response, such as warnings; left out where there are none.
    """
    outputs, tail, default = [], [], request.binary.get(None, False)
    for name, array in arrays.items():
        output: dict[str, Any] = {"name": name, "datatype": datatype_of(array.dtype), "shape": list(array.shape)}
        if request.binary.get(name, default):
            content = to_binary(array)
            output["parameters"] = {BINARY_SIZE: len(content)}
            tail.append(content)
        else:
            output["data"] = to_json(array)
        outputs.append(output)
    message: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": outputs}
    if request.id is not None:
        message["id"] = request.id
    if parameters:
        message["parameters"] = parameters
    head = msgspec.json.encode(message)
    if not tail:
        return [(b"content-type", JSON_TYPE)], head
    return [(b"content-type", BINARY_TYPE), (HEADER_LENGTH, str(len(head)).encode())], b"".join([head, *tail])


def format_error(refusal: Refusal) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a refusal, `{"error": sentence}`."""
    return [(b"content-type", JSON_TYPE), *refusal.headers], msgspec.json.encode({"error": str(refusal)})


def _length(text: bytes, most: int) -> int:
    if not re.fullmatch(rb"[0-9]{1,12}", text) or int(text) > most:
        raise bad(f"The header Inference-Header-Content-Length must be a number of bytes up to that of the body, {most:,}.")
    return int(text)


def _binary(message: Message) -> dict[str | None, bool]:
    found: dict[str | None, bool] = {}
    if ALL_BINARY in message.parameters:
        found[None] = message.parameters[ALL_BINARY] is True
    for output in message.outputs:
        for name, value in output.parameters.items():
            if name != BINARY_OUTPUT:
                raise bad(f"The parameter {name[:80]!r} of an output has no meaning here; expected {BINARY_OUTPUT}.")
            found[output.name] = value is True
    return found


def _reason(error: Exception) -> str:
    """What msgspec says, without its full stop; a text that is no UTF-8 in its own words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error).rstrip(".")
