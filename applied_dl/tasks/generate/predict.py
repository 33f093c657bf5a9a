"""Seeds and labels in, images or rows out: the part of the generate task that needs no TensorFlow."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.errors import DataError, nearest
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.generate.encoder import GenerateEncoder, Request, inputs_of, load, pixels, rows_frame

load_encoder = load
INPUT = "row"
AT_ONCE = 512
KEYS = ("seed", "number", "label")
LARGEST = 2**63 - 1
TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".xlsx")


def expand_inputs(arguments: list[str]) -> list[Any]:
    """Labels or seeds as given, requests as JSON (`{"label": "3", "seed": 1}`); a table stands for its rows, of the columns label and seed.

    Raises:
        DataError: a table cannot be read.
    """
    found: list[Any] = []
    for text in arguments:
        path = Path(text)
        if path.suffix.lower() in TABLES and path.is_file():
            from applied_dl.io.tables import read_table

            found += read_table(path).frame.to_dicts()
        else:
            found.append(text)
    return found


def input_batches(arguments: list[str]) -> Iterator[list[Any]]:
    """The requests of `expand_inputs`, `AT_ONCE` at a time."""
    found = expand_inputs(arguments)
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


def raw_inputs(encoder: GenerateEncoder) -> list[tuple[str, str]]:
    """A label, where there are any, and a seed."""
    return [("label", "BYTES"), ("seed", "FP64")] if encoder.form.labels else [("seed", "FP64")]


def examples(encoder: GenerateEncoder) -> list[dict[str, Any]]:
    """Requests with and without a label."""
    labels = encoder.form.labels[:2]
    return [{"seed": 0}, {"seed": 7, "number": 3}, *({"seed": 1, "label": label} for label in labels)]


def encode(encoder: GenerateEncoder, inputs: Any) -> Encoded:
    """Requests → `latent` (N, D), and `label` (N,) where there are classes."""
    items = inputs.to_dicts() if hasattr(inputs, "to_dicts") else inputs.to_dict("records") if hasattr(inputs, "to_dict") else list(inputs)
    requests, kept, errors = [], [], {}
    for place, item in enumerate(items):
        try:
            requests.append(_request(encoder, item))
            kept.append(place)
        except DataError as error:
            errors[place] = str(error)
    return Encoded(inputs=inputs_of(encoder.form, requests), kept=kept, errors=errors, extra={"requests": requests})


def postprocess(encoder: GenerateEncoder, outputs: dict[str, np.ndarray], encoded: Encoded) -> list[dict[str, Any]]:
    """`{"image"}`, a PNG as base64, with `"label"` where there are classes; or `{"row"}`, the cells of a table by column."""
    form = encoder.form
    if form.height:
        images = [{"image": base64.b64encode(png(image)).decode()} for image in pixels(outputs["image"])]
        if not form.labels:
            return images
        return [{"label": form.labels[code], **image} for code, image in zip(encoded.inputs["label"], images)]
    requests: Any = encoded.extra["requests"]
    answers = []
    for row, request in enumerate(requests):
        part = slice(row, row + 1)
        cells = rows_frame(form, outputs["codes"][part], outputs["places"][part], request.number).row(0, named=True)
        answers.append({"row": {name: cell.isoformat() if hasattr(cell, "isoformat") else cell for name, cell in cells.items()}})
    return answers


def png(image: np.ndarray) -> bytes:
    """uint8 (H, W, 1 or 3) as the bytes of a PNG."""
    from PIL import Image

    target = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(target, "PNG")
    return target.getvalue()


def _request(encoder: GenerateEncoder, item: Any) -> Request:
    """A request of any form. Raises `DataError` for one that cannot be understood."""
    if isinstance(item, Request):
        return item
    if isinstance(item, str) and item.lstrip().startswith("{"):
        try:
            item = json.loads(item)
        except json.JSONDecodeError as error:
            raise DataError(f'{item[:60]!r} is no JSON: {error}; expected for instance {{"seed": 1}}.') from None
    if not isinstance(item, dict):
        item = {"label": item} if encoder.form.labels else {"seed": item}
    if other := [str(key) for key in item if key not in KEYS]:
        raise DataError(f"A request has no key {other[0]!r}; it takes {', '.join(KEYS)}.{nearest(other[0], KEYS)}")
    seed, number = (_whole(key, item.get(key)) for key in ("seed", "number"))
    return Request(seed=seed, number=number, label=_label(encoder, item.get("label")))


def _whole(key: str, value: Any) -> int:
    """A whole number from 0 on; 0 where it is left open."""
    try:
        number = 0 if value is None else int(str(value)) if isinstance(value, str) else int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if number < 0 or number > LARGEST or isinstance(value, bool) or (isinstance(value, float) and value != number):
        raise DataError(f"The {key} must be a whole number from 0 on, received {str(value)[:40]!r}.")
    return number


def _label(encoder: GenerateEncoder, value: Any) -> str | None:
    """The label that is asked for, or None where it is left open."""
    labels = encoder.form.labels
    if value is None or value == "":
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not labels:
        raise DataError(
            f"This model makes {'images' if encoder.form.height else 'rows'} without classes, so no label {text[:40]!r} can be asked for."
        )
    if text not in labels:
        raise DataError(f"The model knows no label {text[:40]!r}.{nearest(text, labels)}")
    return text


__all__ = ["AT_ONCE", "INPUT", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs"]
