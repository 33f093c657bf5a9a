"""One `infer` request from its bytes to the bytes of its response."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from applied_dl.serving.limits import Limits
from applied_dl.serving.models import ANSWERS, Model
from applied_dl.serving.protocol import Parameters, Request, format_response, parse_request, select_outputs
from applied_dl.serving.raw import read_raw
from applied_dl.serving.refusal import Refusal, bad

RAW = "raw"


class Answered(NamedTuple):
    """The headers and the body of a response, and how many rows were answered."""

    headers: list[tuple[bytes, bytes]]
    body: bytes
    rows: int


def infer(model: Model, body: bytes, header_length: bytes | None, limits: Limits) -> Answered:
    """Answer a request.

    Args:
        model: the one that was asked.
        body: of the request.
        header_length: the header of the binary tensor extension.
        limits: of rows and pixels.

    Raises:
        AppliedError: the request is wrong, or none of its inputs can be read.
    """
    return respond(model, parse_request(body, header_length), limits)


def respond(model: Model, request: Request, limits: Limits) -> Answered:
    """Answer a request that was read."""
    arrays, notes = answer(model, request, limits)
    rows = len(next(iter(arrays.values()))) if arrays else 0
    return Answered(*format_response(request, model.name, model.version, select_outputs(request, arrays), notes), rows)


def answer(model: Model, request: Request, limits: Limits) -> tuple[dict[str, np.ndarray], Parameters]:
    """The outputs for a request, and the parameters of its response."""
    options = dict(request.parameters)
    raw = options.pop(RAW, False)
    if not isinstance(raw, bool):
        raise bad(f"The parameter {RAW!r} must be true or false, received {str(raw)[:40]!r}.")
    return _predict(model, request, options, limits) if raw else (_run(model, request, options, limits), {})


def check_options(model: Model, options: dict[str, Any], limits: Limits) -> None:
    """Raises `Refusal` for an option that `predict` of this task does not have, or a value of another type."""
    for name, value in options.items():
        if name not in model.options:
            known = ", ".join([RAW, *model.options])
            raise bad(f"The parameter {name[:80]!r} has no meaning for this model; the parameters are {known}.")
        kind = model.options[name]
        if type(value) is not kind:
            wanted = "true or false" if kind is bool else "a whole number"
            raise bad(f"The parameter {name!r} must be {wanted}, received {str(value)[:40]!r}.")
        if isinstance(value, int) and value > limits.rows:
            raise bad(f"The parameter {name!r} is {value}; this server takes at most {limits.rows:,}.")


def _run(model: Model, request: Request, options: dict[str, Any], limits: Limits) -> dict[str, np.ndarray]:
    """The outputs of the graph for its own tensors."""
    for name in options:
        hint = f"; the options of raw inputs ({', '.join(model.options)}) need {RAW}: true" if name in model.options else ""
        raise bad(f"The parameter {name[:80]!r} has no meaning for tensors of the graph{hint}.")
    arrays = request.arrays()
    sizes = {name: array.shape[0] if array.ndim else 0 for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise bad(f"The tensors have different numbers of rows: {', '.join(f'{k!r} {n:,}' for k, n in list(sizes.items())[:10])}.")
    rows = next(iter(sizes.values()), 0)
    if rows > limits.rows:
        raise Refusal(413, f"The request has {rows:,} rows; this server takes at most {limits.rows:,} at once.")
    if rows == 0:
        raise bad("The request has no rows.")
    wanted = set(model.predictor.runtime.inputs)
    if set(arrays) != wanted:
        raise bad(
            f"The model expects inputs {sorted(wanted)}, received {sorted(arrays)}; with the parameter {RAW}: true it takes "
            f"what a person has ({', '.join(model.raw_names[:10])})."
        )
    return model.predictor.run(arrays)


def _predict(model: Model, request: Request, options: dict[str, Any], limits: Limits) -> tuple[dict[str, np.ndarray], Parameters]:
    """The answers of `predict` to raw inputs, as one JSON object each.

    An input that cannot be read has `{"input", "error"}` in its place, and the response says how many there are; where all of them are
    such, the request is refused.
    """
    check_options(model, options, limits)
    inputs = read_raw(request, model.kind, model.raw_names, limits)
    if not inputs:
        raise bad("The request has no inputs.")
    answers = model.predictor.predict(inputs, **options)
    failed = [one for one in answers if "error" in one]
    if len(failed) == len(answers):
        raise bad(str(failed[0]["error"]) if failed else "The request holds nothing to predict from.")
    notes: Parameters = {}
    if model.predictor.warnings:
        notes["warnings"] = "; ".join(model.predictor.warnings)
    if failed:
        notes["errors"] = len(failed)
    texts = [msgspec.json.encode(one, enc_hook=_plain) for one in answers]  # NaN becomes null
    array = np.empty(len(texts), object)
    array[:] = texts
    return {ANSWERS: array}, notes


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as Python's."""
    return value.tolist()
