"""Raw inputs of a request → what `Predictor.predict` takes. Nothing that a client sends becomes a path, or is opened as a file."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from typing import Any

import numpy as np

from applied_dl.serving.limits import Limits
from applied_dl.serving.protocol import Request, Tensor, array_of
from applied_dl.serving.refusal import Refusal, bad
from applied_dl.serving.tensors import BYTES, cells, count_of

Cell = str | int | float | bool | None


def read_raw(request: Request, kind: str, columns: list[str], limits: Limits) -> list[Any]:
    """The inputs of a request with `raw: true`.

    Args:
        request: the request.
        kind: what one input of the task is: "image", "text", "row" or "history".
        columns: the names of the raw inputs.
        limits: of rows and pixels.

    Returns:
        Bytes or arrays of images, texts, rows (dicts), or one history (a dict of columns).

    Raises:
        Refusal: a type or a shape that the task does not take, or more than the limits.
    """
    for tensor, _ in request.inputs.values():
        rows = count_of(tensor.name, tensor.shape[:1]) if tensor.shape else 1
        if rows > limits.rows:
            raise Refusal(413, f"The request has {rows:,} rows; this server takes at most {limits.rows:,} at once.")
    if kind in ("row", "history"):
        table = {name: _cells(tensor, content) for name, (tensor, content) in request.inputs.items()}
        _check_columns(table)
        return [table] if kind == "history" else [dict(zip(table, row)) for row in zip(*table.values())]
    if len(request.inputs) != 1:
        raise bad(f"Raw inputs of this model are one tensor, {columns[0]!r} of BYTES; received {len(request.inputs)} tensors.")
    ((tensor, content),) = request.inputs.values()
    return _images(tensor, content, limits) if kind == "image" else _texts(tensor, content)


def _texts(tensor: Tensor, content: memoryview | None) -> list[str]:
    if tensor.datatype != BYTES:
        raise bad(f"Tensor {tensor.name!r}: expected texts as BYTES, received {tensor.datatype[:40]}.")
    return [value.decode("utf-8", "replace") for value in array_of(tensor, content).ravel()]


def _images(tensor: Tensor, content: memoryview | None, limits: Limits) -> list[bytes | np.ndarray]:
    """Image files as BYTES, in JSON as base64; or pixels, UINT8 of shape [N, H, W, C]."""
    array = array_of(tensor, content)
    if tensor.datatype == BYTES:
        files = [_decoded(value, place) for place, value in enumerate(array.ravel())] if content is None else list(array.ravel())
        _check_pixels(files, limits)
        return files
    if tensor.datatype == "UINT8" and array.ndim == 4:
        return list(array)
    raise bad(
        f"Tensor {tensor.name!r}: expected image files as BYTES (base64 in JSON), or pixels as UINT8 of shape [N, H, W, C]; "
        f"received {tensor.datatype[:40]} of shape {tensor.shape}."
    )


def _decoded(text: bytes, place: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad(f"Image {place} is no base64; in JSON an image file is base64, as a binary tensor it is its bytes.") from None


def _check_pixels(files: list[bytes], limits: Limits) -> None:
    """Refuse before decoding: a few kilobytes can hold a very large image. What is no image gets its sentence when it is decoded."""
    from PIL import Image

    total = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for place, content in enumerate(files):
            try:
                with Image.open(io.BytesIO(content)) as image:
                    total += image.size[0] * image.size[1]
            except Image.DecompressionBombError:
                total = limits.pixels + 1
            except Exception:  # damaged headers raise whatever Pillow's plugins raise
                continue
            if total > limits.pixels:
                most = f"{limits.pixels:,} pixels together"
                raise Refusal(413, f"The images up to image {place} have over {most}; send smaller or fewer ones.")


def _cells(tensor: Tensor, content: memoryview | None) -> list[Cell]:
    """One column: texts, numbers and truth values, null where a cell is missing."""
    if len(tensor.shape) > 2 or (len(tensor.shape) == 2 and tensor.shape[1] != 1):
        raise bad(f"Tensor {tensor.name!r}: expected a column of shape [N] or [N, 1], received {tensor.shape}.")
    if content is not None:
        values: list[Any] = array_of(tensor, content).ravel().tolist()
        return [value.decode("utf-8", "replace") if isinstance(value, bytes) else _present(value) for value in values]
    column = cells(tensor.name, tensor.datatype, tensor.view, len(tensor.shape))
    if len(column) != count_of(tensor.name, tensor.shape):
        raise bad(f"Tensor {tensor.name!r}: the shape {tensor.shape} has other than the {len(column):,} elements received.")
    return column


def _present(value: Any) -> Cell:
    """NaN is a missing cell."""
    return None if value != value else value


def _check_columns(table: dict[str, list[Cell]]) -> None:
    """Columns of one length, with names that stay different without the space around them."""
    lengths = {name: len(cells) for name, cells in table.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r} {count:,}" for name, count in list(lengths.items())[:10])
        raise bad(f"The columns have different numbers of cells: {shown}.")
    if not table:
        raise bad("The request has no columns.")
    names = [name.strip() for name in table]
    if not all(names) or len(set(names)) < len(names):
        raise bad("Two columns have the same name, or one has none, apart from the space around names.")
