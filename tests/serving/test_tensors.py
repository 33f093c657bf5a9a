"""Tensors survive both forms of the protocol, and whatever is wrong in them is one sentence."""

import json
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from applied_dl.serving.refusal import Refusal
from applied_dl.serving.tensors import TYPES, cells, datatype_of, from_binary, from_json, to_binary, to_json
from tests.hostile import one_sentence

shapes = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
numeric = st.sampled_from(sorted(TYPES)).flatmap(
    lambda name: st.tuples(
        st.just(name), arrays.arrays(TYPES[name], shapes, elements={"allow_nan": False, "allow_infinity": False} if "FP" in name else None)
    )
)
texts = st.lists(st.binary(max_size=20), max_size=6)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and np.array_equal(one, other)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(numeric)
def test_numbers_survive_both_forms(case):
    name, array = case
    shape = list(array.shape)
    assert datatype_of(array.dtype) == name
    assert same(from_binary("x", name, shape, memoryview(to_binary(array))), array)
    assert same(from_json("x", name, shape, json.dumps(to_json(array)).encode()), array)
    if 0 not in shape:
        assert same(from_json("x", name, shape, json.dumps(array.tolist()).encode()), array)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_bytes_survive_the_binary_form(values):
    array = np.empty(len(values), object)
    array[:] = values
    content = to_binary(array)
    assert content == b"".join(struct.pack("<I", len(value)) + value for value in values)
    assert from_binary("x", "BYTES", [len(values)], memoryview(content)).tolist() == values


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), min_size=1, max_size=6))
def test_texts_survive_json(values):
    array = from_json("x", "BYTES", [len(values), 1], json.dumps([[value] for value in values]).encode())
    assert array.shape == (len(values), 1)
    assert to_json(array) == values


def test_missing_numbers_are_null_in_json():
    array = from_json("x", "FP32", [3], b"[1.5, null, -2]")
    assert np.isnan(array[1])
    assert to_json(array) == [1.5, None, -2.0]


def test_the_order_of_bytes_is_little_endian():
    assert to_binary(np.array([1], ">i4")) == b"\1\0\0\0"
    assert from_binary("x", "INT32", [1], memoryview(b"\1\0\0\0"))[0] == 1


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "words"),
    [
        ("FP32", [2], "[1]", "has 2 elements, received 1"),
        ("FP32", [1], "[1, 2]", "has 1 elements, received 2"),
        ("FP32", [2, 2], "[[1, 2], [3]]", "unevenly"),
        ("FP32", [2], "[[1], [2]]", "deeper"),
        ("FP32", [1], '["1"]', "got `str`"),
        ("FP32", [1], "[true]", "got `bool`"),
        ("FP32", [1], "[1e39]", "beyond the range of FP32"),
        ("FP16", [1], "[70000]", "beyond the range of FP16"),
        ("FP64", [1], "[" + "9" * 400 + "]", "range"),
        ("FP32", [1], "3", "list of FP32"),
        ("FP32", [1], '{"a": 1}', "list of FP32"),
        ("UINT8", [1], "[256]", "it holds 256, which is beyond the range of UINT8"),
        ("UINT8", [1], "[-1]", "it holds -1"),
        ("UINT64", [1], "[18446744073709551616]", "range of UINT64"),
        ("INT64", [1], "[9223372036854775808]", "range of INT64"),
        ("INT32", [1], "[1.5]", "got `float`"),
        ("INT32", [1], "[null]", "got `null`"),
        ("BOOL", [1], "[1]", "got `int`"),
        ("BYTES", [1], "[1]", "got `int`"),
        ("BYTES", [1], "[null]", "got `null`"),
        ("BF16", [1], "[1]", "unknown datatype 'BF16'"),
        ("FP32", [-1], "[1]", "not negative"),
        ("FP32", [1] * 9, "[1]", "at most 8 sizes"),
    ],
)
def test_wrong_json_is_one_sentence(datatype, shape, data, words):
    with pytest.raises(Refusal) as refused:
        from_json("x", datatype, shape, data.encode())
    one_sentence(str(refused.value), (words,))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("datatype", "shape", "content", "words"),
    [
        ("FP32", [2], b"\0" * 4, "takes 8 bytes, received 4"),
        ("FP32", [2**40], b"\0" * 4, "received 4"),
        ("BOOL", [1], b"\2", "bytes 0 and 1"),
        ("BYTES", [2**40], b"\0" * 4, "at least"),
        ("BYTES", [1], b"\5\0\0\0abc", "should have 5 bytes, 3 are left"),
        ("BYTES", [1], b"\0\0\0\0\0\0\0\0", "follow its 1 elements"),
        ("BYTES", [2], b"\4\0\0\0abcd", "expected 2 elements"),
        ("BYTES", [1], b"\xff\xff\xff\xff", "0 are left"),
    ],
)
def test_wrong_bytes_are_one_sentence(datatype, shape, content, words):
    with pytest.raises(Refusal) as refused:
        from_binary("x", datatype, shape, memoryview(content))
    one_sentence(str(refused.value), (words,))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([*TYPES, "BYTES", "nothing"]), st.lists(st.integers(-1, 3), max_size=3), st.binary(max_size=40))
def test_arbitrary_bytes_are_an_array_or_a_refusal(datatype, shape, content):
    try:
        found = from_binary("x", datatype, shape, memoryview(content))
    except Refusal as refused:
        one_sentence(str(refused))
    else:
        assert found.shape == tuple(shape)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([*TYPES, "BYTES"]), st.lists(st.integers(0, 3), max_size=3), values)
def test_arbitrary_json_is_an_array_or_a_refusal(datatype, shape, data):
    try:
        found = from_json("x", datatype, shape, json.dumps(data).encode())
    except Refusal as refused:
        one_sentence(str(refused))
    else:
        assert found.shape == tuple(shape)
        assert datatype_of(found.dtype) == datatype


def test_cells_keep_null():
    assert cells("x", "INT64", b"[[1], [null]]", 2) == [1, None]
    assert cells("x", "BYTES", b'["a", null]', 1) == ["a", None]
    assert cells("x", "FP64", b"[]", 1) == []


def test_a_long_text_among_numbers_allocates_nothing():
    """numpy would make an array of texts, each as long as the longest."""
    data = json.dumps(["x" * 100_000, *range(100_000)]).encode()
    with pytest.raises(Refusal, match="got `str`"):
        from_json("x", "FP32", [100_001], data)
