"""Tensors of the Open Inference Protocol v2 as numpy arrays: numbers in JSON, and the binary tensor extension.

Elements of the type BYTES are an object array of `bytes`; in JSON they are texts. The extension writes each of them after its length (four
bytes, little-endian), and other types as their memory, row by row, little-endian.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from applied_dl.serving.refusal import bad

TYPES = {
    "BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64, "INT8": np.int8, "INT16": np.int16,
    "INT32": np.int32, "INT64": np.int64, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64,
}  # fmt: skip
BYTES = "BYTES"
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}
LENGTH = struct.Struct("<I")
MOST_AXES = 8


def datatype_of(dtype: Any) -> str:
    """The protocol's name of a numpy type: "FP32", "BYTES", …"""
    return NAMES.get(np.dtype(dtype), BYTES)


def count_of(name: str, shape: list[int]) -> int:
    """How many elements a shape has. Raises `Refusal` for negative or absurd sizes."""
    if len(shape) > MOST_AXES or (shape and min(shape) < 0):
        raise bad(f"Tensor {name!r}: expected a shape of at most {MOST_AXES} sizes that are not negative, received {shape[:16]}.")
    return math.prod(shape)


def from_json(name: str, datatype: str, shape: list[int], data: bytes | memoryview) -> np.ndarray:
    """The JSON of `data`, nested or flat, as an array of this shape; null is NaN in a tensor of floats.

    Raises:
        Refusal: other numbers of elements than the shape has, elements of another type, or numbers outside its range.
    """
    count = count_of(name, shape)
    values = cells(name, datatype, data, len(shape), missing=datatype.startswith("FP"))
    if len(values) != count:
        raise bad(f"Tensor {name!r}: the shape {shape} has {count:,} elements, received {len(values):,}.")
    if datatype == BYTES:
        return _array([value.encode("utf-8", "replace") for value in values], shape)
    kind = np.dtype(TYPES[datatype])
    try:
        if kind.kind != "f":
            return _whole(name, datatype, values).reshape(shape)
        found = np.array(values, np.float64)  # None becomes NaN
    except OverflowError:
        raise bad(f"Tensor {name!r}: it holds a number beyond the range of {datatype}.") from None
    with np.errstate(over="ignore"):  # beyond the range of a float is infinity, and refused here
        array = found.astype(kind).reshape(shape)
    if np.isinf(array).any():
        raise bad(f"Tensor {name!r}: it holds a number beyond the range of {datatype}.")
    return array


def cells(name: str, datatype: str, data: bytes | memoryview, axes: int, missing: bool = True) -> list[Any]:
    """The JSON of `data`, nested at most `axes` deep, as one flat list of texts, numbers or truth values; None where it is null.

    Decoded by type, so that a long text among numbers is refused before it can decide how large an array becomes.
    """
    depth = _depth(data, max(axes, 1), name)
    try:
        values: list[Any] = _decoder(_python_type(name, datatype), depth, missing).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        what = str(error).rstrip(".") if isinstance(error, msgspec.MsgspecError) else "it is no UTF-8"
        raise bad(f"Tensor {name!r}: expected a list of {datatype}, nested evenly: {what}.") from None
    for _ in range(depth - 1):
        if len({len(part) for part in values}) > 1:
            raise bad(f"Tensor {name!r}: its data is nested unevenly.")
        values = list(chain.from_iterable(values))
    return values


def from_binary(name: str, datatype: str, shape: list[int], content: memoryview) -> np.ndarray:
    """The raw bytes of a tensor as an array of this shape, without a copy where the type is numeric."""
    count = count_of(name, shape)
    if datatype == BYTES:
        return _array(_split(name, content, count), shape)
    kind = np.dtype(_numeric(name, datatype)).newbyteorder("<")
    if len(content) != count * kind.itemsize:
        raise bad(f"Tensor {name!r}: {datatype} of shape {shape} takes {count * kind.itemsize:,} bytes, received {len(content):,}.")
    if kind.kind == "b" and count and np.frombuffer(content, np.uint8).max() > 1:
        raise bad(f"Tensor {name!r}: expected the bytes 0 and 1 of BOOL.")
    return np.frombuffer(content, kind).reshape(shape)


def to_json(array: np.ndarray) -> list[Any]:
    """The elements in one flat list, as JSON holds them; numbers that are not finite are null."""
    values: list[Any] = array.ravel().tolist()
    if array.dtype == object:
        return [value.decode("utf-8") for value in values]
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return [value if math.isfinite(value) else None for value in values]
    return values


def to_binary(array: np.ndarray) -> bytes:
    """The elements as the binary extension writes them."""
    if array.dtype == object:
        return b"".join(part for value in array.ravel() for part in (LENGTH.pack(len(value)), value))
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def _python_type(name: str, datatype: str) -> type:
    if datatype == BYTES:
        return str
    return {"b": bool, "f": float}.get(np.dtype(_numeric(name, datatype)).kind, int)


@cache
def _decoder(element: type, depth: int, missing: bool) -> msgspec.json.Decoder[Any]:
    kind: Any = element | None if missing else element
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind)


def _depth(data: bytes | memoryview, most: int, name: str) -> int:
    """How deep the list is nested at its first element: 1 for a flat one."""
    depth = bytes(data[: 64 * MOST_AXES]).translate(None, b" \t\r\n").partition(b"[")[2]
    found = 1 + len(depth) - len(depth.lstrip(b"["))
    if found > most:
        raise bad(f"Tensor {name!r}: its data is nested deeper than its shape.")
    return found


def _whole(name: str, datatype: str, values: list[Any]) -> np.ndarray:
    """Whole numbers or truth values as their type. Raises `Refusal` outside its range, which numpy does not always."""
    kind = np.dtype(TYPES[datatype])
    if kind.kind == "b" or not values:
        return np.array(values, kind)
    limits, low, high = np.iinfo(kind.name), min(values), max(values)
    if low < limits.min or high > limits.max:
        raise bad(f"Tensor {name!r}: it holds {low if low < limits.min else high}, which is beyond the range of {datatype}.")
    return np.array(values, kind)


def _numeric(name: str, datatype: str) -> type[np.generic]:
    if datatype not in TYPES:
        raise bad(f"Tensor {name!r}: unknown datatype {datatype[:40]!r}; expected one of {', '.join([*TYPES, BYTES])}.")
    return TYPES[datatype]


def _array(values: list[bytes], shape: list[int]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def _split(name: str, content: memoryview, count: int) -> list[bytes]:
    """The elements of BYTES, each after its length. The count is checked first: a shape must not decide how much is allocated."""
    if count * LENGTH.size > len(content):
        raise bad(f"Tensor {name!r}: {count:,} elements of BYTES take at least {count * LENGTH.size:,} bytes, received {len(content):,}.")
    values: list[bytes] = []
    at = 0
    while at < len(content):
        if at + LENGTH.size > len(content) or len(values) == count:
            raise bad(f"Tensor {name!r}: {len(content) - at:,} bytes follow its {len(values):,} elements of BYTES.")
        (length,) = LENGTH.unpack_from(content, at)
        at += LENGTH.size
        if length > len(content) - at:
            raise bad(f"Tensor {name!r}: element {len(values)} should have {length:,} bytes, {len(content) - at:,} are left.")
        values.append(bytes(content[at : at + length]))
        at += length
    if len(values) != count:
        raise bad(f"Tensor {name!r}: expected {count:,} elements of BYTES, received {len(values):,}.")
    return values
