"""int8 weights, float32 arithmetic: an fp32 TFLite file with its large constants stored in a quarter of their bytes.

Each weight becomes int8 with one scale a channel (symmetric, Jacob et al., 2018, section 3) and a DEQUANTIZE that the runtime does once,
when it prepares. Beside the dynamic-range file, which also rounds what flows between the layers, it loses less at about the same size; its
speed and memory are those of fp32. The converter has no such mode, so the file is written here.
"""

from __future__ import annotations

import numpy as np

SMALLEST = 1024  # numbers of a constant that is worth it; the TFLite converter's own limit
SHORT = 32  # numbers a channel at the least; a table of narrower rows gets one scale a column
DEPTHWISE_AXIS = 3
LARGEST = 127


def quantise_weights(content: bytes) -> bytes | None:
    """The same graph, its large float32 constants as int8; None where it has none."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    code = _operator_code(model, schema)
    made: dict[tuple, tuple] = {}
    for graph in model.subgraphs:
        front = []
        for place, axis in _weights(graph, model, schema).items():
            tensor = graph.tensors[place]
            key = (tensor.buffer, axis)
            if key not in made:
                made[key] = _small(model, tensor, axis, schema)
            graph.tensors.append(_as_int8(tensor, *made[key], axis, schema))
            front.append(_dequantise(len(graph.tensors) - 1, place, code, schema))
            tensor.buffer = 0  # it holds nothing of its own now
        graph.operators = [*front, *graph.operators]
    if not made:
        return None
    _drop_unused(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _weights(graph, model, schema) -> dict[int, int]:
    """Large float32 constants of two axes or more that operators read, and the axis of their channels."""
    names = schema.BuiltinOperator
    found: dict[int, int] = {}
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex]
        kind = max(kind.builtinCode, kind.deprecatedBuiltinCode)
        for place in operator.inputs:
            tensor = graph.tensors[place] if place >= 0 else None
            if tensor is None or tensor.type != schema.TensorType.FLOAT32 or tensor.shape is None or len(tensor.shape) < 2:
                continue
            data = model.buffers[tensor.buffer].data
            if data is None or len(data) < 4 * SMALLEST:
                continue
            axis = DEPTHWISE_AXIS if kind == names.DEPTHWISE_CONV_2D else 0
            if np.prod(tensor.shape) // tensor.shape[axis] < SHORT:
                axis = len(tensor.shape) - 1
            found.setdefault(int(place), axis)
    for place in (*graph.inputs, *graph.outputs):
        found.pop(int(place), None)
    return found


def _small(model, tensor, axis: int, schema) -> tuple[int, np.ndarray]:
    """A new buffer of int8 numbers, and the scale of each channel."""
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).reshape(tensor.shape)
    others = tuple(i for i in range(values.ndim) if i != axis)
    scale = np.maximum(np.abs(values).max(axis=others) / LARGEST, 1e-30).astype(np.float32)
    wide = np.expand_dims(scale, others)
    buffer = schema.BufferT()
    buffer.data = np.clip(np.rint(values / wide), -LARGEST, LARGEST).astype(np.int8).view(np.uint8).ravel()
    model.buffers.append(buffer)
    return len(model.buffers) - 1, scale


def _as_int8(tensor, buffer: int, scale: np.ndarray, axis: int, schema):
    small = schema.TensorT()
    small.name, small.shape, small.shapeSignature = tensor.name + b"/int8", tensor.shape, tensor.shapeSignature
    small.type, small.buffer = schema.TensorType.INT8, buffer
    small.quantization = schema.QuantizationParametersT()
    small.quantization.scale, small.quantization.zeroPoint = scale, np.zeros(len(scale), np.int64)
    small.quantization.quantizedDimension = axis
    return small


def _dequantise(source: int, target: int, code: int, schema):
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, np.array([source], np.int32), np.array([target], np.int32)
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT()
    return operator


def _operator_code(model, schema) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5  # int8 with a scale a channel
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _drop_unused(model) -> None:
    """Empty the buffers that no tensor reads any more; their numbers stay, so that nothing else has to change."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors} | {m.buffer for m in model.metadata or []}
    for place, buffer in enumerate(model.buffers):
        if place not in used:
            buffer.data = None
