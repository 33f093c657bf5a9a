"""The OpenAPI description of a server, with the names of its models and an example request for each."""

from __future__ import annotations

from typing import Any

from applied_dl.serving.models import Model
from applied_dl.serving.tensors import BYTES, TYPES

EXAMPLES = {"FP64": 1.0, BYTES: "text"}


def describe(models: list[Model]) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes.

    Args:
        models: the served ones.
    """
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": [model.name for model in models]}}
    version = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
    examples = {model.name: {"summary": f"Raw inputs of {model.name}", "value": example(model)} for model in models}
    paths: dict[str, Any] = {
        "/v2/health/live": {"get": _get("The process runs")},
        "/v2/health/ready": {"get": _get("Every model can answer")},
        "/v2": {"get": _get("Name, version and extensions of the server")},
        "/metrics": {"get": {"summary": "Metrics in the format of Prometheus", "responses": {"200": {"description": "text"}}}},
        "/openapi.json": {"get": _get("This description")},
    }
    for path, parameters in (("/v2/models/{name}", [name]), ("/v2/models/{name}/versions/{version}", [name, version])):
        paths[path] = {"parameters": parameters, "get": _get("Inputs and outputs of a model", "Metadata")}
        paths[f"{path}/ready"] = {"parameters": parameters, "get": _get("The model can answer")}
        paths[f"{path}/infer"] = {"parameters": parameters, "post": _infer(examples)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "applied_dl: Open Inference Protocol v2", "version": "2"},
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


def example(model: Model) -> dict[str, Any]:
    """A request with raw inputs of a model, to be filled in."""
    inputs = [
        {"name": name, "datatype": datatype, "shape": [1], "data": [EXAMPLES[datatype] if model.kind != "image" else "BASE64 OF A FILE"]}
        for name, datatype in model.raw_inputs
    ]
    return {"parameters": {"raw": True}, "inputs": inputs}


def _get(summary: str, schema: str = "") -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}}
    return {"summary": summary, "responses": {"200": {"description": "JSON", "content": {"application/json": content}}, **_errors()}}


def _infer(examples: dict[str, Any]) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    request = {"schema": {"$ref": "#/components/schemas/Request"}, "examples": examples}
    response = {"schema": {"$ref": "#/components/schemas/Response"}}
    return {
        "summary": "Answer: tensors of the graph, or raw inputs with the parameter raw: true",
        "requestBody": {"required": True, "content": {"application/json": request, "application/octet-stream": binary}},
        "responses": {
            "200": {"description": "Outputs", "content": {"application/json": response, "application/octet-stream": binary}},
            **_errors(),
        },
    }


def _errors() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": "One sentence", "content": content} for status in ("4XX", "5XX")}


def _schemas() -> dict[str, Any]:
    parameters = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
    shape = {"type": "array", "items": {"type": "integer"}}
    head = {"name": {"type": "string"}, "datatype": {"enum": [*TYPES, BYTES]}, "shape": shape}
    tensor = {
        "type": "object",
        "properties": {**head, "data": {"type": "array"}, "parameters": parameters},
        "required": ["name", "datatype", "shape"],
    }
    described = {"type": "array", "items": {"type": "object", "properties": head, "required": list(head)}}
    wanted = {"type": "object", "properties": {"name": {"type": "string"}, "parameters": parameters}, "required": ["name"]}
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "Error": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]},
        "Metadata": {
            "type": "object",
            "properties": {
                "name": {"type": "string"}, "versions": texts, "platform": {"type": "string"}, "parameters": parameters,
                **dict.fromkeys(("inputs", "outputs", "raw_inputs", "raw_outputs"), described),
            },
            "required": ["name", "versions", "platform", "inputs", "outputs"],
        },
        "Request": {
            "type": "object",
            "properties": {
                "id": {"type": "string"}, "parameters": parameters, "inputs": {"type": "array", "items": tensor},
                "outputs": {"type": "array", "items": wanted},
            },
            "required": ["inputs"],
        },
        "Response": {
            "type": "object",
            "properties": {
                "model_name": {"type": "string"}, "model_version": {"type": "string"}, "id": {"type": "string"}, "parameters": parameters,
                "outputs": {"type": "array", "items": tensor},
            },
            "required": ["model_name", "outputs"],
        },
    }  # fmt: skip
