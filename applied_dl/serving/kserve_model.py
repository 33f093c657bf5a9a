"""Bundles behind KServe's own model server, for gRPC and for clusters that expect its classes (extra `[kserve]`).

    python -m applied_dl.serving.kserve_model NAME=FOLDER … [--http_port 8080] [--grpc_port 8081] [KServe's own arguments]

Raw inputs, options, answers and sentences are those of `applied-dl serve`, which is lighter and has limits, reload and a token; this server
has those of KServe.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from kserve import InferInput, InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server
from kserve.errors import InvalidInput
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.infer_type import RequestedOutput, to_http_parameters

from applied_dl.core.errors import AppliedError
from applied_dl.serving import models
from applied_dl.serving.infer import answer
from applied_dl.serving.limits import Limits
from applied_dl.serving.names import named_folders
from applied_dl.serving.protocol import ALL_BINARY, HEADER_LENGTH, Request, Tensor, array_of, parse_request, select_outputs
from applied_dl.serving.tensors import datatype_of, to_binary

WRONG = (AppliedError, ValueError, TypeError, struct.error)  # what tensors that KServe reads itself end in


class BundleModel(Model):
    """A bundle as a KServe model.

    Args:
        name: of the model.
        folder: of the bundle.
    """

    def __init__(self, name: str, folder: str):
        super().__init__(name)
        self.folder = folder
        self.bundle = models.Model(name, Path(folder), models.version_of(Path(folder)))
        self.pool = ThreadPoolExecutor(os.cpu_count())
        self.ready = True

    def __reduce__(self) -> tuple[type[BundleModel], tuple[str, str]]:
        """KServe's worker processes load the bundle themselves: an interpreter cannot be sent to them."""
        return type(self), (self.name, self.folder)

    def get_input_types(self) -> list[dict[str, Any]]:
        """The tensors of the graph."""
        inputs: list[dict[str, Any]] = self.bundle.metadata["inputs"]
        return inputs

    def get_output_types(self) -> list[dict[str, Any]]:
        """The outputs of the graph."""
        outputs: list[dict[str, Any]] = self.bundle.metadata["outputs"]
        return outputs

    async def predict(self, payload: InferRequest, headers: Any = None, response_headers: Any = None) -> InferResponse:
        """Answer one request, over HTTP or gRPC, without blocking the others."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, self._answer, payload)

    def _answer(self, asked: InferRequest) -> InferResponse:
        try:
            request = read_request(asked)
            arrays, notes = answer(self.bundle, request, Limits())
            arrays = select_outputs(request, arrays)
        except WRONG as error:
            raise InvalidInput(str(error)) from error
        outputs = [InferOutput(name, list(array.shape), datatype_of(array.dtype), data=array) for name, array in arrays.items()]
        for output in outputs if asked.from_grpc else ():  # KServe's own conversion asks an array for its truth value, and fails
            output.set_data_from_numpy(output.data, binary_data=True)
        return InferResponse(
            asked.id or "", self.name, outputs, None, None, asked.from_grpc, notes or None, asked.use_binary_outputs, asked.request_outputs
        )


def read_request(asked: InferRequest) -> Request:
    """KServe's request as ours."""
    inputs: dict[str, tuple[Tensor, memoryview | None]] = {}
    for one in asked.inputs:
        tensor = Tensor(name=one.name, shape=[int(size) for size in one.shape], datatype=one.datatype)
        inputs[one.name] = (tensor, memoryview(to_binary(np.asarray(one.as_numpy()))))
    parameters = {name: value for name, value in to_http_parameters(asked.parameters or {}).items() if name != ALL_BINARY}
    return Request(inputs=inputs, parameters=parameters, outputs=tuple(one.name for one in asked.request_outputs or ()))


class Plane(DataPlane):
    """Reads requests over HTTP by our protocol: KServe decodes binary BYTES as UTF-8, so that the bytes of an image are an error."""

    def decode_inference_request(self, body: Any, headers: dict[str, str], model_name: str) -> InferRequest:
        """The request of one model."""
        if not isinstance(body, bytes):
            return super().decode_inference_request(body, headers, model_name)
        length = headers.get(HEADER_LENGTH.decode())
        try:
            request = parse_request(body, length.encode() if length is not None else None)
            inputs = []
            for name, (tensor, content) in request.inputs.items():
                inputs.append(InferInput(name, tensor.shape, tensor.datatype))
                inputs[-1]._raw_data = bytes(content) if content is not None else to_binary(array_of(tensor, None))
        except AppliedError as error:
            raise InvalidInput(str(error)) from error
        binary = request.binary
        outputs = [RequestedOutput(name, {"binary_data": binary[name]} if name in binary else None) for name in request.outputs]
        parameters = {**request.parameters, **({ALL_BINARY: True} if binary.get(None) else {})}
        return InferRequest(model_name, inputs, request.id, None, False, parameters, outputs or None)


def main() -> None:
    """Serve the bundles of the command line."""
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", help="folders written by `train`; NAME=FOLDER gives another name")
    folders = named_folders(parser.parse_args().bundles)
    server = ModelServer()
    server.dataplane = Plane(model_registry=server.registered_models)
    server.start([BundleModel(name, str(folder)) for name, folder in folders.items()])


if __name__ == "__main__":
    main()
